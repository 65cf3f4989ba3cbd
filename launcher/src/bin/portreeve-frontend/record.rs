//! What the frontend writes down: one record when a client is let in or turned away, before a
//! server sees a byte, and one when it is over; each to syslog and as a line of JSON.

use crate::arrival::Arrival;
use crate::builtin::Session;
use crate::limit::Exceeded;
use launcher::plan::PlannedService;
use launcher::tables::Tables;
use policy::hosts::known::Known;
use policy::hosts::option::Effect;
use policy::hosts::verdict::{Reason, TableKind, Verdict, Warning};
use portreeve_log::record::{self, Close, Connection, Decision, Open, Refuse};
use portreeve_log::syslog::{Facility, Severity, Syslog, facility_numbered, severity_numbered};
use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};
use wire::{ConnectionId, Ending};

/// Why a client is turned away.
pub enum Why<'a> {
    /// There are no access tables yet.
    NoTables,
    /// The access rules.
    Rules(&'a Verdict),
    /// A limit of the service.
    Limit(Exceeded),
    /// More starts in a minute than the service may have.
    Rate(u32),
    /// A rule has an option that needs tcpd, and this service cannot be run through it.
    NeedsProcess,
    /// An answer could be turned on somebody else.
    Reflects,
}

/// A session that is over, as far as it is still known.
pub struct Over<'a> {
    /// The service, unless it has been removed.
    pub service: Option<&'a PlannedService>,
    /// The connection.
    pub connection: ConnectionId,
    /// Its peer.
    pub peer: Option<SocketAddr>,
}

/// Where records go.
pub struct Records {
    syslog: Syslog,
    /// Facility of lines about connections; `None`: these are not sent.
    facility: Option<Facility>,
    json: Option<File>,
    /// Lines of JSON that could not be written.
    lost: u64,
    random: Option<File>,
}

const OURSELVES: &[u8] = b"portreeve";

impl Records {
    /// Opens what has to be open before confinement.
    pub fn open() -> Self {
        let mut syslog = Syslog::open(OURSELVES, Facility::LOG_DAEMON, true);
        syslog.never_wait();
        Records {
            syslog,
            facility: Some(Facility::LOG_DAEMON),
            json: None,
            lost: 0,
            random: File::open("/dev/urandom").ok(),
        }
    }

    /// Delivers what a busy logger could not take before.
    pub fn flush(&mut self) {
        self.syslog.flush();
    }

    /// Whether a busy logger has lines to come.
    pub fn has_backlog(&self) -> bool {
        self.syslog.has_backlog()
    }

    /// Random bytes for an identifier. Without a source of them identifiers stay distinct by
    /// their time alone.
    pub fn random(&mut self) -> [u8; 10] {
        let mut bytes = [0; 10];
        if let Some(source) = &mut self.random
            && source.read_exact(&mut bytes).is_err()
        {
            self.random = None;
        }
        bytes
    }

    /// The facility of lines about connections from now on, by its keyword; `None`: none.
    pub fn log_to(&mut self, facility: Option<&str>) {
        let known = |keyword: &str| keyword.parse().unwrap_or(Facility::LOG_DAEMON);
        self.facility = facility.map(known);
    }

    /// Appends JSON records to this file from now on.
    pub fn append_to(&mut self, file: OwnedFd) {
        self.json = Some(File::from(file));
    }

    /// Says something that is not about one connection.
    pub fn say(&mut self, severity: Severity, text: &str) {
        self.line(OURSELVES, Facility::LOG_DAEMON, severity, text.as_bytes());
    }

    /// What the administrator should hear about the tables.
    pub fn warn(&mut self, warnings: &[Warning], tables: &Tables) {
        for warning in warnings {
            let kind = if warning.error { "error" } else { "warning" };
            let path = match warning.table {
                TableKind::Allow => tables.allow_path.display(),
                TableKind::Deny => tables.deny_path.display(),
            };
            let text = if warning.whole_table {
                format!("{kind}: {}", warning.text)
            } else {
                format!("{kind}: {path}, line {}: {}", warning.line, warning.text)
            };
            self.say(Severity::LOG_ERR, &text);
        }
    }

    /// A client is let in.
    pub fn opened(
        &mut self,
        service: &PlannedService,
        arrival: &Arrival,
        verdict: Option<&Verdict>,
        through_tcpd: bool,
    ) {
        let words = if through_tcpd {
            &b"tcpd decides"[..]
        } else {
            b"no access rules"
        };
        let reason = verdict.map_or(words.to_vec(), |verdict| reason(&verdict.reason));
        let open = Open {
            connection: connection(service, arrival, verdict.map(|verdict| &verdict.known)),
            decision: decision(verdict, &reason),
            enforced: &service.enforced,
            pid: None,
        };
        let (severity, line) = open.syslog_line();
        let json = open.to_json();
        // tcpd writes the line for what goes through it, once it has decided.
        if !through_tcpd {
            self.about(verdict, ident(service), severity, &line);
        }
        self.append(&json);
    }

    /// A client is turned away.
    pub fn refused(&mut self, service: &PlannedService, arrival: &Arrival, why: &Why<'_>) {
        let verdict = if let Why::Rules(verdict) = why {
            Some(*verdict)
        } else {
            None
        };
        let reason = match why {
            Why::NoTables => b"the access tables are not there yet".to_vec(),
            Why::Rules(verdict) => reason(&verdict.reason),
            Why::Limit(exceeded) => format!("limit: {exceeded}").into_bytes(),
            Why::Rate(limit) => format!("limit: per_minute {limit}").into_bytes(),
            Why::NeedsProcess => {
                b"a rule has an option that only tcpd can carry out, not for this service".to_vec()
            }
            Why::Reflects => b"an answer could be turned on another service".to_vec(),
        };
        let refuse = Refuse {
            connection: connection(service, arrival, verdict.map(|verdict| &verdict.known)),
            decision: decision(verdict, &reason),
        };
        let (severity, line) = refuse.syslog_line();
        let json = refuse.to_json();
        self.about(verdict, ident(service), severity, &line);
        self.append(&json);
    }

    /// A server that had been asked for was not started.
    pub fn failed(&mut self, over: &Over<'_>, what: &str, why: &str) {
        let reason = format!("cannot {what}: {why}");
        let refuse = Refuse {
            connection: ended(over),
            decision: Decision {
                table: None,
                line: 0,
                reason: reason.as_bytes(),
            },
        };
        let json = refuse.to_json();
        let name = over.service.map_or("?", |service| service.id.as_str());
        let text = format!("{name}: {reason}; the client is turned away");
        self.say(Severity::LOG_ERR, &text);
        self.append(&json);
    }

    /// A server has ended.
    pub fn closed(&mut self, over: &Over<'_>, pid: u32, ending: Ending, duration: Duration) {
        let ending = match ending {
            Ending::Exited(status) => record::Ending::Exited(status),
            Ending::Signalled(signal) => record::Ending::Signalled(signal),
        };
        self.close(over, Some(pid), ending, duration);
    }

    /// A session of a builtin service has ended.
    pub fn closed_builtin(&mut self, service: Option<&PlannedService>, session: &Session) {
        let over = Over {
            service,
            connection: session.id,
            peer: session.peer,
        };
        self.close(
            &over,
            None,
            record::Ending::Exited(0),
            session.since.elapsed(),
        );
    }

    /// A datagram has been answered.
    pub fn closed_datagram(&mut self, service: &PlannedService, arrival: &Arrival) {
        let over = Over {
            service: Some(service),
            connection: arrival.id,
            peer: arrival.peer,
        };
        self.close(
            &over,
            None,
            record::Ending::Exited(0),
            arrival.since.elapsed(),
        );
    }

    fn close(
        &mut self,
        over: &Over<'_>,
        pid: Option<u32>,
        ending: record::Ending,
        duration: Duration,
    ) {
        let close = Close {
            connection: ended(over),
            pid,
            ending,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        };
        let (severity, line) = close.syslog_line();
        let json = close.to_json();
        let name = over.service.map_or(OURSELVES, ident);
        self.about(None, name, severity, &line);
        self.append(&json);
    }

    /// Sends a line about a connection, with the facility and severity that the rule's
    /// `severity` option has, if it has one.
    fn about(&mut self, verdict: Option<&Verdict>, ident: &[u8], severity: Severity, line: &[u8]) {
        if let Some(usual) = self.facility {
            let (facility, severity) = chosen(verdict, usual, severity);
            self.line(ident, facility, severity, line);
        }
    }

    fn line(&mut self, ident: &[u8], facility: Facility, severity: Severity, text: &[u8]) {
        self.syslog.set_ident(ident);
        self.syslog.set_facility(facility);
        self.syslog.send(severity, text);
    }

    /// Appends a record, whole or not at all. What is lost is counted, and said as soon as
    /// there is room again.
    fn append(&mut self, json: &[u8]) {
        let Some(file) = &mut self.json else { return };
        match file.write_all(json) {
            Ok(()) if self.lost > 0 => {
                let text = format!("{} records of the JSON log were lost", self.lost);
                self.lost = 0;
                self.say(Severity::LOG_ERR, &text);
            }
            Ok(()) => {}
            Err(error) => {
                if self.lost == 0 {
                    let reason = portreeve_log::errno_text(&error);
                    let text = format!("cannot write the JSON log: {reason}; records are lost");
                    self.say(Severity::LOG_ERR, &text);
                }
                self.lost += 1;
            }
        }
    }
}

/// The name in syslog lines: what tcpd would be called, so that filters match.
fn ident(service: &PlannedService) -> &[u8] {
    service.daemon.as_deref().unwrap_or(service.id.as_bytes())
}

fn connection<'a>(
    service: &'a PlannedService,
    arrival: &Arrival,
    known: Option<&'a Known>,
) -> Connection<'a> {
    let host = known.and_then(|known| known.client.as_ref());
    Connection {
        time: SystemTime::now(),
        id: arrival.id,
        service: service.id.as_bytes(),
        peer: arrival.peer,
        local: arrival.local,
        host: host
            .map(|fact| &fact.hostname)
            .filter(|name| name.is_known())
            .map(|n| n.text()),
        user: known
            .and_then(|known| known.user.as_deref())
            .filter(|user| !user.eq_ignore_ascii_case(policy::hosts::request::UNKNOWN)),
    }
}

fn ended<'a>(over: &Over<'a>) -> Connection<'a> {
    Connection {
        time: SystemTime::now(),
        id: over.connection,
        service: over.service.map_or(b"?", |service| service.id.as_bytes()),
        peer: over.peer,
        local: None,
        host: None,
        user: None,
    }
}

fn decision<'a>(verdict: Option<&Verdict>, reason: &'a [u8]) -> Decision<'a> {
    let place = verdict.and_then(|verdict| match &verdict.reason {
        Reason::Rule { table, line, .. }
        | Reason::BadOption { table, line, .. }
        | Reason::Unintelligible { table, line, .. } => Some((*table, *line)),
        Reason::Unreadable { table, .. } => Some((*table, 0)),
        Reason::NoMatch => None,
    });
    let name = |table| match table {
        TableKind::Allow => "hosts.allow",
        TableKind::Deny => "hosts.deny",
    };
    Decision {
        table: place.map(|(table, _)| name(table)),
        line: place.map_or(0, |(_, line)| line),
        reason,
    }
}

fn reason(reason: &Reason) -> Vec<u8> {
    match reason {
        Reason::Rule { pattern, .. } => pattern.clone(),
        Reason::NoMatch => b"no rule matches".to_vec(),
        Reason::BadOption { what, .. }
        | Reason::Unintelligible { what, .. }
        | Reason::Unreadable { what, .. } => what.clone().into_bytes(),
    }
}

fn chosen(verdict: Option<&Verdict>, usual: Facility, default: Severity) -> (Facility, Severity) {
    let effects = verdict.into_iter().flat_map(|verdict| &verdict.effects);
    let option = effects.rev().find_map(|effect| match effect {
        Effect::Severity { facility, level } => Some((*facility, *level)),
        _ => None,
    });
    let Some((facility, level)) = option else {
        return (usual, default);
    };
    let facility = facility.map_or(usual, |named| facility_numbered(named as u8));
    (facility, severity_numbered(level as u8))
}
