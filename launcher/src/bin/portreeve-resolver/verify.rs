//! The name of an address, verified: the name's addresses must include it.
//!
//! Source: hosts_access(5), PARANOID; the wording of the warnings is tcp_wrappers'.

use crate::dns::{self, Found};
use crate::files::{Names, Source};
use std::net::IpAddr;
use wire::Outcome;

/// A verified name or what stands for it, and what the log should say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What was found.
    pub outcome: Outcome,
    /// The name, if it is good.
    pub name: String,
    /// What is wrong with it, if anything.
    pub warning: String,
}

/// Bytes of a name that tcp_wrappers keeps.
const LONGEST: usize = 127;
const LONGEST_CANONICAL: usize = 128;

/// Finds and verifies the name of `address`.
pub async fn hostname(names: &Names, address: IpAddr) -> Verified {
    let address = address.to_canonical();
    let name = match reverse(names, address).await {
        Found::Some(name) => name,
        Found::Nothing => return without_name(Outcome::None),
        Found::Failed => return without_name(Outcome::Failed),
    };
    if !is_plain(&name) {
        return without_name(Outcome::None);
    }
    let name = cut(&name, LONGEST);
    let v4 = address.is_ipv4();
    if is_numeric(&name, v4) {
        let text = format!("host name/name mismatch: reverse lookup results in non-FQDN {name}");
        return paranoid(text);
    }
    match forward(names, &name, v4).await {
        Found::Some((canonical, addresses)) => judge(address, &name, &canonical, &addresses),
        missing => {
            let family = if v4 { "AF_INET" } else { "AF_INET6" };
            let text = format!("can't verify hostname: getaddrinfo({name}, {family}) failed");
            let outcome = match missing {
                Found::Failed => Outcome::Failed,
                _ => Outcome::Paranoid,
            };
            Verified {
                outcome,
                ..paranoid(text)
            }
        }
    }
}

fn judge(address: IpAddr, name: &str, canonical: &str, addresses: &[IpAddr]) -> Verified {
    let shown = cut(canonical, LONGEST_CANONICAL);
    if !canonical.eq_ignore_ascii_case(name) && !name.eq_ignore_ascii_case("localhost") {
        return paranoid(format!("host name/name mismatch: {name} != {shown}"));
    }
    if !addresses.contains(&address) {
        return paranoid(format!("host name/address mismatch: {address} != {shown}"));
    }
    Verified {
        outcome: Outcome::Known,
        name: name.to_owned(),
        warning: String::new(),
    }
}

async fn reverse(names: &Names, address: IpAddr) -> Found<String> {
    let mut result = nothing(names);
    for source in &names.order {
        result = match source {
            Source::Files => match names.hosts.name_of(address) {
                Some(name) => Found::Some(name.to_owned()),
                None => result,
            },
            Source::Other => Found::Failed,
            Source::Dns => worse(result, dns::name_of(names.dns.as_ref(), address).await),
        };
        if matches!(result, Found::Some(_)) {
            break;
        }
    }
    result
}

async fn forward(names: &Names, name: &str, v4: bool) -> Found<(String, Vec<IpAddr>)> {
    let mut result = nothing(names);
    for source in &names.order {
        result = match source {
            Source::Files => match names.hosts.addresses_of(name, v4) {
                Some(entry) => Found::Some((entry.canonical, entry.addresses)),
                None => result,
            },
            Source::Other => Found::Failed,
            Source::Dns => worse(result, dns::addresses_of(names.dns.as_ref(), name, v4).await),
        };
        if matches!(result, Found::Some(_)) {
            break;
        }
    }
    result
}

/// A name that is found is found; otherwise one source that failed makes the search fail.
fn worse<T>(earlier: Found<T>, now: Found<T>) -> Found<T> {
    match (earlier, now) {
        (Found::Failed, Found::Nothing) => Found::Failed,
        (_, now) => now,
    }
}

/// What it means that no source found anything before any was asked.
fn nothing<T>(names: &Names) -> Found<T> {
    if names.order.is_empty() {
        Found::Failed
    } else {
        Found::Nothing
    }
}

fn without_name(outcome: Outcome) -> Verified {
    Verified {
        outcome,
        name: String::new(),
        warning: String::new(),
    }
}

fn paranoid(warning: String) -> Verified {
    Verified {
        outcome: Outcome::Paranoid,
        name: String::new(),
        warning,
    }
}

fn cut(text: &str, bytes: usize) -> String {
    text.chars()
        .scan(0, |length, c| {
            *length += c.len_utf8();
            (*length <= bytes).then_some(c)
        })
        .collect()
}

/// Letters, digits and what host names are made of besides: glibc takes no other name from
/// DNS, and a log line must not be made of what a client's zone says.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Whether getaddrinfo(3) would read the name as an address: dotted, or a single number in
/// decimal, octal or hexadecimal.
fn is_numeric(name: &str, v4: bool) -> bool {
    if !v4 {
        return name.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() <= 4 && parts.iter().all(|part| is_number(part))
}

fn is_number(text: &str) -> bool {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_must_lead_back() {
        let (good, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let known = judge(good, "a.example", "A.example", &[other, good]);
        assert_eq!(
            (known.outcome, known.name.as_str()),
            (Outcome::Known, "a.example")
        );
        let alias = judge(good, "a.example", "b.example", &[good]);
        assert_eq!(
            alias.warning,
            "host name/name mismatch: a.example != b.example"
        );
        let liar = judge(good, "a.example", "a.example", &[other]);
        assert_eq!(
            liar.warning,
            "host name/address mismatch: 192.0.2.1 != a.example"
        );
        assert_eq!(
            (alias.outcome, liar.outcome),
            (Outcome::Paranoid, Outcome::Paranoid)
        );
    }

    #[test]
    fn names_that_are_numbers() {
        for name in ["10.1.1.1", "12345", "0x7f.1", "010.1"] {
            assert!(is_numeric(name, true), "{name}");
        }
        for name in ["a.1", "1.2.3.4.5", "0xg", "1a", ""] {
            assert!(!is_numeric(name, true), "{name}");
        }
    }

    #[test]
    fn names_that_are_none() {
        for name in ["", "a b", "a\nb", "-x", "ä.example", "a%n"] {
            assert!(!is_plain(name), "{name}");
        }
        assert!(is_plain("a_1-b.example"));
    }
}
