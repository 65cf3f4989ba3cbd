//! The hosts file.
//!
//! Source: hosts(5), and what the C library does where an address or a name comes twice: an
//! address has the names of the first line it is on, a name has the addresses of all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// The file as it is. It is searched line by line: it is short, or it is the administrator's
/// wish, and an index of it would cost more memory than it.
#[derive(Debug, Default)]
pub struct Hosts {
    text: Vec<u8>,
}

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The name that it stands for: the first of its line, or the end of a chain of aliases.
    pub canonical: Vec<u8>,
    /// All of one family.
    pub addresses: Vec<IpAddr>,
}

impl Hosts {
    /// Keeps a file's text.
    pub fn parse(_: &Path, text: &[u8]) -> Self {
        Hosts {
            text: text.to_vec(),
        }
    }

    /// The first name of the first line with this address.
    pub fn name_of(&self, address: IpAddr) -> Option<&[u8]> {
        self.lines()
            .find(|line| line.address_like(address) == Some(address))
            .map(|line| line.canonical)
    }

    /// The addresses of a name that are of the family of `like`.
    pub fn addresses_of(&self, name: &[u8], like: IpAddr) -> Option<Addresses> {
        let mut found: Option<Addresses> = None;
        for line in self.lines() {
            let Some(address) = line.address_like(like) else {
                continue;
            };
            if !line.has(name) {
                continue;
            }
            let addresses = found.get_or_insert_with(|| Addresses {
                canonical: line.canonical.to_vec(),
                addresses: Vec::new(),
            });
            addresses.addresses.push(address);
        }
        found
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.split(|&b| b == b'\n').filter_map(Line::parse)
    }
}

struct Line<'a> {
    address: IpAddr,
    canonical: &'a [u8],
    aliases: &'a [u8],
}

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let text = line.split(|&b| b == b'#').next()?;
        let (address, rest) = word(text)?;
        let (canonical, aliases) = word(rest)?;
        let address = std::str::from_utf8(address).ok()?.parse().ok()?;
        Some(Line {
            address,
            canonical,
            aliases,
        })
    }

    /// The line's address as one of the family of `like`: in the C library an IPv4-mapped
    /// address is an IPv4 address too, and `::1` is 127.0.0.1.
    fn address_like(&self, like: IpAddr) -> Option<IpAddr> {
        match (self.address, like) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => Some(self.address),
            (IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(_)) => Some(Ipv4Addr::LOCALHOST.into()),
            (IpAddr::V6(address), IpAddr::V4(_)) => address.to_ipv4_mapped().map(IpAddr::V4),
            (IpAddr::V4(_), IpAddr::V6(_)) => None,
        }
    }

    fn has(&self, name: &[u8]) -> bool {
        let aliases = std::iter::successors(word(self.aliases), |(_, rest)| word(rest));
        std::iter::once(self.canonical)
            .chain(aliases.map(|(alias, _)| alias))
            .any(|word| word.eq_ignore_ascii_case(name))
    }
}

/// The first word and what follows it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    (!word.is_empty()).then_some((word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> Hosts {
        Hosts::parse(Path::new("hosts"), text.as_bytes())
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const FILE: &str = "\
        # a comment\n\
        127.0.0.1 localhost\r\n\
        ::1 localhost six\n\
        192.0.2.1\talpha.example.com  alpha a # and a comment\n\
        192.0.2.1 beta\n\
        192.0.2.2 Alpha.Example.com\n\
        ::ffff:192.0.2.3 mapped\n\
        2001:db8::1 alpha\n\
        192.0.2.4\n\
        192.0.2.010 octal\n\
        nonsense name\n";

    #[test]
    fn an_address_has_the_first_name_of_its_first_line() {
        let hosts = hosts(FILE);
        let name = |address| hosts.name_of(ip(address)).map(|name| name.to_vec());
        assert_eq!(
            name("192.0.2.1").as_deref(),
            Some(&b"alpha.example.com"[..])
        );
        assert_eq!(name("127.0.0.1").as_deref(), Some(&b"localhost"[..]));
        assert_eq!(name("192.0.2.3").as_deref(), Some(&b"mapped"[..]));
        assert_eq!(name("192.0.2.4"), None);
        assert_eq!(name("192.0.2.8"), None);
        assert_eq!(name("2001:db8::1").as_deref(), Some(&b"alpha"[..]));
    }

    #[test]
    fn a_name_has_the_addresses_of_all_its_lines_in_one_family() {
        let hosts = hosts(FILE);
        let found = hosts
            .addresses_of(b"ALPHA.example.com", ip("0.0.0.0"))
            .unwrap();
        assert_eq!(found.canonical, b"alpha.example.com");
        assert_eq!(found.addresses, [ip("192.0.2.1"), ip("192.0.2.2")]);
        let found = hosts.addresses_of(b"alpha", ip("::")).unwrap();
        assert_eq!(found.canonical, b"alpha");
        assert_eq!(found.addresses, [ip("2001:db8::1")]);
        let found = hosts.addresses_of(b"six", ip("0.0.0.0")).unwrap();
        assert_eq!(found.canonical, b"localhost");
        assert_eq!(found.addresses, [ip("127.0.0.1")]);
        assert_eq!(hosts.addresses_of(b"comment", ip("0.0.0.0")), None);
        assert_eq!(hosts.addresses_of(b"", ip("0.0.0.0")), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_hosts_file(text: Vec<u8>, name: Vec<u8>) {
            let hosts = Hosts::parse(Path::new("hosts"), &text);
            hosts.name_of(ip("192.0.2.1"));
            hosts.addresses_of(&name, ip("::"));
        }
    }
}
