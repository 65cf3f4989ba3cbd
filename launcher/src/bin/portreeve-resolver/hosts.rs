//! hosts(5): addresses and names in a file.

use std::collections::HashMap;
use std::net::IpAddr;

/// The file, in both directions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    by_address: HashMap<IpAddr, String>,
    by_name: HashMap<String, Entry>,
}

/// What is known about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first name of the name's first line.
    pub canonical: String,
    /// Addresses of all lines with the name.
    pub addresses: Vec<IpAddr>,
}

impl Hosts {
    /// Reads the file. Lines that begin with no address are left out.
    pub fn parse(text: &[u8]) -> Hosts {
        let mut hosts = Hosts::default();
        for line in String::from_utf8_lossy(text).lines() {
            let mut words = line
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else {
                continue;
            };
            let address = address.to_canonical();
            let mut canonical = None;
            for name in words {
                let first = canonical.get_or_insert_with(|| name.to_owned()).clone();
                // The first line with an address gives its name.
                hosts
                    .by_address
                    .entry(address)
                    .or_insert_with(|| name.to_owned());
                let entry = hosts.by_name.entry(name.to_ascii_lowercase());
                let entry = entry.or_insert_with(|| Entry {
                    canonical: first,
                    addresses: Vec::new(),
                });
                entry.addresses.push(address);
            }
        }
        hosts
    }

    /// The name of an address.
    pub fn name_of(&self, address: IpAddr) -> Option<&str> {
        self.by_address
            .get(&address.to_canonical())
            .map(String::as_str)
    }

    /// Canonical name and addresses of a name, of one family.
    pub fn addresses_of(&self, name: &str, v4: bool) -> Option<Entry> {
        let entry = self.by_name.get(&name.to_ascii_lowercase())?;
        let addresses: Vec<IpAddr> = entry
            .addresses
            .iter()
            .copied()
            .filter(|a| a.is_ipv4() == v4)
            .collect();
        let canonical = entry.canonical.clone();
        (!addresses.is_empty()).then_some(Entry {
            canonical,
            addresses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_and_all_addresses_count() {
        let hosts = Hosts::parse(
            b"# x\n192.0.2.1 alpha beta # y\n2001:db8::1 alpha\nbroken alpha\n192.0.2.2\tBeta\n192.0.2.1 late\n",
        );
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(hosts.name_of(ip("192.0.2.1")), Some("alpha"));
        assert_eq!(hosts.name_of(ip("::ffff:192.0.2.1")), Some("alpha"));
        let beta = hosts.addresses_of("BETA", true).unwrap();
        assert_eq!(beta.canonical, "alpha");
        assert_eq!(beta.addresses, [ip("192.0.2.1"), ip("192.0.2.2")]);
        assert_eq!(
            hosts.addresses_of("alpha", false).unwrap().addresses,
            [ip("2001:db8::1")]
        );
        assert_eq!(hosts.addresses_of("beta", false), None);
    }
}
