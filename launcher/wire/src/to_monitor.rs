//! What the frontend may ask of the monitor. There is no more than this.

use crate::bytes::{Reader, Writer};
use crate::channel::Frame;
use crate::{ConnectionId, Malformed, Peer};

/// A request of the frontend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToMonitor {
    /// The frontend has confined itself and taken its listeners over.
    Ready,
    /// The tables may have changed: read them again and send them.
    Refresh,
    /// Start a server for one connection, whose descriptor comes along.
    Launch {
        /// Number of the service in the current plan.
        service: u32,
        /// Which of the service's listeners accepted it.
        listener: u32,
        /// Run the server through tcpd, which carries out options that need its process.
        through_tcpd: bool,
        /// Names the connection in records.
        connection: ConnectionId,
        /// Given back when the server ends.
        peer: Peer,
    },
    /// Start a server on a listener itself (`wait`); no descriptor comes along.
    LaunchOnListener {
        /// Number of the service in the current plan.
        service: u32,
        /// Which of the service's listeners is ready.
        listener: u32,
        /// Names the server's run in records.
        connection: ConnectionId,
        /// Given back when the server ends: the peer whose datagram or connection waits.
        peer: Peer,
    },
}

const READY: u8 = 1;
const REFRESH: u8 = 2;
const LAUNCH: u8 = 3;
const LAUNCH_ON_LISTENER: u8 = 4;

impl Frame for ToMonitor {
    const SIZE: usize = 64;

    fn carries_descriptor(&self) -> bool {
        matches!(self, ToMonitor::Launch { .. })
    }

    fn with_bytes<R>(&self, send: impl FnOnce(&[u8]) -> R) -> R {
        let frame = match *self {
            ToMonitor::Ready => Writer::new(READY).finish(),
            ToMonitor::Refresh => Writer::new(REFRESH).finish(),
            ToMonitor::Launch {
                service,
                listener,
                through_tcpd,
                connection,
                peer,
            } => launch(LAUNCH, service, listener, through_tcpd, connection, peer),
            ToMonitor::LaunchOnListener {
                service,
                listener,
                connection,
                peer,
            } => launch(
                LAUNCH_ON_LISTENER,
                service,
                listener,
                false,
                connection,
                peer,
            ),
        };
        send(&frame)
    }

    fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let (tag, mut fields) = Reader::new(frame, Self::SIZE)?;
        let message = match tag {
            READY => ToMonitor::Ready,
            REFRESH => ToMonitor::Refresh,
            LAUNCH | LAUNCH_ON_LISTENER => {
                let service = fields.u32()?;
                let listener = fields.u32()?;
                let through_tcpd = fields.u8()?;
                let connection = fields.take()?;
                let peer = fields.take()?;
                match (tag, through_tcpd) {
                    (LAUNCH, 0 | 1) => {
                        let through_tcpd = through_tcpd == 1;
                        ToMonitor::Launch {
                            service,
                            listener,
                            through_tcpd,
                            connection,
                            peer,
                        }
                    }
                    (LAUNCH_ON_LISTENER, 0) => ToMonitor::LaunchOnListener {
                        service,
                        listener,
                        connection,
                        peer,
                    },
                    _ => return Err(Malformed::Field),
                }
            }
            unknown => return Err(Malformed::Tag(unknown)),
        };
        fields.finish()?;
        Ok(message)
    }
}

fn launch(
    tag: u8,
    service: u32,
    listener: u32,
    through_tcpd: bool,
    connection: ConnectionId,
    peer: Peer,
) -> [u8; ToMonitor::SIZE] {
    let mut writer = Writer::new(tag);
    writer.u32(service);
    writer.u32(listener);
    writer.put(&[u8::from(through_tcpd)]);
    writer.put(&connection);
    writer.put(&peer);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<ToMonitor> {
        let (connection, peer) = ([7; 16], [9; 20]);
        vec![
            ToMonitor::Ready,
            ToMonitor::Refresh,
            ToMonitor::Launch {
                service: 1,
                listener: 2,
                through_tcpd: true,
                connection,
                peer,
            },
            ToMonitor::LaunchOnListener {
                service: u32::MAX,
                listener: 0,
                connection,
                peer,
            },
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for message in messages() {
            assert_eq!(message.with_bytes(ToMonitor::decode), Ok(message));
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for message in messages() {
            let frame = message.with_bytes(<[u8]>::to_vec);
            for size in (0..ToMonitor::SIZE).chain([ToMonitor::SIZE + 1, 1024]) {
                let mut wrong = frame.clone();
                wrong.resize(size, 0);
                assert_eq!(ToMonitor::decode(&wrong), Err(Malformed::Size));
            }
            for tag in (0..=255).filter(|tag| !(READY..=LAUNCH_ON_LISTENER).contains(tag)) {
                let mut wrong = frame.clone();
                wrong[0] = tag;
                assert_eq!(ToMonitor::decode(&wrong), Err(Malformed::Tag(tag)));
            }
            let mut wrong = frame.clone();
            wrong[ToMonitor::SIZE - 1] = 1;
            assert_eq!(ToMonitor::decode(&wrong), Err(Malformed::Padding));
        }
    }
}
