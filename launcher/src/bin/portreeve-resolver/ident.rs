//! Asking the client's machine whose connection it is.
//!
//! Source: RFC 1413, and what tcpd takes for an answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};

const PORT: u16 = 113;
/// The longest line that is read, with its end.
const LINE_LENGTH: usize = 511;
/// Bytes of the user that are read, and those that are used.
const USER_READ: usize = 255;
const USER_LENGTH: usize = 127;

/// What the client's machine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The user.
    User(Vec<u8>),
    /// Nothing that can be used.
    Nothing,
    /// It could not be asked, or not in time.
    Failed,
}

/// Asks for the user at the client's end of the connection. Takes as long as the client
/// likes: the caller sets a limit.
pub async fn ask(client: SocketAddr, server: SocketAddr) -> Asked {
    let (client, server) = (unmapped(client), unmapped(server));
    let socket = match (client.ip(), server.ip()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => TcpSocket::new_v4(),
        (IpAddr::V6(_), IpAddr::V6(_)) => TcpSocket::new_v6(),
        _ => return Asked::Nothing,
    };
    // Without a socket nobody was asked.
    let Ok(socket) = socket else {
        return Asked::Failed;
    };
    match exchange(socket, client, server).await {
        Ok(line) => match user(&line, client.port(), server.port()) {
            Some(user) => Asked::User(user),
            None => Asked::Nothing,
        },
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Asked::Failed,
        Err(_) => Asked::Nothing,
    }
}

fn unmapped(socket: SocketAddr) -> SocketAddr {
    SocketAddr::new(socket.ip().to_canonical(), socket.port())
}

/// Sends the query from the address that the client knows, and reads one line.
async fn exchange(
    socket: TcpSocket,
    client: SocketAddr,
    server: SocketAddr,
) -> io::Result<Vec<u8>> {
    socket.bind(SocketAddr::new(server.ip(), 0))?;
    let stream = socket.connect(SocketAddr::new(client.ip(), PORT)).await?;
    let query = format!("{},{}\r\n", client.port(), server.port());
    let mut rest = query.as_bytes();
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
            Err(error) => return Err(error),
        }
    }
    line(&stream).await
}

async fn line(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let mut buffer = [0; LINE_LENGTH];
        let room = LINE_LENGTH - line.len();
        stream.readable().await?;
        match stream.try_read(buffer.get_mut(..room).unwrap_or_default()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => line.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = line.iter().position(|&b| b == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        if line.len() == LINE_LENGTH {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// The user that a line names, if it is about these ports.
fn user(line: &[u8], client: u16, server: u16) -> Option<Vec<u8>> {
    let rest = line.split(|&b| b == 0).next()?;
    let rest = expect(port(rest, client)?, b",")?;
    let rest = expect(port(rest, server)?, b":")?;
    let rest = expect(expect(rest, b"USERID")?, b":")?;
    let system = rest.iter().position(|&b| b == b':').filter(|&at| at > 0)?;
    let user = blanks(rest.get(system + 1..)?);
    let end = user.iter().position(|&b| is_blank(b)).unwrap_or(user.len());
    let user = user.get(..end.min(USER_READ).min(USER_LENGTH))?;
    (!user.is_empty()).then(|| user.to_vec())
}

/// Takes a number that has to be this port.
fn port(text: &[u8], port: u16) -> Option<&[u8]> {
    let text = blanks(text);
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let number: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number == port).then_some(rest)
}

/// Takes this text, with blanks before it.
fn expect<'a>(text: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    blanks(text).strip_prefix(wanted)
}

fn blanks(text: &[u8]) -> &[u8] {
    let start = text
        .iter()
        .position(|&b| !is_blank(b))
        .unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// isspace(3) in the C locale.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Option<String> {
        let user = user(line.as_bytes(), 6193, 23)?;
        Some(String::from_utf8(user).unwrap())
    }

    #[test]
    fn answers_that_name_a_user() {
        for (line, user) in [
            ("6193, 23 : USERID : UNIX : stjohns\r", "stjohns"),
            ("6193,23:USERID:UNIX:u", "u"),
            (
                " 6193\t,\x0b23 :  USERID  :UNIX,US-ASCII:\x0c a:b@c\"d e",
                "a:b@c\"d",
            ),
            ("6193, 23 : USERID : : x", "x"),
            ("06193, 0023 : USERID : OTHER : x\0y", "x"),
        ] {
            assert_eq!(read(line).as_deref(), Some(user), "{line:?}");
        }
        let long = format!("6193,23:USERID:UNIX:{}", "u".repeat(300));
        assert_eq!(read(&long).unwrap(), "u".repeat(127));
    }

    #[test]
    fn answers_that_name_none() {
        for line in [
            "",
            "6193, 23 : ERROR : NO-USER",
            "6193, 24 : USERID : UNIX : u",
            "23, 6193 : USERID : UNIX : u",
            "71729, 23 : USERID : UNIX : u",
            "6193, 23 : userid : UNIX : u",
            "6193, 23 : USERID :: u",
            "6193, 23 : USERID : UNIX :",
            "6193, 23 : USERID : UNIX : \r",
            "6193, 23 : USERID : UNIX",
            "6193 23 : USERID : UNIX : u",
            "+6193, 23 : USERID : UNIX : u",
            "6193, 23 : USERID\0 : UNIX : u",
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_names_a_short_user_or_none(line: Vec<u8>, head in 0..3_usize) {
            let heads = ["", "1,2:USERID:x:", "1 , 2 : USERID"];
            let line = [heads[head].as_bytes(), &line].concat();
            if let Some(user) = user(&line, 1, 2) {
                prop_assert!((1..=USER_LENGTH).contains(&user.len()));
            }
        }
    }
}
