//! Questions to name servers.
//!
//! The pool of servers is used without the resolver above it: that one answers for some
//! names by itself, and follows aliases where the C library does not.

use crate::dnsname::{candidates, text_of};
use crate::hosts::Addresses;
use crate::resolvconf::ResolvConf;
use crate::sources::Found;
use crate::transport::Transport;
use hickory_resolver::config::{NameServerConfig, ResolverOpts};
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer, RetryDnsHandle};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::task::JoinSet;

type Pool = RetryDnsHandle<NameServerPool<Transport>>;

/// How long it is remembered that there is nothing, where the server does not say: seconds.
const UNSAID: u32 = 5;
/// Aliases followed in one answer.
const MOST_ALIASES: usize = 16;

/// The name servers.
pub struct Dns {
    /// All servers together: the first answer counts, even if it says that the server cannot.
    together: Pool,
    /// If there are several: each alone.
    alone: Vec<Pool>,
    search: Vec<Name>,
    options: ResolverOpts,
}

impl Dns {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// The library cannot be set up.
    pub fn new(conf: &ResolvConf) -> Result<Self, NetError> {
        let alone = match conf.servers.as_slice() {
            [_] => Vec::new(),
            servers => servers
                .iter()
                .map(|server| pool(vec![server.clone()], &conf.options))
                .collect::<Result<_, _>>()?,
        };
        Ok(Dns {
            together: pool(conf.servers.clone(), &conf.options)?,
            alone,
            search: conf.search.clone(),
            options: conf.options.clone(),
        })
    }

    /// The name of an address: the first that is given for it.
    pub async fn name_of(&self, address: IpAddr) -> Found<Vec<u8>> {
        let asked = Name::from(address);
        match self.ask(&asked, RecordType::PTR).await {
            Found::Yes(records, _) => {
                let chain = follow(&asked, RecordType::PTR, &records);
                let first = chain.records.first().map(|record| &record.data);
                match first {
                    Some(RData::PTR(name)) => match text_of(name) {
                        Some(text) => Found::Yes(text, chain.ttl),
                        None => Found::No(chain.ttl),
                    },
                    _ => Found::No(UNSAID),
                }
            }
            Found::No(ttl) => Found::No(ttl),
            Found::Failed => Found::Failed,
        }
    }

    /// The addresses of a name that are of the family of `like`.
    pub async fn addresses_of(&self, name: &[u8], like: IpAddr) -> Found<Addresses> {
        let kind = match like {
            IpAddr::V4(_) => RecordType::A,
            IpAddr::V6(_) => RecordType::AAAA,
        };
        for asked in candidates(name, &self.search, self.options.ndots) {
            match self.ask(&asked, kind).await {
                Found::Yes(records, _) => {
                    let chain = follow(&asked, kind, &records);
                    let addresses: Vec<IpAddr> = chain
                        .records
                        .iter()
                        .filter_map(|record| record.data.ip_addr())
                        .collect();
                    let canonical = text_of(&chain.canonical);
                    if let (Some(canonical), false) = (canonical, addresses.is_empty()) {
                        // Its case may be the one that we randomised.
                        let canonical = canonical.to_ascii_lowercase();
                        let found = Addresses {
                            canonical,
                            addresses,
                        };
                        return Found::Yes(found, chain.ttl);
                    }
                }
                Found::No(_) => (),
                Found::Failed => return Found::Failed,
            }
        }
        Found::No(UNSAID)
    }

    async fn ask(&self, name: &Name, kind: RecordType) -> Found<Vec<Record>> {
        let mut options = DnsRequestOptions::default();
        options.use_edns = self.options.edns0;
        options.edns_payload_len = self.options.edns_payload_len;
        options.case_randomization = self.options.case_randomization;
        options.recursion_desired = true;
        let query = Query::query(name.clone(), kind);
        match ask(self.together.clone(), query.clone(), options).await {
            Ok(found) => return found,
            // A server answered that it cannot; the others were not waited for.
            Err(NetError::Dns(_)) => (),
            Err(_) => return Found::Failed,
        }
        let mut alone = JoinSet::new();
        for pool in &self.alone {
            alone.spawn(ask(pool.clone(), query.clone(), options));
        }
        while let Some(found) = alone.join_next().await {
            if let Ok(Ok(found)) = found {
                return found;
            }
        }
        Found::Failed
    }
}

fn pool(servers: Vec<NameServerConfig>, options: &ResolverOpts) -> Result<Pool, NetError> {
    let context = Arc::new(PoolContext::new(options.clone(), TlsConfig::new()?));
    let pool = NameServerPool::from_config(servers, context, Transport::default());
    Ok(RetryDnsHandle::new(
        pool,
        options.attempts.saturating_sub(1),
    ))
}

/// What the first of the pool's servers to answer says, or why none says anything.
async fn ask(
    pool: Pool,
    query: Query,
    options: DnsRequestOptions,
) -> Result<Found<Vec<Record>>, NetError> {
    match pool.lookup(query, options).first_answer().await {
        // How long it holds depends on which of the records are used.
        Ok(response) => Ok(Found::Yes(response.answers.clone(), 0)),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            Ok(Found::No(none.negative_ttl.unwrap_or(UNSAID)))
        }
        Err(error) => Err(error),
    }
}

/// What an answer says about a name.
struct Chain<'a> {
    /// The end of the chain of aliases.
    canonical: Name,
    /// The records at its end.
    records: Vec<&'a Record>,
    /// The shortest life of what was used, in seconds.
    ttl: u32,
}

fn follow<'a>(asked: &Name, kind: RecordType, answers: &'a [Record]) -> Chain<'a> {
    let mut canonical = asked.clone();
    let mut ttl = u32::MAX;
    for _ in 0..MOST_ALIASES {
        let alias = answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == canonical => Some((target, record.ttl)),
            _ => None,
        });
        let Some((target, life)) = alias else { break };
        ttl = ttl.min(life);
        canonical = target.0.clone();
    }
    let records: Vec<&Record> = answers
        .iter()
        .filter(|record| record.name == canonical && record.record_type() == kind)
        .collect();
    let ttl = records.iter().fold(ttl, |ttl, record| ttl.min(record.ttl));
    Chain {
        canonical,
        records,
        ttl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnsname::name_of;
    use hickory_resolver::proto::rr::rdata::{A, CNAME};

    fn name(text: &str) -> Name {
        name_of(text.as_bytes()).unwrap()
    }

    fn alias(from: &str, to: &str, ttl: u32) -> Record {
        Record::from_rdata(name(from), ttl, RData::CNAME(CNAME(name(to))))
    }

    fn address(of: &str, last: u8, ttl: u32) -> Record {
        Record::from_rdata(name(of), ttl, RData::A(A::new(192, 0, 2, last)))
    }

    #[test]
    fn only_records_of_the_name_and_its_aliases_count() {
        let answers = [
            alias("a.test", "B.test", 30),
            address("evil.test", 9, 1),
            alias("b.test", "c.test", 20),
            address("c.test", 1, 60),
            address("C.test", 2, 10),
        ];
        let chain = follow(&name("A.test"), RecordType::A, &answers);
        assert_eq!(chain.canonical, name("c.test"));
        assert_eq!((chain.records.len(), chain.ttl), (2, 10));
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let answers = [alias("a.test", "b.test", 1), alias("b.test", "a.test", 1)];
        let chain = follow(&name("a.test"), RecordType::A, &answers);
        assert!(chain.records.is_empty());
    }
}
