//! The monitor: judges the frontend's requests, keeps account of servers, keeps the roles
//! alive.
//!
//! Its thread reads signals, the launch thread's answers and the frontend's fixed-size
//! messages, and nothing else: its seccomp filter names the three descriptors.

mod requests;
mod roles;

use crate::job::{Answer, Job, Loaded, Role, Ticket};
use crate::session::{Session, Sessions};
use crate::supervise::Supervised;
use crate::worker::Worker;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use portreeve_log::syslog::{Severity, Syslog};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use wire::{Channel, ReceiveError, ToFrontend, ToMonitor};

const FRONTEND: u64 = 0;
const SIGNALS: u64 = 1;
const ANSWERS: u64 = 2;
const FRONTEND_ENDED: u64 = 3;
const RESOLVER_ENDED: u64 = 4;
/// Tickets of launches, which are event numbers as well, begin here.
const FIRST_TICKET: Ticket = 16;

/// A message to the frontend and what goes with it.
type Outgoing = (ToFrontend, Option<Arc<OwnedFd>>);

/// The monitor's state.
pub struct Monitor {
    epoll: Epoll,
    worker: Worker,
    signals: SignalFd,
    channel: Channel<ToMonitor, ToFrontend>,
    outbox: VecDeque<Outgoing>,
    loaded: Box<Loaded>,
    sessions: Sessions,
    launching: HashMap<Ticket, Session>,
    next_ticket: Ticket,
    frontend: Supervised,
    resolver: Supervised,
    log: Syslog,
    ending: bool,
}

/// Why the monitor's loop cannot go on.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

impl Monitor {
    /// Takes over a first configuration. `slot` is the descriptor whose number will be the
    /// frontend's socket for as long as the process lives.
    ///
    /// # Errors
    /// The system's.
    pub fn new(
        worker: Worker,
        signals: SignalFd,
        slot: OwnedFd,
        loaded: Box<Loaded>,
        log: Syslog,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        epoll.add(
            worker.answers(),
            EpollEvent::new(EpollFlags::EPOLLIN, ANSWERS),
        )?;
        Ok(Monitor {
            epoll,
            worker,
            signals,
            channel: Channel::new(slot),
            outbox: VecDeque::new(),
            loaded,
            sessions: Sessions::default(),
            launching: HashMap::new(),
            next_ticket: FIRST_TICKET,
            frontend: Supervised::new(),
            resolver: Supervised::new(),
            log,
            ending: false,
        })
    }

    /// Confines this thread, then serves until SIGTERM.
    ///
    /// # Errors
    /// What makes it impossible to go on.
    pub fn run(mut self) -> Outcome {
        confine::role::monitor(&confine::role::MonitorDescriptors {
            frontend: self.channel.as_fd(),
            signals: self.signals.as_fd(),
            answers: self.worker.answers().as_fd(),
        })?;
        self.start(Role::Frontend);
        let mut events = [EpollEvent::empty(); 64];
        while !self.ending {
            let timeout = self.timeout();
            let count = match self.epoll.wait(&mut events, timeout) {
                Err(Errno::EINTR) => 0,
                other => other?,
            };
            for event in events.iter().take(count) {
                match event.data() {
                    FRONTEND => self.hear_frontend(event.events())?,
                    SIGNALS => self.hear_signals()?,
                    ANSWERS => self.hear_worker()?,
                    FRONTEND_ENDED => self.role_ended(Role::Frontend)?,
                    RESOLVER_ENDED => self.role_ended(Role::Resolver)?,
                    ticket => self.server_ended(ticket)?,
                }
            }
            self.restart_roles();
            self.flush();
        }
        self.end_roles();
        Ok(())
    }

    fn timeout(&self) -> EpollTimeout {
        let waits = self.frontend.waits() || self.resolver.waits();
        if waits || !self.outbox.is_empty() && self.frontend.is_running() {
            EpollTimeout::from(50_u16)
        } else {
            EpollTimeout::NONE
        }
    }

    fn say(&mut self, severity: Severity, text: &str) {
        self.log.send(severity, text.as_bytes());
    }

    fn hear_signals(&mut self) -> Outcome {
        while let Some(signal) = self.signals.read_signal()? {
            match i32::try_from(signal.ssi_signo)
                .ok()
                .and_then(|n| Signal::try_from(n).ok())
            {
                Some(Signal::SIGHUP) => {
                    self.say(Severity::LOG_NOTICE, "reading the configuration again");
                    self.worker.ask(Job::Load)?;
                }
                Some(Signal::SIGTERM | Signal::SIGINT) => {
                    let text = format!(
                        "ends; {} servers go on with their connections",
                        self.sessions.len()
                    );
                    self.say(Severity::LOG_NOTICE, &text);
                    self.ending = true;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn hear_worker(&mut self) -> Outcome {
        while let Some(answer) = self.worker.answer()? {
            match answer {
                Answer::Loaded(Ok(loaded)) => self.adopt(loaded)?,
                Answer::Loaded(Err(_)) => {
                    self.say(
                        Severity::LOG_ERR,
                        "the configuration in force stays as it was",
                    );
                }
                Answer::Tables(Ok(tables)) => {
                    self.send(ToFrontend::Tables, Some(Arc::clone(&tables.sealed)));
                    self.loaded.tables = tables;
                    self.want_resolver();
                }
                Answer::Tables(Err(error)) => {
                    // The frontend goes on waiting, which denies: ending it makes it ask anew.
                    let text = format!("cannot hand over the access tables: {error}");
                    self.end_frontend(&text)?;
                }
                Answer::Launched(ticket, result) => self.launched(ticket, result)?,
                Answer::Started(role, result) => self.started(role, result)?,
            }
        }
        Ok(())
    }

    /// Puts a new configuration in force.
    fn adopt(&mut self, loaded: Box<Loaded>) -> Outcome {
        self.loaded = loaded;
        if self.frontend.is_running() {
            self.brief_frontend();
        }
        self.want_resolver();
        Ok(())
    }

    fn send(&mut self, message: ToFrontend, fd: Option<Arc<OwnedFd>>) {
        self.outbox.push_back((message, fd));
    }

    /// Sends what waits, as far as the frontend takes it. While there is no frontend it waits
    /// on: what a server's end left to be recorded is not lost.
    fn flush(&mut self) {
        if !self.frontend.is_running() {
            return;
        }
        while let Some((message, fd)) = self.outbox.front() {
            match self.channel.send(message, fd.as_ref().map(|fd| fd.as_fd())) {
                Ok(()) => drop(self.outbox.pop_front()),
                // Full, or gone: its end will be noticed by its pidfd.
                Err(_) => break,
            }
        }
    }

    fn hear_frontend(&mut self, flags: EpollFlags) -> Outcome {
        if !flags.contains(EpollFlags::EPOLLIN) {
            return self.end_frontend("the frontend closed its socket: it is ended");
        }
        // One turn only: servers that ended and answers of the launch thread come in between.
        for _ in 0..32 {
            match self.channel.receive() {
                Ok((message, fd)) => {
                    if let Err(violation) = self.request(message, fd)? {
                        let text = format!("the frontend {violation}: it is ended");
                        return self.end_frontend(&text);
                    }
                }
                Err(ReceiveError::Empty) => break,
                // Mostly because it has ended; if it has not, it is of no use any more.
                Err(ReceiveError::Closed) => {
                    return self.end_frontend("the frontend closed its socket: it is ended");
                }
                Err(ReceiveError::Malformed(malformed)) => {
                    let text = format!("the frontend sent a {malformed}: it is ended");
                    return self.end_frontend(&text);
                }
                Err(ReceiveError::Io(error)) => return Err(Box::new(error)),
            }
        }
        Ok(())
    }

    /// Stops watching a descriptor.
    ///
    /// Closing it is not enough: a child between clone and exec has a copy of everything that
    /// was open when it was made, and epoll goes on as long as one is left.
    fn unwatch(epoll: &Epoll, fd: impl AsFd) -> nix::Result<()> {
        match epoll.delete(fd) {
            Err(Errno::ENOENT) => Ok(()),
            other => other,
        }
    }
}
