//! From an arrival to its consequence: refused, served here, or handed to the monitor.

use crate::arrival::{Arrival, What};
use crate::builtin::Session;
use crate::datagram::{answer, could_reflect};
use crate::frontend::{Frontend, Outcome, listener_key};
use crate::judge::{Judgement, judge};
use crate::limit::Rate;
use crate::listener::{self, Socket, Watch};
use crate::record::Why;
use launcher::plan::{Builtin, PlannedService};
use nix::sys::socket::{setsockopt, sockopt};
use policy::hosts::option::Effect;
use policy::hosts::verdict::{Compat, Verdict};
use std::net::TcpStream;
use std::time::Instant;
use wire::ToMonitor;

impl Frontend<'_> {
    /// Decides about an arrival, unless something must be found out first.
    ///
    /// # Errors
    /// What makes it impossible to go on.
    pub fn decide(&mut self, arrival: Arrival) -> Outcome {
        let current = self
            .tables
            .as_ref()
            .is_some_and(launcher::tables::Tables::are_current);
        let has_rules = self
            .services
            .get(&arrival.service)
            .is_some_and(|service| service.daemon.is_some());
        if has_rules && !current {
            if self.stalled.is_empty() {
                self.outbox.send(ToMonitor::Refresh, None)?;
            }
            self.stalled.push(arrival);
            return Ok(());
        }
        self.decide_now(arrival)
    }

    /// As [`Frontend::decide`], by the tables that are there.
    ///
    /// # Errors
    /// What makes it impossible to go on.
    pub fn decide_now(&mut self, mut arrival: Arrival) -> Outcome {
        let Some(service) = self.services.get(&arrival.service).cloned() else {
            // The service was removed while the client waited: closing is all there is to do.
            return Ok(());
        };
        let Some(daemon) = &service.daemon else {
            return self.admit(&service, arrival, None, false);
        };
        let compat = if self.tcp_wrappers {
            Compat::TcpWrappers
        } else {
            Compat::Strict
        };
        loop {
            let Some(tables) = &self.tables else {
                return self.refuse(&service, arrival, &Why::NoTables);
            };
            match judge(tables, daemon, &arrival, compat) {
                Judgement::Verdict(verdict) => {
                    self.records.warn(&verdict.warnings, tables);
                    return if verdict.granted {
                        self.admit(&service, arrival, Some(&verdict), false)
                    } else {
                        self.refuse(&service, arrival, &Why::Rules(&verdict))
                    };
                }
                Judgement::Needs(wanted) => match self.names.ask(arrival, wanted) {
                    Some(back) => arrival = back,
                    None => return Ok(()),
                },
                Judgement::ThroughTcpd => return self.admit(&service, arrival, None, true),
            }
        }
    }

    /// Lets an arrival in, if the limits allow it.
    fn admit(
        &mut self,
        service: &PlannedService,
        arrival: Arrival,
        verdict: Option<&Verdict>,
        through_tcpd: bool,
    ) -> Outcome {
        let address = arrival.peer.map(|peer| peer.ip());
        if let Err(exceeded) = self.running.admits(service, address) {
            return self.refuse(service, arrival, &Why::Limit(exceeded));
        }
        if let Some(limit) = service.per_minute {
            let now = Instant::now();
            let rate = self
                .rates
                .entry(service.number)
                .or_insert_with(|| Rate::new(limit, now));
            if let Err(rest) = rate.start(now) {
                let key = listener_key(arrival.service, arrival.listener);
                self.refuse(service, arrival, &Why::Rate(limit))?;
                return self.rest(key, rest, &format!("started {limit} times within a minute"));
            }
        }
        let can = service.through_tcpd && matches!(arrival.what, What::Connection(_));
        if through_tcpd && !can {
            return self.refuse(service, arrival, &Why::NeedsProcess);
        }
        match service.builtin {
            Some(kind) => self.serve(service, arrival, verdict, kind),
            None => self.launch(service, arrival, verdict, through_tcpd),
        }
    }

    /// Asks the monitor to start the server. The record is written first.
    fn launch(
        &mut self,
        service: &PlannedService,
        arrival: Arrival,
        verdict: Option<&Verdict>,
        through_tcpd: bool,
    ) -> Outcome {
        self.records
            .opened(service, &arrival, verdict, through_tcpd);
        let address = arrival.peer.map(|peer| peer.ip());
        self.running
            .begin(arrival.id, service.number, service.per_source, address);
        let (number, listener, connection) = (arrival.service, arrival.listener, arrival.id);
        let peer = launcher::peer::pack(arrival.peer);
        match arrival.what {
            What::Connection(stream) => {
                set_options(&stream, verdict);
                let message = ToMonitor::Launch {
                    service: number,
                    listener,
                    through_tcpd,
                    connection,
                    peer,
                };
                self.outbox.send(message, Some(stream.into()))?;
            }
            What::Waiting | What::Datagram(_) => {
                let message = ToMonitor::LaunchOnListener {
                    service: number,
                    listener,
                    connection,
                    peer,
                };
                self.outbox.send(message, None)?;
            }
        }
        Ok(())
    }

    /// Serves a builtin.
    fn serve(
        &mut self,
        service: &PlannedService,
        arrival: Arrival,
        verdict: Option<&Verdict>,
        kind: Builtin,
    ) -> Outcome {
        let key = listener_key(arrival.service, arrival.listener);
        match &arrival.what {
            What::Datagram(received) => {
                let Some(sender) = arrival.peer else {
                    return Ok(());
                };
                if could_reflect(sender) {
                    return self.refuse(service, arrival, &Why::Reflects);
                }
                self.records.opened(service, &arrival, verdict, false);
                if let Some(Socket::Udp(socket)) = self.listeners.get(&key).map(|l| &l.socket) {
                    // An answer that cannot be sent is lost, as datagrams may be.
                    drop(answer(socket, kind, received, sender));
                }
                self.records.closed_datagram(service, &arrival);
                Ok(())
            }
            What::Waiting => self.refuse(service, arrival, &Why::NeedsProcess),
            What::Connection(_) => {
                self.records.opened(service, &arrival, verdict, false);
                let Arrival { id, peer, what, .. } = arrival;
                let What::Connection(stream) = what else {
                    return Ok(());
                };
                let address = peer.map(|peer| peer.ip());
                self.running
                    .begin(id, service.number, service.per_source, address);
                set_options(&stream, verdict);
                let names = (id, service.number);
                let session = Session::new(names, stream, peer, kind, Instant::now())?;
                self.add_session(session)
            }
        }
    }

    /// Turns an arrival away: a connection is closed, a datagram dropped.
    fn refuse(&mut self, service: &PlannedService, arrival: Arrival, why: &Why<'_>) -> Outcome {
        self.records.refused(service, &arrival, why);
        if matches!(arrival.what, What::Waiting) {
            self.take_one_off(listener_key(arrival.service, arrival.listener))?;
        }
        Ok(())
    }

    /// Takes what waits on the socket of a `wait` service off it, and watches it again.
    ///
    /// # Errors
    /// The system's.
    pub fn take_one_off(&mut self, key: u64) -> Outcome {
        if let Some(found) = self.listeners.get(&key) {
            // Whatever goes wrong here shows again as soon as the socket is watched.
            match &found.socket {
                Socket::Udp(socket) => drop(listener::datagram(socket, &mut [0; 1])),
                Socket::Tcp(socket) => drop(listener::accept(socket)),
            }
        }
        self.set_watch(key, Watch::On)
    }
}

/// Sets the socket options that a rule asks for. They concern this connection's comfort, not
/// its safety, so that a failure is no reason to refuse it.
fn set_options(stream: &TcpStream, verdict: Option<&Verdict>) {
    for effect in verdict.iter().flat_map(|verdict| &verdict.effects) {
        match effect {
            Effect::Keepalive => drop(setsockopt(stream, sockopt::KeepAlive, &true)),
            Effect::Linger(seconds) => drop(nix_linger(stream, *seconds)),
            _ => {}
        }
    }
}

fn nix_linger(stream: &TcpStream, seconds: u32) -> nix::Result<()> {
    let linger = nix::libc::linger {
        l_onoff: i32::from(seconds > 0),
        l_linger: i32::try_from(seconds).unwrap_or(i32::MAX),
    };
    setsockopt(stream, sockopt::Linger, &linger)
}
