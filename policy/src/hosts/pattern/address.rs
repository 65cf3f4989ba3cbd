//! Addresses and networks as patterns write them.

use super::super::facts::Facts;
use super::super::number::atoi;
use super::super::table::split;
use std::net::Ipv6Addr;

/// The IPv4 part of an IPv4-mapped address in text.
#[must_use]
pub fn unmapped(text: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = text.split_at_checked(7)?;
    let mapped = prefix.eq_ignore_ascii_case(b"::ffff:") && dotted_quad(rest).is_some();
    mapped.then_some(rest)
}

/// A dotted quad as `inet_addr` reads it: octal and hexadecimal parts are accepted, and
/// 255.255.255.255 is its error value and is not.
#[must_use]
pub fn dotted_quad(text: &[u8]) -> Option<u32> {
    let runs = text.split(|&b| b == b'.').filter(|run| !run.is_empty());
    if runs.count() != 4 {
        return None;
    }
    let mut parts = text.splitn(4, |&b| b == b'.');
    let mut value = 0u32;
    for last in [false, false, false, true] {
        value = value << 8 | octet(parts.next()?, last)?;
    }
    (value != u32::MAX).then_some(value)
}

/// One part of a dotted quad. White space ends the last one.
fn octet(part: &[u8], last: bool) -> Option<u32> {
    let part = match part.iter().position(|b| matches!(b, b' ' | b'\t'..=b'\r')) {
        Some(at) if last => part.get(..at)?,
        _ => part,
    };
    let (radix, digits) = match part {
        [b'0', b'x' | b'X', hex @ ..] => (16, hex),
        [b'0', octal @ ..] if !octal.is_empty() => (8, octal),
        _ => (10, part),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u32;
    for &digit in digits {
        value = value * radix + char::from(digit).to_digit(radix)?;
        if value > 255 {
            return None;
        }
    }
    Some(value)
}

/// A numeric IPv6 address, with or without a `%scope`, as `getaddrinfo` reads it. The scope
/// must exist and is otherwise ignored.
pub fn ipv6<F: Facts>(text: &[u8], facts: &mut F) -> Option<u128> {
    let (number, scope) = match text.iter().position(|&b| b == b'%') {
        Some(at) => (text.get(..at)?, text.get(at + 1..)),
        None => (text, None),
    };
    let address: Ipv6Addr = std::str::from_utf8(number).ok()?.parse().ok()?;
    if let Some(scope) = scope {
        let link_local = address.is_unicast_link_local()
            || matches!(address.octets(), [0xff, second, ..] if second & 0x0f == 2);
        let numeric = !scope.is_empty() && scope.iter().all(u8::is_ascii_digit);
        let in_range = || String::from_utf8_lossy(scope).parse::<u32>().is_ok();
        let exists = link_local && facts.interface_exists(scope);
        let resolves = exists || (numeric && in_range());
        if !resolves {
            return None;
        }
    }
    Some(address.to_bits())
}

/// A `net/mask` pattern, split.
#[must_use]
pub fn net_and_mask(token: &[u8]) -> Option<(&[u8], &[u8])> {
    split(token, b'/')
}

/// Whether `address` is in `net/mask`, as tcp_wrappers sees it.
///
/// The IPv4 net is not masked, so one with host bits matches nothing; an IPv6 length that is
/// no number is 0 and matches every IPv6 address.
pub fn in_network<F: Facts>(net: &[u8], mask: &[u8], address: &[u8], facts: &mut F) -> bool {
    if let Some(client) = dotted_quad(unmapped(address).unwrap_or(address)) {
        return match (dotted_quad(net), ipv4_mask(mask)) {
            (Some(net), Some(mask)) => client & mask == net,
            _ => false,
        };
    }
    let Some(client) = ipv6(address, facts) else {
        return false;
    };
    let [b'[', literal @ .., b']'] = net else {
        return false;
    };
    match (ipv6(literal, facts), ipv6_mask(atoi(mask))) {
        (Some(net), Some(mask)) => client & mask == net & mask,
        _ => false,
    }
}

fn ipv4_mask(mask: &[u8]) -> Option<u32> {
    if let Some(mask) = dotted_quad(mask) {
        return Some(mask);
    }
    match u32::try_from(atoi(mask)) {
        Ok(length @ 1..=32) => Some(u32::MAX << (32 - length)),
        _ => None,
    }
}

fn ipv6_mask(length: i32) -> Option<u128> {
    match u32::try_from(length) {
        Ok(0) => Some(0),
        Ok(length @ 1..=128) => Some(u128::MAX << (128 - length)),
        _ => None,
    }
}

/// What is wrong with a `net/mask` pattern that cannot mean what it says.
pub fn network_defect<F: Facts>(net: &[u8], mask: &[u8], facts: &mut F) -> Option<&'static str> {
    let plain_number = mask.iter().all(u8::is_ascii_digit);
    if let [b'[', literal @ .., b']'] = net {
        return match (ipv6(literal, facts), plain_number) {
            (None, _) => Some("no numeric IPv6 address between the brackets"),
            (Some(net), _) if is_mapped(net) => Some(MAPPED),
            (_, true) if !mask.is_empty() && ipv6_mask(atoi(mask)).is_some() => None,
            _ => Some("the prefix length is not a number from 0 to 128"),
        };
    }
    let Some(network) = dotted_quad(net) else {
        return Some("no network address before the slash");
    };
    match (dotted_quad(mask), ipv4_mask(mask)) {
        (None, Some(_)) if !plain_number => Some("the mask is neither a number nor an address"),
        (_, None) => Some("the mask matches nothing"),
        (_, Some(mask)) if network & mask != network => {
            Some("the network has host bits set and matches nothing")
        }
        _ => None,
    }
}

/// What is wrong with an address or name pattern that can match nothing.
pub fn name_defect<F: Facts>(token: &[u8], facts: &mut F) -> Option<&'static str> {
    if token.iter().any(|b| matches!(b, b'*' | b'?')) {
        return None;
    }
    if token.contains(&b',') {
        return Some("commas do not separate patterns here");
    }
    match token {
        [] => Some("the host pattern is empty"),
        [b'.', ..] | [.., b'.'] => None,
        [b'[', literal @ .., b']'] => match ipv6(literal, facts) {
            None => Some("no numeric IPv6 address between the brackets"),
            Some(address) if is_mapped(address) => Some(MAPPED),
            Some(_) => None,
        },
        _ if token.iter().any(|b| matches!(b, b'[' | b']')) => Some("unbalanced bracket"),
        _ if token.iter().all(|b| matches!(b, b'0'..=b'9' | b'.')) => {
            let canonical = std::str::from_utf8(token)
                .is_ok_and(|text| text.parse::<std::net::Ipv4Addr>().is_ok());
            (!canonical).then_some("not an IPv4 address as it is usually written")
        }
        _ => None,
    }
}

const MAPPED: &str = "an IPv4 client is never compared with this, write the IPv4 address";

fn is_mapped(address: u128) -> bool {
    Ipv6Addr::from_bits(address).to_ipv4_mapped().is_some()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::World;
    use super::*;

    fn within(pattern: &str, address: &str) -> bool {
        let (net, mask) = net_and_mask(pattern.as_bytes()).unwrap();
        in_network(net, mask, address.as_bytes(), &mut World::default())
    }

    fn defect(pattern: &str) -> bool {
        let (net, mask) = net_and_mask(pattern.as_bytes()).unwrap();
        network_defect(net, mask, &mut World::default()).is_some()
    }

    #[test]
    fn ipv4_networks() {
        for (pattern, wanted) in [
            ("10.1.1.0/24", true),
            ("10.1.1.0/255.255.255.0", true),
            ("012.1.1.0/24", true),
            ("0x0a.1.1.0/24", true),
            ("10.1.1.0/24x", true),
            ("10.1.1.1/32", true),
            ("0.0.0.0/0.0.0.0", true),
            ("10.0.0.1/255.0.0.255", true),
            ("10.1.1.1/24", false),
            ("0.0.0.0/0", false),
            ("10.1.1.1/255.255.255.255", false),
            ("10.1/16", false),
            ("10.1.1.0/", false),
            ("10.1.1.0/33", false),
        ] {
            assert_eq!(within(pattern, "10.1.1.1"), wanted, "{pattern}");
            assert_eq!(within(pattern, "::FFFF:10.1.1.1"), wanted, "{pattern}");
        }
    }

    #[test]
    fn ipv6_networks() {
        for (pattern, wanted) in [
            ("[2001:db8::]/32", true),
            ("[2001:db8::5]/32", true),
            ("[2001:db9::]/32", false),
            ("[::]/0", true),
            ("[2001:db9::]/abc", true),
            ("[2001:db8::]/129", false),
            ("2001/16", false),
        ] {
            assert_eq!(within(pattern, "2001:db8::1"), wanted, "{pattern}");
        }
        assert!(!within("[::]/0", "::ffff:10.1.1.1"));
    }

    #[test]
    fn defects() {
        for bad in [
            "10.1.1.1/24",
            "0.0.0.0/0",
            "10.1/16",
            "10.1.1.0/24x",
            "10.1.1.1/255.255.255.255",
            "[2001:db8::]/abc",
            "[2001:db8::]/",
            "[2001:db8::]/129",
            "[10.1.1.0]/24",
            "[::ffff:0:0]/96",
            "example.com/24",
        ] {
            assert!(defect(bad), "{bad}");
        }
        for good in [
            "10.1.1.0/24",
            "0.0.0.0/0.0.0.0",
            "[::]/0",
            "[2001:db8::5]/32",
        ] {
            assert!(!defect(good), "{good}");
        }
        let name = |token: &[u8]| name_defect(token, &mut World::default()).is_some();
        assert!(name(b"010.1.1.1") && name(b"10.1") && name(b"[10.1.1.1]") && name(b"[::1/64]"));
        assert!(!name(b"10.1.1.1") && !name(b"10.") && !name(b"[::1]") && !name(b"a.b"));
    }

    #[test]
    fn quads() {
        assert_eq!(dotted_quad(b"1.2.3.4"), Some(0x0102_0304));
        for bad in [
            "1.2.3",
            "1..2.3.4",
            "1.2.3.4.",
            "08.1.1.1",
            "256.1.1.1",
            "0x.1.1.1",
            "255.255.255.255",
        ] {
            assert_eq!(dotted_quad(bad.as_bytes()), None, "{bad}");
        }
    }
}
