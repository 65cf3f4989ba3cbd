//! The monitor: judges the frontend's requests, keeps account of servers, keeps the roles
//! alive.
//!
//! Its thread reads signals, the launch thread's answers and the frontend's fixed-size
//! messages, and nothing else: its seccomp filter names the three descriptors.

use crate::job::{Answer, Connection, Job, Loaded, Role, Ticket};
use crate::permit::{Permit, Violation};
use crate::session::{Session, Sessions};
use crate::supervise::Supervised;
use crate::worker::Worker;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use portreeve_log::syslog::{Severity, Syslog};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;
use wire::{Channel, Failure, ReceiveError, ToFrontend, ToMonitor};

const FRONTEND: u64 = 0;
const SIGNALS: u64 = 1;
const ANSWERS: u64 = 2;
const FRONTEND_ENDED: u64 = 3;
const RESOLVER_ENDED: u64 = 4;
/// Tickets of launches, which are event numbers as well, begin here.
const FIRST_TICKET: Ticket = 16;
/// Answer to a request for a service that a reload has just removed.
const ESTALE: i32 = 116;
const EAGAIN: i32 = 11;

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
                Err(nix::errno::Errno::EINTR) => 0,
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

    /// Tells the frontend all that it has to know.
    fn brief_frontend(&mut self) {
        if let Some(audit) = self.loaded.audit.clone() {
            self.send(ToFrontend::Audit, Some(audit));
        }
        self.send(
            ToFrontend::Tables,
            Some(Arc::clone(&self.loaded.tables.sealed)),
        );
        let count: usize = self
            .loaded
            .permits
            .values()
            .map(|p| p.listeners.len())
            .sum();
        let listeners = u32::try_from(count).unwrap_or(u32::MAX);
        self.send(
            ToFrontend::Plan { listeners },
            Some(Arc::clone(&self.loaded.plan)),
        );
        let sockets: Vec<Outgoing> = self
            .loaded
            .permits
            .iter()
            .flat_map(|(&service, permit)| {
                permit.listeners.iter().map(move |(&listener, bound)| {
                    let message = ToFrontend::Listener { service, listener };
                    (message, Some(Arc::clone(&bound.socket)))
                })
            })
            .collect();
        self.outbox.extend(sockets);
    }

    /// Starts the resolver if a rule needs names and none is there.
    fn want_resolver(&mut self) {
        if self.loaded.tables.need_names {
            self.resolver.want();
        }
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

    /// Does what the frontend asks for, if it may ask for it.
    fn request(
        &mut self,
        message: ToMonitor,
        fd: Option<OwnedFd>,
    ) -> Result<Result<(), Violation>, Box<dyn std::error::Error>> {
        match (message, fd) {
            (ToMonitor::Ready, _) => {
                let text = format!("frontend ready (pid {})", self.frontend.pid());
                self.say(Severity::LOG_INFO, &text);
            }
            (ToMonitor::Refresh, _) => self.worker.ask(Job::ReadTables)?,
            (
                ToMonitor::Launch {
                    service,
                    listener,
                    through_tcpd,
                    connection,
                    peer,
                },
                Some(fd),
            ) => {
                let session = Session::new(service, listener, connection, peer);
                let checked = self.permit(service, |permit| {
                    permit.check_connection(listener, &fd)?;
                    Ok(Connection::Accepted(fd))
                });
                return self.launch(session, through_tcpd, checked);
            }
            (
                ToMonitor::LaunchOnListener {
                    service,
                    listener,
                    connection,
                    peer,
                },
                _,
            ) => {
                let session = Session::new(service, listener, connection, peer);
                let checked = self.permit(service, |permit| {
                    permit.listening_socket(listener).map(Connection::Listening)
                });
                return self.launch(session, false, checked);
            }
            // The channel has checked that the descriptor comes with its message.
            (ToMonitor::Launch { .. }, None) => return Ok(Err(Violation::NotItsConnection)),
        }
        Ok(Ok(()))
    }

    /// Checks a request against the permit of its service; `None`: the service was removed.
    fn permit(
        &self,
        service: u32,
        check: impl FnOnce(&Permit) -> Result<Connection, Violation>,
    ) -> Result<Option<Connection>, Violation> {
        match self.loaded.permits.get(&service) {
            Some(permit) => check(permit).map(Some),
            None if service < self.loaded.next_service => Ok(None),
            None => Err(Violation::NoSuchService),
        }
    }

    fn launch(
        &mut self,
        session: Session,
        through_tcpd: bool,
        checked: Result<Option<Connection>, Violation>,
    ) -> Result<Result<(), Violation>, Box<dyn std::error::Error>> {
        let connection = match checked {
            Ok(Some(connection)) => connection,
            Ok(None) => {
                self.failed(
                    &session,
                    Failure {
                        step: 0,
                        errno: ESTALE,
                    },
                );
                return Ok(Ok(()));
            }
            Err(violation) => return Ok(Err(violation)),
        };
        if self.is_one_too_many(&session) {
            self.failed(
                &session,
                Failure {
                    step: 0,
                    errno: EAGAIN,
                },
            );
            return Ok(Ok(()));
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let service = session.service;
        self.sessions.count(service);
        self.launching.insert(ticket, session);
        self.worker.ask(Job::Launch {
            ticket,
            service,
            through_tcpd,
            connection,
        })?;
        Ok(Ok(()))
    }

    /// The frontend counts as well; this is the count that it cannot talk its way around.
    fn is_one_too_many(&self, session: &Session) -> bool {
        let limit = self
            .loaded
            .permits
            .get(&session.service)
            .and_then(|permit| permit.instances);
        let waits = self
            .loaded
            .permits
            .get(&session.service)
            .is_some_and(|permit| permit.wait);
        self.sessions.is_full(session.service, limit)
            || waits
                && self
                    .sessions
                    .has_listener(session.service, session.listener)
    }

    fn launched(
        &mut self,
        ticket: Ticket,
        result: Result<sys::clone::Child, confine::StepError>,
    ) -> Outcome {
        let Some(session) = self.launching.remove(&ticket) else {
            return Ok(());
        };
        match result {
            Ok(child) => {
                self.epoll
                    .add(&child.pidfd, EpollEvent::new(EpollFlags::EPOLLIN, ticket))?;
                self.sessions.insert(ticket, session, child);
            }
            Err(error) => {
                self.sessions.uncount(session.service);
                let failure = Failure {
                    step: error.step as u8,
                    errno: error.errno,
                };
                self.failed(&session, failure);
            }
        }
        Ok(())
    }

    fn failed(&mut self, session: &Session, failure: Failure) {
        let &Session {
            service,
            listener,
            connection,
            peer,
            ..
        } = session;
        self.send(
            ToFrontend::Failed {
                service,
                listener,
                connection,
                peer,
                failure,
            },
            None,
        );
    }

    fn server_ended(&mut self, ticket: Ticket) -> Outcome {
        if let Some(message) = self.sessions.reap(ticket)? {
            self.send(message, None);
        }
        Ok(())
    }

    fn start(&mut self, role: Role) {
        let supervised = self.supervised(role);
        supervised.starting(Instant::now());
        if let Err(error) = self.worker.ask(Job::Start(role)) {
            self.say(
                Severity::LOG_CRIT,
                &format!("the launch thread is gone: {error}"),
            );
            self.ending = true;
        }
    }

    fn supervised(&mut self, role: Role) -> &mut Supervised {
        match role {
            Role::Frontend => &mut self.frontend,
            Role::Resolver => &mut self.resolver,
        }
    }

    fn started(&mut self, role: Role, result: Result<crate::job::Started, String>) -> Outcome {
        let started = match result {
            Ok(started) => started,
            Err(reason) => {
                let text = format!("cannot start {}: {reason}; trying again", role.program());
                self.say(Severity::LOG_CRIT, &text);
                self.supervised(role).failed(Instant::now());
                return Ok(());
            }
        };
        let event = if role == Role::Frontend {
            FRONTEND_ENDED
        } else {
            RESOLVER_ENDED
        };
        self.epoll.add(
            &started.child.pidfd,
            EpollEvent::new(EpollFlags::EPOLLIN, event),
        )?;
        self.supervised(role).running(started.child);
        match role {
            Role::Frontend => {
                sys::descriptor::replace(self.channel.as_fd(), started.socket.as_fd())?;
                self.epoll.add(
                    &self.channel,
                    EpollEvent::new(EpollFlags::EPOLLIN, FRONTEND),
                )?;
                self.forget_handovers();
                let pending = std::mem::take(&mut self.outbox);
                self.brief_frontend();
                self.outbox.extend(self.sessions.running());
                self.outbox.extend(pending);
                // A resolver of an earlier frontend ends with it, and is started again when its
                // end is noticed.
                self.want_resolver();
            }
            Role::Resolver => self.send(ToFrontend::Resolver, Some(Arc::new(started.socket))),
        }
        Ok(())
    }

    /// What was to be handed to an earlier frontend is handed to the next one in its briefing.
    fn forget_handovers(&mut self) {
        self.outbox.retain(|(message, _)| {
            matches!(
                message,
                ToFrontend::Ended { .. } | ToFrontend::Failed { .. }
            )
        });
    }

    fn role_ended(&mut self, role: Role) -> Outcome {
        let ending = self.ending;
        let supervised = self.supervised(role);
        let Some((pid, how)) = supervised.reap(Instant::now())? else {
            return Ok(());
        };
        if !ending {
            let text = format!("{} (pid {pid}) {how}; another is started", role.program());
            self.say(Severity::LOG_ERR, &text);
        }
        Ok(())
    }

    fn restart_roles(&mut self) {
        let now = Instant::now();
        for role in [Role::Frontend, Role::Resolver] {
            if !self.ending && self.supervised(role).is_due(now) {
                self.start(role);
            }
        }
    }

    /// Ends a frontend that cannot be trusted any more; another takes its place.
    fn end_frontend(&mut self, why: &str) -> Outcome {
        self.say(Severity::LOG_CRIT, why);
        self.kill(Role::Frontend);
        match self.epoll.delete(&self.channel) {
            Ok(()) | Err(nix::errno::Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn kill(&mut self, role: Role) {
        if let Some(pidfd) = self.supervised(role).pidfd()
            && let Err(error) = self.worker.ask(Job::Kill(pidfd))
        {
            self.say(
                Severity::LOG_CRIT,
                &format!("the launch thread is gone: {error}"),
            );
            self.ending = true;
        }
    }

    fn end_roles(&mut self) {
        self.kill(Role::Frontend);
        self.kill(Role::Resolver);
        self.worker.finish();
    }
}
