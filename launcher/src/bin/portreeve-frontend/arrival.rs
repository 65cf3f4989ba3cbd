//! Something has arrived on a listener and is to be decided.

use policy::hosts::facts::HostnameFact;
use std::net::{SocketAddr, TcpStream};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use wire::ConnectionId;

/// What arrived.
pub enum What {
    /// A connection, accepted.
    Connection(TcpStream),
    /// A datagram for a builtin service, taken off the socket.
    Datagram(Vec<u8>),
    /// Something on the socket of a `wait` service, which the server will take itself.
    Waiting,
}

/// An arrival, and what is known about it so far.
pub struct Arrival {
    /// Names it in records.
    pub id: ConnectionId,
    /// The service's number.
    pub service: u32,
    /// The listener's number within the service.
    pub listener: u32,
    /// What arrived.
    pub what: What,
    /// The remote end, if the system tells.
    pub peer: Option<SocketAddr>,
    /// Our end.
    pub local: Option<SocketAddr>,
    /// When it was noticed.
    pub since: Instant,
    /// The client's name, once it has been asked for.
    pub client: Option<HostnameFact>,
    /// The server's name, once it has been asked for.
    pub server: Option<HostnameFact>,
    /// The client's user, once it has been asked for.
    pub user: Option<Option<Vec<u8>>>,
}

/// A new identifier: a UUID of version 7, ordered by time.
///
/// Source: RFC 9562, section 5.7.
pub fn new_id(random: [u8; 10]) -> ConnectionId {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let milliseconds = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    let [_, _, a, b, c, d, e, f] = milliseconds.to_be_bytes();
    let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
    [
        a,
        b,
        c,
        d,
        e,
        f,
        0x70 | r0 & 0x0f,
        r1,
        0x80 | r2 & 0x3f,
        r3,
        r4,
        r5,
        r6,
        r7,
        r8,
        r9,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_set() {
        let id = new_id([0xff; 10]);
        assert_eq!((id[6] >> 4, id[8] >> 6), (7, 2));
        let id = new_id([0; 10]);
        assert_eq!((id[6] >> 4, id[8] >> 6), (7, 2));
    }
}
