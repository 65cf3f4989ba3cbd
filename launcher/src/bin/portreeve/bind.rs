//! Binding the sockets of services, and keeping them over a reload.

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, getsockname, listen,
    setsockopt, socket, sockopt,
};
use policy::service::{Listen, Mode, Port, Service, Transport};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// Connections that wait in the kernel for the frontend.
const BACKLOG: i32 = 1024;

/// What makes two listeners the same, so that a reload keeps the socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    service: String,
    address: SocketAddr,
    transport: Transport,
    dual: bool,
    waits: bool,
}

/// A listening socket with the number that the frontend knows it by.
#[derive(Clone)]
pub struct Listening {
    /// Its number among the service's listeners, never reused for another address.
    pub number: u32,
    /// The socket.
    pub socket: Arc<OwnedFd>,
    /// The address it is bound to.
    pub address: SocketAddr,
    /// TCP, as opposed to UDP.
    pub stream: bool,
    /// Where it listens, for people: `tcp 127.0.0.1:873`.
    pub place: String,
}

/// All listening sockets, those of the plan in force and those of the next one.
#[derive(Default)]
pub struct Sockets {
    bound: HashMap<Key, Listening>,
    next: u32,
}

/// A listener that could not be bound.
pub struct NotBound {
    /// Which and why, one line.
    pub what: String,
    /// It stands for IPv6 where only a word for both families was written: no complaint.
    pub implied: bool,
}

impl Sockets {
    /// Binds what `service` listens on and is not bound yet, and puts it into `kept`.
    pub fn take(&self, service: &Service, kept: &mut Sockets) -> (Vec<Listening>, Vec<NotBound>) {
        let (mut listening, mut failed) = (Vec::new(), Vec::new());
        kept.next = kept.next.max(self.next);
        for wanted in &service.listen {
            match self.take_one(service, wanted, kept) {
                Ok(found) => listening.push(found),
                Err(what) => failed.push(NotBound {
                    what,
                    implied: wanted.implied,
                }),
            }
        }
        (listening, failed)
    }

    fn take_one(
        &self,
        service: &Service,
        wanted: &Listen,
        kept: &mut Sockets,
    ) -> Result<Listening, String> {
        let port = wanted
            .port
            .number(wanted.transport, port_by_name)
            .ok_or_else(|| {
                let name = if let Port::Name(name) = &wanted.port {
                    name.as_str()
                } else {
                    ""
                };
                format!(
                    "there is no {} service `{name}` in /etc/services",
                    wanted.transport.name()
                )
            })?;
        let address = SocketAddr::new(wanted.address, port);
        let key = Key {
            service: service.id.clone(),
            address,
            transport: wanted.transport,
            dual: wanted.dual,
            waits: service.mode == Mode::Wait,
        };
        let listening = match self.bound.get(&key).or_else(|| kept.bound.get(&key)) {
            Some(found) => found.clone(),
            None => {
                let name = format!("{}:{address}", wanted.transport.name());
                let fd = open(&key).map_err(|errno| {
                    let error = std::io::Error::from(errno);
                    format!(
                        "cannot listen on {name}: {}",
                        portreeve_log::errno_text(&error)
                    )
                })?;
                let number = kept.next;
                kept.next += 1;
                let stream = wanted.transport == Transport::Tcp;
                let port = bound_port(&fd).unwrap_or(port);
                let address = SocketAddr::new(wanted.address, port);
                let place = format!("{} {address}", wanted.transport.name());
                Listening {
                    number,
                    socket: Arc::new(fd),
                    address,
                    stream,
                    place,
                }
            }
        };
        kept.bound.insert(key, listening.clone());
        Ok(listening)
    }
}

fn open(key: &Key) -> nix::Result<OwnedFd> {
    let family = if key.address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let kind = match key.transport {
        Transport::Tcp => SockType::Stream,
        Transport::Udp => SockType::Datagram,
    };
    // A server that takes the socket over expects it to block, and it is one for both.
    let blocking = if key.waits {
        SockFlag::empty()
    } else {
        SockFlag::SOCK_NONBLOCK
    };
    let fd = socket(family, kind, SockFlag::SOCK_CLOEXEC | blocking, None)?;
    if key.transport == Transport::Tcp {
        setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    }
    if matches!(key.address.ip(), IpAddr::V6(_)) {
        setsockopt(&fd, sockopt::Ipv6V6Only, &!key.dual)?;
    }
    bind(fd.as_raw_fd(), &SockaddrStorage::from(key.address))?;
    if key.transport == Transport::Tcp {
        listen(&fd, Backlog::new(BACKLOG)?)?;
    }
    Ok(fd)
}

fn bound_port(fd: &OwnedFd) -> Option<u16> {
    let name = getsockname::<SockaddrStorage>(fd.as_raw_fd()).ok()?;
    name.as_sockaddr_in()
        .map(nix::sys::socket::SockaddrIn::port)
        .or_else(|| {
            name.as_sockaddr_in6()
                .map(nix::sys::socket::SockaddrIn6::port)
        })
}

/// The port of a service in /etc/services, by its name or an alias.
///
/// Source: services(5).
fn port_by_name(name: &str, transport: Transport) -> Option<u16> {
    let text = std::fs::read_to_string("/etc/services").ok()?;
    port_in(&text, name, transport)
}

fn port_in(services: &str, name: &str, transport: Transport) -> Option<u16> {
    services.lines().find_map(|line| {
        let line = line.split('#').next()?;
        let mut words = line.split_whitespace();
        let official = words.next()?;
        let (port, protocol) = words.next()?.split_once('/')?;
        let named = official == name || words.any(|alias| alias == name);
        (named && protocol == transport.name())
            .then(|| port.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_by_name_and_alias() {
        let text = "# comment\nfinger\t79/tcp\ntftp 69/udp # x\nwww 80/tcp http  # WorldWideWeb\n";
        assert_eq!(port_in(text, "finger", Transport::Tcp), Some(79));
        assert_eq!(port_in(text, "finger", Transport::Udp), None);
        assert_eq!(port_in(text, "http", Transport::Tcp), Some(80));
        assert_eq!(port_in(text, "x", Transport::Udp), None);
    }
}
