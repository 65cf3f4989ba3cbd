//! The frontend's event loop and its state.

use crate::arrival::{Arrival, What, new_id};
use crate::builtin::{Interest, Session};
use crate::datagram;
use crate::limit::{Rate, Running};
use crate::listener::{self, Listener, Socket, Watch};
use crate::names::Names;
use crate::outbox::Outbox;
use crate::record::Records;
use launcher::plan::{Plan, PlannedService};
use launcher::tables::Tables;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use portreeve_log::syslog::Severity;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use wire::{Channel, ConnectionId, ReceiveError};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A plan whose listeners are still coming.
pub struct Incoming {
    /// The plan.
    pub plan: Plan,
    /// How many listeners are still to come.
    pub missing: u32,
    /// Those that have come.
    pub listeners: Vec<Listener>,
}

/// Everything the frontend knows.
pub struct Frontend<'a> {
    pub epoll: Epoll,
    pub outbox: Outbox,
    pub records: &'a mut Records,
    pub names: Names,
    pub services: HashMap<u32, PlannedService>,
    pub tcp_wrappers: bool,
    pub tables: Option<Tables>,
    /// Arrivals that wait for the tables to be read again.
    pub stalled: Vec<Arrival>,
    pub listeners: HashMap<u64, Listener>,
    pub incoming: Option<Incoming>,
    pub running: Running,
    pub rates: HashMap<u32, Rate>,
    pub sessions: HashMap<u64, Session>,
    next_session: u64,
}

/// What an event is about: the monitor, the resolver, a listener or a builtin session.
const MONITOR: u64 = 0;
const RESOLVER: u64 = 1;
const LISTENER: u64 = 1 << 63;
const SESSION: u64 = 1 << 62;
/// Connections taken from one listener before the others get their turn.
const TURN: usize = 32;
/// How long accepting rests when descriptors or memory are short.
const SHORTAGE: Duration = Duration::from_millis(200);

/// The number of a listener among the events.
pub fn listener_key(service: u32, number: u32) -> u64 {
    LISTENER | u64::from(service) << 24 | u64::from(number & 0x00ff_ffff)
}

impl<'a> Frontend<'a> {
    /// Talks to the monitor over `channel`, which is non-blocking.
    ///
    /// # Errors
    /// The system's.
    pub fn new(channel: OwnedFd, records: &'a mut Records) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&channel, EpollEvent::new(EpollFlags::EPOLLIN, MONITOR))?;
        Ok(Frontend {
            epoll,
            outbox: Outbox::new(Channel::new(channel)),
            records,
            names: Names::default(),
            services: HashMap::new(),
            tcp_wrappers: false,
            tables: None,
            stalled: Vec::new(),
            listeners: HashMap::new(),
            incoming: None,
            running: Running::default(),
            rates: HashMap::new(),
            sessions: HashMap::new(),
            next_session: SESSION,
        })
    }

    /// Serves until the monitor is gone.
    ///
    /// # Errors
    /// What makes it impossible to go on; the monitor starts another frontend then.
    pub fn run(mut self) -> Outcome {
        self.outbox.send(wire::ToMonitor::Ready, None)?;
        let mut events = [EpollEvent::empty(); 64];
        loop {
            if self.outbox.is_full() {
                self.wait_for_monitor()?;
            }
            let count = match self.epoll.wait(&mut events, self.timeout()) {
                Err(nix::errno::Errno::EINTR) => 0,
                other => other?,
            };
            for event in events.iter().take(count) {
                match event.data() {
                    MONITOR => {
                        if !self.hear_monitor()? {
                            return Ok(());
                        }
                    }
                    RESOLVER => self.hear_resolver()?,
                    key if key & LISTENER != 0 => self.arrivals(key)?,
                    key => self.advance_session(key)?,
                }
            }
            self.outbox.flush()?;
            self.records.flush();
            self.tick()?;
        }
    }

    fn timeout(&self) -> EpollTimeout {
        let resting = self
            .listeners
            .values()
            .any(|l| matches!(l.watch, Watch::RestsUntil(_)));
        if self.records.has_backlog() {
            EpollTimeout::from(5_u8)
        } else if resting || self.names.is_waiting() || self.outbox.is_waiting() {
            EpollTimeout::from(100_u16)
        } else if self.sessions.is_empty() {
            EpollTimeout::NONE
        } else {
            EpollTimeout::from(10_000_u16)
        }
    }

    /// Nothing more is accepted until the monitor has taken what it was sent.
    fn wait_for_monitor(&mut self) -> Outcome {
        let mut fds = [PollFd::new(
            self.outbox.channel().as_fd(),
            PollFlags::POLLOUT,
        )];
        poll(&mut fds, PollTimeout::from(1000_u16))?;
        Ok(self.outbox.flush()?)
    }

    /// Takes what the monitor says; `false` when it is gone.
    fn hear_monitor(&mut self) -> Result<bool, Box<dyn std::error::Error>> {
        loop {
            match self.outbox.channel().receive() {
                Ok((message, fd)) => self.obey(message, fd)?,
                Err(ReceiveError::Empty) => return Ok(true),
                Err(ReceiveError::Closed) => return Ok(false),
                Err(ReceiveError::Malformed(malformed)) => return Err(Box::new(malformed)),
                Err(ReceiveError::Io(error)) => return Err(Box::new(error)),
            }
        }
    }

    /// Watches the resolver's socket, which is non-blocking, for answers.
    ///
    /// # Errors
    /// The system's.
    pub fn watch_resolver(&mut self, socket: OwnedFd) -> Outcome {
        self.epoll
            .add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, RESOLVER))?;
        let failed = self.names.connect(socket);
        self.decide_all(failed)
    }

    fn hear_resolver(&mut self) -> Outcome {
        let ready = self.names.receive();
        self.decide_all(ready)
    }

    /// Decides about arrivals whose facts have come in.
    ///
    /// # Errors
    /// What makes it impossible to go on.
    pub fn decide_all(&mut self, arrivals: Vec<Arrival>) -> Outcome {
        arrivals
            .into_iter()
            .try_for_each(|arrival| self.decide(arrival))
    }

    fn arrivals(&mut self, key: u64) -> Outcome {
        for _ in 0..TURN {
            let Some(arrival) = self.next_arrival(key)? else {
                break;
            };
            self.decide(arrival)?;
            if self.outbox.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Takes the next arrival from a listener, if there is one and it is watched.
    fn next_arrival(&mut self, key: u64) -> Result<Option<Arrival>, Box<dyn std::error::Error>> {
        let Some(listener) = self.listeners.get(&key) else {
            return Ok(None);
        };
        let Some(service) = self.services.get(&listener.service) else {
            return Ok(None);
        };
        if listener.watch != Watch::On {
            return Ok(None);
        }
        let (service_number, number) = (listener.service, listener.number);
        let found = match (&listener.socket, service.wait) {
            (Socket::Tcp(_), true) => Ok(Some((What::Waiting, None, listener.local()))),
            (Socket::Tcp(socket), false) => listener::accept(socket).map(|accepted| {
                accepted.map(|(stream, peer)| {
                    let local = stream.local_addr().ok();
                    (What::Connection(stream), Some(peer), local)
                })
            }),
            (Socket::Udp(socket), true) => listener::sender(socket)
                .map(|sender| sender.map(|sender| (What::Waiting, Some(sender), listener.local()))),
            (Socket::Udp(socket), false) => {
                let mut buffer = vec![0; datagram::LARGEST];
                listener::datagram(socket, &mut buffer).map(|received| {
                    received.map(|(length, sender)| {
                        buffer.truncate(length);
                        (What::Datagram(buffer), Some(sender), listener.local())
                    })
                })
            }
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.rest(key, SHORTAGE, &format!("cannot accept: {error}"))?;
                return Ok(None);
            }
        };
        let Some((what, peer, local)) = found else {
            return Ok(None);
        };
        if matches!(what, What::Waiting) {
            self.set_watch(key, Watch::Busy)?;
        }
        let arrival = Arrival {
            id: self.new_connection_id(),
            service: service_number,
            listener: number,
            what,
            peer,
            local,
            since: Instant::now(),
            client: None,
            server: None,
            user: None,
        };
        Ok(Some(arrival))
    }

    fn new_connection_id(&mut self) -> ConnectionId {
        new_id(self.records.random())
    }

    /// Stops watching a listener for a while, and says why.
    ///
    /// # Errors
    /// The system's.
    pub fn rest(&mut self, key: u64, pause: Duration, why: &str) -> Outcome {
        if let Some(listener) = self.listeners.get(&key) {
            let name = self
                .services
                .get(&listener.service)
                .map_or("?", |s| s.id.as_str());
            let text = format!("{name}: {why}; it rests for {:.1} s", pause.as_secs_f64());
            self.records.say(Severity::LOG_ERR, &text);
        }
        self.set_watch(key, Watch::RestsUntil(Instant::now() + pause))
    }

    /// Watches a listener, or stops watching it.
    ///
    /// # Errors
    /// The system's.
    pub fn set_watch(&mut self, key: u64, watch: Watch) -> Outcome {
        let Some(listener) = self.listeners.get_mut(&key) else {
            return Ok(());
        };
        match (listener.watch == Watch::On, watch == Watch::On) {
            (false, true) => {
                self.epoll
                    .add(&*listener, EpollEvent::new(EpollFlags::EPOLLIN, key))?;
            }
            // Not merely without interest: epoll reports errors of what it knows for ever.
            (true, false) => self.epoll.delete(&*listener)?,
            _ => {}
        }
        listener.watch = watch;
        Ok(())
    }

    /// Begins a session of a builtin service.
    ///
    /// # Errors
    /// The system's.
    pub fn add_session(&mut self, session: Session) -> Outcome {
        let key = self.next_session;
        self.next_session += 1;
        self.epoll
            .add(&session, EpollEvent::new(flags(session.interest()), key))?;
        self.sessions.insert(key, session);
        Ok(())
    }

    fn advance_session(&mut self, key: u64) -> Outcome {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        let before = session.interest();
        // A connection that fails ends like one that is closed.
        let ended = session.advance(Instant::now()).unwrap_or(true);
        let after = session.interest();
        if ended {
            return self.end_session(key);
        }
        if before != after {
            self.epoll
                .modify(&*session, &mut EpollEvent::new(flags(after), key))?;
        }
        Ok(())
    }

    fn end_session(&mut self, key: u64) -> Outcome {
        if let Some(session) = self.sessions.remove(&key) {
            self.epoll.delete(&session)?;
            self.running.end(&session.id);
            self.records
                .closed_builtin(self.services.get(&session.service), &session);
        }
        Ok(())
    }

    /// What is done because time has passed.
    fn tick(&mut self) -> Outcome {
        let now = Instant::now();
        let rested: Vec<u64> = self
            .listeners
            .iter()
            .filter(|(_, l)| matches!(l.watch, Watch::RestsUntil(until) if until <= now))
            .map(|(key, _)| *key)
            .collect();
        for key in rested {
            self.set_watch(key, Watch::On)?;
        }
        if self.names.is_waiting() {
            let overdue = self.names.overdue(now);
            self.decide_all(overdue)?;
        }
        let idle: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, s)| s.is_idle(now))
            .map(|(key, _)| *key)
            .collect();
        idle.into_iter().try_for_each(|key| self.end_session(key))
    }
}

fn flags(interest: Interest) -> EpollFlags {
    match interest {
        Interest::Read => EpollFlags::EPOLLIN,
        Interest::Write => EpollFlags::EPOLLOUT,
    }
}
