//! Requests of the frontend, from the check to the end of the server.

use super::{Monitor, Outcome};
use crate::job::{Connection, Job, Launch, Ticket};
use crate::permit::{Permit, Violation};
use crate::session::Session;
use confine::StepError;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use portreeve_log::syslog::Severity;
use std::os::fd::OwnedFd;
use sys::clone::Child;
use wire::{Failure, ToFrontend, ToMonitor};

/// Answer to a request for a service that a reload has just removed.
const ESTALE: i32 = 116;
/// Answer to a request for one server too many.
const EAGAIN: i32 = 11;

impl Monitor {
    /// Does what the frontend asks for, if it may ask for it.
    pub(super) fn request(
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
    pub(super) fn permit(
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

    pub(super) fn launch(
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
        self.worker.launch(Launch {
            ticket,
            service,
            through_tcpd,
            connection,
        })?;
        Ok(Ok(()))
    }

    /// The frontend counts as well; this is the count that it cannot talk its way around.
    pub(super) fn is_one_too_many(&self, session: &Session) -> bool {
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

    pub(super) fn launched(&mut self, ticket: Ticket, result: Result<Child, StepError>) -> Outcome {
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

    pub(super) fn failed(&mut self, session: &Session, failure: Failure) {
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

    pub(super) fn server_ended(&mut self, ticket: Ticket) -> Outcome {
        if let Some(pidfd) = self.sessions.pidfd(ticket) {
            Self::unwatch(&self.epoll, pidfd)?;
        }
        if let Some(message) = self.sessions.reap(ticket)? {
            self.send(message, None);
        }
        Ok(())
    }
}
