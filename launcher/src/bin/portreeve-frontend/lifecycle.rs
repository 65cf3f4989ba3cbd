//! What the monitor says, and what follows from it.

use crate::frontend::{Frontend, Incoming, Outcome, listener_key};
use crate::listener::{Listener, Watch};
use crate::record::Over;
use confine::Step;
use launcher::plan::unpack;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::Duration;
use wire::{ConnectionId, Ending, Failure, Malformed, Peer, ToFrontend};

/// Where a session came from and whose it is.
struct Origin {
    service: u32,
    listener: u32,
    connection: ConnectionId,
    peer: Peer,
}

/// How long a `wait` service rests when its server could not be started.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

impl Frontend<'_> {
    /// Does what a message of the monitor asks for.
    ///
    /// # Errors
    /// What makes it impossible to go on.
    pub fn obey(&mut self, message: ToFrontend, fd: Option<OwnedFd>) -> Outcome {
        match (message, fd) {
            (ToFrontend::Plan { listeners }, Some(fd)) => {
                let plan = unpack(fd)?;
                self.incoming = Some(Incoming {
                    plan,
                    missing: listeners,
                    listeners: Vec::new(),
                });
                self.adopt_complete_plan()
            }
            (ToFrontend::Listener { service, listener }, Some(fd)) => {
                let incoming = self.incoming.as_mut().ok_or(Malformed::Field)?;
                incoming.missing = incoming.missing.checked_sub(1).ok_or(Malformed::Field)?;
                incoming
                    .listeners
                    .push(Listener::new(service, listener, fd)?);
                self.adopt_complete_plan()
            }
            (ToFrontend::Tables, Some(fd)) => {
                self.tables = Some(unpack(fd)?);
                let stalled = std::mem::take(&mut self.stalled);
                stalled
                    .into_iter()
                    .try_for_each(|arrival| self.decide_now(arrival))
            }
            (ToFrontend::Resolver, Some(fd)) => self.watch_resolver(fd),
            (ToFrontend::Audit, Some(fd)) => {
                self.records.append_to(fd);
                Ok(())
            }
            (
                ToFrontend::Running {
                    service,
                    listener,
                    connection,
                    peer,
                },
                None,
            ) => self.count(&Origin {
                service,
                listener,
                connection,
                peer,
            }),
            (
                ToFrontend::Failed {
                    service,
                    listener,
                    connection,
                    peer,
                    failure,
                },
                None,
            ) => self.failed(
                &Origin {
                    service,
                    listener,
                    connection,
                    peer,
                },
                failure,
            ),
            (
                ToFrontend::Ended {
                    service,
                    listener,
                    connection,
                    peer,
                    pid,
                    ending,
                    duration_ms,
                },
                None,
            ) => {
                let origin = Origin {
                    service,
                    listener,
                    connection,
                    peer,
                };
                self.ended(&origin, pid, ending, Duration::from_millis(duration_ms))
            }
            _ => Err(Box::new(Malformed::Descriptors)),
        }
    }

    /// Swaps the old plan for the new one once all its listeners are here.
    fn adopt_complete_plan(&mut self) -> Outcome {
        let Some(incoming) = self.incoming.take_if(|incoming| incoming.missing == 0) else {
            return Ok(());
        };
        let mut old = std::mem::take(&mut self.listeners);
        let mut new = HashMap::new();
        for listener in incoming.listeners {
            let key = listener_key(listener.service, listener.number);
            if let Some(kept) = old.remove(&key) {
                new.insert(key, kept);
            } else {
                self.epoll
                    .add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, key))?;
                new.insert(key, listener);
            }
        }
        for listener in old
            .into_values()
            .filter(|listener| listener.watch == Watch::On)
        {
            self.epoll.delete(&listener)?;
        }
        self.listeners = new;
        self.tcp_wrappers = incoming.plan.tcp_wrappers;
        self.records.log_to(incoming.plan.facility.as_deref());
        self.services = incoming
            .plan
            .services
            .into_iter()
            .map(|s| (s.number, s))
            .collect();
        self.rates.clear();
        Ok(())
    }

    /// Counts a server that an earlier frontend had started.
    fn count(&mut self, origin: &Origin) -> Outcome {
        let address = launcher::peer::unpack(&origin.peer).map(|peer| peer.ip());
        let service = self.services.get(&origin.service);
        let per_source = service.and_then(|service| service.per_source);
        let waits = service.is_some_and(|service| service.wait);
        self.running
            .begin(origin.connection, origin.service, per_source, address);
        if waits {
            self.set_watch(listener_key(origin.service, origin.listener), Watch::Busy)?;
        }
        Ok(())
    }

    fn failed(&mut self, origin: &Origin, failure: Failure) -> Outcome {
        self.running.end(&origin.connection);
        let what = match Step::from_number(failure.step) {
            Some(step) => step.describe(),
            None => "start the server",
        };
        let error = std::io::Error::from_raw_os_error(failure.errno);
        let reason = portreeve_log::errno_text(&error);
        let service = self.services.get(&origin.service);
        let waits = service.is_some_and(|service| service.wait);
        let peer = launcher::peer::unpack(&origin.peer);
        let over = Over {
            service,
            connection: origin.connection,
            peer,
        };
        self.records.failed(&over, what, &reason);
        if waits {
            let key = listener_key(origin.service, origin.listener);
            self.take_one_off(key)?;
            return self.rest(key, AFTER_FAILURE, "the server was not started");
        }
        Ok(())
    }

    fn ended(&mut self, origin: &Origin, pid: u32, ending: Ending, duration: Duration) -> Outcome {
        self.running.end(&origin.connection);
        let service = self.services.get(&origin.service);
        let waits = service.is_some_and(|service| service.wait);
        let peer = launcher::peer::unpack(&origin.peer);
        let over = Over {
            service,
            connection: origin.connection,
            peer,
        };
        self.records.closed(&over, pid, ending, duration);
        if waits {
            self.set_watch(listener_key(origin.service, origin.listener), Watch::On)?;
        }
        Ok(())
    }
}
