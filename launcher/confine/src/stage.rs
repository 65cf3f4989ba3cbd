//! The stages a child passes through, in an order that its types enforce.
//!
//! [`Privileged`] → [`Dropped`] → [`Confined`] → exec. Each step takes the stage before it,
//! so that none can be skipped or repeated:
//!
//! ```compile_fail
//! fn skip(stage: confine::stage::Privileged, program: &confine::Program) {
//!     let _ = stage.exec(program);
//! }
//! ```
//! ```compile_fail
//! fn skip(stage: confine::stage::Privileged) {
//!     let _ = stage.confine();
//! }
//! ```
//! ```compile_fail
//! fn repeat(stage: confine::stage::Dropped) {
//!     let _ = stage.confine();
//!     let _ = stage.confine();
//! }
//! ```
//!
//! Nothing here allocates or looks anything up: the child shares its parent's memory. Why
//! this order: limits and priority may need privilege, so they come first; the bounding set
//! needs CAP_SETPCAP, groups CAP_SETGID, ids CAP_SETUID; Landlock needs its ruleset
//! descriptor and no_new_privs; seccomp comes last, because it would have to allow
//! everything that follows it.

use crate::capability::CapabilitySet;
use crate::program::{Image, Program};
use crate::sandbox::{Identity, Sandbox};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use sys::identity::{self, Capabilities};
use sys::limit::SignalMask;

/// A step on the way to exec, as it appears in log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Descriptors were put in place and the others marked close-on-exec.
    Descriptors = 1,
    /// The working directory was entered.
    Directory,
    /// A session was created.
    Session,
    /// Resource limits, priority, OOM score and umask were set.
    Limits,
    /// A session keyring was joined.
    Keyring,
    /// Capabilities left the bounding set.
    BoundingSet,
    /// The ambient set was emptied.
    Ambient,
    /// Supplementary groups were set.
    Groups,
    /// The group id was set.
    Gid,
    /// The user id was set.
    Uid,
    /// Capabilities were set.
    Capabilities,
    /// The kernel was asked whether all that holds.
    ReadBack,
    /// no_new_privs was set.
    NoNewPrivs,
    /// The Landlock ruleset was enforced.
    Landlock,
    /// The seccomp filter was installed.
    Seccomp,
    /// Signals were unblocked.
    Signals,
    /// The program was executed.
    Exec,
    /// The child was created.
    Clone,
}

impl Step {
    const ALL: [Step; 18] = [
        Step::Descriptors,
        Step::Directory,
        Step::Session,
        Step::Limits,
        Step::Keyring,
        Step::BoundingSet,
        Step::Ambient,
        Step::Groups,
        Step::Gid,
        Step::Uid,
        Step::Capabilities,
        Step::ReadBack,
        Step::NoNewPrivs,
        Step::Landlock,
        Step::Seccomp,
        Step::Signals,
        Step::Exec,
        Step::Clone,
    ];

    /// The step with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Step> {
        Self::ALL.into_iter().find(|step| *step as u8 == number)
    }

    /// What the step does, to follow "cannot".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Step::Descriptors => "put descriptors in place",
            Step::Directory => "enter the working directory",
            Step::Session => "create a session",
            Step::Limits => "set resource limits",
            Step::Keyring => "join a session keyring",
            Step::BoundingSet => "reduce the bounding set",
            Step::Ambient => "set the ambient set",
            Step::Groups => "set supplementary groups",
            Step::Gid => "set the group id",
            Step::Uid => "set the user id",
            Step::Capabilities => "set capabilities",
            Step::ReadBack => "confirm that privileges are gone",
            Step::NoNewPrivs => "set no_new_privs",
            Step::Landlock => "enforce the Landlock ruleset",
            Step::Seccomp => "install the seccomp filter",
            Step::Signals => "unblock signals",
            Step::Exec => "execute the server",
            Step::Clone => "create a process",
        }
    }
}

/// A step that failed. The server is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepError {
    /// The step.
    pub step: Step,
    /// The system's error number.
    pub errno: i32,
}

impl std::fmt::Display for StepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = io::Error::from_raw_os_error(self.errno);
        write!(f, "cannot {}: {error}", self.step.describe())
    }
}

impl std::error::Error for StepError {}

/// Names the step that an error belongs to.
trait AtStep<T> {
    fn at(self, step: Step) -> Result<T, StepError>;
}

impl<T> AtStep<T> for io::Result<T> {
    fn at(self, step: Step) -> Result<T, StepError> {
        self.map_err(|error| StepError {
            step,
            errno: error.raw_os_error().unwrap_or(EIO),
        })
    }
}

const EIO: i32 = 5;
const EPERM: i32 = 1;
/// `CAP_SETUID`, `CAP_SYS_ADMIN`, `CAP_SETPCAP`.
const SETUID: u32 = 7;
const SYS_ADMIN: u32 = 21;

/// Still as privileged as the parent.
#[must_use]
pub struct Privileged<'a> {
    sandbox: &'a Sandbox,
}

/// Ids and capabilities are the server's.
#[must_use]
pub struct Dropped<'a> {
    sandbox: &'a Sandbox,
}

/// Landlock and seccomp are in force.
#[must_use]
pub struct Confined<'a> {
    _sandbox: &'a Sandbox,
}

impl<'a> Privileged<'a> {
    /// The first stage. Nothing has been done yet.
    pub fn new(sandbox: &'a Sandbox) -> Self {
        Privileged { sandbox }
    }

    /// Puts `stdio` on descriptors 0 to 2 and marks all others close-on-exec.
    ///
    /// # Errors
    /// [`StepError`].
    pub fn place_descriptors(self, stdio: [BorrowedFd<'_>; 3]) -> Result<Self, StepError> {
        for (number, fd) in (0..).zip(stdio) {
            sys::descriptor::place(fd, number).at(Step::Descriptors)?;
        }
        sys::descriptor::close_on_exec_from(3).at(Step::Descriptors)?;
        Ok(self)
    }

    /// Sets limits, then becomes the server's user with the server's capabilities for good.
    ///
    /// # Errors
    /// [`StepError`]; a half-made change is never repaired, the caller ends the process.
    pub fn drop_privileges(self) -> Result<Dropped<'a>, StepError> {
        let sandbox = self.sandbox;
        set_limits(sandbox)?;
        match &sandbox.identity {
            Some(identity) => become_user(sandbox, identity)?,
            None => stay_unprivileged()?,
        }
        Ok(Dropped { sandbox })
    }
}

fn set_limits(sandbox: &Sandbox) -> Result<(), StepError> {
    if let Some(directory) = &sandbox.directory {
        sys::descriptor::chdir(directory).at(Step::Directory)?;
    }
    if sandbox.new_session {
        sys::limit::setsid().at(Step::Session)?;
    }
    for limit in &sandbox.limits {
        sys::limit::set_rlimit(limit.resource, limit.soft, limit.hard).at(Step::Limits)?;
    }
    if let Some(nice) = sandbox.nice {
        sys::limit::set_nice(nice).at(Step::Limits)?;
    }
    if let Some(text) = &sandbox.oom_score_adjust {
        sys::descriptor::overwrite(c"/proc/self/oom_score_adj", text).at(Step::Limits)?;
    }
    if let Some(umask) = sandbox.umask {
        sys::limit::set_umask(umask);
    }
    if sandbox.private_keyring {
        sys::harden::join_new_session_keyring().at(Step::Keyring)?;
    }
    Ok(())
}

fn become_user(sandbox: &Sandbox, identity: &Identity) -> Result<(), StepError> {
    let keep = sandbox.capabilities;
    for capability in 0..=sandbox.last_capability {
        if !keep.contains(capability) {
            identity::drop_bounding(capability).at(Step::BoundingSet)?;
        }
    }
    identity::clear_ambient().at(Step::Ambient)?;
    identity::setgroups(&identity.groups).at(Step::Groups)?;
    identity::setresgid(identity.gid).at(Step::Gid)?;
    let wanted = capabilities_until_confined(sandbox);
    if identity.uid != 0 && wanted.permitted != 0 {
        identity::keep_capabilities(true).at(Step::Capabilities)?;
    }
    identity::setresuid(identity.uid).at(Step::Uid)?;
    identity::capset(wanted).at(Step::Capabilities)?;
    if identity.uid != 0 {
        for capability in 0..=sandbox.last_capability {
            if keep.contains(capability) {
                identity::raise_ambient(capability).at(Step::Ambient)?;
            }
        }
    }
    read_back(identity, wanted, keep)
}

/// The sets to hold until Landlock and seccomp are in force.
///
/// Without no_new_privs the kernel lets only a holder of CAP_SYS_ADMIN confine itself, so it
/// is kept in force, but not in the bounding set, until [`Dropped::confine`] has ended.
fn capabilities_until_confined(sandbox: &Sandbox) -> Capabilities {
    let mut sets = final_capabilities(sandbox);
    if !sandbox.no_new_privs && sandbox.is_confining() {
        sets.effective |= 1 << SYS_ADMIN;
        sets.permitted |= 1 << SYS_ADMIN;
    }
    sets
}

fn final_capabilities(sandbox: &Sandbox) -> Capabilities {
    let keep = sandbox.capabilities.bits();
    let root = sandbox
        .identity
        .as_ref()
        .is_none_or(|identity| identity.uid == 0);
    Capabilities {
        effective: keep,
        permitted: keep,
        inheritable: if root { 0 } else { keep },
    }
}

/// Asks the kernel what we are now, and tries to become root again: that must fail.
fn read_back(
    identity: &Identity,
    wanted: Capabilities,
    keep: CapabilitySet,
) -> Result<(), StepError> {
    let wrong = Err(StepError {
        step: Step::ReadBack,
        errno: EPERM,
    });
    let uids = identity::getresuid().at(Step::ReadBack)?;
    let gids = identity::getresgid().at(Step::ReadBack)?;
    if uids != (identity.uid, identity.uid, identity.uid)
        || gids != (identity.gid, identity.gid, identity.gid)
        || identity::capget().at(Step::ReadBack)? != wanted
    {
        return wrong;
    }
    let may_change_uid = identity.uid == 0 || keep.contains(SETUID);
    if !may_change_uid && identity::setresuid(0).is_ok() {
        return wrong;
    }
    Ok(())
}

/// Without a user to become there must be no privilege to lose.
fn stay_unprivileged() -> Result<(), StepError> {
    let (real, effective, saved) = identity::getresuid().at(Step::ReadBack)?;
    let sets = identity::capget().at(Step::ReadBack)?;
    if real == 0 || effective == 0 || saved == 0 || sets.permitted != 0 {
        return Err(StepError {
            step: Step::ReadBack,
            errno: EPERM,
        });
    }
    Ok(())
}

impl<'a> Dropped<'a> {
    /// Enforces no_new_privs, Landlock and seccomp, each where the sandbox has it.
    ///
    /// # Errors
    /// [`StepError`]; the caller ends the process.
    pub fn confine(self) -> Result<Confined<'a>, StepError> {
        let sandbox = self.sandbox;
        if sandbox.no_new_privs {
            sys::harden::no_new_privs().at(Step::NoNewPrivs)?;
        }
        if let Some(ruleset) = &sandbox.ruleset {
            sys::harden::landlock_restrict_self(ruleset.as_fd()).at(Step::Landlock)?;
        }
        if let Some(filter) = &sandbox.filter {
            sys::harden::seccomp_filter(filter).at(Step::Seccomp)?;
        }
        if sandbox.identity.is_some() {
            let wanted = final_capabilities(sandbox);
            if capabilities_until_confined(sandbox) != wanted {
                identity::capset(wanted).at(Step::Capabilities)?;
            }
        }
        Ok(Confined { _sandbox: sandbox })
    }
}

impl Confined<'_> {
    /// Executes `program`. Returns only the reason why that failed.
    pub fn exec(self, program: &Program) -> StepError {
        if let Err(error) = sys::limit::set_signal_mask(SignalMask::Empty).at(Step::Signals) {
            return error;
        }
        let error = match &program.image {
            Image::Opened(fd) => sys::exec::opened(fd.as_fd(), &program.argv, &program.envp),
            Image::Path(path) => sys::exec::path(path, &program.argv, &program.envp),
        };
        StepError {
            step: Step::Exec,
            errno: error.raw_os_error().unwrap_or(EIO),
        }
    }
}
