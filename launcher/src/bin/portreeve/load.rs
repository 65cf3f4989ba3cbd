//! Putting a configuration in force: all of it, or nothing.

use crate::bind::Sockets;
use crate::config::{Configuration, NothingLoaded};
use crate::job::Loaded;
use crate::permit::{Bound, Permit};
use crate::prepare::{Prepared, prepare};
use crate::state::State;
use launcher::plan::{self, Plan, PlannedService};
use launcher::role_user::{FRONTEND, RESOLVER};
use policy::diagnostic::Severity;
use policy::hosts::verdict::Compat;
use policy::service::native::{Log, Syslog};
use policy::service::{Mode, Server, Service};
use portreeve_log::syslog::Severity as Level;
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// What a configuration is turned into before any of it takes effect.
#[derive(Default)]
struct Draft {
    sockets: Sockets,
    plan: Plan,
    permits: HashMap<u32, Permit>,
    prepared: HashMap<u32, Prepared>,
    summary: Vec<String>,
}

/// Reads the configuration and prepares everything in it; on success the setup thread's
/// state is the new one.
///
/// # Errors
/// [`NothingLoaded`]: the state is what it was, and it has been said why.
pub fn load(state: &mut State) -> Result<Loaded, NothingLoaded> {
    let mut configuration = Configuration::read(&state.files);
    if configuration.unusable {
        report(state, &configuration);
        return Err(NothingLoaded);
    }
    let mut draft = Draft::default();
    for service in std::mem::take(&mut configuration.services) {
        draft.add(&service, state, &mut configuration);
    }
    let audit = open_audit(&configuration);
    report(state, &configuration);
    // What does not work is left out of a first configuration: the rest is better than
    // nothing. Later there is something better: what works already.
    if !state.starting && configuration.has_errors() {
        return Err(NothingLoaded);
    }
    if let Some(path) = &configuration.settings.pid_file
        && state.starting
        && let Err(reason) = state.write_pid_file(path)
    {
        state.say(Level::LOG_ERR, &reason);
        return Err(NothingLoaded);
    }
    let audit = match audit {
        Ok(audit) => audit,
        Err(reason) => {
            state.say(Level::LOG_ERR, &reason);
            return Err(NothingLoaded);
        }
    };
    state.put_in_force(draft, &configuration, audit)
}

impl Draft {
    fn add(&mut self, service: &Service, state: &mut State, configuration: &mut Configuration) {
        let external = match &service.server {
            Server::Builtin(_) => None,
            Server::External(program) => match prepare(service, program, &state.surroundings) {
                Ok(mut prepared) => {
                    let legacy = configuration.legacy.get(service.origin.file);
                    prepared.errors_to_log = !legacy.copied().unwrap_or(true);
                    // tcpd would decide by the tables it knows.
                    if !configuration.has_usual_tables() {
                        prepared.through_tcpd = None;
                    }
                    Some(prepared)
                }
                Err(what) => {
                    configuration.complain(service, Severity::Error, what);
                    return;
                }
            },
        };
        let listening = configuration.bind(service, &state.sockets, &mut self.sockets);
        if listening.is_empty() {
            return;
        }
        let number = state.number(&service.id);
        let places: Vec<&str> = listening.iter().map(|l| l.place.as_str()).collect();
        let places = places.join(", ");
        let planned = planned(
            number,
            service,
            external.as_ref(),
            state.surroundings.privileged,
        );
        let listeners = listening.into_iter().map(|l| {
            (
                l.number,
                Bound {
                    socket: l.socket,
                    address: l.address,
                    stream: l.stream,
                },
            )
        });
        let permit = Permit {
            wait: service.mode == Mode::Wait,
            builtin: planned.builtin.is_some(),
            instances: service.limits.instances,
            listeners: listeners.collect(),
        };
        self.summary
            .push(format!("{}: {places}: {}", service.id, planned.enforced));
        self.plan.services.push(planned);
        self.permits.insert(number, permit);
        if let Some(prepared) = external {
            self.prepared.insert(number, prepared);
        }
    }
}

fn planned(
    number: u32,
    service: &Service,
    prepared: Option<&Prepared>,
    privileged: bool,
) -> PlannedService {
    use policy::service::Builtin;
    let builtin = match &service.server {
        Server::External(_) => None,
        Server::Builtin(kind) => Some(match kind {
            Builtin::Echo => plan::Builtin::Echo,
            Builtin::Discard => plan::Builtin::Discard,
            Builtin::Daytime => plan::Builtin::Daytime,
            Builtin::Time => plan::Builtin::Time,
            Builtin::Chargen => plan::Builtin::Chargen,
        }),
    };
    let enforced = match prepared {
        Some(prepared) => prepared.sandbox.enforced(),
        None if privileged => "frontend".to_owned(),
        None => "frontend uid=unchanged".to_owned(),
    };
    PlannedService {
        number,
        id: service.id.clone(),
        daemon: service.hosts_access.clone(),
        wait: service.mode == Mode::Wait,
        builtin,
        instances: service.limits.instances,
        per_source: service.limits.per_source.map(|limit| plan::PerSource {
            v4: limit.v4,
            v6: limit.v6,
            v6_prefix: limit.v6_prefix,
        }),
        per_minute: service.limits.per_minute,
        through_tcpd: prepared.is_some_and(|prepared| prepared.through_tcpd.is_some()),
        enforced,
    }
}

/// The facility of connections' lines in syslog; `None`: they are not sent there.
fn facility(log: &Log) -> Option<String> {
    match &log.syslog {
        Some(Syslog::Off) => None,
        Some(Syslog::Facility(facility)) => Some(facility.clone()),
        None => Some("daemon".to_owned()),
    }
}

/// Opens the file of JSON records, for appending.
fn open_audit(configuration: &Configuration) -> Result<Option<OwnedFd>, String> {
    let Some(path) = &configuration.settings.log.json else {
        return Ok(None);
    };
    let path = Path::new(path);
    if let Some(directory) = path.parent()
        && let Err(error) = std::fs::create_dir_all(directory)
    {
        let reason = portreeve_log::errno_text(&error);
        return Err(format!("cannot create {}: {reason}", directory.display()));
    }
    let opened = File::options()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path);
    opened.map(|file| Some(file.into())).map_err(|error| {
        format!(
            "cannot open {}: {}",
            path.display(),
            portreeve_log::errno_text(&error)
        )
    })
}

/// Says what is wrong with the configuration, to the log and, while starting, on standard
/// error in full.
fn report(state: &mut State, configuration: &Configuration) {
    if state.starting && !configuration.diagnostics.is_empty() {
        eprint!(
            "{}",
            launcher::check::render(&configuration.diagnostics, &configuration.sources)
        );
    }
    for diagnostic in &configuration.diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::LOG_ERR,
            Severity::Warning => Level::LOG_WARNING,
        };
        let line = launcher::check::one_line(diagnostic, &configuration.sources);
        state.log.send(level, line.as_bytes());
    }
}

impl State {
    fn put_in_force(
        &mut self,
        mut draft: Draft,
        configuration: &Configuration,
        audit: Option<OwnedFd>,
    ) -> Result<Loaded, NothingLoaded> {
        let (allow, deny) = configuration.tables();
        let tables = (allow.to_owned(), deny.to_owned());
        let tables = std::mem::replace(&mut self.tables, tables);
        draft.plan.tcp_wrappers = configuration.compat == Compat::TcpWrappers;
        draft.plan.facility = facility(&configuration.settings.log);
        let sealed = launcher::plan::pack(c"portreeve-plan", &draft.plan)
            .and_then(|plan| Ok((plan, self.read_tables()?)));
        let (plan, read_tables) = match sealed {
            Ok(sealed) => sealed,
            Err(error) => {
                self.tables = tables;
                self.say(
                    Level::LOG_ERR,
                    &format!("cannot hand over the plan: {error}"),
                );
                return Err(NothingLoaded);
            }
        };
        self.starting = false;
        self.sockets = draft.sockets;
        *self.servers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(draft.prepared);
        let users = &configuration.settings;
        let name = |user: &Option<String>, default: &str| {
            user.clone().unwrap_or_else(|| default.to_owned())
        };
        self.role_users = (
            name(&users.frontend_user, FRONTEND),
            name(&users.resolver_user, RESOLVER),
        );
        Ok(Loaded {
            plan: Arc::new(plan),
            permits: draft.permits,
            tables: read_tables,
            audit: audit.map(Arc::new),
            next_service: u32::try_from(self.numbers.len()).unwrap_or(u32::MAX),
            summary: draft.summary,
        })
    }
}
