//! What a child is given and denied, in the form the kernel takes.

use crate::capability::{CapabilitySet, last_capability};
use crate::filesystem::{Domain, DomainError};
use crate::filter::{Filter, FilterError};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::{fmt, io};
use sys::harden::Instruction;

/// A user with its groups, as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
}

/// A resource limit.
///
/// Source: setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// One of the `RLIMIT_` numbers.
    pub resource: u32,
    /// What is enforced.
    pub soft: u64,
    /// How far the process may raise it.
    pub hard: u64,
}

/// Everything that is applied to a child before exec. Made once for each service.
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) identity: Option<Identity>,
    pub(crate) capabilities: CapabilitySet,
    pub(crate) last_capability: u32,
    pub(crate) no_new_privs: bool,
    pub(crate) ruleset: Option<OwnedFd>,
    pub(crate) filter: Option<Vec<Instruction>>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<u32>,
    pub(crate) oom_score_adjust: Option<Vec<u8>>,
    pub(crate) private_keyring: bool,
    pub(crate) new_session: bool,
    pub(crate) directory: Option<CString>,
}

/// A sandbox as it is asked for; [`Specification::prepare`] makes it.
#[derive(Clone, Debug, Default)]
pub struct Specification {
    /// Whom to become; `None` stays an unprivileged caller.
    pub identity: Option<Identity>,
    /// Capabilities to keep, everything else leaves all five sets.
    pub capabilities: CapabilitySet,
    /// Never gain privileges by executing a program.
    pub no_new_privs: bool,
    /// Files and doors to other processes.
    pub domain: Domain,
    /// System calls; `None` allows all.
    pub filter: Option<Filter>,
    /// Resource limits.
    pub limits: Vec<Limit>,
    /// Nice value, -20 to 19.
    pub nice: Option<i32>,
    /// File mode creation mask.
    pub umask: Option<u32>,
    /// OOM score adjustment, -1000 to 1000.
    pub oom_score_adjust: Option<i32>,
    /// Join a session keyring of its own.
    pub private_keyring: bool,
    /// Lead a session of its own.
    pub new_session: bool,
    /// Working directory; `None` keeps the caller's.
    pub directory: Option<CString>,
}

/// Why a sandbox cannot be made. The service is not started without it.
#[derive(Debug)]
pub enum PrepareError {
    /// Files or Landlock.
    Domain(DomainError),
    /// System calls.
    Filter(FilterError),
    /// The kernel cannot be asked about capabilities.
    Kernel(io::Error),
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrepareError::Domain(source) => source.fmt(f),
            PrepareError::Filter(source) => source.fmt(f),
            PrepareError::Kernel(source) => {
                write!(f, "cannot find out about capabilities: {source}")
            }
        }
    }
}

impl std::error::Error for PrepareError {}

impl Specification {
    /// Builds the ruleset and the filter, and fixes everything else.
    ///
    /// An unprivileged caller gets no_new_privs in any case: without it the kernel lets it
    /// enforce neither Landlock nor seccomp.
    ///
    /// # Errors
    /// [`PrepareError`]; nothing that was asked for is left out.
    pub fn prepare(self) -> Result<Sandbox, PrepareError> {
        let last_capability = last_capability().map_err(PrepareError::Kernel)?;
        let root = self
            .identity
            .as_ref()
            .is_some_and(|identity| identity.uid == 0);
        // Root of a container lacks some that root's servers may keep; another user's are
        // given because they are needed, and lacking one is an error in the child.
        let existing = if root {
            let held = sys::identity::capget()
                .map_err(PrepareError::Kernel)?
                .permitted;
            CapabilitySet::from_bits(held)
        } else {
            CapabilitySet::from_bits(u64::MAX >> (63 - last_capability.min(63)))
        };
        let absent = CapabilitySet::ALL.without(existing);
        let filter = self.filter.map(|filter| filter.compile()).transpose();
        Ok(Sandbox {
            no_new_privs: self.no_new_privs || self.identity.is_none(),
            identity: self.identity,
            capabilities: self.capabilities.without(absent),
            last_capability,
            ruleset: self.domain.ruleset().map_err(PrepareError::Domain)?,
            filter: filter.map_err(PrepareError::Filter)?,
            limits: self.limits,
            nice: self.nice,
            umask: self.umask,
            oom_score_adjust: self
                .oom_score_adjust
                .map(|score| score.to_string().into_bytes()),
            private_keyring: self.private_keyring,
            new_session: self.new_session,
            directory: self.directory,
        })
    }
}

impl Sandbox {
    /// Whether Landlock or seccomp is part of it.
    pub(crate) fn is_confining(&self) -> bool {
        self.ruleset.is_some() || self.filter.is_some()
    }

    /// What it enforces, in a few words for records: `uid=33 caps=none nnp landlock seccomp`.
    #[must_use]
    pub fn enforced(&self) -> String {
        let mut words = Vec::new();
        match &self.identity {
            Some(identity) => {
                words.push(format!("uid={} gid={}", identity.uid, identity.gid));
                let kept = (0..=self.last_capability).filter(|c| self.capabilities.contains(*c));
                words.push(match kept.count() {
                    0 => "caps=none".to_owned(),
                    count => format!("caps={count}"),
                });
            }
            None => words.push("uid=unchanged".to_owned()),
        }
        let protections = [
            (self.no_new_privs, "no_new_privs"),
            (self.ruleset.is_some(), "landlock"),
            (self.filter.is_some(), "seccomp"),
        ];
        words.extend(
            protections
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| (*name).to_owned()),
        );
        words.join(" ")
    }
}
