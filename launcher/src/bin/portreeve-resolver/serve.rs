//! Taking questions, many at a time, and answering each exactly once.

use crate::files::Files;
use crate::{ident, verify};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::task::LocalSet;
use wire::{Answer, Channel, Outcome, Question, ReceiveError, Subject};

/// Our end of the conversation, in the form tokio wants to watch.
struct End(Channel<Question, Answer>);

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for End {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// More questions than this are not looked into at a time; those beyond have failed.
const MOST: usize = 4096;

/// Answers questions until the other end closes.
///
/// # Errors
/// A question that is none, and the system's.
pub async fn serve(channel: OwnedFd) -> Result<(), Box<dyn std::error::Error>> {
    set_nonblocking(&channel)?;
    let end = Rc::new(AsyncFd::register(End(Channel::new(channel)))?);
    let files = Rc::new(Files::new());
    let tasks = LocalSet::new();
    tasks.run_until(take_questions(end, files)).await
}

async fn take_questions(
    end: Rc<AsyncFd<End>>,
    files: Rc<Files>,
) -> Result<(), Box<dyn std::error::Error>> {
    loop {
        let mut ready = end.readable().await?;
        match end.get_ref().0.receive() {
            Ok((question, _)) => {
                let (end, files) = (Rc::clone(&end), Rc::clone(&files));
                tokio::task::spawn_local(async move {
                    let answer = if Rc::strong_count(&end) > MOST {
                        failed(question.id)
                    } else {
                        answer(&files, question).await
                    };
                    send(&end, &answer).await;
                });
            }
            Err(ReceiveError::Empty) => ready.clear_ready(),
            Err(ReceiveError::Closed) => return Ok(()),
            Err(ReceiveError::Malformed(malformed)) => return Err(Box::new(malformed)),
            Err(ReceiveError::Io(error)) => return Err(Box::new(error)),
        }
    }
}

/// An answer that cannot be sent has nobody to receive it.
async fn send(end: &AsyncFd<End>, answer: &Answer) {
    loop {
        match end.get_ref().0.send(answer, None) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => match end.writable().await {
                Ok(mut ready) => ready.clear_ready(),
                Err(_) => return,
            },
            _ => return,
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

fn set_nonblocking(socket: &OwnedFd) -> nix::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}
