//! The records of a connection: one when it is let in or turned away, one when it is over.
//!
//! Each kind of record knows its two forms, a line for the system's log and a line of JSON.
//!
//! In JSON, bytes that are not UTF-8 appear as U+FFFD, and the field is followed by one of the
//! same name with `_hex` added that has all its bytes, so that nothing is lost and every JSON
//! reader takes it. Fields that are not known are left out.

use crate::syslog::Severity;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write;
use std::net::SocketAddr;
use std::time::SystemTime;

/// Writing to a vector cannot fail.
macro_rules! put {
    ($line:expr, $($arguments:tt)*) => {{
        let _ = write!($line, $($arguments)*);
    }};
}

/// What every record says about the connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// When it happened.
    pub time: SystemTime,
    /// The connection's UUID, most significant byte first.
    pub id: [u8; 16],
    /// The service's id.
    pub service: &'a [u8],
    /// The remote end; `None` for a local socket's or if the kernel could not tell.
    pub peer: Option<SocketAddr>,
    /// The local end.
    pub local: Option<SocketAddr>,
    /// The verified name of the remote end, if it was looked up and is good.
    pub host: Option<&'a [u8]>,
    /// The user at the remote end, if looked up and told.
    pub user: Option<&'a [u8]>,
}

/// Why the connection was let in or turned away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decision<'a> {
    /// The file that decided, as `hosts.deny`; `None` if no rule did.
    pub table: Option<&'a str>,
    /// The rule's line in it, from 1.
    pub line: u32,
    /// The pattern that matched, or the reason in words.
    pub reason: &'a [u8],
}

/// A connection was let in.
#[derive(Clone, Copy, Debug)]
pub struct Open<'a> {
    /// The connection.
    pub connection: Connection<'a>,
    /// Why it was let in.
    pub decision: Decision<'a>,
    /// The confinement that is in force, in short.
    pub enforced: &'a str,
    /// The server's process id, if there is one yet.
    pub pid: Option<u32>,
}

/// A connection was turned away.
#[derive(Clone, Copy, Debug)]
pub struct Refuse<'a> {
    /// The connection.
    pub connection: Connection<'a>,
    /// Why it was turned away.
    pub decision: Decision<'a>,
}

/// A connection's server has ended.
#[derive(Clone, Copy, Debug)]
pub struct Close<'a> {
    /// The connection.
    pub connection: Connection<'a>,
    /// The server's process id, if it was a process.
    pub pid: Option<u32>,
    /// How the server ended.
    pub ending: Ending,
    /// From start to end, in milliseconds.
    pub duration_ms: u64,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exited(u8),
    /// This signal ended it.
    Signalled(u8),
}

impl Open<'_> {
    /// `connect from <client> (<address>)`, as tcpd words it.
    #[must_use]
    pub fn syslog_line(&self) -> (Severity, Vec<u8>) {
        (Severity::LOG_INFO, self.connection.line(b"connect from "))
    }

    /// The record as one line of JSON, line feed included.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Json::new(&self.connection, "open");
        json.decision(&self.decision);
        json.text("enforced", self.enforced.as_bytes());
        if let Some(pid) = self.pid {
            json.number("pid", u64::from(pid));
        }
        json.finish()
    }
}

impl Refuse<'_> {
    /// `refused connect from <client> (<address>)`, as tcpd words it.
    #[must_use]
    pub fn syslog_line(&self) -> (Severity, Vec<u8>) {
        (
            Severity::LOG_WARNING,
            self.connection.line(b"refused connect from "),
        )
    }

    /// The record as one line of JSON, line feed included.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Json::new(&self.connection, "refuse");
        json.decision(&self.decision);
        json.finish()
    }
}

impl Close<'_> {
    /// `closed <client> (<address>) pid=N status=N duration=N.NNNs`, with `signal=N` in the
    /// place of the status if a signal ended the server.
    #[must_use]
    pub fn syslog_line(&self) -> (Severity, Vec<u8>) {
        let mut line = self.connection.line(b"closed ");
        if let Some(pid) = self.pid {
            put!(line, " pid={pid}");
        }
        match self.ending {
            Ending::Exited(status) => put!(line, " status={status}"),
            Ending::Signalled(signal) => put!(line, " signal={signal}"),
        }
        put!(
            line,
            " duration={}.{:03}s",
            self.duration_ms / 1000,
            self.duration_ms % 1000
        );
        (Severity::LOG_INFO, line)
    }

    /// The record as one line of JSON, line feed included.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Json::new(&self.connection, "close");
        if let Some(pid) = self.pid {
            json.number("pid", u64::from(pid));
        }
        match self.ending {
            Ending::Exited(status) => json.number("status", u64::from(status)),
            Ending::Signalled(signal) => json.number("signal", u64::from(signal)),
        }
        json.number("duration_ms", self.duration_ms);
        json.finish()
    }
}

impl Connection<'_> {
    /// `<start>[user@]<name or address> (<address>)`. Source: hosts_access(5), `%c`.
    fn line(&self, start: &[u8]) -> Vec<u8> {
        let mut line = Vec::with_capacity(160);
        line.extend_from_slice(start);
        if let Some(user) = self.user {
            line.extend_from_slice(user);
            line.push(b'@');
        }
        match self.host {
            Some(host) => line.extend_from_slice(host),
            None => self.address(&mut line),
        }
        line.extend_from_slice(b" (");
        self.address(&mut line);
        line.push(b')');
        line
    }

    fn address(&self, line: &mut Vec<u8>) {
        match self.peer {
            Some(peer) => put!(line, "{}", peer.ip()),
            None => line.extend_from_slice(b"unknown"),
        }
    }
}

/// A line of JSON being written.
struct Json {
    line: Vec<u8>,
}

impl Json {
    fn new(connection: &Connection, event: &str) -> Self {
        let mut line = Vec::with_capacity(512);
        let time = Timestamp::try_from(connection.time).unwrap_or_default();
        let when = TimeZone::UTC.to_datetime(time);
        put!(
            line,
            "{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\"event\":\"{event}\",\"id\":\"",
            when.year(),
            when.month(),
            when.day(),
            when.hour(),
            when.minute(),
            when.second(),
            when.millisecond(),
        );
        for (at, byte) in connection.id.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                line.push(b'-');
            }
            line.extend_from_slice(&hex(*byte));
        }
        line.push(b'"');
        let mut json = Json { line };
        json.text("service", connection.service);
        json.socket("peer", "peer_port", connection.peer);
        json.socket("local", "local_port", connection.local);
        if let Some(host) = connection.host {
            json.text("host", host);
        }
        if let Some(user) = connection.user {
            json.text("user", user);
        }
        json
    }

    fn decision(&mut self, decision: &Decision) {
        if let Some(table) = decision.table {
            self.text("table", table.as_bytes());
            self.number("line", u64::from(decision.line));
        }
        self.text("reason", decision.reason);
    }

    fn socket(&mut self, address: &str, port: &str, socket: Option<SocketAddr>) {
        if let Some(socket) = socket {
            put!(
                self.line,
                ",\"{address}\":\"{}\",\"{port}\":{}",
                socket.ip(),
                socket.port()
            );
        }
    }

    fn number(&mut self, name: &str, number: u64) {
        put!(self.line, ",\"{name}\":{number}");
    }

    fn text(&mut self, name: &str, text: &[u8]) {
        put!(self.line, ",\"{name}\":\"");
        for chunk in text.utf8_chunks() {
            self.escape(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.line.extend_from_slice(b"\\ufffd");
            }
        }
        self.line.push(b'"');
        if std::str::from_utf8(text).is_err() {
            put!(self.line, ",\"{name}_hex\":\"");
            self.line.extend(text.iter().flat_map(|byte| hex(*byte)));
            self.line.push(b'"');
        }
    }

    fn escape(&mut self, text: &[u8]) {
        for &byte in text {
            match byte {
                b'"' | b'\\' => self.line.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.line.extend_from_slice(b"\\n"),
                _ if byte.is_ascii_control() => {
                    self.line.extend_from_slice(b"\\u00");
                    self.line.extend_from_slice(&hex(byte));
                }
                _ => self.line.push(byte),
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.line.extend_from_slice(b"}\n");
        self.line
    }
}

fn hex(byte: u8) -> [u8; 2] {
    let digit = |half: u8| {
        if half < 10 {
            b'0' + half
        } else {
            b'a' + half - 10
        }
    };
    [digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests;
