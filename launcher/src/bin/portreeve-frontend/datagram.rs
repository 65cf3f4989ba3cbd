//! Builtin services over UDP, and which senders they do not answer.

use crate::builtin::reply;
use launcher::plan::Builtin;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Largest datagram that is taken.
pub const LARGEST: usize = 2048;
/// Ports below this one belong to services that may answer back, and so does NFS.
const RESERVED: u16 = 1024;
const NFS: u16 = 2049;

/// Whether an answer to `sender` could be turned on somebody else: a reserved port, where
/// another service would answer in turn, or an address of many.
pub fn could_reflect(sender: SocketAddr) -> bool {
    let port = sender.port();
    let many = match sender.ip().to_canonical() {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.is_multicast() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    };
    port < RESERVED || port == NFS || many
}

/// Answers one datagram. A full socket drops the answer, as UDP may.
///
/// # Errors
/// The system's.
pub fn answer(
    socket: &UdpSocket,
    kind: Builtin,
    received: &[u8],
    sender: SocketAddr,
) -> io::Result<()> {
    if kind == Builtin::Discard {
        return Ok(());
    }
    match socket.send_to(&reply(kind, received, 0), sender) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_that_could_be_turned_on_others() {
        for sender in [
            "192.0.2.1:7",
            "192.0.2.1:1023",
            "192.0.2.1:2049",
            "255.255.255.255:4000",
        ] {
            assert!(could_reflect(sender.parse().unwrap()), "{sender}");
        }
        for sender in ["192.0.2.1:1024", "[2001:db8::1]:5000"] {
            assert!(!could_reflect(sender.parse().unwrap()), "{sender}");
        }
    }
}
