//! Services the frontend serves itself, over TCP: echo, discard, daytime, time, chargen.
//!
//! Source: RFC 862 to 868. A session holds at most one buffer and never blocks the others.

use launcher::plan::Builtin;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wire::ConnectionId;

/// A session idle for this long is ended.
const IDLE: Duration = Duration::from_secs(300);
const BUFFER: usize = 4096;
/// Seconds between 1900 and 1970.
const FROM_1900: u64 = 2_208_988_800;

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes from the client.
    Read,
    /// Room for bytes to the client.
    Write,
}

/// One connection to a builtin service.
pub struct Session {
    /// Names it in records.
    pub id: ConnectionId,
    /// The service's number.
    pub service: u32,
    /// The remote end.
    pub peer: Option<SocketAddr>,
    /// When it began.
    pub since: Instant,
    stream: TcpStream,
    kind: Builtin,
    active: Instant,
    pending: Vec<u8>,
    line: usize,
}

impl Session {
    /// Begins to serve a connection.
    ///
    /// # Errors
    /// The system's, if the connection cannot be made non-blocking.
    pub fn new(
        (id, service): (ConnectionId, u32),
        stream: TcpStream,
        peer: Option<SocketAddr>,
        kind: Builtin,
        now: Instant,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let pending = match kind {
            Builtin::Daytime | Builtin::Time => reply(kind, &[], 0),
            Builtin::Echo | Builtin::Discard | Builtin::Chargen => Vec::new(),
        };
        Ok(Session {
            id,
            service,
            peer,
            since: now,
            stream,
            kind,
            active: now,
            pending,
            line: 0,
        })
    }

    /// What the session waits for now.
    pub fn interest(&self) -> Interest {
        match self.kind {
            Builtin::Discard => Interest::Read,
            Builtin::Echo if self.pending.is_empty() => Interest::Read,
            _ => Interest::Write,
        }
    }

    /// Goes on as far as the connection allows; `true` when the session has ended.
    ///
    /// # Errors
    /// The system's, which also end the session.
    pub fn advance(&mut self, now: Instant) -> io::Result<bool> {
        self.active = now;
        let result = match self.interest() {
            Interest::Read => self.read(),
            Interest::Write => self.write(),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            other => other,
        }
    }

    /// Whether nothing has happened for too long.
    pub fn is_idle(&self, now: Instant) -> bool {
        now.duration_since(self.active) >= IDLE
    }

    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; BUFFER];
        let length = self.stream.read(&mut buffer)?;
        if self.kind == Builtin::Echo {
            self.pending
                .extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
        Ok(length == 0)
    }

    fn write(&mut self) -> io::Result<bool> {
        if self.kind == Builtin::Chargen && self.pending.is_empty() {
            self.pending = reply(Builtin::Chargen, &[], self.line);
            self.line += 1;
        }
        let written = self.stream.write(&self.pending)?;
        self.pending.drain(..written);
        let says_once = matches!(self.kind, Builtin::Daytime | Builtin::Time);
        Ok(says_once && self.pending.is_empty())
    }
}

impl AsFd for Session {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What a builtin answers to `received`; `line` numbers the lines of chargen.
pub fn reply(kind: Builtin, received: &[u8], line: usize) -> Vec<u8> {
    match kind {
        Builtin::Echo => received.to_vec(),
        Builtin::Discard => Vec::new(),
        Builtin::Daytime => {
            let now = jiff::Zoned::now();
            now.strftime("%a %b %e %H:%M:%S %Y\r\n")
                .to_string()
                .into_bytes()
        }
        Builtin::Time => {
            let since_1970 = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            // The protocol's 32 bits wrap in 2036, as the RFC has it.
            ((since_1970.as_secs() + FROM_1900) as u32)
                .to_be_bytes()
                .to_vec()
        }
        Builtin::Chargen => characters(line),
    }
}

/// 72 of the 95 printing characters, each line beginning one further on.
fn characters(line: usize) -> Vec<u8> {
    let mut text: Vec<u8> = (b' '..=b'~').cycle().skip(1 + line % 95).take(72).collect();
    text.extend_from_slice(b"\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_their_form() {
        assert_eq!(reply(Builtin::Echo, b"x\0", 0), b"x\0");
        assert_eq!(reply(Builtin::Time, b"", 0).len(), 4);
        let daytime = reply(Builtin::Daytime, b"", 0);
        assert!(
            daytime.ends_with(b"\r\n") && daytime.len() == 26,
            "{daytime:?}"
        );
        let first = characters(0);
        assert_eq!((first[0], first.len()), (b'!', 74));
        assert_eq!(characters(1)[0], b'"');
        assert_eq!(characters(95), first);
    }
}
