//! Our own processes: started, briefed, kept alive, ended.

use super::{FRONTEND, FRONTEND_ENDED, Monitor, Outcome, Outgoing, RESOLVER_ENDED};
use crate::job::{Job, Role, Started};
use crate::supervise::Supervised;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use portreeve_log::syslog::Severity;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;
use wire::ToFrontend;

impl Monitor {
    pub(super) fn start(&mut self, role: Role) {
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

    pub(super) fn supervised(&mut self, role: Role) -> &mut Supervised {
        match role {
            Role::Frontend => &mut self.frontend,
            Role::Resolver => &mut self.resolver,
        }
    }

    pub(super) fn started(&mut self, role: Role, result: Result<Started, String>) -> Outcome {
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
    pub(super) fn forget_handovers(&mut self) {
        self.outbox.retain(|(message, _)| {
            matches!(
                message,
                ToFrontend::Ended { .. } | ToFrontend::Failed { .. }
            )
        });
    }

    pub(super) fn role_ended(&mut self, role: Role) -> Outcome {
        let ending = self.ending;
        if let Some(pidfd) = self.supervised(role).pidfd() {
            Self::unwatch(&self.epoll, pidfd)?;
        }
        if role == Role::Frontend {
            Self::unwatch(&self.epoll, &self.channel)?;
        }
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

    pub(super) fn restart_roles(&mut self) {
        let now = Instant::now();
        for role in [Role::Frontend, Role::Resolver] {
            if !self.ending && self.supervised(role).is_due(now) {
                self.start(role);
            }
        }
    }

    /// Ends a frontend that cannot be trusted any more; another takes its place.
    pub(super) fn end_frontend(&mut self, why: &str) -> Outcome {
        self.say(Severity::LOG_CRIT, why);
        self.kill(Role::Frontend);
        Ok(Self::unwatch(&self.epoll, &self.channel)?)
    }

    pub(super) fn kill(&mut self, role: Role) {
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

    pub(super) fn end_roles(&mut self) {
        self.kill(Role::Frontend);
        self.kill(Role::Resolver);
        self.worker.finish();
        let now = Instant::now();
        for role in [Role::Frontend, Role::Resolver] {
            // Nobody is left to tell, and whatever cannot be reaped is init's.
            drop(self.supervised(role).reap(now));
        }
    }

    /// Starts the resolver if a rule needs names and none is there.
    pub(super) fn want_resolver(&mut self) {
        if self.loaded.tables.need_names {
            self.resolver.want();
        }
    }

    /// Tells the frontend all that it has to know.
    pub(super) fn brief_frontend(&mut self) {
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
}
