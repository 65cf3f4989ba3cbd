//! Which name servers are asked, and how.
//!
//! Source: resolv.conf(5).

use crate::say;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::parse_resolv_conf;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// How many servers the C library asks.
const MOST_SERVERS: usize = 3;
/// More than the questions we work on at a time, each with one query out.
const MOST_QUERIES: usize = 256;

/// The file, understood.
pub struct ResolvConf {
    /// One to three servers.
    pub servers: Vec<NameServerConfig>,
    /// Domains below which a name is also looked for.
    pub search: Vec<Name>,
    /// Times, counts and flags.
    pub options: ResolverOpts,
}

/// Reads the file. Without a server in it, the one on this machine is asked.
pub fn parse(path: &Path, text: &[u8]) -> ResolvConf {
    if let Some(read) = parsed(text) {
        return understood(read);
    }
    // What the parser refuses as a whole besides a file without servers is a search list.
    say(&format!(
        "{}: domain and search lines cannot be understood and are left out",
        path.display()
    ));
    let is_search = |line: &[u8]| {
        let line = line.trim_ascii_start();
        line.starts_with(b"search") || line.starts_with(b"domain")
    };
    let lines: Vec<&[u8]> = text
        .split(|&b| b == b'\n')
        .filter(|line| !is_search(line))
        .collect();
    understood(parsed(&lines.join(&b'\n')).unwrap_or_default())
}

fn parsed(text: &[u8]) -> Option<(ResolverConfig, ResolverOpts)> {
    let local = [text, b"\nnameserver 127.0.0.1\n"].concat();
    parse_resolv_conf(text)
        .or_else(|_| parse_resolv_conf(local))
        .ok()
}

fn understood((config, mut options): (ResolverConfig, ResolverOpts)) -> ResolvConf {
    let (domain, mut search, mut servers) = config.into_parts();
    servers.truncate(MOST_SERVERS);
    if servers.is_empty() {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        servers.push(NameServerConfig::udp_and_tcp(local));
    }
    if search.is_empty() {
        search.extend(domain);
    }
    // All at once: a dead server asked first would use up the time of the others.
    options.num_concurrent_reqs = servers.len();
    options.max_active_requests = MOST_QUERIES;
    options.case_randomization = true;
    ResolvConf {
        servers,
        search,
        options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn read(text: &str) -> ResolvConf {
        parse(Path::new("resolv.conf"), text.as_bytes())
    }

    fn servers(conf: &ResolvConf) -> Vec<String> {
        conf.servers.iter().map(|s| s.ip.to_string()).collect()
    }

    #[test]
    fn three_servers_are_asked_at_once() {
        let conf = read(
            "nameserver 192.0.2.1\nnameserver ::1\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
        );
        assert_eq!(servers(&conf), ["192.0.2.1", "::1", "192.0.2.3"]);
        assert_eq!(conf.options.num_concurrent_reqs, 3);
    }

    #[test]
    fn without_a_server_the_local_one_is_asked() {
        for text in [
            "",
            "options timeout:1\n",
            "search a.test\n",
            "search a..b\n",
        ] {
            assert_eq!(servers(&read(text)), ["127.0.0.1"], "{text}");
        }
    }

    #[test]
    fn a_bad_search_list_does_not_cost_the_servers() {
        let conf = read("search a..b\nnameserver 192.0.2.1\noptions timeout:3 attempts:1 ndots:2");
        assert_eq!(servers(&conf), ["192.0.2.1"]);
        assert_eq!(conf.options.timeout, Duration::from_secs(3));
        assert_eq!((conf.options.attempts, conf.options.ndots), (1, 2));
    }

    #[test]
    fn the_last_of_domain_and_search_counts() {
        let search =
            |text| -> Vec<String> { read(text).search.iter().map(Name::to_ascii).collect() };
        let strip = |names: Vec<String>| -> Vec<String> {
            names
                .iter()
                .map(|n| n.trim_end_matches('.').to_owned())
                .collect()
        };
        assert_eq!(
            strip(search("domain a.test\nsearch b.test c.test")),
            ["b.test", "c.test"]
        );
        assert_eq!(
            strip(search("search b.test c.test\ndomain a.test")),
            ["a.test"]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_name_a_server(text: Vec<u8>) {
            prop_assert!(!parse(Path::new("resolv.conf"), &text).servers.is_empty());
        }
    }
}
