//! What no safe crate asks a socket, or asks without reading memory that nobody wrote.

use crate::check;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Most bytes of options that an IPv4 header has room for.
const MOST: usize = 40;

/// The IP options of an IPv4 socket's connection, empty if there are none. Source: ip(7).
///
/// # Errors
/// `ENOTSOCK`, `ENOPROTOOPT` where the socket is not of that family.
pub fn ip_options(socket: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut options = [0_u8; MOST];
    let mut length = MOST as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `options`, which has as many, and
    // the length to a local integer.
    check(unsafe {
        libc::syscall(
            libc::SYS_getsockopt,
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_OPTIONS,
            options.as_mut_ptr(),
            &raw mut length,
        )
    })?;
    let length = usize::try_from(length).unwrap_or(0);
    Ok(options.get(..length).unwrap_or_default().to_vec())
}

/// Removes the IP options from what an IPv4 socket sends. Source: ip(7).
///
/// # Errors
/// As [`ip_options`].
pub fn clear_ip_options(socket: BorrowedFd<'_>) -> io::Result<()> {
    let nothing: [u8; 0] = [];
    // SAFETY: with length 0 the kernel reads nothing.
    check(unsafe {
        libc::syscall(
            libc::SYS_setsockopt,
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_OPTIONS,
            nothing.as_ptr(),
            0,
        )
    })?;
    Ok(())
}

/// Room for an address of any family.
const ADDRESS: usize = 128;

/// Who sent the first datagram that waits, which stays where it is; blocks until there is
/// one. `None` if the sender has no Internet address.
///
/// # Errors
/// `ENOTSOCK`, `ENOTCONN` for a listening or unconnected stream, `ECONNRESET`.
pub fn first_sender(socket: BorrowedFd<'_>) -> io::Result<Option<SocketAddr>> {
    let mut byte = [0_u8; 1];
    let mut address = [0_u8; ADDRESS];
    let mut length = ADDRESS as libc::socklen_t;
    // SAFETY: the kernel writes at most one byte to `byte`, at most `length` bytes to
    // `address`, which has as many, and the length to a local integer.
    check(unsafe {
        libc::syscall(
            libc::SYS_recvfrom,
            socket.as_raw_fd(),
            byte.as_mut_ptr(),
            byte.len(),
            libc::MSG_PEEK,
            address.as_mut_ptr(),
            &raw mut length,
        )
    })?;
    let length = usize::try_from(length).unwrap_or(0);
    Ok(internet_address(address.get(..length).unwrap_or_default()))
}

/// Reads a `sockaddr_in` or a `sockaddr_in6`. Source: ip(7), ipv6(7).
fn internet_address(address: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = address.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes(*port);
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => {
            let ip = Ipv4Addr::from(*rest.first_chunk::<4>()?);
            Some(SocketAddrV4::new(ip, port).into())
        }
        libc::AF_INET6 => {
            let (flow, rest) = rest.split_first_chunk()?;
            let (ip, rest) = rest.split_first_chunk::<16>()?;
            let scope = u32::from_ne_bytes(*rest.first_chunk()?);
            let flow = u32::from_be_bytes(*flow);
            Some(SocketAddrV6::new(Ipv6Addr::from(*ip), port, flow, scope).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn the_sender_is_told_and_the_datagram_stays() {
        for ip in ["127.0.0.1:0", "[::1]:0"] {
            let server = UdpSocket::bind(ip).unwrap();
            let client = UdpSocket::bind(ip).unwrap();
            client.send_to(b"", server.local_addr().unwrap()).unwrap();
            for _ in 0..2 {
                let sender = first_sender(server.as_fd()).unwrap();
                assert_eq!(sender, Some(client.local_addr().unwrap()));
            }
        }
    }

    #[test]
    fn a_sender_without_an_address_is_nobody() {
        let (server, client) = UnixDatagram::pair().unwrap();
        client.send(b"x").unwrap();
        assert_eq!(first_sender(server.as_fd()).unwrap(), None);
        let file = std::fs::File::open("/dev/null").unwrap();
        let error = first_sender(file.as_fd()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
    }

    #[test]
    fn ip_options_come_and_go() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(ip_options(server.as_fd()).unwrap(), b"");
        clear_ip_options(server.as_fd()).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(ip_options(file.as_fd()).is_err() && clear_ip_options(file.as_fd()).is_err());
    }
}
