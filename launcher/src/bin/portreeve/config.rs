//! Reading the configuration: files to services, and everything that is wrong with them.

use crate::bind::{Listening, Sockets};
use launcher::check::Source;
use policy::diagnostic::{Diagnostic, Severity};
use policy::hosts::settings;
use policy::hosts::verdict::Compat;
use policy::service::native::Settings;
use policy::service::{FileKind, Service, assemble, inetd, kind, native};
use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The configuration cannot take effect; what is in force stays. It has been reported why.
pub struct NothingLoaded;

const HOSTS_ALLOW: &str = "/etc/hosts.allow";
const HOSTS_DENY: &str = "/etc/hosts.deny";

/// Where a file is named by another: that file's number and the place in it.
type NamedAt = Option<(usize, Range<usize>)>;

/// What the files say.
#[derive(Default)]
pub struct Configuration {
    /// The services understood in full.
    pub services: Vec<Service>,
    /// Settings of the daemon itself.
    pub settings: Settings,
    /// The files read, in the order that diagnostics number them.
    pub sources: Vec<Source>,
    /// For each of them, whether it is in a language that gives servers the connection as
    /// standard error, as inetd does.
    pub legacy: Vec<bool>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// Nothing of it may take effect.
    pub unusable: bool,
    /// How access rules are taken.
    pub compat: Compat,
}

impl Configuration {
    /// Reads `paths` and what they include.
    pub fn read(paths: &[PathBuf]) -> Configuration {
        let mut configuration = Configuration::default();
        let mut hardens = Vec::new();
        let mut queue: VecDeque<(PathBuf, NamedAt)> =
            paths.iter().map(|path| (path.clone(), None)).collect();
        while let Some((path, named_at)) = queue.pop_front() {
            let file = configuration.sources.len();
            let text = match std::fs::read(&path) {
                Ok(text) => text,
                Err(error) => {
                    configuration.cannot_read(path, &error, named_at);
                    continue;
                }
            };
            let language = kind(&text);
            configuration.legacy.push(language == FileKind::Inetd);
            match language {
                FileKind::Inetd => {
                    let reading = inetd::read(file, &text);
                    configuration.services.extend(reading.services);
                    configuration.diagnostics.extend(reading.diagnostics);
                }
                FileKind::Native => {
                    let reading = native::read(file, &text);
                    configuration.services.extend(reading.services);
                    configuration.diagnostics.extend(reading.diagnostics);
                    configuration.unusable |= reading.unusable;
                    configuration.settings = merged(configuration.settings, reading.settings);
                    hardens.extend(reading.hardens);
                    let included = reading.include_inetd.into_iter();
                    queue.extend(included.map(|(path, span)| (path.into(), Some((file, span)))));
                }
            }
            configuration.sources.push(Source { path, text });
        }
        configuration.read_compat();
        let (services, problems) = assemble(configuration.services, &hardens);
        configuration.services = services;
        configuration.diagnostics.extend(problems);
        configuration
    }

    /// Reads tcpd.conf, which holds for us too. What is wrong with it leaves rules strict.
    fn read_compat(&mut self) {
        let text = match std::fs::read(settings::PATH) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                let path = PathBuf::from(settings::PATH);
                return self.cannot_read(path, &error, None);
            }
        };
        match settings::parse(&text) {
            Ok(compat) => self.compat = compat,
            Err(wrong) => {
                let start = text.split_inclusive(|&byte| byte == b'\n');
                let start: usize = start.take(wrong.line - 1).map(<[u8]>::len).sum();
                let end = text.iter().skip(start).position(|&byte| byte == b'\n');
                let end = end.map_or(text.len(), |length| start + length);
                self.diagnostics.push(Diagnostic {
                    severity: Severity::Error,
                    file: self.sources.len(),
                    span: start..end,
                    what: wrong.what,
                    consequence: "access rules are taken strictly".to_owned(),
                });
            }
        }
        self.legacy.push(true);
        let path = PathBuf::from(settings::PATH);
        self.sources.push(Source { path, text });
    }

    fn cannot_read(&mut self, path: PathBuf, error: &std::io::Error, named_at: NamedAt) {
        let reason = portreeve_log::errno_text(error);
        let (file, span, what) = match named_at {
            Some((file, span)) => (
                file,
                span,
                format!("cannot read {}: {reason}", path.display()),
            ),
            None => {
                self.sources.push(Source {
                    path,
                    text: Vec::new(),
                });
                self.legacy.push(true);
                (
                    self.sources.len() - 1,
                    0..0,
                    format!("cannot read the file: {reason}"),
                )
            }
        };
        let consequence = "nothing of the configuration takes effect".to_owned();
        self.unusable = true;
        self.diagnostics.push(Diagnostic {
            severity: Severity::Error,
            file,
            span,
            what,
            consequence,
        });
    }

    /// Adds a problem with a service that shows only when it is prepared.
    pub fn complain(&mut self, service: &Service, severity: Severity, what: String) {
        let consequence = match severity {
            Severity::Error => format!("the service `{}` is not started", service.id),
            Severity::Warning => format!("the service `{}` is started all the same", service.id),
        };
        let (file, span) = (service.origin.file, service.origin.span.clone());
        self.diagnostics.push(Diagnostic {
            severity,
            file,
            span,
            what,
            consequence,
        });
    }

    /// Whether anything is wrong that switches something off.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Where the access tables are.
    pub fn tables(&self) -> (&Path, &Path) {
        let allow = self.settings.hosts_allow.as_deref().unwrap_or(HOSTS_ALLOW);
        let deny = self.settings.hosts_deny.as_deref().unwrap_or(HOSTS_DENY);
        (Path::new(allow), Path::new(deny))
    }

    /// Whether the access tables are those that tcpd reads.
    pub fn has_usual_tables(&self) -> bool {
        self.tables() == (Path::new(HOSTS_ALLOW), Path::new(HOSTS_DENY))
    }

    /// Binds what a service listens on; complains about what cannot be bound.
    pub fn bind(&mut self, service: &Service, old: &Sockets, new: &mut Sockets) -> Vec<Listening> {
        let (listening, failed) = old.take(service, new);
        for failure in failed {
            if !failure.implied || listening.is_empty() {
                self.complain(service, Severity::Error, failure.what);
            }
        }
        listening
    }
}

/// Settings of several files: the first that says something wins.
fn merged(first: Settings, second: Settings) -> Settings {
    Settings {
        hosts_allow: first.hosts_allow.or(second.hosts_allow),
        hosts_deny: first.hosts_deny.or(second.hosts_deny),
        pid_file: first.pid_file.or(second.pid_file),
        frontend_user: first.frontend_user.or(second.frontend_user),
        resolver_user: first.resolver_user.or(second.resolver_user),
        log: native::Log {
            json: first.log.json.or(second.log.json),
            syslog: first.log.syslog.or(second.log.syslog),
        },
    }
}
