//! A peer's address in the form the monitor stores without looking into it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use wire::Peer;

/// Packs an address; `None` (unknown) is all zero.
#[must_use]
pub fn pack(address: Option<SocketAddr>) -> Peer {
    let mut peer = [0; 20];
    if let Some(address) = address {
        let (family, octets) = match address.ip() {
            IpAddr::V4(v4) => (4, v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => (6, v6.octets()),
        };
        let [high, low] = address.port().to_be_bytes();
        let bytes = [family].into_iter().chain(octets).chain([high, low]);
        peer.iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = byte);
    }
    peer
}

/// Reads what [`pack`] made.
#[must_use]
pub fn unpack(peer: &Peer) -> Option<SocketAddr> {
    let (&family, rest) = peer.split_first()?;
    let (octets, rest) = rest.split_first_chunk::<16>()?;
    let (port, _) = rest.split_first_chunk::<2>()?;
    let v6 = Ipv6Addr::from(*octets);
    let ip = match family {
        4 => IpAddr::V4(v6.to_ipv4_mapped()?),
        6 => IpAddr::V6(v6),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_is_unpacked() {
        for text in ["192.0.2.7:65535", "[2001:db8::7]:1", "[::ffff:192.0.2.7]:9"] {
            let address = text.parse().unwrap();
            assert_eq!(unpack(&pack(Some(address))), Some(address));
        }
        assert_eq!(unpack(&pack(None)), None);
    }
}
