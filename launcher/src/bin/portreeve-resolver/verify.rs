//! Whether the name of an address is really its name.
//!
//! Source: hosts_access(5), "PATTERNS", `PARANOID`; the warnings are tcpd's, word for word.

use crate::hosts::Addresses;
use crate::numeric::{is_ipv4, is_ipv6};
use crate::sources::Found;
use std::net::IpAddr;
use wire::Outcome;

/// Bytes of a name that are used, as in tcpd.
const NAME_LENGTH: usize = 127;
/// Bytes of the canonical name that a warning shows.
const SHOWN: usize = 128;
/// How long a name is distrusted whose addresses could not be asked for, in seconds.
const NOT_ASKED: u32 = 5;

/// Where names and addresses are looked up.
pub trait Names {
    /// The name of an address.
    async fn name_of(&self, address: IpAddr) -> Found<Vec<u8>>;
    /// The addresses of a name that are of the family of `like`.
    async fn addresses_of(&self, name: &[u8], like: IpAddr) -> Found<Addresses>;
}

/// What is known about the name of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether there is a name and it is good.
    pub outcome: Outcome,
    /// The name if it is good.
    pub name: Vec<u8>,
    /// What is wrong with a name that is not.
    pub warning: Vec<u8>,
    /// For how many seconds it holds.
    pub ttl: u32,
}

impl Verified {
    /// An outcome without a name.
    pub fn without(outcome: Outcome, ttl: u32) -> Self {
        Verified {
            outcome,
            name: Vec::new(),
            warning: Vec::new(),
            ttl,
        }
    }

    fn paranoid(ttl: u32, warning: &[&[u8]]) -> Self {
        Verified {
            warning: warning.concat(),
            ..Verified::without(Outcome::Paranoid, ttl)
        }
    }
}

/// Looks up the name of an address and the addresses of that name, and compares.
pub async fn verify(names: &impl Names, address: IpAddr) -> Verified {
    let (mut name, ttl) = match names.name_of(address).await {
        Found::Yes(name, ttl) => (name, ttl),
        Found::No(ttl) => return Verified::without(Outcome::None, ttl),
        Found::Failed => return Verified::without(Outcome::Failed, 0),
    };
    name.truncate(NAME_LENGTH);
    let (own, other) = match address {
        IpAddr::V4(_) => (is_ipv4(&name), is_ipv6(&name)),
        IpAddr::V6(_) => (is_ipv6(&name), is_ipv4(&name)),
    };
    if own {
        let what = b"host name/name mismatch: reverse lookup results in non-FQDN ";
        return Verified::paranoid(ttl, &[what, &name]);
    }
    let found = if other {
        Found::No(ttl)
    } else {
        names.addresses_of(&name, address).await
    };
    let (found, ttl) = match found {
        Found::Yes(found, life) => (found, ttl.min(life)),
        Found::No(life) => return unverifiable(address, &name, ttl.min(life)),
        // tcp_wrappers says the same of a name that is a lie and of one that nobody could be
        // asked about. Whoever resolves doubts safely has to know which it is.
        Found::Failed => {
            return Verified {
                outcome: Outcome::Failed,
                ..unverifiable(address, &name, NOT_ASKED)
            };
        }
    };
    compare(address, name, &found, ttl)
}

fn unverifiable(address: IpAddr, name: &[u8], ttl: u32) -> Verified {
    let family: &[u8] = match address {
        IpAddr::V4(_) => b"AF_INET",
        IpAddr::V6(_) => b"AF_INET6",
    };
    let what = b"can't verify hostname: getaddrinfo(";
    Verified::paranoid(ttl, &[what, name, b", ", family, b") failed"])
}

fn compare(address: IpAddr, name: Vec<u8>, found: &Addresses, ttl: u32) -> Verified {
    let canonical = &found.canonical;
    if !canonical.eq_ignore_ascii_case(&name) && !name.eq_ignore_ascii_case(b"localhost") {
        let shown = canonical.get(..SHOWN).unwrap_or(canonical);
        let what = b"host name/name mismatch: ";
        return Verified::paranoid(ttl, &[what, &name, b" != ", shown]);
    }
    // A link-local address is one only together with its interface, which no table of names
    // holds: the C library never finds it there either.
    if is_link_local(address) || !found.addresses.contains(&address) {
        let address = address.to_string();
        let what = b"host name/address mismatch: ";
        return Verified::paranoid(ttl, &[what, address.as_bytes(), b" != ", canonical]);
    }
    Verified {
        name,
        ..Verified::without(Outcome::Known, ttl)
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed {
        name: Found<Vec<u8>>,
        addresses: Found<Addresses>,
    }

    impl Names for Fixed {
        async fn name_of(&self, _: IpAddr) -> Found<Vec<u8>> {
            self.name.clone()
        }

        async fn addresses_of(&self, _: &[u8], _: IpAddr) -> Found<Addresses> {
            self.addresses.clone()
        }
    }

    fn named(name: &str) -> Found<Vec<u8>> {
        Found::Yes(name.as_bytes().to_vec(), 60)
    }

    fn at(canonical: &str, addresses: &[&str]) -> Found<Addresses> {
        let found = Addresses {
            canonical: canonical.as_bytes().to_vec(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        };
        Found::Yes(found, 30)
    }

    fn verified(address: &str, name: Found<Vec<u8>>, addresses: Found<Addresses>) -> Verified {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let fixed = Fixed { name, addresses };
        runtime.block_on(verify(&fixed, address.parse().unwrap()))
    }

    /// The warning of a name that does not check out.
    fn warning(address: &str, name: Found<Vec<u8>>, addresses: Found<Addresses>) -> String {
        let verified = verified(address, name, addresses);
        assert_eq!(verified.outcome, Outcome::Paranoid);
        assert!(verified.name.is_empty());
        String::from_utf8(verified.warning).unwrap()
    }

    #[test]
    fn a_name_that_leads_back_is_good() {
        let found = at("a.test", &["192.0.2.9", "192.0.2.1"]);
        let good = verified("192.0.2.1", named("A.test"), found);
        assert_eq!(good.outcome, Outcome::Known);
        assert_eq!((good.name.as_slice(), good.ttl), (&b"A.test"[..], 30));
        assert!(good.warning.is_empty());
    }

    #[test]
    fn localhost_may_have_another_canonical_name() {
        let found = at("vm", &["127.0.0.1"]);
        let good = verified("127.0.0.1", named("localhost"), found);
        assert_eq!(good.name, b"localhost");
    }

    #[test]
    fn no_name_and_no_answer_are_told_apart() {
        let none = verified("192.0.2.1", Found::No(7), Found::Failed);
        assert_eq!(none, Verified::without(Outcome::None, 7));
        let failed = verified("192.0.2.1", Found::Failed, Found::Failed);
        assert_eq!(failed.outcome, Outcome::Failed);
    }

    #[test]
    fn the_warnings_are_tcpds() {
        let no = || Found::No(9);
        assert_eq!(
            warning("192.0.2.1", named("0x7f.1"), no()),
            "host name/name mismatch: reverse lookup results in non-FQDN 0x7f.1"
        );
        assert_eq!(
            warning(
                "2001:db8::1",
                named("1.2.3.4"),
                at("1.2.3.4", &["2001:db8::1"])
            ),
            "can't verify hostname: getaddrinfo(1.2.3.4, AF_INET6) failed"
        );
        assert_eq!(
            warning("192.0.2.1", named("a.test"), no()),
            "can't verify hostname: getaddrinfo(a.test, AF_INET) failed"
        );
        let unasked = verified("192.0.2.1", named("a.test"), Found::Failed);
        assert_eq!(unasked.outcome, Outcome::Failed);
        assert_eq!(
            unasked.warning,
            b"can't verify hostname: getaddrinfo(a.test, AF_INET) failed"
        );
        assert_eq!(
            warning("192.0.2.1", named("short"), at("short.dom", &["192.0.2.1"])),
            "host name/name mismatch: short != short.dom"
        );
        assert_eq!(
            warning("192.0.2.1", named("a.test"), at("a.test", &["192.0.2.2"])),
            "host name/address mismatch: 192.0.2.1 != a.test"
        );
        assert_eq!(
            warning("fe80::1", named("a.test"), at("a.test", &["fe80::1"])),
            "host name/address mismatch: fe80::1 != a.test"
        );
    }

    #[test]
    fn long_names_are_cut() {
        let long = "x".repeat(200);
        let text = warning("192.0.2.1", named(&long), at(&long, &["192.0.2.1"]));
        let expected = format!("{} != {}", "x".repeat(127), "x".repeat(128));
        assert_eq!(text, format!("host name/name mismatch: {expected}"));
    }

    #[test]
    fn an_empty_name_is_never_good() {
        assert_eq!(
            warning("192.0.2.1", named(""), Found::No(1)),
            "can't verify hostname: getaddrinfo(, AF_INET) failed"
        );
    }
}
