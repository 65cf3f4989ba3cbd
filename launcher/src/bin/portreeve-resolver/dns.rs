//! DNS, as hickory-resolver speaks it.
//!
//! Its defects that matter here are worked around: it asks all servers at once, because
//! one that is dead would otherwise use up the time of all; it never reads the hosts file,
//! whose first name it does not keep apart; names are asked for as they are, with a final dot.

use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

/// Answers are kept for no longer, so that a change of the zone is noticed.
const LONGEST: Duration = Duration::from_secs(3600);
const LONGEST_NEGATIVE: Duration = Duration::from_secs(60);
const CACHE: u64 = 2048;
/// glibc's limit of servers.
const MOST_SERVERS: usize = 3;

/// What a question came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// This.
    Some(T),
    /// There is authoritatively nothing.
    Nothing,
    /// Nobody could say.
    Failed,
}

/// A resolver for the name servers of resolv.conf; for 127.0.0.1 if it names none. `None` if
/// there can be none, in which case every lookup has failed.
pub fn resolver() -> Option<TokioResolver> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| local());
    adjust(builder.options_mut());
    builder.build().ok()
}

fn local() -> ResolverBuilder<TokioRuntimeProvider> {
    let server = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let config = ResolverConfig::from_name_servers(vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
}

fn adjust(options: &mut ResolverOpts) {
    options.num_concurrent_reqs = MOST_SERVERS;
    options.use_hosts_file = ResolveHosts::Never;
    options.case_randomization = true;
    options.preserve_intermediates = true;
    options.cache_size = CACHE;
    options.positive_max_ttl = Some(LONGEST);
    options.negative_max_ttl = Some(LONGEST_NEGATIVE);
}

/// The first name of an address, without the final dot.
pub async fn name_of(dns: Option<&TokioResolver>, address: IpAddr) -> Found<String> {
    let Some(dns) = dns else { return Found::Failed };
    match dns.reverse_lookup(address).await {
        Ok(lookup) => {
            let name = lookup
                .answers()
                .iter()
                .find_map(|record| match &record.data {
                    RData::PTR(name) => Some(without_dot(name)),
                    _ => None,
                });
            name.map_or(Found::Nothing, Found::Some)
        }
        Err(error) => failure(&error),
    }
}

/// Canonical name and addresses of a name, of one family.
pub async fn addresses_of(
    dns: Option<&TokioResolver>,
    name: &str,
    v4: bool,
) -> Found<(String, Vec<IpAddr>)> {
    let Some(dns) = dns else { return Found::Failed };
    let Ok(mut asked) = Name::from_str(name) else {
        return Found::Nothing;
    };
    asked.set_fqdn(true);
    let kind = if v4 { RecordType::A } else { RecordType::AAAA };
    match dns.lookup(asked, kind).await {
        Err(error) => failure(&error),
        Ok(lookup) => {
            let mut canonical = name.to_owned();
            let mut addresses = Vec::new();
            for record in lookup.answers() {
                match &record.data {
                    RData::A(a) => addresses.push(IpAddr::V4(a.0)),
                    RData::AAAA(aaaa) => addresses.push(IpAddr::V6(aaaa.0)),
                    RData::CNAME(target) => canonical = without_dot(target),
                    _ => {}
                }
            }
            if addresses.is_empty() {
                Found::Nothing
            } else {
                Found::Some((canonical, addresses))
            }
        }
    }
}

fn without_dot(name: &Name) -> String {
    let text = name.to_utf8();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

fn failure<T>(error: &NetError) -> Found<T> {
    use hickory_resolver::proto::op::ResponseCode;
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(
                none.response_code,
                ResponseCode::NoError | ResponseCode::NXDomain
            ) =>
        {
            Found::Nothing
        }
        _ => Found::Failed,
    }
}
