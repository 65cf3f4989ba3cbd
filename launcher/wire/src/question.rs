//! Questions to the resolver and its answers.

use crate::Malformed;
use crate::bytes::{Reader, Writer};
use crate::channel::Frame;
use std::net::SocketAddr;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The verified host name of an address.
    ///
    /// Source: hosts_access(5), "paranoid"; DNS and the hosts file.
    HostnameOf(SocketAddr),
    /// The user at the client's end of a TCP connection.
    ///
    /// Source: RFC 1413.
    UserOf {
        /// The remote end.
        client: SocketAddr,
        /// The local end.
        server: SocketAddr,
    },
}

/// A question to the resolver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Given back with the answer.
    pub id: u64,
    /// How long the whole search may take, in milliseconds.
    pub deadline_ms: u32,
    /// What is asked.
    pub subject: Subject,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The name in the answer, verified as far as its kind can be.
    Known,
    /// There is authoritatively none.
    None,
    /// A name was found that does not check out; the answer's warning says how.
    Paranoid,
    /// It could not be found out in time.
    Failed,
}

/// The resolver's answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question's.
    pub id: u64,
    /// What was found.
    pub outcome: Outcome,
    /// The name, at most 255 bytes, empty unless the outcome is `Known`.
    pub name: Vec<u8>,
    /// What the log should say about it, at most 640 bytes, mostly empty.
    pub warning: Vec<u8>,
}

const HOSTNAME: u8 = 1;
const USER: u8 = 2;
const ANSWER: u8 = 3;
const NAME_CAPACITY: u16 = 255;
const WARNING_CAPACITY: u16 = 640;

impl Frame for Question {
    const SIZE: usize = 64;

    fn carries_descriptor(&self) -> bool {
        false
    }

    fn with_bytes<R>(&self, send: impl FnOnce(&[u8]) -> R) -> R {
        let tag = match self.subject {
            Subject::HostnameOf(_) => HOSTNAME,
            Subject::UserOf { .. } => USER,
        };
        let mut writer = Writer::<{ Self::SIZE }>::new(tag);
        writer.u64(self.id);
        writer.u32(self.deadline_ms);
        match self.subject {
            Subject::HostnameOf(socket) => writer.socket(socket),
            Subject::UserOf { client, server } => {
                writer.socket(client);
                writer.socket(server);
            }
        }
        send(&writer.finish())
    }

    fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let (tag, mut fields) = Reader::new(frame, Self::SIZE)?;
        let id = fields.u64()?;
        let deadline_ms = fields.u32()?;
        let subject = match tag {
            HOSTNAME => Subject::HostnameOf(fields.socket()?),
            USER => Subject::UserOf {
                client: fields.socket()?,
                server: fields.socket()?,
            },
            unknown => return Err(Malformed::Tag(unknown)),
        };
        fields.finish()?;
        Ok(Question {
            id,
            deadline_ms,
            subject,
        })
    }
}

impl Frame for Answer {
    const SIZE: usize = 1024;

    fn carries_descriptor(&self) -> bool {
        false
    }

    fn with_bytes<R>(&self, send: impl FnOnce(&[u8]) -> R) -> R {
        let mut writer = Writer::<{ Self::SIZE }>::new(ANSWER);
        writer.u64(self.id);
        writer.put(&[match self.outcome {
            Outcome::Known => 0,
            Outcome::None => 1,
            Outcome::Paranoid => 2,
            Outcome::Failed => 3,
        }]);
        writer.text(&self.name, NAME_CAPACITY);
        writer.text(&self.warning, WARNING_CAPACITY);
        send(&writer.finish())
    }

    fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let (tag, mut fields) = Reader::new(frame, Self::SIZE)?;
        if tag != ANSWER {
            return Err(Malformed::Tag(tag));
        }
        let id = fields.u64()?;
        let outcome = match fields.u8()? {
            0 => Outcome::Known,
            1 => Outcome::None,
            2 => Outcome::Paranoid,
            3 => Outcome::Failed,
            _ => return Err(Malformed::Field),
        };
        let name = fields.text(NAME_CAPACITY)?;
        let warning = fields.text(WARNING_CAPACITY)?;
        fields.finish()?;
        if name.is_empty() == (outcome == Outcome::Known) {
            return Err(Malformed::Field);
        }
        Ok(Answer {
            id,
            outcome,
            name,
            warning,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let client = "192.0.2.1:4711".parse().unwrap();
        let server = "[2001:db8::1]:79".parse().unwrap();
        for subject in [
            Subject::HostnameOf(client),
            Subject::UserOf { client, server },
        ] {
            let question = Question {
                id: 42,
                deadline_ms: 5000,
                subject,
            };
            assert_eq!(question.with_bytes(Question::decode), Ok(question));
        }
        let answer = Answer {
            id: 42,
            outcome: Outcome::Known,
            name: b"alpha.example".to_vec(),
            warning: b"careful".to_vec(),
        };
        assert_eq!(answer.with_bytes(Answer::decode).as_ref(), Ok(&answer));
    }

    #[test]
    fn a_name_goes_with_known_and_with_nothing_else() {
        for (outcome, name) in [(Outcome::Known, &b""[..]), (Outcome::Failed, b"x")] {
            let answer = Answer {
                id: 1,
                outcome,
                name: name.to_vec(),
                warning: Vec::new(),
            };
            assert_eq!(answer.with_bytes(Answer::decode), Err(Malformed::Field));
        }
    }
}
