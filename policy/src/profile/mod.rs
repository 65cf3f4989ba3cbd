//! What a server may do, in systemd's directive names.
//!
//! A [`Profile`] is complete: applied to a process, it says everything about it. Profiles
//! ship by name ([`Profile::by_name`]), and directives ([`Profile::apply`]) change one. All
//! of it is data; the names of system calls are turned into numbers by whoever enforces it.
//!
//! # Files
//!
//! systemd's `ReadOnlyPaths` leaves the rest of the file system as it was. Landlock, which
//! needs no mount namespace, can only list what is reachable. So a profile either says
//! nothing about files (`filesystem` is `None`, everything as the ids allow), or it lists
//! all that is reachable. The first path directive turns the list on, starting with the
//! system's own files ([`SYSTEM_PATHS`]): what is named by neither is denied. `-` before
//! a path means that it may be missing. A rule covers a directory and all below it. The
//! server's own program is reachable without being named.

mod directive;
mod group;
mod names;
mod shipped;
#[cfg(test)]
mod tests;
mod value;

pub use directive::{Directive, Problem};
pub(crate) use names::suggestion;
pub use value::Value;

use std::collections::{BTreeMap, BTreeSet};

/// What a server may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name of the shipped profile it began as.
    pub name: String,
    /// Whether directives have been applied to it since.
    pub changed: bool,
    /// Capabilities left to a server that runs as root (`CapabilityBoundingSet`).
    pub bounding: Capabilities,
    /// Capabilities given to a server that runs as another user (`AmbientCapabilities`), with
    /// `CAP_`.
    pub ambient: BTreeSet<String>,
    /// Whether executing a program may give privileges (`NoNewPrivileges`).
    pub no_new_privs: NoNewPrivs,
    /// Files; `None`: all that the ids allow.
    pub filesystem: Option<Filesystem>,
    /// System calls (`SystemCallFilter`); `None`: all.
    pub system_calls: Option<SystemCalls>,
    /// Kinds of sockets that may be made (`RestrictAddressFamilies`); `None`: all.
    pub families: Option<Families>,
    /// Doors to other processes and to the network.
    pub isolation: Isolation,
    /// Resource limits (`LimitNOFILE` and its like).
    pub limits: BTreeMap<Resource, Limit>,
    /// File mode creation mask (`UMask`), 0 to 0o777.
    pub umask: Option<u32>,
    /// Nice value (`Nice`), -20 to 19.
    pub nice: Option<i32>,
    /// OOM score adjustment (`OOMScoreAdjust`), -1000 to 1000.
    pub oom_score_adjust: Option<i32>,
    /// A session keyring of its own (`KeyringMode=private`).
    pub private_keyring: bool,
    /// Directives written with `?`: a kernel that lacks the protection may leave it out, which
    /// the record of the start then says.
    pub optional: BTreeSet<String>,
}

impl Profile {
    /// The shipped profile with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Profile> {
        shipped::by_name(name)
    }

    /// The names of the shipped profiles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        shipped::names()
    }

    /// The profile of a service that names none.
    #[must_use]
    pub fn baseline() -> Profile {
        shipped::baseline()
    }

    /// Changes the profile as the directives say, in their order, and returns those that
    /// cannot be carried out. A service with such a directive must not be started, because
    /// every directive restricts.
    #[must_use]
    pub fn apply(&mut self, directives: &[Directive]) -> Vec<Problem> {
        directive::apply(self, directives)
    }

    /// The capabilities a server keeps: all others leave all five sets. Another user than
    /// root keeps what is ambient, however wide the bounding set.
    #[must_use]
    pub fn capabilities(&self, root: bool) -> Capabilities {
        if root {
            self.bounding.clone()
        } else {
            Capabilities::Only(self.ambient.clone())
        }
    }

    /// Whether no_new_privs is set for a server that runs as root, or as another user.
    #[must_use]
    pub fn no_new_privs(&self, root: bool) -> bool {
        match self.no_new_privs {
            NoNewPrivs::Yes => true,
            NoNewPrivs::No => false,
            NoNewPrivs::UnlessRoot => !root,
        }
    }
}

/// A set of capabilities by name, with `CAP_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capabilities {
    /// These.
    Only(BTreeSet<String>),
    /// All that the kernel has but these.
    AllBut(BTreeSet<String>),
}

/// Whether executing a program may give privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNewPrivs {
    /// Never.
    Yes,
    /// As file modes say.
    No,
    /// `Yes`, but as file modes say where the server runs as root: telnetd's login has to
    /// become somebody.
    UnlessRoot,
}

/// All that can be reached in the file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filesystem {
    /// The paths, in the order named. One path may occur more than once: rights add up.
    pub grants: Vec<Grant>,
    /// Paths that must not be reachable (`InaccessiblePaths`). No grant covers one of them.
    pub inaccessible: Vec<String>,
}

/// The system's own files, with which every list begins: programs and libraries, /etc, and the
/// devices that every program may expect. Not in it: /home, /var, /tmp, /proc, /run, /dev.
///
/// Those that are links into /usr, or that not every system has, are optional.
pub const SYSTEM_PATHS: &[(&str, Access)] = &[
    ("/usr", Access::ReadExecute),
    ("-/bin", Access::ReadExecute),
    ("-/sbin", Access::ReadExecute),
    ("-/lib", Access::ReadExecute),
    ("-/lib64", Access::ReadExecute),
    ("/etc", Access::Read),
    ("-/run/systemd/resolve", Access::Read),
    ("/dev/null", Access::ReadWrite),
    ("-/dev/zero", Access::ReadWrite),
    ("-/dev/random", Access::ReadWrite),
    ("-/dev/urandom", Access::ReadWrite),
];

impl Filesystem {
    /// The system's own files.
    fn system() -> Self {
        let grant = |(path, access): &(&str, Access)| {
            let optional = path.starts_with('-');
            Grant {
                path: path.trim_start_matches('-').to_owned(),
                access: *access,
                optional,
            }
        };
        Filesystem {
            grants: SYSTEM_PATHS.iter().map(grant).collect(),
            inaccessible: Vec::new(),
        }
    }
}

/// A path and what may be done with it and all below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// An absolute path.
    pub path: String,
    /// What may be done.
    pub access: Access,
    /// Whether it may be missing, in which case nothing is granted.
    pub optional: bool,
}

/// What may be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading, and listing directories (`ReadOnlyPaths`).
    Read,
    /// Reading and executing (`ExecPaths`).
    ReadExecute,
    /// All but executing (`ReadWritePaths`).
    ReadWrite,
}

/// Which system calls are made, and what the others give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCalls {
    /// Whether `calls` are the ones that may be made, or the ones that may not.
    pub allow: bool,
    /// Names of system calls; groups are already written out.
    pub calls: BTreeSet<String>,
    /// What a call that may not be made gives (`SystemCallErrorNumber`).
    pub answer: Answer,
}

/// What a forbidden system call gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This error number.
    Errno(u16),
    /// The end of the process.
    Kill,
}

/// Address families of socket(2); others give `EAFNOSUPPORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Families {
    /// Whether `numbers` are the ones that may be used, or the ones that may not.
    pub allow: bool,
    /// The `AF_` numbers.
    pub numbers: BTreeSet<i32>,
}

/// Doors to other processes and to the network, closed by Landlock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Isolation {
    /// No TCP port may be bound (`SocketBindDeny=tcp`).
    pub deny_tcp_bind: bool,
    /// No TCP connection may be made (`SocketConnectDeny=tcp`, a name of ours).
    pub deny_tcp_connect: bool,
    /// No abstract Unix socket of a process outside may be connected to
    /// (`ScopeAbstractUnixSockets`, a name of ours).
    pub scope_abstract_unix: bool,
    /// No process outside may be sent a signal (`ScopeSignals`, a name of ours).
    pub scope_signals: bool,
}

/// A resource with a limit.
///
/// Source: setrlimit(2); systemd.exec(5), `LimitCPU=` and following.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Processor time in seconds.
    Cpu,
    /// Size of a file in bytes.
    FileSize,
    /// Data segment in bytes.
    Data,
    /// Stack in bytes.
    Stack,
    /// Core file in bytes.
    Core,
    /// Processes of the user.
    Processes,
    /// Open descriptors.
    OpenFiles,
    /// Locked memory in bytes.
    LockedMemory,
    /// Address space in bytes.
    AddressSpace,
}

impl Resource {
    /// The `RLIMIT_` number on x86 and ARM.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Resource::Cpu => 0,
            Resource::FileSize => 1,
            Resource::Data => 2,
            Resource::Stack => 3,
            Resource::Core => 4,
            Resource::Processes => 6,
            Resource::OpenFiles => 7,
            Resource::LockedMemory => 8,
            Resource::AddressSpace => 9,
        }
    }
}

/// How much of a resource. `u64::MAX` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is enforced.
    pub soft: u64,
    /// How far the process may raise it; at least `soft`.
    pub hard: u64,
}
