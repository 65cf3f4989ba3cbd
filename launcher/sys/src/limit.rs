//! Session, limits, priority, umask and signal mask of a child.

use crate::check;
use std::io;

/// Makes the caller leader of a new session and process group.
///
/// # Errors
/// `EPERM` if it leads a process group already.
pub fn setsid() -> io::Result<()> {
    // SAFETY: no arguments.
    check(unsafe { libc::syscall(libc::SYS_setsid) })?;
    Ok(())
}

/// Sets a resource limit; `resource` is one of setrlimit(2)'s `RLIMIT_` numbers.
///
/// # Errors
/// `EPERM` when raising a hard limit without CAP_SYS_RESOURCE, `EINVAL` for soft above hard.
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit64 {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: a local structure that outlives the call; no old value is asked for.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, &raw const limit, 0) })?;
    Ok(())
}

/// Sets the nice value of the calling process.
///
/// # Errors
/// `EACCES` when raising priority without CAP_SYS_NICE.
pub fn set_nice(nice: i32) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) })?;
    Ok(())
}

/// Sets the file mode creation mask; cannot fail.
pub fn set_umask(mask: u32) {
    // SAFETY: integers only.
    unsafe { libc::syscall(libc::SYS_umask, mask) };
}

/// Which signals [`set_signal_mask`] blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalMask {
    /// Every signal.
    All,
    /// None.
    Empty,
}

/// Replaces the calling thread's signal mask.
///
/// # Errors
/// The kernel's; none are known.
pub fn set_signal_mask(mask: SignalMask) -> io::Result<()> {
    let set: u64 = match mask {
        SignalMask::All => u64::MAX,
        SignalMask::Empty => 0,
    };
    let size = size_of::<u64>();
    // SAFETY: the kernel reads `size` bytes from a local integer; no old mask is asked for.
    check(unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const set,
            0,
            size,
        )
    })?;
    Ok(())
}

/// Sets a signal to its default: for those that whoever started us had ignored, and SIGPIPE,
/// which Rust's runtime ignores. Children inherit what is ignored.
///
/// # Errors
/// `EINVAL` for a number that is no signal, and for the two that cannot be changed.
pub fn default_signal(number: i32) -> io::Result<()> {
    let default = [0_u64; 4];
    let size = size_of::<u64>();
    // SAFETY: all-zero is the kernel's sigaction for SIG_DFL (32 bytes on both
    // architectures); no old action is asked for.
    check(unsafe { libc::syscall(libc::SYS_rt_sigaction, number, default.as_ptr(), 0, size) })?;
    Ok(())
}
