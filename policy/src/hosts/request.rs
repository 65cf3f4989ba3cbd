//! Who asks for what: the connection a verdict is about.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// The word that stands for an address, a name or a user that is not known.
pub const UNKNOWN: &[u8] = b"unknown";

/// The word that stands for a name that did not check out.
pub const PARANOID: &[u8] = b"paranoid";

/// An address as the language sees it: text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Address<'a> {
    /// The kernel could not tell (a peer that reset, a descriptor that is no socket).
    #[default]
    Unknown,
    /// An IP address, IPv4-mapped forms kept as the kernel gave them.
    Ip(IpAddr),
    /// The other end of a local socket, which the language calls `localhost`.
    Unix,
    /// An address already in text: a link-local one with its `%scope`, or one that the
    /// operator typed. It is not brought into canonical form.
    Text(&'a [u8]),
}

/// One end of a connection as the kernel reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// The address.
    pub address: Address<'a>,
    /// The port, or `None` when there is no socket address. For a local socket
    /// tcp_wrappers has the first two bytes of its path here, as a big-endian number.
    pub port: Option<u16>,
}

impl From<SocketAddr> for Endpoint<'_> {
    fn from(socket: SocketAddr) -> Self {
        Endpoint {
            address: Address::Ip(socket.ip()),
            port: Some(socket.port()),
        }
    }
}

impl From<Option<SocketAddr>> for Endpoint<'_> {
    fn from(socket: Option<SocketAddr>) -> Self {
        socket.map(Self::from).unwrap_or_default()
    }
}

impl<'a> Endpoint<'a> {
    /// The address as `%a` expands to and as log lines show it in parentheses.
    #[must_use]
    pub fn text(&self) -> Cow<'a, [u8]> {
        match self.address {
            Address::Unknown => Cow::Borrowed(UNKNOWN),
            Address::Ip(ip) => Cow::Owned(ip.to_string().into_bytes()),
            Address::Unix => Cow::Borrowed(b"localhost"),
            Address::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// A connection to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The daemon process name that daemon lists are matched with (basename of argv\[0\]).
    /// Its first 127 bytes count.
    pub daemon: &'a [u8],
    /// The process that will become the server, for `%p`.
    pub pid: u32,
    /// The remote end.
    pub client: Endpoint<'a>,
    /// The local end.
    pub server: Endpoint<'a>,
}

/// The outcome of a host name lookup and its forward check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hostname {
    /// The name's addresses include the one asked about.
    Known(Vec<u8>),
    /// The address has no name, or it could not be found out in time.
    Unknown,
    /// A name was found and did not check out: somebody is lying or misconfigured.
    Paranoid,
}

impl Hostname {
    /// The string the language matches with and `%n` expands to.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        match self {
            Hostname::Known(name) => name,
            Hostname::Unknown => UNKNOWN,
            Hostname::Paranoid => PARANOID,
        }
    }

    /// Whether a verified name is present. A name that is literally `unknown` or `paranoid`
    /// counts as none, as in tcp_wrappers.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let text = self.text();
        !text.eq_ignore_ascii_case(UNKNOWN) && !text.eq_ignore_ascii_case(PARANOID)
    }
}
