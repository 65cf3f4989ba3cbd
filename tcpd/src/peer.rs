//! Who is at the other end of standard input.

use crate::log::Log;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockaddrLike, SockaddrStorage, getpeername, getsockname, recv,
};
use policy::hosts::request::{Address, Endpoint, Request};
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;

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
        let nobody = |unread_datagram, family| Peer {
            client: End::default(),
            server: End::default(),
            unread_datagram,
            family,
        };
        let (client, unread_datagram) = match getpeername::<SockaddrStorage>(CONNECTION) {
            Ok(address) => (End::of(&address), false),
            // A datagram service: this waits for the first datagram.
            Err(_) => match sys::socket::first_sender(io::stdin().as_fd()) {
                Ok(sender) => (sender.map(End::inet).unwrap_or_default(), true),
                Err(error) => {
                    log.failure("warning: can't get client address", &error);
                    return nobody(true, family);
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
        match address.family() {
            Some(AddressFamily::Unix) => End {
                kind: Kind::Unix(path_as_port(address)),
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
fn path_as_port(address: &SockaddrStorage) -> u16 {
    let path = address.as_unix_addr().and_then(|unix| unix.path());
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
    let interface = if is_local(ip) {
        nix::net::if_::if_indextoname(scope).ok()
    } else {
        None
    };
    let scope = interface.map_or_else(|| scope.to_string().into_bytes(), |name| name.into_bytes());
    Some([ip.to_string().as_bytes(), b"%", &scope].concat())
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
