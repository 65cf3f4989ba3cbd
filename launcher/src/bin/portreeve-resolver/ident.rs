//! RFC 1413: who is at the other end of a TCP connection, if the other end says.

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const PORT: u16 = 113;
/// Longest line that is read.
const LONGEST: usize = 511;
/// Bytes of a user name that are kept.
const LONGEST_USER: usize = 127;

/// Asks the client's ident service; `None` if it does not tell.
///
/// # Errors
/// The system's. A service that is not there is none.
pub async fn user(client: SocketAddr, server: SocketAddr) -> io::Result<Option<Vec<u8>>> {
    let line = match ask(client, server).await {
        Ok(line) => line,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(parse(&line, client.port(), server.port()))
}

async fn ask(client: SocketAddr, server: SocketAddr) -> io::Result<Vec<u8>> {
    let socket = if client.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(SocketAddr::new(server.ip(), 0))?;
    let mut stream = socket.connect(SocketAddr::new(client.ip(), PORT)).await?;
    let question = format!("{},{}\r\n", client.port(), server.port());
    stream.write_all(question.as_bytes()).await?;
    let mut line = Vec::new();
    let mut buffer = [0; LONGEST];
    while line.len() < LONGEST && !line.contains(&b'\n') {
        match stream.read(&mut buffer).await? {
            0 => break,
            length => line.extend_from_slice(buffer.get(..length).unwrap_or_default()),
        }
    }
    line.truncate(LONGEST);
    Ok(line)
}

/// The user in `client , server : USERID : system : user`, a whole line with both ports as
/// they were asked for.
fn parse(line: &[u8], client: u16, server: u16) -> Option<Vec<u8>> {
    let end = line.iter().position(|&b| b == b'\n')?;
    let mut fields = line.get(..end)?.splitn(4, |&b| b == b':');
    let ports = std::str::from_utf8(fields.next()?).ok()?;
    let (theirs, ours) = ports.split_once(',')?;
    if theirs.trim().parse() != Ok(client) || ours.trim().parse() != Ok(server) {
        return None;
    }
    if fields.next()?.trim_ascii() != b"USERID" || fields.next()?.is_empty() {
        return None;
    }
    let user = fields.next()?.trim_ascii_start();
    let length = user
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(user.len());
    let user = user.get(..length.min(LONGEST_USER))?;
    (!user.is_empty()).then(|| user.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_fits_the_question() {
        for (line, expected) in [
            (
                &b"6193, 23 : USERID : UNIX : stjohns\r\n"[..],
                Some(&b"stjohns"[..]),
            ),
            (b"6193,23:USERID:UNIX,US-ASCII: joe x\n", Some(b"joe")),
            (b"6193,23:USERID:OTHER:a:b\n", Some(b"a:b")),
            (b"6193,23:USERID:UNIX:joe", None),
            (b"6194,23:USERID:UNIX:joe\n", None),
            (b"6193,23:userid:UNIX:joe\n", None),
            (b"6193,23:USERID::joe\n", None),
            (b"6193,23:USERID:UNIX: \n", None),
            (b"6193,23:ERROR:NO-USER\n", None),
            (b"\n", None),
            (b"", None),
        ] {
            assert_eq!(parse(line, 6193, 23).as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut() {
        let line = [&b"1,2:USERID:UNIX:"[..], &[b'x'; 300], b"\n"].concat();
        assert_eq!(parse(&line, 1, 2).unwrap().len(), LONGEST_USER);
    }
}
