//! What the frontend may ask for, and whether a request is one of these.
//!
//! The frontend is trusted with deciding who may connect. It is not trusted to name a
//! program, a user or a socket: it names a service of the table, and what it hands over is
//! compared with what the kernel says about the descriptor.

use nix::sys::socket::sockopt::{AcceptConn, SockType as SockTypeOption};
use nix::sys::socket::{SockType, SockaddrStorage, getpeername, getsockname, getsockopt};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// A bound socket of a service.
pub struct Bound {
    /// The socket.
    pub socket: Arc<OwnedFd>,
    /// The address it is bound to.
    pub address: SocketAddr,
    /// TCP, as opposed to UDP.
    pub stream: bool,
}

/// A service that may be launched.
pub struct Permit {
    /// The server takes over the listening socket.
    pub wait: bool,
    /// The frontend serves it itself: there is nothing to launch.
    pub builtin: bool,
    /// At most so many servers at a time.
    pub instances: Option<u32>,
    /// Its listeners, by number.
    pub listeners: HashMap<u32, Bound>,
}

/// Why a request is refused. None of these can come from an honest frontend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// There was never a service of this number.
    NoSuchService,
    /// The service has no such listener.
    NoSuchListener,
    /// The service is not launched in this way.
    WrongMode,
    /// The descriptor is no accepted connection of that listener.
    NotItsConnection,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Violation::NoSuchService => "asked for a service that never existed",
            Violation::NoSuchListener => "named a listener that the service does not have",
            Violation::WrongMode => "asked for a way of launching that the service does not have",
            Violation::NotItsConnection => {
                "sent a descriptor that is no connection of the service's listener"
            }
        })
    }
}

impl Permit {
    /// Whether `connection` was accepted on listener `number`.
    ///
    /// # Errors
    /// The [`Violation`].
    pub fn check_connection(&self, number: u32, connection: &OwnedFd) -> Result<(), Violation> {
        let bound = self
            .listeners
            .get(&number)
            .ok_or(Violation::NoSuchListener)?;
        if self.wait || self.builtin || !bound.stream {
            return Err(Violation::WrongMode);
        }
        if is_connection_to(connection, bound.address) {
            Ok(())
        } else {
            Err(Violation::NotItsConnection)
        }
    }

    /// The socket of listener `number` of a `wait` service.
    ///
    /// # Errors
    /// The [`Violation`].
    pub fn listening_socket(&self, number: u32) -> Result<Arc<OwnedFd>, Violation> {
        let bound = self
            .listeners
            .get(&number)
            .ok_or(Violation::NoSuchListener)?;
        if !self.wait || self.builtin {
            return Err(Violation::WrongMode);
        }
        Ok(Arc::clone(&bound.socket))
    }
}

/// A stream socket that does not listen and whose own end is `bound`, or has its port where
/// `bound` is every address.
fn is_connection_to(fd: &OwnedFd, bound: SocketAddr) -> bool {
    let stream = matches!(getsockopt(fd, SockTypeOption), Ok(SockType::Stream));
    let listens = getsockopt(fd, AcceptConn).unwrap_or(true);
    let Some(local) = local_address(fd) else {
        return false;
    };
    let every = bound.ip().is_unspecified();
    let same = local.port() == bound.port() && (every || local.ip() == bound.ip());
    stream && !listens && same && was_connected(fd, local)
}

fn local_address(fd: &OwnedFd) -> Option<SocketAddr> {
    let name = getsockname::<SockaddrStorage>(fd.as_raw_fd()).ok()?;
    let v4 = name
        .as_sockaddr_in()
        .map(|v4| SocketAddr::from((v4.ip(), v4.port())));
    v4.or_else(|| {
        name.as_sockaddr_in6()
            .map(|v6| SocketAddr::from((v6.ip(), v6.port())))
    })
}

/// Its peer may have gone already: a connection that was reset has none any more, but the
/// kernel has bound its own end to one address, as it does for no other socket.
fn was_connected(fd: &OwnedFd, local: SocketAddr) -> bool {
    match getpeername::<SockaddrStorage>(fd.as_raw_fd()) {
        Ok(_) => true,
        Err(error) => error == nix::errno::Errno::ENOTCONN && !local.ip().is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    fn permit(listener: &TcpListener, wait: bool) -> Permit {
        let address = listener.local_addr().unwrap();
        let socket = Arc::new(OwnedFd::from(listener.try_clone().unwrap()));
        let bound = Bound {
            socket,
            address,
            stream: true,
        };
        let listeners = HashMap::from([(3, bound)]);
        Permit {
            wait,
            builtin: false,
            instances: None,
            listeners,
        }
    }

    #[test]
    fn only_a_connection_of_the_listener_passes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let permit = permit(&listener, false);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted: OwnedFd = listener.accept().unwrap().0.into();
        assert_eq!(permit.check_connection(3, &accepted), Ok(()));
        assert_eq!(
            permit.check_connection(4, &accepted),
            Err(Violation::NoSuchListener)
        );
        let _stranger = TcpStream::connect(other.local_addr().unwrap()).unwrap();
        let foreign: OwnedFd = other.accept().unwrap().0.into();
        let elsewhere = TcpListener::bind(("127.0.0.2", listener.local_addr().unwrap().port()));
        let elsewhere = elsewhere.unwrap();
        let _other = TcpStream::connect(elsewhere.local_addr().unwrap()).unwrap();
        let same_port: OwnedFd = elsewhere.accept().unwrap().0.into();
        let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
        let udp: OwnedFd = UdpSocket::bind("127.0.0.1:0").unwrap().into();
        let wrong = [
            foreign,
            same_port,
            file,
            udp,
            client.into(),
            listener.try_clone().unwrap().into(),
        ];
        for fd in wrong {
            assert_eq!(
                permit.check_connection(3, &fd),
                Err(Violation::NotItsConnection)
            );
        }
    }

    #[test]
    fn a_connection_that_was_reset_is_still_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let permit = permit(&listener, false);
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = listener.accept().unwrap().0;
        nix::sys::socket::setsockopt(
            &client,
            nix::sys::socket::sockopt::Linger,
            &nix::libc::linger {
                l_onoff: 1,
                l_linger: 0,
            },
        )
        .unwrap();
        drop(client);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(permit.check_connection(3, &accepted.into()), Ok(()));
    }

    #[test]
    fn a_wait_service_gives_its_listener_and_takes_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let waiting = permit(&listener, true);
        assert!(waiting.listening_socket(3).is_ok());
        assert_eq!(
            waiting.listening_socket(9).err(),
            Some(Violation::NoSuchListener)
        );
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted: OwnedFd = listener.accept().unwrap().0.into();
        assert_eq!(
            waiting.check_connection(3, &accepted),
            Err(Violation::WrongMode)
        );
        assert_eq!(
            permit(&listener, false).listening_socket(3).err(),
            Some(Violation::WrongMode)
        );
    }
}
