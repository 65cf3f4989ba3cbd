//! Landlock rulesets: which files may be reached, and which doors to other processes.
//!
//! Source: landlock(7). A ruleset is built once and enforced in many children; nothing is
//! added to it afterwards, because whoever holds the descriptor would be affected.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    PathFdError, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The Landlock version whose rights we name: Linux 6.15.
const VERSION: ABI = ABI::V7;

/// What may be done below a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// Read files and list directories.
    Read,
    /// As `Read`, and execute programs.
    ReadExecute,
    /// Everything but executing programs.
    ReadWrite,
    /// Everything.
    All,
}

/// One path and what may be done below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// An absolute path that exists.
    pub path: PathBuf,
    /// What may be done.
    pub access: FileAccess,
}

/// What a Landlock domain denies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    /// `Some`: nothing in the file system but these; `None`: all of it as ids allow.
    pub files: Option<Vec<Grant>>,
    /// No TCP port may be bound.
    pub deny_tcp_bind: bool,
    /// No TCP connection may be made.
    pub deny_tcp_connect: bool,
    /// No abstract Unix socket of a process outside may be connected to.
    pub scope_abstract_unix: bool,
    /// No process outside may be sent a signal.
    pub scope_signal: bool,
    /// A kernel that lacks the scopes or the TCP rights leaves them out. For our own roles,
    /// whose seccomp filters close the same doors.
    pub best_effort: bool,
}

/// Why a ruleset cannot be made.
#[derive(Debug)]
pub enum DomainError {
    /// A path cannot be opened.
    Path(PathBuf, PathFdError),
    /// The kernel has no Landlock, or lacks a right that is asked for.
    Ruleset(Box<RulesetError>),
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DomainError::Path(path, source) => write!(f, "{}: {source}", path.display()),
            DomainError::Ruleset(source) => write!(f, "Landlock: {source}"),
        }
    }
}

impl std::error::Error for DomainError {}

impl From<RulesetError> for DomainError {
    fn from(error: RulesetError) -> Self {
        DomainError::Ruleset(Box::new(error))
    }
}

impl Domain {
    /// Whether there is nothing to enforce.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Domain::default()
    }

    /// A domain without any file and without any way to other processes.
    #[must_use]
    pub fn closed() -> Self {
        Domain {
            files: Some(Vec::new()),
            deny_tcp_bind: true,
            deny_tcp_connect: true,
            scope_abstract_unix: true,
            scope_signal: true,
            best_effort: true,
        }
    }

    /// The ruleset, or `None` if there is nothing to enforce.
    ///
    /// # Errors
    /// [`DomainError`] for a path that is not there and for a kernel that cannot do it: a
    /// protection that was asked for is never left out.
    pub fn ruleset(&self) -> Result<Option<OwnedFd>, DomainError> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        if self.files.is_some() {
            // Rights of later versions (truncate, device ioctl) as far as the kernel has them.
            ruleset = ruleset
                .handle_access(AccessFs::from_all(ABI::V1))?
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(VERSION))?;
        }
        ruleset = ruleset.set_compatibility(if self.best_effort {
            CompatLevel::BestEffort
        } else {
            CompatLevel::HardRequirement
        });
        if self.deny_tcp_bind {
            ruleset = ruleset.handle_access(AccessNet::BindTcp)?;
        }
        if self.deny_tcp_connect {
            ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
        }
        if self.scope_abstract_unix {
            ruleset = ruleset.scope(Scope::AbstractUnixSocket)?;
        }
        if self.scope_signal {
            ruleset = ruleset.scope(Scope::Signal)?;
        }
        let mut created = ruleset.create()?;
        for grant in self.files.iter().flatten() {
            created = add(created, grant)?;
        }
        Ok(Option::<OwnedFd>::from(created))
    }
}

fn add(ruleset: RulesetCreated, grant: &Grant) -> Result<RulesetCreated, DomainError> {
    let fd =
        PathFd::new(&grant.path).map_err(|error| DomainError::Path(grant.path.clone(), error))?;
    let mut rights = rights(grant.access);
    if !is_directory(&fd, &grant.path) {
        rights &= AccessFs::from_file(VERSION);
    }
    let best_effort = ruleset.set_compatibility(CompatLevel::BestEffort);
    Ok(best_effort.add_rule(PathBeneath::new(fd, rights))?)
}

fn is_directory(fd: &PathFd, path: &Path) -> bool {
    let opened = fd.as_fd().try_clone_to_owned().map(std::fs::File::from);
    opened
        .and_then(|file| file.metadata())
        .map_or_else(|_| path.is_dir(), |data| data.is_dir())
}

fn rights(access: FileAccess) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    match access {
        FileAccess::Read => read,
        FileAccess::ReadExecute => read | AccessFs::Execute,
        FileAccess::ReadWrite => AccessFs::from_all(VERSION) & !BitFlags::from(AccessFs::Execute),
        FileAccess::All => AccessFs::from_all(VERSION),
    }
}
