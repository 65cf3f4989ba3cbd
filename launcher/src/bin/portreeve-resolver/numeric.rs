//! Names that are really addresses.
//!
//! Source: inet_aton(3), inet_pton(3), and getaddrinfo(3) with `AI_NUMERICHOST`.

use std::net::Ipv6Addr;

/// Whether a name is an IPv4 address in one of the forms the C library knows: one to four
/// numbers, each decimal, octal or hexadecimal, the last of them filling what is left.
pub fn is_ipv4(name: &[u8]) -> bool {
    let mut values = Vec::with_capacity(4);
    for part in name.split(|&b| b == b'.') {
        match number(part) {
            Some(value) if values.len() < 4 => values.push(value),
            _ => return false,
        }
    }
    let Some((last, leading)) = values.split_last() else {
        return false;
    };
    let left = 8 * (4 - leading.len());
    leading.iter().all(|&value| value <= 0xff) && u64::from(*last) < 1_u64 << left
}

/// Whether a name is an IPv6 address, with or without a scope.
pub fn is_ipv6(name: &[u8]) -> bool {
    let address = name.split(|&b| b == b'%').next().unwrap_or_default();
    std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn number(part: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(part).ok()?;
    // The parser below would take a sign.
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match (hexadecimal, text.strip_prefix('0')) {
        (Some(digits), _) if digits.starts_with('+') => None,
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some("")) => Some(0),
        (None, Some(digits)) if digits.starts_with('+') => None,
        (None, Some(digits)) => u32::from_str_radix(digits, 8).ok(),
        (None, None) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_inet_aton_are_addresses() {
        for name in [
            "10.1.1.1",
            "12345",
            "0x7f.1",
            "0X7F.0x1",
            "1.2.3",
            "1.2.65535",
            "017.0.0.1",
            "0",
            "4294967295",
            "1.16777215",
            "00",
        ] {
            assert!(is_ipv4(name.as_bytes()), "{name}");
        }
        for name in [
            "",
            ".",
            "1.",
            ".1",
            "1.2.3.4.",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.256",
            "1.2.65536",
            "1.16777216",
            "4294967296",
            "08",
            "0x",
            "1.2.3.4a",
            "+1",
            "1.-2",
            "0+7",
            "0x+7",
            "host",
            "1.2.3.4 ",
            "::1",
            "1e1",
        ] {
            assert!(!is_ipv4(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn addresses_with_colons() {
        for name in ["::1", "2001:db8::5", "fe80::1%eth0", "::ffff:192.0.2.1"] {
            assert!(is_ipv6(name.as_bytes()), "{name}");
        }
        for name in ["", "1.2.3.4", ":", "host", "%eth0"] {
            assert!(!is_ipv6(name.as_bytes()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_or_are_not(name: Vec<u8>) {
            is_ipv4(&name);
            is_ipv6(&name);
        }

        #[test]
        fn every_address_is_one(v4: std::net::Ipv4Addr, v6: std::net::Ipv6Addr) {
            prop_assert!(is_ipv4(v4.to_string().as_bytes()));
            prop_assert!(is_ipv6(v6.to_string().as_bytes()));
        }
    }
}
