//! From a service as written to what its servers are given: sandbox and programs.

use crate::account;
use confine::capability::CapabilitySet;
use confine::filesystem::{Domain, FileAccess, Grant};
use confine::filter::{Action, Filter, call_number};
use confine::{Limit, Program, Sandbox, Specification};
use policy::profile::{Access, Answer, Capabilities, Families, Profile, Resource, SystemCalls};
use policy::service::{self, Service};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What is the same for every service.
pub struct Surroundings {
    /// Whether we may become somebody else.
    pub privileged: bool,
    /// `RLIMIT_NOFILE` as we were started with, soft and hard: we raise our own.
    pub open_files: (u64, u64),
    /// The tcpd that carries out options the frontend cannot.
    pub tcpd: Option<CString>,
}

/// A service ready to be launched.
pub struct Prepared {
    /// What confines its servers.
    pub sandbox: Sandbox,
    /// The server.
    pub direct: Program,
    /// The same behind tcpd, where that makes the same decision.
    pub through_tcpd: Option<Program>,
    /// Errors go to the log, not to the client.
    pub errors_to_log: bool,
}

/// Prepares a service whose server is a program.
///
/// # Errors
/// What is wrong, one line. The service is not started then.
pub fn prepare(
    service: &Service,
    program: &service::Program,
    surroundings: &Surroundings,
) -> Result<Prepared, String> {
    let sandbox = sandbox(&service.profile, program, surroundings)?;
    let path = Path::new(OsStr::from_bytes(program.path.as_bytes()));
    let direct = Program::open(path, program.argv.clone(), environment(service))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let through_tcpd = through_tcpd(service, program, surroundings);
    Ok(Prepared {
        sandbox,
        direct,
        through_tcpd,
        errors_to_log: false,
    })
}

fn environment(service: &Service) -> Vec<CString> {
    let path = c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
    let own_path = service
        .environment
        .iter()
        .any(|variable| variable.as_bytes().starts_with(b"PATH="));
    let mut variables = service.environment.clone();
    if !own_path {
        variables.push(path);
    }
    variables
}

/// tcpd in front of the server. Only where it looks for the same daemon name and may read
/// what it decides by.
fn through_tcpd(
    service: &Service,
    program: &service::Program,
    surroundings: &Surroundings,
) -> Option<Program> {
    let tcpd = surroundings.tcpd.as_ref()?;
    let name = program
        .path
        .as_bytes()
        .rsplit(|&byte| byte == b'/')
        .next()?;
    if service.hosts_access.as_deref() != Some(name) || service.profile.filesystem.is_some() {
        return None;
    }
    let rest = program.argv.iter().skip(1).cloned();
    let argv = std::iter::once(program.path.clone()).chain(rest).collect();
    let path = Path::new(OsStr::from_bytes(tcpd.as_bytes()));
    Program::open(path, argv, environment(service)).ok()
}

fn sandbox(
    profile: &Profile,
    program: &service::Program,
    surroundings: &Surroundings,
) -> Result<Sandbox, String> {
    let identity = if surroundings.privileged {
        Some(account::identity(&program.account)?)
    } else {
        None
    };
    let root = identity.as_ref().is_some_and(|identity| identity.uid == 0);
    let specification = Specification {
        identity,
        capabilities: capabilities(&profile.capabilities(root))?,
        no_new_privs: profile.no_new_privs(root),
        domain: enforceable(domain(profile, program), profile)?,
        filter: filter(profile)?,
        limits: limits(profile, surroundings),
        nice: profile.nice,
        umask: profile.umask,
        oom_score_adjust: profile.oom_score_adjust,
        private_keyring: profile.private_keyring,
        new_session: true,
        directory: None,
    };
    specification.prepare().map_err(|error| error.to_string())
}

fn capabilities(wanted: &Capabilities) -> Result<CapabilitySet, String> {
    let named = |names: &std::collections::BTreeSet<String>| {
        CapabilitySet::named(names.iter().map(String::as_str))
            .map_err(|name| format!("there is no capability `{name}`"))
    };
    match wanted {
        Capabilities::Only(names) => named(names),
        Capabilities::AllBut(names) => Ok(CapabilitySet::ALL.without(named(names)?)),
    }
}

/// The files a profile lists, and the program itself, which it need not name.
fn domain(profile: &Profile, program: &service::Program) -> Domain {
    let isolation = profile.isolation;
    let mut files = None;
    if let Some(filesystem) = &profile.filesystem {
        let mut grants = Vec::new();
        for grant in &filesystem.grants {
            if grant.optional && !Path::new(&grant.path).exists() {
                continue;
            }
            let access = match grant.access {
                Access::Read => FileAccess::Read,
                Access::ReadExecute => FileAccess::ReadExecute,
                Access::ReadWrite => FileAccess::ReadWrite,
            };
            grants.push(Grant {
                path: grant.path.clone().into(),
                access,
            });
        }
        let path = OsStr::from_bytes(program.path.as_bytes());
        grants.push(Grant {
            path: path.into(),
            access: FileAccess::ReadExecute,
        });
        files = Some(grants);
    }
    Domain {
        files,
        deny_tcp_bind: isolation.deny_tcp_bind,
        deny_tcp_connect: isolation.deny_tcp_connect,
        scope_abstract_unix: isolation.scope_abstract_unix,
        scope_signal: isolation.scope_signals,
        best_effort: false,
    }
}

/// The domain without what this kernel lacks, if the profile marks that as optional.
fn enforceable(domain: Domain, profile: &Profile) -> Result<Domain, String> {
    let Err(error) = domain.ruleset() else {
        return Ok(domain);
    };
    let optional = |name: &str| profile.optional.contains(name);
    let reduced = Domain {
        files: domain.files.clone(),
        deny_tcp_bind: domain.deny_tcp_bind && !optional("SocketBindDeny"),
        deny_tcp_connect: domain.deny_tcp_connect && !optional("SocketConnectDeny"),
        scope_abstract_unix: domain.scope_abstract_unix && !optional("ScopeAbstractUnixSockets"),
        scope_signal: domain.scope_signal && !optional("ScopeSignals"),
        best_effort: false,
    };
    if reduced == domain {
        return Err(error.to_string());
    }
    reduced.ruleset().map_err(|error| error.to_string())?;
    Ok(reduced)
}

/// Calls that come between the filter and the server, and those of a server that fails.
const TO_START: [&str; 4] = ["execve", "execveat", "exit_group", "rt_sigprocmask"];
const EAFNOSUPPORT: u16 = 97;

fn filter(profile: &Profile) -> Result<Option<Filter>, String> {
    let mut filter = match &profile.system_calls {
        Some(calls) => by_calls(calls)?,
        None if profile.families.is_some() => Filter::new(Action::Allow),
        None => return Ok(None),
    };
    let forbids_sockets = profile
        .system_calls
        .as_ref()
        .is_some_and(|calls| calls.allow != calls.calls.contains("socket"));
    if let Some(families) = &profile.families
        && !forbids_sockets
    {
        by_families(&mut filter, families)?;
    }
    Ok(Some(filter))
}

fn by_calls(calls: &SystemCalls) -> Result<Filter, String> {
    let answer = match calls.answer {
        Answer::Errno(errno) => Action::Errno(errno),
        Answer::Kill => Action::KillProcess,
    };
    // The profile's names are known to be names of x86-64 calls; other architectures lack some.
    let exists = |name: &&str| cfg!(target_arch = "x86_64") || call_number(name).is_ok();
    let existing = calls.calls.iter().map(String::as_str).filter(exists);
    let (default, listed) = if calls.allow {
        (answer, Action::Allow)
    } else {
        (Action::Allow, answer)
    };
    let mut filter = Filter::new(default);
    filter
        .set(existing, listed)
        .map_err(|error| error.to_string())?;
    filter
        .set(TO_START, Action::Allow)
        .map_err(|error| error.to_string())?;
    Ok(filter)
}

fn by_families(filter: &mut Filter, families: &Families) -> Result<(), String> {
    let rules = families
        .numbers
        .iter()
        .map(|&number| confine::filter::equals(0, number.cast_unsigned().into()));
    let rules = rules
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    let denied = Action::Errno(EAFNOSUPPORT);
    let (listed, others) = if families.allow {
        (Action::Allow, denied)
    } else {
        (denied, Action::Allow)
    };
    filter
        .set_if("socket", rules, listed, others)
        .map_err(|error| error.to_string())
}

fn limits(profile: &Profile, surroundings: &Surroundings) -> Vec<Limit> {
    let mut limits: Vec<Limit> = profile
        .limits
        .iter()
        .map(|(resource, limit)| Limit {
            resource: resource.number(),
            soft: limit.soft,
            hard: limit.hard,
        })
        .collect();
    if !profile.limits.contains_key(&Resource::OpenFiles) {
        let (soft, hard) = surroundings.open_files;
        limits.push(Limit {
            resource: Resource::OpenFiles.number(),
            soft,
            hard,
        });
    }
    limits
}
