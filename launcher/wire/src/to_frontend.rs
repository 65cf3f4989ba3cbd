//! What the monitor tells the frontend.

use crate::bytes::{Reader, Writer};
use crate::channel::Frame;
use crate::{ConnectionId, Malformed, Peer};

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exited(u8),
    /// This signal ended it.
    Signalled(u8),
}

/// Why a server was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which step failed: an index into the steps of confinement, or one of the constants.
    pub step: u8,
    /// The system's error number.
    pub errno: i32,
}

/// A message to the frontend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToFrontend {
    /// A new plan, whose descriptor comes along; `listeners` listeners follow, then it holds.
    Plan {
        /// How many [`ToFrontend::Listener`] messages follow.
        listeners: u32,
    },
    /// A listening socket of the plan announced before.
    Listener {
        /// Number of the service in that plan.
        service: u32,
        /// Which of the service's listeners it is.
        listener: u32,
    },
    /// New access tables come along.
    Tables,
    /// A socket to the resolver comes along.
    Resolver,
    /// The file that JSON records are appended to comes along.
    Audit,
    /// A server is running that an earlier frontend asked for: count it.
    Running {
        /// Number of the service in the current plan.
        service: u32,
        /// Which of the service's listeners it came from.
        listener: u32,
        /// The connection.
        connection: ConnectionId,
        /// Its peer as the earlier frontend gave it.
        peer: Peer,
    },
    /// The server was not started; the connection is closed.
    Failed {
        /// Number of the service in the current plan, `u32::MAX` if it is gone.
        service: u32,
        /// Which of the service's listeners it came from.
        listener: u32,
        /// The connection.
        connection: ConnectionId,
        /// Its peer.
        peer: Peer,
        /// What failed.
        failure: Failure,
    },
    /// The server ended.
    Ended {
        /// Number of the service in the current plan, `u32::MAX` if it is gone.
        service: u32,
        /// Which of the service's listeners it came from.
        listener: u32,
        /// The connection.
        connection: ConnectionId,
        /// Its peer.
        peer: Peer,
        /// The server's process id.
        pid: u32,
        /// How it ended.
        ending: Ending,
        /// Time from start to end, in milliseconds.
        duration_ms: u64,
    },
}

const PLAN: u8 = 1;
const LISTENER: u8 = 2;
const TABLES: u8 = 3;
const RESOLVER: u8 = 4;
const AUDIT: u8 = 5;
const RUNNING: u8 = 6;
const FAILED: u8 = 7;
const ENDED: u8 = 8;

impl Frame for ToFrontend {
    const SIZE: usize = 96;

    fn carries_descriptor(&self) -> bool {
        use ToFrontend::{Audit, Listener, Plan, Resolver, Tables};
        matches!(
            self,
            Plan { .. } | Listener { .. } | Tables | Resolver | Audit
        )
    }

    fn with_bytes<R>(&self, send: impl FnOnce(&[u8]) -> R) -> R {
        send(&self.encode())
    }

    fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let (tag, mut fields) = Reader::new(frame, Self::SIZE)?;
        let message = match tag {
            PLAN => ToFrontend::Plan {
                listeners: fields.u32()?,
            },
            LISTENER => ToFrontend::Listener {
                service: fields.u32()?,
                listener: fields.u32()?,
            },
            TABLES => ToFrontend::Tables,
            RESOLVER => ToFrontend::Resolver,
            AUDIT => ToFrontend::Audit,
            RUNNING => ToFrontend::Running {
                service: fields.u32()?,
                listener: fields.u32()?,
                connection: fields.take()?,
                peer: fields.take()?,
            },
            FAILED => ToFrontend::Failed {
                service: fields.u32()?,
                listener: fields.u32()?,
                connection: fields.take()?,
                peer: fields.take()?,
                failure: Failure {
                    step: fields.u8()?,
                    errno: fields.i32()?,
                },
            },
            ENDED => ToFrontend::Ended {
                service: fields.u32()?,
                listener: fields.u32()?,
                connection: fields.take()?,
                peer: fields.take()?,
                pid: fields.u32()?,
                ending: match (fields.u8()?, fields.u8()?) {
                    (0, status) => Ending::Exited(status),
                    (1, signal) => Ending::Signalled(signal),
                    _ => return Err(Malformed::Field),
                },
                duration_ms: fields.u64()?,
            },
            unknown => return Err(Malformed::Tag(unknown)),
        };
        fields.finish()?;
        Ok(message)
    }
}

impl ToFrontend {
    fn encode(&self) -> [u8; Self::SIZE] {
        match *self {
            ToFrontend::Plan { listeners } => {
                let mut writer = Writer::new(PLAN);
                writer.u32(listeners);
                writer.finish()
            }
            ToFrontend::Listener { service, listener } => {
                let mut writer = Writer::new(LISTENER);
                writer.u32(service);
                writer.u32(listener);
                writer.finish()
            }
            ToFrontend::Tables => Writer::new(TABLES).finish(),
            ToFrontend::Resolver => Writer::new(RESOLVER).finish(),
            ToFrontend::Audit => Writer::new(AUDIT).finish(),
            ToFrontend::Running {
                service,
                listener,
                connection,
                peer,
            } => {
                let mut writer = Writer::new(RUNNING);
                writer.u32(service);
                writer.u32(listener);
                writer.put(&connection);
                writer.put(&peer);
                writer.finish()
            }
            ToFrontend::Failed {
                service,
                listener,
                connection,
                peer,
                failure,
            } => {
                let mut writer = Writer::new(FAILED);
                writer.u32(service);
                writer.u32(listener);
                writer.put(&connection);
                writer.put(&peer);
                writer.put(&[failure.step]);
                writer.i32(failure.errno);
                writer.finish()
            }
            ToFrontend::Ended {
                service,
                listener,
                connection,
                peer,
                pid,
                ending,
                duration_ms,
            } => {
                let mut writer = Writer::new(ENDED);
                writer.u32(service);
                writer.u32(listener);
                writer.put(&connection);
                writer.put(&peer);
                writer.u32(pid);
                writer.put(&match ending {
                    Ending::Exited(status) => [0, status],
                    Ending::Signalled(signal) => [1, signal],
                });
                writer.u64(duration_ms);
                writer.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let (connection, peer) = ([3; 16], [4; 20]);
        let (service, listener) = (5, 6);
        let messages = [
            ToFrontend::Plan { listeners: 12 },
            ToFrontend::Listener { service, listener },
            ToFrontend::Tables,
            ToFrontend::Resolver,
            ToFrontend::Audit,
            ToFrontend::Running {
                service,
                listener,
                connection,
                peer,
            },
            ToFrontend::Failed {
                service,
                listener,
                connection,
                peer,
                failure: Failure { step: 3, errno: 13 },
            },
            ToFrontend::Ended {
                service,
                listener,
                connection,
                peer,
                pid: 8,
                ending: Ending::Signalled(9),
                duration_ms: u64::MAX,
            },
        ];
        for message in messages {
            assert_eq!(message.with_bytes(ToFrontend::decode), Ok(message));
        }
    }
}
