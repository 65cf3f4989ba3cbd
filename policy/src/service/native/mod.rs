//! portreeve.toml: our own language.
//!
//! ```toml
//! include_inetd = ["/etc/inetd.conf"]
//! hosts_allow = "/etc/hosts.allow"            # the default
//! hosts_deny = "/etc/hosts.deny"              # the default
//! pid_file = "/run/portreeve.pid"
//!
//! [roles]
//! frontend_user = "portreeve"
//! resolver_user = "portreeve-resolver"
//!
//! [log]
//! json = "/var/log/portreeve/audit.jsonl"
//! syslog = "daemon"                           # a facility; false: none
//!
//! [service.rsync]
//! listen = ["tcp:873"]                        # also "tcp4:", "tcp6:", "tcp46:", "udp:" …, "tcp:ADDR:PORT"
//! user = "rsync"                              # user[:group]
//! exec = ["/usr/bin/rsync", "--daemon"]
//! hosts_access = "rsync"                      # default: the file name of exec[0]; false: off
//! profile = "rsync-read"                      # default: baseline
//! instances = 40
//! per_minute = 600
//! per_source = { v4 = 4, v6 = 4, v6_prefix = 64 }
//! env = { LANG = "C" }
//!
//! [service.rsync.sandbox]
//! ReadOnlyPaths = ["/srv/mirror"]
//!
//! [service.echo]
//! listen = ["tcp:7"]
//! builtin = "echo"                            # goes by this name in access rules
//!
//! [harden.in-fingerd]
//! profile = "strict"
//! ```
//!
//! A file with a syntax error is not used at all. An unknown key and a wrong value switch off
//! the service they are in.

mod reader;
mod sandbox;
mod service;

#[cfg(test)]
mod tests;

use super::{Harden, Service};
use crate::diagnostic::Diagnostic;
use reader::{Reader, Table};
use std::ops::Range;
use toml::de::DeTable;

/// What a portreeve.toml says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The services understood in full, in the order written.
    pub services: Vec<Service>,
    /// Profiles for services from legacy files.
    pub hardens: Vec<Harden>,
    /// inetd.conf files to be read too; absolute paths, with where they are named.
    pub include_inetd: Vec<(String, Range<usize>)>,
    /// Settings of the daemon itself.
    pub settings: Settings,
    /// Whether something that concerns the whole daemon was not understood: a file with a
    /// syntax error, or a bad value outside of the services. Such a file must not take effect:
    /// a running daemon keeps what it has, a starting one does not start.
    pub unusable: bool,
    /// What was not understood, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Settings of the daemon itself. `None`: not written, the caller's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Table of what is allowed; default `/etc/hosts.allow`.
    pub hosts_allow: Option<String>,
    /// Table of what is denied; default `/etc/hosts.deny`.
    pub hosts_deny: Option<String>,
    /// File for the monitor's process number.
    pub pid_file: Option<String>,
    /// User of the frontend.
    pub frontend_user: Option<String>,
    /// User of the resolver.
    pub resolver_user: Option<String>,
    /// Where records go.
    pub log: Log,
}

/// Where records go. `None`: not written, the caller's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// A file of JSON Lines.
    pub json: Option<String>,
    /// syslog.
    pub syslog: Option<Syslog>,
}

/// Whether records go to syslog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syslog {
    /// They do not.
    Off,
    /// With this facility: a keyword of syslog.conf(5), known to be one.
    Facility(String),
}

/// What happens now, for a file that must not take effect.
const UNUSABLE: &str = "nothing of this file takes effect";

/// Reads a portreeve.toml. `file` is its number in diagnostics.
#[must_use]
pub fn read(file: usize, text: &[u8]) -> Configuration {
    let mut configuration = Configuration::default();
    let mut reader = Reader::new(file, text);
    let parsed = match std::str::from_utf8(text) {
        Ok(text) => DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            (span, error.message().trim().replace('\n', "; "))
        }),
        Err(error) => {
            let at = error.valid_up_to();
            Err((
                at..at + 1,
                "the file is not UTF-8, as TOML must be".to_owned(),
            ))
        }
    };
    match parsed {
        Ok(parsed) => {
            let root = Table::new(parsed.span(), parsed.get_ref());
            whole_file(&mut reader, root, &mut configuration);
        }
        Err((span, what)) => {
            configuration.unusable = true;
            reader.error(span, what, UNUSABLE);
        }
    }
    configuration.diagnostics = reader.finish();
    configuration
}

fn whole_file(reader: &mut Reader, mut root: Table, configuration: &mut Configuration) {
    let services = root.tables(reader, "service");
    reader.take_failed("no service is made of it; the others are started");
    for (name, mut table) in services {
        let read = service::read(reader, &name, &mut table);
        table.finish(reader);
        configuration.services.extend(reader.whole(&name, read));
    }
    configuration
        .services
        .sort_by_key(|service| service.origin.span.start);
    let hardens = root.tables(reader, "harden");
    configuration.unusable = reader.take_failed(UNUSABLE);
    for (name, mut table) in hardens {
        let origin = reader.origin(&name.span);
        let profile = sandbox::profile(reader, &mut table);
        table.finish(reader);
        let profile = reader.whole(&name, profile);
        configuration.hardens.push(Harden {
            id: name.text,
            profile,
            origin,
        });
    }
    configuration
        .hardens
        .sort_by_key(|harden| harden.origin.span.start);
    settings(reader, &mut root, configuration);
    root.finish(reader);
    configuration.unusable |= reader.take_failed(UNUSABLE);
}

fn settings(reader: &mut Reader, root: &mut Table, configuration: &mut Configuration) {
    let include = root
        .take("include_inetd")
        .and_then(|item| item.strings(reader));
    for path in include.unwrap_or_default() {
        let span = path.span.clone();
        configuration
            .include_inetd
            .extend(path.absolute(reader).map(|path| (path, span)));
    }
    let settings = &mut configuration.settings;
    let mut path = |table: &mut Table, key: &str| {
        let text = table.take(key).and_then(|item| item.string(reader))?;
        text.absolute(reader)
    };
    settings.hosts_allow = path(root, "hosts_allow");
    settings.hosts_deny = path(root, "hosts_deny");
    settings.pid_file = path(root, "pid_file");
    if let Some(mut roles) = root.table(reader, "roles") {
        let mut user = |key| Some(roles.take(key)?.string(reader)?.text);
        settings.frontend_user = user("frontend_user");
        settings.resolver_user = user("resolver_user");
        roles.finish(reader);
    }
    if let Some(mut log) = root.table(reader, "log") {
        settings.log = self::log(reader, &mut log);
        log.finish(reader);
    }
}

/// The facilities of syslog.conf(5).
const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

fn log(reader: &mut Reader, table: &mut Table) -> Log {
    let json = table
        .take("json")
        .and_then(|item| item.string(reader)?.absolute(reader));
    let syslog = table.take("syslog").and_then(|item| match item.flag() {
        Some(false) => Some(Syslog::Off),
        Some(true) => Some(Syslog::Facility("daemon".to_owned())),
        None => {
            let facility = item.string(reader)?;
            if FACILITIES.contains(&&*facility.text) {
                return Some(Syslog::Facility(facility.text));
            }
            let hint = crate::profile::suggestion(&facility.text, FACILITIES.iter().copied());
            reader.fail(
                facility.span,
                format!("`{}` is not a syslog facility{hint}", facility.text),
            );
            None
        }
    });
    Log { json, syslog }
}
