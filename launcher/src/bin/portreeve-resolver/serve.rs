//! Taking questions, many at a time, and answering each exactly once.

use crate::files::Files;
use crate::{ident, verify};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::task::LocalSet;
use wire::{Answer, Channel, Outcome, Question, ReceiveError, Subject};

/// Our end of the conversation. tokio has no sequenced-packet socket: the stream is another
/// descriptor of the same socket, used to wait and for nothing else.
struct End {
    channel: Channel<Question, Answer>,
    readiness: UnixStream,
}

impl End {
    fn new(socket: OwnedFd) -> io::Result<Self> {
        let twin = std::os::unix::net::UnixStream::from(socket.try_clone()?);
        twin.set_nonblocking(true)?;
        Ok(End {
            channel: Channel::new(socket),
            readiness: UnixStream::from_std(twin)?,
        })
    }

    async fn receive(&self) -> Result<Question, ReceiveError> {
        loop {
            self.readiness.readable().await.map_err(ReceiveError::Io)?;
            let received = self.readiness.try_io(Interest::READABLE, || {
                match self.channel.receive() {
                    Err(ReceiveError::Empty) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
                    other => Ok(other),
                }
            });
            if let Ok(received) = received {
                return received.map(|(question, _)| question);
            }
        }
    }

    /// An answer that cannot be sent has nobody to receive it.
    async fn send(&self, answer: &Answer) {
        while self.readiness.writable().await.is_ok() {
            let send = || self.channel.send(answer, None);
            match self.readiness.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    }
}

/// More questions than this are not looked into at a time; those beyond have failed.
const MOST: usize = 4096;

/// Answers questions until the other end closes.
///
/// # Errors
/// A question that is none, and the system's.
pub async fn serve(socket: OwnedFd) -> Result<(), Box<dyn std::error::Error>> {
    let end = Rc::new(End::new(socket)?);
    let files = Rc::new(Files::new());
    LocalSet::new().run_until(take_questions(end, files)).await
}

async fn take_questions(
    end: Rc<End>,
    files: Rc<Files>,
) -> Result<(), Box<dyn std::error::Error>> {
    loop {
        match end.receive().await {
            Ok(question) => {
                let (end, files) = (Rc::clone(&end), Rc::clone(&files));
                tokio::task::spawn_local(async move {
                    let answer = if Rc::strong_count(&end) > MOST {
                        failed(question.id)
                    } else {
                        answer(&files, question).await
                    };
                    end.send(&answer).await;
                });
            }
            Err(ReceiveError::Empty) => {}
            Err(ReceiveError::Closed) => return Ok(()),
            Err(ReceiveError::Malformed(malformed)) => return Err(Box::new(malformed)),
            Err(ReceiveError::Io(error)) => return Err(Box::new(error)),
        }
    }
}

async fn answer(files: &Files, question: Question) -> Answer {
    let deadline = Duration::from_millis(u64::from(question.deadline_ms));
    match tokio::time::timeout(deadline, find(files, question)).await {
        Ok(answer) => answer,
        Err(_) => failed(question.id),
    }
}

async fn find(files: &Files, Question { id, subject, .. }: Question) -> Answer {
    match subject {
        Subject::HostnameOf(socket) => {
            let found = verify::hostname(&files.current(), socket.ip()).await;
            Answer {
                id,
                outcome: found.outcome,
                name: found.name.into_bytes(),
                warning: found.warning.into_bytes(),
            }
        }
        Subject::UserOf { client, server } => match ident::user(client, server).await {
            Ok(Some(name)) => Answer {
                id,
                outcome: Outcome::Known,
                name,
                warning: Vec::new(),
            },
            Ok(None) => Answer {
                outcome: Outcome::None,
                ..failed(id)
            },
            Err(_) => failed(id),
        },
    }
}

fn failed(id: u64) -> Answer {
    Answer {
        id,
        outcome: Outcome::Failed,
        name: Vec::new(),
        warning: Vec::new(),
    }
}
