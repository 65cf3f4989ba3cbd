//! Clients that speak just enough of each protocol, from an address of their choice.

use crate::services::{FINGER, TELNET, TFTP};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect as connect_socket, socket,
};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a server's next byte.
const PATIENCE: Duration = Duration::from_secs(15);

/// Connects from `source` to a port of 127.0.0.1.
///
/// # Errors
/// As connect(2).
pub fn connect(source: [u8; 4], port: u16) -> io::Result<TcpStream> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    bind(
        socket.as_raw_fd(),
        &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::from(source), 0)),
    )?;
    let server = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
    connect_socket(socket.as_raw_fd(), &server)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads until the server closes. A reset counts as the end: a server that refuses may close
/// before it has read what the client sent.
///
/// # Errors
/// The server says nothing for too long.
pub fn read_to_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
        _ => Ok(bytes),
    }
}

/// Asks fingerd about a user.
///
/// # Errors
/// No connection, or no end of the answer.
pub fn finger(source: [u8; 4], user: &str) -> io::Result<String> {
    let mut stream = connect(source, FINGER.port)?;
    stream.write_all(format!("{user}\r\n").as_bytes())?;
    Ok(String::from_utf8_lossy(&read_to_end(&mut stream)?).into_owned())
}

/// Talks to telnetd, declining every option, until it asks for the login name or closes.
///
/// # Errors
/// No connection, or silence.
///
/// Source: RFC 854.
pub fn telnet(source: [u8; 4]) -> io::Result<String> {
    const IAC: u8 = 255;
    let mut stream = connect(source, TELNET.port)?;
    let mut text = Vec::new();
    let mut one = [0];
    loop {
        let mut next = || -> io::Result<Option<u8>> {
            match stream.read(&mut one) {
                Ok(0) => Ok(None),
                Ok(_) => Ok(one.first().copied()),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
                Err(error) => Err(error),
            }
        };
        match next()? {
            None => break,
            Some(IAC) => {
                let (Some(verb), Some(option)) = (next()?, next()?) else {
                    break;
                };
                // WILL is declined with DONT, DO with WONT; WONT and DONT need no answer.
                match verb {
                    251 => stream.write_all(&[IAC, 254, option])?,
                    253 => stream.write_all(&[IAC, 252, option])?,
                    _ => {}
                }
            }
            Some(byte) => text.push(byte),
        }
        if text.ends_with(b"login: ") {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Fetches a file of at most one block from tftpd, asking again every second for `patience`.
/// `None` when nothing answers.
///
/// # Errors
/// The socket fails, or the server answers with an error packet.
///
/// Source: RFC 1350.
pub fn tftp(source: [u8; 4], file: &str, patience: Duration) -> io::Result<Option<Vec<u8>>> {
    let socket = UdpSocket::bind((Ipv4Addr::from(source), 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let request = [b"\0\x01", file.as_bytes(), b"\0octet\0"].concat();
    let end = Instant::now() + patience;
    let mut packet = [0; 1024];
    while Instant::now() < end {
        socket.send_to(&request, (Ipv4Addr::LOCALHOST, TFTP.port))?;
        let (length, server) = match socket.recv_from(&mut packet) {
            Ok(received) => received,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::ConnectionRefused
                ) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        return match packet.get(..length).unwrap_or_default() {
            [0, 3, 0, 1, data @ ..] => {
                socket.send_to(&[0, 4, 0, 1], server)?;
                Ok(Some(data.to_vec()))
            }
            other => Err(crate::failure(format!("tftpd answers {other:?}"))),
        };
    }
    Ok(None)
}

/// The command that pulls the whole mirror into `to`.
#[must_use]
pub fn rsync_command(source: [u8; 4], to: &Path, more: &[&str]) -> Command {
    let mut command = Command::new("rsync");
    command
        .arg("--archive")
        .arg("--timeout=20")
        .arg(format!("--address={}", Ipv4Addr::from(source)))
        .args(more)
        .arg("rsync://127.0.0.1/mirror/")
        .arg(to)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Pulls the whole mirror into `to`.
///
/// # Errors
/// rsync cannot be started.
pub fn rsync(source: [u8; 4], to: &Path) -> io::Result<Output> {
    rsync_command(source, to, &[]).output()
}
