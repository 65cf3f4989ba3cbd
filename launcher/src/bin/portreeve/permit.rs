//! What the frontend may ask for, and whether a request is one of these.
//!
//! The frontend is trusted with deciding who may connect. It is not trusted to name a
//! program, a user or a socket: it names a service of the table, and what it hands over is
//! compared with what the kernel says about the descriptor.

use nix::sys::socket::sockopt::{AcceptConn, SockType as SockTypeOption};
use nix::sys::socket::{SockType, SockaddrStorage, getpeername, getsockname, getsockopt};
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

/// A bound socket of a service.
pub struct Bound {
    /// The socket.
    pub socket: Arc<OwnedFd>,
    /// The port it is bound to.
    pub port: u16,
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
        if is_connection_to(connection, bound.port) {
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

/// A stream socket that does not listen and whose own end has this port. Its peer may have
/// gone already: a connection that was reset has no peer any more, and is still a connection.
fn is_connection_to(fd: &OwnedFd, port: u16) -> bool {
    let stream = matches!(getsockopt(fd, SockTypeOption), Ok(SockType::Stream));
    let listens = getsockopt(fd, AcceptConn).unwrap_or(true);
    stream && !listens && local_port(fd) == Some(port) && was_connected(fd)
}

fn local_port(fd: &OwnedFd) -> Option<u16> {
    let name = getsockname::<SockaddrStorage>(fd.as_fd().as_raw_fd()).ok()?;
    name.as_sockaddr_in()
        .map(nix::sys::socket::SockaddrIn::port)
        .or_else(|| {
            name.as_sockaddr_in6()
                .map(nix::sys::socket::SockaddrIn6::port)
        })
}

fn was_connected(fd: &OwnedFd) -> bool {
    match getpeername::<SockaddrStorage>(fd.as_raw_fd()) {
        Ok(_) => true,
        Err(error) => error == nix::errno::Errno::ENOTCONN && !listens_or_is_new(fd),
    }
}

/// A socket that never was connected has not been bound to one address by the kernel.
fn listens_or_is_new(fd: &OwnedFd) -> bool {
    let Ok(name) = getsockname::<SockaddrStorage>(fd.as_raw_fd()) else {
        return true;
    };
    let v4 = name.as_sockaddr_in().map(|v4| v4.ip().is_unspecified());
    let v6 = name.as_sockaddr_in6().map(|v6| v6.ip().is_unspecified());
    v4.or(v6).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    fn permit(listener: &TcpListener, wait: bool) -> Permit {
        let port = listener.local_addr().unwrap().port();
        let socket = Arc::new(OwnedFd::from(listener.try_clone().unwrap()));
        let bound = Bound {
            socket,
            port,
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
        let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
        let udp: OwnedFd = UdpSocket::bind("127.0.0.1:0").unwrap().into();
        let wrong = [
            foreign,
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
