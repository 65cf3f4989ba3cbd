//! A listening socket that the monitor bound, and what arrives on it.

use nix::errno::Errno;
use nix::sys::socket::sockopt::SockType as SockTypeOption;
use nix::sys::socket::{MsgFlags, SockType, SockaddrStorage, getsockopt, recvmsg};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// The socket of a listener.
pub enum Socket {
    /// Connections arrive on it.
    Tcp(TcpListener),
    /// Datagrams arrive on it.
    Udp(UdpSocket),
}

/// A listener of one service.
pub struct Listener {
    /// The service's number.
    pub service: u32,
    /// Its number among the service's listeners.
    pub number: u32,
    /// The socket.
    pub socket: Socket,
    /// Whether it is watched, and if not, why.
    pub watch: Watch,
}

/// Whether a listener is watched for arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// It is.
    On,
    /// A server has the socket (`wait`), or something about its first arrival is being
    /// found out.
    Busy,
    /// The service starts too fast and rests until then.
    RestsUntil(Instant),
}

impl Listener {
    /// Takes over a socket.
    ///
    /// # Errors
    /// The system's, if it is none.
    pub fn new(service: u32, number: u32, socket: OwnedFd) -> io::Result<Self> {
        let socket = match getsockopt(&socket, SockTypeOption)? {
            SockType::Datagram => Socket::Udp(UdpSocket::from(socket)),
            _ => Socket::Tcp(TcpListener::from(socket)),
        };
        Ok(Listener {
            service,
            number,
            socket,
            watch: Watch::On,
        })
    }

    /// The address the socket is bound to.
    pub fn local(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Udp(socket) => socket.local_addr().ok(),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Udp(socket) => socket.as_fd(),
        }
    }
}

/// Accepts one connection; `None` when none is there, or it was reset meanwhile.
///
/// # Errors
/// The system's, for instance `EMFILE`.
pub fn accept(socket: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
    match socket.accept() {
        Ok(accepted) => Ok(Some(accepted)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EAGAIN | Errno::ECONNABORTED | Errno::EINTR | Errno::EPROTO) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Who sent the datagram that waits on a socket, which stays there; `None` when none waits.
///
/// # Errors
/// The system's, for instance a pending error of the socket.
pub fn sender(socket: &UdpSocket) -> io::Result<Option<SocketAddr>> {
    receive(socket, &mut [0; 1], MsgFlags::MSG_PEEK).map(|found| found.map(|(_, sender)| sender))
}

/// Takes a datagram off a socket: its length and sender; `None` when none waits.
///
/// # Errors
/// The system's, for instance a pending error of the socket.
pub fn datagram(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    receive(socket, buffer, MsgFlags::empty())
}

/// Never blocks, although the socket may: a server that takes it over expects it to.
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    flags: MsgFlags,
) -> io::Result<Option<(usize, SocketAddr)>> {
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = flags | MsgFlags::MSG_DONTWAIT;
    match recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, None, flags) {
        Ok(received) => {
            let sender = received.address.as_ref().and_then(socket_addr);
            Ok(sender.map(|sender| (received.bytes, sender)))
        }
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn socket_addr(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::from((v4.ip(), v4.port())));
    }
    storage
        .as_sockaddr_in6()
        .map(|v6| SocketAddr::from((v6.ip(), v6.port())))
}
