//! The profiles that ship, each a text of directives as a unit file has them.

use super::{Capabilities, Directive, Isolation, NoNewPrivs, Profile, Value};
use std::collections::{BTreeMap, BTreeSet};

const SHIPPED: &[(&str, &str)] = &[
    ("baseline", include_str!("shipped/baseline.profile")),
    ("rsync-read", include_str!("shipped/rsync-read.profile")),
    ("strict", include_str!("shipped/strict.profile")),
];

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

pub(super) fn by_name(name: &str) -> Option<Profile> {
    let (name, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
    let mut profile = unrestricted(name);
    let problems = profile.apply(&directives(text));
    profile.changed = false;
    // A test shows that there are none.
    problems.is_empty().then_some(profile)
}

pub(super) fn baseline() -> Profile {
    by_name("baseline").unwrap_or_else(|| Profile {
        bounding: Capabilities::Only(BTreeSet::new()),
        no_new_privs: NoNewPrivs::Yes,
        filesystem: Some(super::Filesystem::default()),
        ..unrestricted("baseline")
    })
}

/// What every text starts from: nothing is restricted but ambient capabilities.
fn unrestricted(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        changed: false,
        bounding: Capabilities::AllBut(BTreeSet::new()),
        ambient: BTreeSet::new(),
        no_new_privs: NoNewPrivs::No,
        filesystem: None,
        system_calls: None,
        families: None,
        isolation: Isolation::default(),
        limits: BTreeMap::new(),
        umask: None,
        nice: None,
        oom_score_adjust: None,
        private_keyring: false,
        optional: BTreeSet::new(),
    }
}

/// `Name=value` lines; `#` begins a comment line.
pub(super) fn directives(text: &str) -> Vec<Directive> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            Directive {
                name: name.to_owned(),
                value: Value::Text(value.to_owned()),
            }
        })
        .collect()
}
