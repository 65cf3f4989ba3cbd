//! Who is at the other end of standard input.

use crate::log::Log;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockaddrLike, SockaddrStorage, getpeername, getsockname, recv,
};
use policy::hosts::request::{Address, Endpoint, Request};
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;
use std::path::Path;

/// Where inetd puts the connection.
pub const CONNECTION: i32 = 0;

/// One end of the connection.
#[derive(Debug, Default)]
pub struct End {
    kind: Kind,
    /// The address with its `%scope`, where it has one.
    scoped: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Unknown,
    Inet(SocketAddr),
    /// With what tcp_wrappers takes for its port.
    Unix(u16),
}

/// The connection on standard input.
#[derive(Debug)]
pub struct Peer {
    /// The remote end.
    pub client: End,
    /// The local end.
    pub server: End,
    /// The client is known by a datagram that is still to be read.
    pub unread_datagram: bool,
    /// The socket's family, or why it has none.
    pub family: io::Result<Option<AddressFamily>>,
}

impl Peer {
    /// Asks the kernel; for a datagram service the first datagram tells, and is left in place.
    pub fn on_standard_input(log: &mut Log) -> Self {
        let local = getsockname::<SockaddrStorage>(CONNECTION);
        let family = local
            .map(|address| address.family())
            .map_err(io::Error::from);
        let (client, unread_datagram) = match getpeername::<SockaddrStorage>(CONNECTION) {
            Ok(address) => (End::of(&address), false),
            // A datagram service: this waits for the first datagram.
            Err(_) => match sys::socket::first_sender(io::stdin().as_fd()) {
                Ok(sender) => (sender.map(End::inet).unwrap_or_default(), true),
                Err(error) => {
                    log.failure("warning: can't get client address", &error);
                    return Peer {
                        client: End::default(),
                        server: End::default(),
                        unread_datagram: true,
                        family,
                    };
                }
            },
        };
        let server = match &local {
            Ok(address) => End::of(address),
            Err(error) => {
                log.failure("warning: getsockname", &(*error).into());
                End::default()
            }
        };
        Peer {
            client,
            server,
            unread_datagram,
            family,
        }
    }

    /// What the rules are asked.
    pub fn request<'a>(&'a self, daemon: &'a [u8]) -> Request<'a> {
        Request {
            daemon,
            pid: std::process::id(),
            client: self.client.endpoint(),
            server: self.server.endpoint(),
        }
    }
}

impl End {
    fn of(address: &SockaddrStorage) -> Self {
        if let Some(v4) = address.as_sockaddr_in() {
            return End::inet((*v4).into());
        }
        if let Some(v6) = address.as_sockaddr_in6() {
            return End::inet((*v6).into());
        }
        let path = address.as_unix_addr().and_then(|unix| unix.path());
        match address.family() {
            Some(AddressFamily::Unix) => End {
                kind: Kind::Unix(path_as_port(path)),
                scoped: None,
            },
            _ => End::default(),
        }
    }

    fn inet(socket: SocketAddr) -> Self {
        let scoped = match socket {
            SocketAddr::V4(_) => None,
            SocketAddr::V6(v6) => scoped(&v6),
        };
        End {
            kind: Kind::Inet(socket),
            scoped,
        }
    }

    fn endpoint(&self) -> Endpoint<'_> {
        match (&self.kind, &self.scoped) {
            (Kind::Unknown, _) => Endpoint::default(),
            (Kind::Unix(port), _) => Endpoint {
                address: Address::Unix,
                port: Some(*port),
            },
            (Kind::Inet(socket), Some(text)) => Endpoint {
                address: Address::Text(text),
                port: Some(socket.port()),
            },
            (Kind::Inet(socket), None) => Endpoint::from(*socket),
        }
    }

    /// The socket address, with an IPv4 client on an IPv6 socket brought back to IPv4.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self.kind {
            Kind::Inet(socket) => Some(SocketAddr::new(socket.ip().to_canonical(), socket.port())),
            Kind::Unknown | Kind::Unix(_) => None,
        }
    }

    /// The address in text, as log lines have it.
    pub fn text(&self) -> Vec<u8> {
        self.endpoint().text().into_owned()
    }
}

/// tcp_wrappers reads the port of every family at the same place, which in a local socket's
/// address is the start of its path.
fn path_as_port(path: Option<&Path>) -> u16 {
    let bytes = path
        .map(|path| path.as_os_str().as_encoded_bytes())
        .unwrap_or_default();
    match bytes {
        [first, second, ..] => u16::from_be_bytes([*first, *second]),
        [first] => u16::from_be_bytes([*first, 0]),
        [] => 0,
    }
}

/// `address%interface` for a link-local address, `address%number` for any other that has a
/// scope, as getnameinfo(3) has it.
fn scoped(address: &SocketAddrV6) -> Option<Vec<u8>> {
    let scope = address.scope_id();
    if scope == 0 {
        return None;
    }
    let ip = address.ip();
    let scope = match interface(scope) {
        Some(name) if is_local(ip) => name,
        _ => scope.to_string().into_bytes(),
    };
    Some([ip.to_string().as_bytes(), b"%", &scope].concat())
}

/// The name of an interface. (nix takes the failure of this call for an empty name.)
fn interface(index: u32) -> Option<Vec<u8>> {
    let name = nix::net::if_::if_indextoname(index).ok()?.into_bytes();
    (!name.is_empty()).then_some(name)
}

fn is_local(ip: &Ipv6Addr) -> bool {
    let multicast_local = matches!(ip.octets(), [0xff, second, ..] if second & 0xf == 2);
    ip.is_unicast_link_local() || multicast_local
}

/// Reads the first datagram and forgets it.
pub fn drop_datagram() {
    // There may be none; then nothing is left to do.
    let _ = recv(CONNECTION, &mut [0], MsgFlags::MSG_DONTWAIT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::UnixAddr;

    fn text(socket: &str) -> String {
        String::from_utf8(End::inet(socket.parse().unwrap()).text()).unwrap()
    }

    #[test]
    fn addresses_read_as_getnameinfo_has_them() {
        assert_eq!(text("192.0.2.1:9"), "192.0.2.1");
        assert_eq!(text("[::ffff:192.0.2.1]:9"), "::ffff:192.0.2.1");
        assert_eq!(text("[fe80::1%1]:9"), "fe80::1%lo");
        assert_eq!(text("[ff02::1%1]:9"), "ff02::1%lo");
        assert_eq!(text("[fe80::1%4000000]:9"), "fe80::1%4000000");
        assert_eq!(text("[2001:db8::1%1]:9"), "2001:db8::1%1");
        assert_eq!(End::default().text(), b"unknown");
    }

    #[test]
    fn ends_are_what_the_kernel_says() {
        let v6: SocketAddrV6 = "[2001:db8::1]:9".parse().unwrap();
        let end = End::of(&SockaddrStorage::from(v6));
        assert_eq!(end.socket(), Some(v6.into()));
        let mapped = End::inet("[::ffff:192.0.2.1]:9".parse().unwrap());
        assert_eq!(mapped.socket(), Some("192.0.2.1:9".parse().unwrap()));
        assert_eq!(mapped.endpoint().port, Some(9));
    }

    #[test]
    fn a_local_socket_is_localhost_and_its_path_a_port() {
        let address = UnixAddr::new("/tmp/x").unwrap();
        assert_eq!(path_as_port(address.path()), 12148);
        assert_eq!(path_as_port(None), 0);
        let end = End {
            kind: Kind::Unix(12148),
            scoped: None,
        };
        assert_eq!((end.text(), end.socket()), (b"localhost".to_vec(), None));
        assert_eq!(end.endpoint().port, Some(12148));
    }
}
