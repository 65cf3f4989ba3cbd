//! The questions, each answered once and in time.

use crate::cache::Cache;
use crate::ident::{self, Asked};
use crate::say;
use crate::sources::Sources;
use crate::verify::{Verified, verify};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use wire::{Answer, Channel, Outcome, Question, ReceiveError, Subject};

/// Questions worked on at a time; the others wait, and their time runs.
const MOST_AT_WORK: usize = 64;
/// Questions that wait; one more has failed at once.
const MOST_WAITING: usize = 4096;

struct Seat(Channel<Question, Answer>);

impl AsRawFd for Seat {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

struct Desk {
    seat: AsyncFd<Seat>,
    at_work: Semaphore,
    sources: RefCell<Sources>,
    cache: RefCell<Cache>,
}

/// Answers questions until the other end is gone.
///
/// # Errors
/// The socket's, and a message that is no question: only our own processes ask.
pub async fn serve(channel: OwnedFd, sources: Sources, cache: Cache) -> io::Result<()> {
    fcntl(channel.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe; a seat owns its socket and keeps it as long as it lives"
    )]
    let seat = AsyncFd::new(Seat(Channel::new(channel)))?;
    let desk = Rc::new(Desk {
        seat,
        at_work: Semaphore::new(MOST_AT_WORK),
        sources: RefCell::new(sources),
        cache: RefCell::new(cache),
    });
    LocalSet::new().run_until(receive(desk)).await
}

async fn receive(desk: Rc<Desk>) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    loop {
        let mut ready = desk.seat.readable().await?;
        let question = match ready.get_inner().0.receive() {
            Ok((question, _)) => question,
            Err(ReceiveError::Empty) => {
                ready.clear_ready();
                continue;
            }
            Err(ReceiveError::Closed) => return Ok(()),
            Err(ReceiveError::Malformed(what)) => return Err(io::Error::other(what)),
            Err(ReceiveError::Io(error)) => return Err(error),
        };
        while tasks.try_join_next().is_some() {}
        if tasks.len() < MOST_WAITING {
            tasks.spawn_local(Rc::clone(&desk).answer(question));
        } else {
            let failed = Verified::without(Outcome::Failed, 0);
            desk.send(&answer(question, failed)).await;
        }
    }
}

impl Desk {
    async fn answer(self: Rc<Self>, question: Question) {
        let time = Duration::from_millis(u64::from(question.deadline_ms));
        let found = tokio::time::timeout(time, self.look_up(question.subject)).await;
        let found = found.unwrap_or_else(|_| Verified::without(Outcome::Failed, 0));
        self.send(&answer(question, found)).await;
    }

    async fn look_up(&self, subject: Subject) -> Verified {
        // The semaphore is never closed; were it, nothing could be looked up.
        let Ok(_turn) = self.at_work.acquire().await else {
            return Verified::without(Outcome::Failed, 0);
        };
        match subject {
            Subject::HostnameOf(socket) => self.name_of(socket.ip().to_canonical()).await,
            Subject::UserOf { client, server } => user_of(client, server).await,
        }
    }

    async fn name_of(&self, address: IpAddr) -> Verified {
        let generation = self.sources.borrow_mut().refresh();
        let known = self.cache.borrow_mut().get(address, generation);
        if let Some(known) = known {
            return known;
        }
        let places = self.sources.borrow_mut().places();
        let verified = verify(&places, address).await;
        // Files may have changed meanwhile: the cache sees from the number.
        let mut cache = self.cache.borrow_mut();
        cache.put(address, &verified, generation);
        verified
    }

    async fn send(&self, answer: &Answer) {
        if let Err(error) = self.try_send(answer).await {
            // If nobody listens any more, the loop above ends.
            if error.kind() != io::ErrorKind::BrokenPipe {
                say(&format!("an answer is lost: {error}"));
            }
        }
    }

    async fn try_send(&self, answer: &Answer) -> io::Result<()> {
        loop {
            let mut ready = self.seat.writable().await?;
            match ready.get_inner().0.send(answer, None) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                sent => return sent,
            }
        }
    }
}

async fn user_of(client: SocketAddr, server: SocketAddr) -> Verified {
    match ident::ask(client, server).await {
        Asked::User(name) => Verified {
            name,
            ..Verified::without(Outcome::Known, 0)
        },
        Asked::Nothing => Verified::without(Outcome::None, 0),
        Asked::Failed => Verified::without(Outcome::Failed, 0),
    }
}

fn answer(question: Question, found: Verified) -> Answer {
    Answer {
        id: question.id,
        outcome: found.outcome,
        name: found.name,
        warning: found.warning,
    }
}
