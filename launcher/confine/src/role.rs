//! Confinement of our own long-lived processes, which they apply to themselves.
//!
//! Each does so once its own files are open and before it reads a byte from anybody else.
//! A call that is missing from a list is answered `EPERM`; a role that needs one more shows
//! as a failing test, not as an open door.

use crate::filesystem::{Domain, DomainError, FileAccess, Grant};
use crate::filter::{Action, Filter, FilterError, call_number, equals, lacks};
use crate::sandbox::{Identity, PrepareError, Specification};
use crate::stage::{Privileged, StepError};
use seccompiler::SeccompRule;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::{fmt, io};
use sys::identity::Capabilities;

/// Why a role could not confine itself. It does not start then.
#[derive(Debug)]
pub enum RoleError {
    /// The files or doors it keeps.
    Domain(DomainError),
    /// The system calls it keeps.
    Filter(String),
    /// Its user.
    Prepare(PrepareError),
    /// Becoming its user.
    Step(StepError),
    /// The kernel refused.
    Kernel(io::Error),
}

impl fmt::Display for RoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot confine itself: ")?;
        match self {
            RoleError::Domain(source) => source.fmt(f),
            RoleError::Filter(source) => source.fmt(f),
            RoleError::Prepare(source) => source.fmt(f),
            RoleError::Step(source) => source.fmt(f),
            RoleError::Kernel(source) => source.fmt(f),
        }
    }
}

impl std::error::Error for RoleError {}

impl From<FilterError> for RoleError {
    fn from(error: FilterError) -> Self {
        RoleError::Filter(error.to_string())
    }
}

impl From<seccompiler::BackendError> for RoleError {
    fn from(error: seccompiler::BackendError) -> Self {
        RoleError::Filter(error.to_string())
    }
}

/// Memory, time, waiting and ending: what every role needs.
const COMMON: [&str; 35] = [
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "exit",
    "exit_group",
    "fstat",
    "futex",
    "getpid",
    "getrandom",
    "gettid",
    "getsockname",
    "getsockopt",
    "getpeername",
    "gettimeofday",
    "madvise",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "poll",
    "ppoll",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "sendmsg",
    "sendto",
    "sigaltstack",
    "tgkill",
];

/// The frontend: no file, no new socket, no process; it accepts and talks.
///
/// # Errors
/// [`RoleError`]; the caller ends the process.
pub fn frontend() -> Result<(), RoleError> {
    let mut filter = Filter::new(Action::Errno(EPERM));
    allow_common(&mut filter)?;
    let own = [
        "accept4",
        "pread64",
        "read",
        "recvfrom",
        "recvmsg",
        "setsockopt",
        "shutdown",
        "statx",
        "write",
    ];
    allow(&mut filter, &own)?;
    // Not F_SETFL, which would let it take O_APPEND off the file of records.
    let asking = [F_GETFL, F_GETFD].map(|command| equals(1, command));
    allow_if(&mut filter, "fcntl", asking)?;
    allow_if(&mut filter, "ioctl", [equals(1, FIONBIO)])?;
    sys::harden::not_dumpable().map_err(RoleError::Kernel)?;
    enter(&Domain::closed(), &filter)
}

/// The resolver: sockets to name servers and clients' ident services, and the files that say
/// how names are found.
///
/// `identity` is whom to become first, where the caller is still privileged.
///
/// # Errors
/// [`RoleError`]; the caller ends the process.
pub fn resolver(identity: Option<Identity>) -> Result<(), RoleError> {
    if identity.is_some() {
        let specification = Specification {
            identity,
            no_new_privs: true,
            ..Specification::default()
        };
        let sandbox = specification.prepare().map_err(RoleError::Prepare)?;
        let dropped = Privileged::new(&sandbox).drop_privileges();
        let _confined = dropped
            .and_then(|stage| stage.confine())
            .map_err(RoleError::Step)?;
    }
    let mut filter = Filter::new(Action::Errno(EPERM));
    allow_common(&mut filter)?;
    let own = [
        "bind",
        "connect",
        "epoll_create1",
        "eventfd2",
        "fcntl",
        "ioctl",
        "open",
        "openat",
        "read",
        "readlink",
        "readlinkat",
        "readv",
        "recvfrom",
        "recvmsg",
        "setsockopt",
        "shutdown",
        "statx",
        "uname",
        "write",
        "writev",
        "access",
        "faccessat2",
        "pread64",
        "getcwd",
        "socketpair",
        "stat",
        "lstat",
    ];
    allow(&mut filter, &own)?;
    let families = [AF_UNIX, AF_INET, AF_INET6].map(|family| equals(0, family));
    allow_if(&mut filter, "socket", families)?;
    let mut files = Vec::new();
    for path in ["/etc", "/run", "/usr/share/zoneinfo"] {
        if std::path::Path::new(path).exists() {
            files.push(Grant {
                path: path.into(),
                access: FileAccess::Read,
            });
        }
    }
    let domain = Domain {
        files: Some(files),
        scope_abstract_unix: true,
        scope_signal: true,
        best_effort: true,
        ..Domain::default()
    };
    sys::harden::not_dumpable().map_err(RoleError::Kernel)?;
    enter(&domain, &filter)
}

/// The monitor's own descriptors: the only ones it may read or receive from.
pub struct MonitorDescriptors<'a> {
    /// The frontend's socket.
    pub frontend: BorrowedFd<'a>,
    /// Where signals are read.
    pub signals: BorrowedFd<'a>,
    /// Where the launch thread says that it has answered.
    pub answers: BorrowedFd<'a>,
}

/// The monitor's thread: it judges requests and keeps account, and holds no capability.
///
/// It receives messages on the frontend's socket alone and reads from two more descriptors,
/// whatever else is open in its process: listeners, and connections on their way to a server.
/// Only the calling thread is confined, and what it becomes.
///
/// # Errors
/// [`RoleError`]; the caller ends the process.
pub fn monitor(own: &MonitorDescriptors<'_>) -> Result<(), RoleError> {
    let mut filter = Filter::new(Action::Errno(EPERM));
    allow_common(&mut filter)?;
    allow(&mut filter, &["waitid"])?;
    allow_if(&mut filter, "recvmsg", [equals(0, number(own.frontend))])?;
    allow_if(&mut filter, "dup3", [equals(1, number(own.frontend))])?;
    allow_if(
        &mut filter,
        "read",
        [own.signals, own.answers].map(|fd| equals(0, number(fd))),
    )?;
    allow_if(&mut filter, "write", [equals(0, STDOUT), equals(0, STDERR)])?;
    let domain = Domain {
        files: Some(Vec::new()),
        deny_tcp_bind: true,
        deny_tcp_connect: true,
        best_effort: true,
        ..Domain::default()
    };
    let ruleset = domain.ruleset().map_err(RoleError::Domain)?;
    sys::harden::no_new_privs().map_err(RoleError::Kernel)?;
    sys::identity::capset(Capabilities::default()).map_err(RoleError::Kernel)?;
    if let Some(ruleset) = ruleset {
        sys::harden::landlock_restrict_self(ruleset.as_fd()).map_err(RoleError::Kernel)?;
    }
    sys::harden::seccomp_filter(&filter.compile()?).map_err(RoleError::Kernel)
}

const EPERM: u16 = 1;
const F_GETFD: u64 = 1;
const F_GETFL: u64 = 3;
const PROT_EXEC: u64 = 4;
const FIONBIO: u64 = 0x5421;
const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const STDOUT: u64 = 1;
const STDERR: u64 = 2;

fn enter(domain: &Domain, filter: &Filter) -> Result<(), RoleError> {
    let program = filter.compile()?;
    let ruleset = domain.ruleset().map_err(RoleError::Domain)?;
    sys::harden::no_new_privs().map_err(RoleError::Kernel)?;
    if let Some(ruleset) = ruleset {
        sys::harden::landlock_restrict_self(ruleset.as_fd()).map_err(RoleError::Kernel)?;
    }
    sys::harden::seccomp_filter(&program).map_err(RoleError::Kernel)
}

/// What every role needs; memory may not become code.
fn allow_common(filter: &mut Filter) -> Result<(), RoleError> {
    allow(filter, &COMMON)?;
    for call in ["mmap", "mprotect"] {
        allow_if(filter, call, [lacks(2, PROT_EXEC)])?;
    }
    Ok(())
}

/// Allows calls. A name that this architecture does not have (`poll` on Arm) stands for
/// nothing there.
fn allow(filter: &mut Filter, names: &[&str]) -> Result<(), RoleError> {
    let exists = |name: &&str| cfg!(target_arch = "x86_64") || call_number(name).is_ok();
    Ok(filter.set(names.iter().copied().filter(exists), Action::Allow)?)
}

type Condition = Result<SeccompRule, seccompiler::BackendError>;

fn allow_if<const N: usize>(
    filter: &mut Filter,
    call: &str,
    rules: [Condition; N],
) -> Result<(), RoleError> {
    let rules = rules.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(filter.set_if(call, rules, Action::Allow, Action::Errno(EPERM))?)
}

fn number(fd: BorrowedFd<'_>) -> u64 {
    u64::try_from(fd.as_raw_fd()).unwrap_or(u64::MAX)
}
