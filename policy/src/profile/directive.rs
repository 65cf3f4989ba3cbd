//! Directives: how each one changes a profile.
//!
//! On top of a profile, a directive with one value replaces it. Lists behave so:
//! - `CapabilityBoundingSet = "A B"` leaves A and B; `"~A B"` takes A and B away.
//! - `SystemCallFilter = "~a @b"` forbids more. A list without `~` allows more if the profile
//!   already lists what is allowed; otherwise it becomes the list of what is allowed, less
//!   what the profile forbids.
//! - Paths are added to those the profile has.
//!
//! `?` before a name means that a kernel without the protection may leave it out.

use super::names::{CAPABILITIES, ERRORS, FAMILIES, suggestion};
use super::{
    Access, Answer, Capabilities, Families, Filesystem, Grant, NoNewPrivs, Profile, Resource,
    SystemCalls, Value, group,
};
use std::collections::BTreeSet;

/// A directive: a name and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// systemd's name for it, in systemd's spelling, or one of ours.
    pub name: String,
    /// What it is set to.
    pub value: Value,
}

/// A directive that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which, counted from 0 in the order applied.
    pub directive: usize,
    /// Why, one line, no full stop.
    pub what: String,
}

type Apply = fn(&mut Profile, &Value) -> Result<(), String>;

/// Every directive there is.
const DIRECTIVES: &[(&str, Apply)] = &[
    ("AmbientCapabilities", ambient),
    ("CapabilityBoundingSet", bounding),
    ("ExecPaths", |profile, value| {
        paths(profile, value, Access::ReadExecute)
    }),
    ("InaccessiblePaths", inaccessible),
    ("KeyringMode", keyring),
    ("LimitAS", |profile, value| {
        limit(profile, value, Resource::AddressSpace)
    }),
    ("LimitCORE", |profile, value| {
        limit(profile, value, Resource::Core)
    }),
    ("LimitCPU", |profile, value| {
        limit(profile, value, Resource::Cpu)
    }),
    ("LimitDATA", |profile, value| {
        limit(profile, value, Resource::Data)
    }),
    ("LimitFSIZE", |profile, value| {
        limit(profile, value, Resource::FileSize)
    }),
    ("LimitMEMLOCK", |profile, value| {
        limit(profile, value, Resource::LockedMemory)
    }),
    ("LimitNOFILE", |profile, value| {
        limit(profile, value, Resource::OpenFiles)
    }),
    ("LimitNPROC", |profile, value| {
        limit(profile, value, Resource::Processes)
    }),
    ("LimitSTACK", |profile, value| {
        limit(profile, value, Resource::Stack)
    }),
    ("Nice", |profile, value| {
        value.integer(-20, 19).map(|n| profile.nice = Some(n))
    }),
    ("NoNewPrivileges", no_new_privs),
    ("OOMScoreAdjust", |profile, value| {
        value
            .integer(-1000, 1000)
            .map(|n| profile.oom_score_adjust = Some(n))
    }),
    ("ReadOnlyPaths", |profile, value| {
        paths(profile, value, Access::Read)
    }),
    ("ReadWritePaths", |profile, value| {
        paths(profile, value, Access::ReadWrite)
    }),
    ("RestrictAddressFamilies", families),
    ("ScopeAbstractUnixSockets", |profile, value| {
        value
            .flag()
            .map(|flag| profile.isolation.scope_abstract_unix = flag)
    }),
    ("ScopeSignals", |profile, value| {
        value
            .flag()
            .map(|flag| profile.isolation.scope_signals = flag)
    }),
    ("SocketBindDeny", |profile, value| {
        tcp(value).map(|flag| profile.isolation.deny_tcp_bind = flag)
    }),
    ("SocketConnectDeny", |profile, value| {
        tcp(value).map(|flag| profile.isolation.deny_tcp_connect = flag)
    }),
    ("SystemCallErrorNumber", error_number),
    ("SystemCallFilter", system_calls),
    ("UMask", |profile, value| {
        value.mask().map(|mask| profile.umask = Some(mask))
    }),
];

/// The names of all directives.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.iter().map(|(name, _)| *name)
}

pub(super) fn apply(profile: &mut Profile, directives: &[Directive]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, Directive { name, value }) in directives.iter().enumerate() {
        profile.changed = true;
        let (plain, optional) = name
            .strip_prefix('?')
            .map_or((&**name, false), |name| (name, true));
        let Some((known, apply)) = DIRECTIVES.iter().find(|(known, _)| *known == plain) else {
            let hint = suggestion(plain, names());
            problems.push(Problem {
                directive: number,
                what: format!("unknown directive `{plain}`{hint}"),
            });
            continue;
        };
        if optional {
            profile.optional.insert((*known).to_owned());
        } else {
            profile.optional.remove(*known);
        }
        if let Err(why) = apply(profile, value) {
            problems.push(Problem {
                directive: number,
                what: format!("`{plain}` {why}"),
            });
        }
    }
    problems.extend(unreachable_promise(profile, directives));
    problems
}

/// Landlock lists what is reachable: a hole cannot be cut into a directory that is.
fn unreachable_promise(profile: &Profile, directives: &[Directive]) -> Option<Problem> {
    let files = profile.filesystem.as_ref()?;
    let covered = |path: &String| {
        let inside = |grant: &&Grant| std::path::Path::new(path).starts_with(&grant.path);
        files
            .grants
            .iter()
            .find(inside)
            .map(|grant| (path.clone(), grant.path.clone()))
    };
    let (path, grant) = files.inaccessible.iter().find_map(covered)?;
    let written = |d: &Directive| d.name.trim_start_matches('?') == "InaccessiblePaths";
    let directive = directives.iter().position(written).unwrap_or_default();
    Some(Problem {
        directive,
        what: format!("`{path}` cannot be inaccessible below `{grant}`, which is reachable"),
    })
}

/// What follows `~`, if it begins the line.
fn negated(line: &str) -> (bool, &str) {
    line.strip_prefix('~')
        .map_or((false, line), |rest| (true, rest))
}

fn capability_set(line: &str) -> Result<BTreeSet<String>, String> {
    let known = |word: &str| {
        let hint = suggestion(word, CAPABILITIES.iter().copied());
        let found = CAPABILITIES
            .iter()
            .find(|name| name.eq_ignore_ascii_case(word));
        found
            .map(|name| (*name).to_owned())
            .ok_or_else(|| format!("has `{word}`, which is no capability{hint}"))
    };
    line.split_ascii_whitespace().map(known).collect()
}

fn bounding(profile: &mut Profile, value: &Value) -> Result<(), String> {
    let mut kept = None::<BTreeSet<String>>;
    let mut taken = BTreeSet::new();
    for line in value.lines()? {
        match negated(line) {
            (true, rest) => taken.extend(capability_set(rest)?),
            (false, rest) => kept.get_or_insert_default().extend(capability_set(rest)?),
        }
    }
    let base = kept.map_or_else(|| profile.bounding.clone(), Capabilities::Only);
    profile.bounding = match base {
        Capabilities::Only(set) => Capabilities::Only(set.difference(&taken).cloned().collect()),
        Capabilities::AllBut(set) => Capabilities::AllBut(set.union(&taken).cloned().collect()),
    };
    Ok(())
}

fn ambient(profile: &mut Profile, value: &Value) -> Result<(), String> {
    let mut set = BTreeSet::new();
    for line in value.lines()? {
        if line.starts_with('~') {
            return Err("cannot take capabilities away: none are given unless named".into());
        }
        set.extend(capability_set(line)?);
    }
    profile.ambient = set;
    Ok(())
}

fn no_new_privs(profile: &mut Profile, value: &Value) -> Result<(), String> {
    profile.no_new_privs = match value {
        Value::Text(text) if text == "unless-root" => NoNewPrivs::UnlessRoot,
        other if other.flag()? => NoNewPrivs::Yes,
        _ => NoNewPrivs::No,
    };
    Ok(())
}

fn absolute(path: &str) -> Result<&str, String> {
    let unclear = path.split('/').any(|part| part == ".." || part == ".") || path.contains('\0');
    if !path.starts_with('/') || unclear {
        return Err(format!(
            "has `{path}`, which is not an absolute path without `.` and `..`"
        ));
    }
    Ok(path)
}

fn paths(profile: &mut Profile, value: &Value, access: Access) -> Result<(), String> {
    let files = profile.filesystem.get_or_insert_with(Filesystem::system);
    for path in value.paths()? {
        let (path, optional) = path
            .strip_prefix('-')
            .map_or((path, false), |path| (path, true));
        let path = absolute(path)?.to_owned();
        files.grants.push(Grant {
            path,
            access,
            optional,
        });
    }
    Ok(())
}

fn inaccessible(profile: &mut Profile, value: &Value) -> Result<(), String> {
    let files = profile.filesystem.get_or_insert_with(Filesystem::system);
    for path in value.paths()? {
        files
            .inaccessible
            .push(absolute(path.strip_prefix('-').unwrap_or(path))?.to_owned());
    }
    Ok(())
}

fn keyring(profile: &mut Profile, value: &Value) -> Result<(), String> {
    profile.private_keyring = match value.word()? {
        "private" => true,
        "inherit" => false,
        other => return Err(format!("is `{other}`; it can be `private` or `inherit`")),
    };
    Ok(())
}

fn limit(profile: &mut Profile, value: &Value, resource: Resource) -> Result<(), String> {
    profile.limits.insert(resource, value.limit(resource)?);
    Ok(())
}

fn families(profile: &mut Profile, value: &Value) -> Result<(), String> {
    let mut allow = None;
    let mut numbers = BTreeSet::new();
    for line in value.lines()? {
        let (deny, rest) = negated(line);
        if allow.is_some_and(|allow| allow == deny) {
            return Err("mixes families with and without `~`".into());
        }
        allow = Some(!deny);
        for word in rest.split_ascii_whitespace().filter(|word| *word != "none") {
            let found = FAMILIES.iter().find(|(name, _)| *name == word);
            let hint = || suggestion(word, FAMILIES.iter().map(|(name, _)| *name));
            let (_, number) = found
                .ok_or_else(|| format!("has `{word}`, which is no address family{}", hint()))?;
            numbers.insert(*number);
        }
    }
    profile.families = Some(Families {
        allow: allow.unwrap_or(true),
        numbers,
    });
    Ok(())
}

fn tcp(value: &Value) -> Result<bool, String> {
    match value.word()? {
        "tcp" => Ok(true),
        "" => Ok(false),
        other => Err(format!("is `{other}`; Landlock can only deny `tcp`")),
    }
}

fn error_number(profile: &mut Profile, value: &Value) -> Result<(), String> {
    let word = value.word()?;
    let errno = ERRORS
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, number)| Answer::Errno(*number));
    let answer = if word == "kill" {
        Some(Answer::Kill)
    } else {
        errno
    };
    let answer = answer
        .ok_or_else(|| format!("is `{word}`; it can be `kill`, or an error such as `EPERM`"))?;
    profile
        .system_calls
        .get_or_insert_with(SystemCalls::all)
        .answer = answer;
    Ok(())
}

/// Without these no program starts or ends.
const ALWAYS_ALLOWED: [&str; 2] = ["@default", "execveat"];

fn system_calls(profile: &mut Profile, value: &Value) -> Result<(), String> {
    let mut denied_before = false;
    let mut filter = profile
        .system_calls
        .clone()
        .unwrap_or_else(SystemCalls::all);
    for line in value.lines()? {
        let (deny, rest) = negated(line.trim_ascii_start());
        if denied_before && !deny {
            return Err(
                "has a part without `~` after one with it; begin each part to forbid with `~`"
                    .into(),
            );
        }
        denied_before = deny;
        let mut calls = BTreeSet::new();
        for word in rest.split_ascii_whitespace() {
            calls.extend(group::calls(word)?.into_iter().map(str::to_owned));
        }
        filter = if deny {
            filter.without(calls)
        } else {
            filter.with(calls)?
        };
    }
    profile.system_calls = Some(filter);
    Ok(())
}

impl SystemCalls {
    /// All of them.
    fn all() -> Self {
        SystemCalls {
            allow: false,
            calls: BTreeSet::new(),
            answer: Answer::Errno(EPERM),
        }
    }

    fn without(mut self, calls: BTreeSet<String>) -> Self {
        if self.allow {
            self.calls.retain(|call| !calls.contains(call));
        } else {
            self.calls.extend(calls);
        }
        self
    }

    fn with(self, mut calls: BTreeSet<String>) -> Result<Self, String> {
        for name in ALWAYS_ALLOWED {
            calls.extend(group::calls(name)?.into_iter().map(str::to_owned));
        }
        if self.allow {
            calls.extend(self.calls);
        } else {
            calls.retain(|call| !self.calls.contains(call));
        }
        Ok(SystemCalls {
            allow: true,
            calls,
            answer: self.answer,
        })
    }
}

const EPERM: u16 = 1;
