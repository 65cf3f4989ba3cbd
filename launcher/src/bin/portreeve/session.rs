//! The servers that are running.

use crate::job::Ticket;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;
use sys::clone::{Child, Ended, reap};
use wire::{ConnectionId, Ending, Peer, ToFrontend};

/// What is remembered of a request until its server has ended.
pub struct Session {
    /// The service's number.
    pub service: u32,
    /// The listener's number within the service.
    pub listener: u32,
    /// The connection, for the frontend's records.
    pub connection: ConnectionId,
    /// The peer, for the frontend's records; never looked into here.
    pub peer: Peer,
    since: Instant,
}

impl Session {
    /// A request made now.
    pub fn new(service: u32, listener: u32, connection: ConnectionId, peer: Peer) -> Self {
        Session {
            service,
            listener,
            connection,
            peer,
            since: Instant::now(),
        }
    }
}

/// Servers by ticket, and how many there are of each service.
#[derive(Default)]
pub struct Sessions {
    running: HashMap<Ticket, (Session, Child)>,
    counts: HashMap<u32, u32>,
}

/// More servers than this are not started, whatever the frontend asks for.
const MOST: usize = 16_384;

impl Sessions {
    /// How many servers are running.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether the service may have no more.
    pub fn is_full(&self, service: u32, limit: Option<u32>) -> bool {
        let count = self.counts.get(&service).copied().unwrap_or(0);
        self.running.len() >= MOST || limit.is_some_and(|limit| count >= limit)
    }

    /// Whether a server has taken over this listener.
    pub fn has_listener(&self, service: u32, listener: u32) -> bool {
        self.running
            .values()
            .any(|(s, _)| s.service == service && s.listener == listener)
    }

    /// Counts a server that is about to be started.
    pub fn count(&mut self, service: u32) {
        *self.counts.entry(service).or_default() += 1;
    }

    /// Takes back [`Sessions::count`].
    pub fn uncount(&mut self, service: u32) {
        if let Some(count) = self.counts.get_mut(&service) {
            *count = count.saturating_sub(1);
        }
    }

    /// A counted server runs.
    pub fn insert(&mut self, ticket: Ticket, session: Session, child: Child) {
        self.running.insert(ticket, (session, child));
    }

    /// What stands for a server's process.
    pub fn pidfd(&self, ticket: Ticket) -> Option<BorrowedFd<'_>> {
        let (_, child) = self.running.get(&ticket)?;
        Some(child.pidfd.as_fd())
    }

    /// Reaps a server that has ended; what to tell the frontend.
    ///
    /// # Errors
    /// The system's.
    pub fn reap(&mut self, ticket: Ticket) -> io::Result<Option<ToFrontend>> {
        let Some((session, child)) = self.running.remove(&ticket) else {
            return Ok(None);
        };
        self.uncount(session.service);
        let ending = match reap(child.pidfd.as_fd())? {
            Ended::Exited(status) => Ending::Exited(status),
            Ended::Signalled(signal) => Ending::Signalled(signal),
        };
        let duration = session.since.elapsed().as_millis();
        Ok(Some(ToFrontend::Ended {
            service: session.service,
            listener: session.listener,
            connection: session.connection,
            peer: session.peer,
            pid: u32::try_from(child.pid).unwrap_or(0),
            ending,
            duration_ms: u64::try_from(duration).unwrap_or(u64::MAX),
        }))
    }

    /// What a new frontend has to know about them.
    pub fn running(&self) -> Vec<(ToFrontend, Option<Arc<OwnedFd>>)> {
        let running = self.running.values().map(|(session, _)| {
            let &Session {
                service,
                listener,
                connection,
                peer,
                ..
            } = session;
            (
                ToFrontend::Running {
                    service,
                    listener,
                    connection,
                    peer,
                },
                None,
            )
        });
        running.collect()
    }
}
