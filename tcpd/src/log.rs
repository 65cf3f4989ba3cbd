//! Log lines as the original words them.

use policy::hosts::option::{self, Level};
use policy::hosts::verdict::{Step, TableKind, Verdict, Warning};
use portreeve_log::errno_text;
use portreeve_log::syslog::{Facility, Severity, Syslog, facility_numbered, severity_numbered};
use std::io;

use crate::tables::{ALLOW, DENY};

/// tcpd's way to the system's log.
pub struct Log {
    syslog: Syslog,
    /// What the `severity` option asks for the line about the outcome.
    outcome: (Facility, Option<Severity>),
}

impl Log {
    /// Lines are named for the daemon.
    pub fn open(daemon: &[u8]) -> Self {
        Log::through(Syslog::open(daemon, Facility::LOG_DAEMON, true))
    }

    fn through(syslog: Syslog) -> Self {
        Log {
            syslog,
            outcome: (Facility::LOG_DAEMON, None),
        }
    }

    /// The line about the outcome has this facility, if one is named, and this level.
    pub fn set_severity(&mut self, facility: Option<option::Facility>, level: Level) {
        let facility =
            facility.map_or(Facility::LOG_DAEMON, |named| facility_numbered(named as u8));
        self.outcome = (facility, Some(severity_numbered(level as u8)));
    }

    /// A line of priority err.
    pub fn error(&mut self, text: &[u8]) {
        self.syslog.send(Severity::LOG_ERR, text);
    }

    /// A call of ours that failed: `what: the system's reason`.
    pub fn failure(&mut self, what: &str, error: &io::Error) {
        self.error(format!("{what}: {}", errno_text(error)).as_bytes());
    }

    /// `warning: text`.
    pub fn warning(&mut self, text: &str) {
        self.error(format!("warning: {text}").as_bytes());
    }

    /// What came up during the decision.
    pub fn told(&mut self, verdict: &Verdict) {
        for warning in &verdict.warnings {
            self.error(worded(warning).as_bytes());
        }
        for _ in verdict
            .steps
            .iter()
            .filter(|step| **step == Step::AclexecRefused)
        {
            self.syslog.send(Severity::LOG_INFO, b"aclexec returned 1");
        }
    }

    /// `connect from <client> (<address>)`.
    pub fn connect(&mut self, client: &[u8], address: &[u8]) {
        let line = [b"connect from ", client, b" (", address, b")"].concat();
        self.say_outcome(Severity::LOG_INFO, &line);
    }

    /// `refused connect from <client> (<address>)`.
    pub fn refused(&mut self, client: &[u8], address: &[u8]) {
        let line = [b"refused connect from ", client, b" (", address, b")"].concat();
        self.say_outcome(Severity::LOG_WARNING, &line);
    }

    /// `twist <client> to <command>`.
    pub fn twist(&mut self, client: &[u8], command: &[u8]) {
        let line = [b"twist ", client, b" to ", command].concat();
        self.say_outcome(Severity::LOG_WARNING, &line);
    }

    /// `connect from <client> with IP options (ignored): xx xx`.
    pub fn ip_options(&mut self, client: &[u8], options: &[u8]) {
        let mut line = [b"connect from ", client, b" with IP options (ignored):"].concat();
        for byte in options {
            line.extend_from_slice(format!(" {byte:02x}").as_bytes());
        }
        self.syslog.send(Severity::LOG_NOTICE, &line);
    }

    /// `refused connect from <client> with IP source routing options`.
    pub fn source_route(&mut self, client: &[u8]) {
        let line = [
            b"refused connect from ",
            client,
            b" with IP source routing options",
        ]
        .concat();
        self.syslog.send(Severity::LOG_WARNING, &line);
    }

    fn say_outcome(&mut self, usual: Severity, line: &[u8]) {
        let (facility, severity) = self.outcome;
        self.syslog.set_facility(facility);
        self.syslog.send(severity.unwrap_or(usual), line);
        self.syslog.set_facility(Facility::LOG_DAEMON);
    }
}

/// The path of a table as log lines name it.
fn path(table: TableKind) -> &'static str {
    match table {
        TableKind::Allow => ALLOW,
        TableKind::Deny => DENY,
    }
}

fn worded(warning: &Warning) -> String {
    let kind = if warning.error { "error" } else { "warning" };
    if warning.whole_table {
        return format!("{kind}: {}", warning.text);
    }
    format!(
        "{kind}: {}, line {}: {}",
        path(warning.table),
        warning.line,
        warning.text
    )
}

/// `file, line n: ` of the rule that matched last: whose options are carried out.
pub fn place(verdict_steps: &[Step]) -> String {
    let matched = verdict_steps.iter().rev().find_map(|step| match step {
        Step::Matched { table, line } => Some((*table, *line)),
        _ => None,
    });
    matched
        .map(|(table, line)| format!("{}, line {line}: ", path(table)))
        .unwrap_or_default()
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
