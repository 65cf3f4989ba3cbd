//! A syslog daemon's ear: binds `/dev/log` in the arena and keeps every message.

use crate::failure;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One message as a program sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Facility times 8 plus severity; daemon.info is 30, daemon.warning 28.
    pub priority: u8,
    /// The name before the bracket.
    pub ident: String,
    /// The number in the bracket.
    pub pid: Option<u32>,
    /// What follows `ident[pid]: `.
    pub text: String,
}

impl Message {
    /// Takes `<30>Nov 21 06:00:00 ident[77]: text` apart; the time may be missing, then the
    /// syslog daemon adds it.
    ///
    /// Source: syslog(3) as glibc and musl write it to `/dev/log`; RFC 3164, section 4.3.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Message> {
        let (priority, rest) = raw.strip_prefix('<')?.split_once('>')?;
        let rest = match rest.split_at_checked("Nov 21 06:00:00 ".len()) {
            Some((time, rest)) if is_time(time) => rest,
            _ => rest,
        };
        let (tag, text) = rest.split_once(": ")?;
        let (ident, pid) = match tag.strip_suffix(']').and_then(|tag| tag.rsplit_once('[')) {
            Some((ident, pid)) => (ident, pid.parse().ok()),
            None => (tag, None),
        };
        Some(Message {
            priority: priority.parse().ok()?,
            ident: ident.to_owned(),
            pid,
            text: text.trim_end_matches(['\n', '\0']).to_owned(),
        })
    }

    /// The message without what differs between two runs, for comparing.
    #[must_use]
    pub fn line(&self) -> String {
        format!("<{}> {}[]: {}", self.priority, self.ident, self.text)
    }
}

fn is_time(text: &str) -> bool {
    let shape = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c });
    shape.skip(6).eq(" 00:00:00 ".chars())
}

/// The messages that arrived so far.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Journal {
    /// Binds `path` for everybody to write to and starts to listen.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub fn listen(path: &Path) -> io::Result<Journal> {
        let socket = UnixDatagram::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o666))?;
        let journal = Journal::default();
        let ear = journal.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(length) = socket.recv(&mut buffer) {
                ear.keep(buffer.get(..length).unwrap_or_default());
            }
        });
        Ok(journal)
    }

    /// A message that cannot be parsed is kept too, whole, so that no test overlooks it.
    fn keep(&self, bytes: &[u8]) {
        let raw = String::from_utf8_lossy(bytes).into_owned();
        let message = Message::parse(&raw).unwrap_or(Message {
            priority: 0,
            ident: "unparsable".to_owned(),
            pid: None,
            text: raw,
        });
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
    }

    /// Everything so far, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets everything so far.
    pub fn clear(&self) {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Waits for a message that satisfies `wanted`.
    ///
    /// # Errors
    /// After 10 seconds, with everything that came instead.
    pub fn expect(&self, what: &str, wanted: impl Fn(&Message) -> bool) -> io::Result<Message> {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let messages = self.messages();
            if let Some(found) = messages.iter().find(|message| wanted(message)) {
                return Ok(found.clone());
            }
            if Instant::now() > end {
                let all: Vec<_> = messages.iter().map(Message::line).collect();
                return Err(failure(format!(
                    "no {what} in the log:\n  {}",
                    all.join("\n  ")
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a message of `ident` whose text begins with `start`.
    ///
    /// # Errors
    /// After 10 seconds, with everything that came instead.
    pub fn expect_line(&self, ident: &str, start: &str) -> io::Result<Message> {
        self.expect(&format!("{ident}: {start}…"), |message| {
            message.ident == ident && message.text.starts_with(start)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libc_format_is_taken_apart() {
        let message = Message::parse("<28>Nov  1 06:00:00 in.fingerd[12]: refused: x\n").unwrap();
        assert_eq!(message.line(), "<28> in.fingerd[]: refused: x");
        assert_eq!(message.pid, Some(12));
    }

    #[test]
    fn a_message_without_time_is_taken_apart() {
        let message = Message::parse("<30>portreeve[5]: frontend ready (pid 7)").unwrap();
        assert_eq!(message.line(), "<30> portreeve[]: frontend ready (pid 7)");
        assert_eq!(message.pid, Some(5));
    }

    #[test]
    fn a_tag_without_pid_is_taken_apart() {
        let message = Message::parse("<30>Nov 21 06:00:00 su: hello").unwrap();
        assert_eq!((message.ident.as_str(), message.pid), ("su", None));
    }
}
