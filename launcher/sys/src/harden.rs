//! no_new_privs, Landlock and seccomp for the calling thread.

use crate::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// One instruction of a classic BPF program, laid out as the kernel reads it.
///
/// Source: linux/filter.h, `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// `struct sock_fprog` of linux/filter.h.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Gives up gaining privileges by executing a program, for good.
///
/// # Errors
/// The kernel's.
pub fn no_new_privs() -> io::Result<()> {
    // SAFETY: integers only; the unused arguments must be zero.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    Ok(())
}

/// Enforces a Landlock ruleset on the calling thread and what it becomes. Linux 5.13.
///
/// # Errors
/// `EPERM` without no_new_privs or CAP_SYS_ADMIN, `E2BIG` beyond 16 layers.
pub fn landlock_restrict_self(ruleset: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })?;
    Ok(())
}

/// Installs a seccomp filter on the calling thread and what it becomes.
///
/// # Errors
/// `EACCES` without no_new_privs or CAP_SYS_ADMIN, `EINVAL` for a program that is too long
/// or not well formed.
pub fn seccomp_filter(program: &[Instruction]) -> io::Result<()> {
    let length =
        u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = Program {
        length,
        instructions: program.as_ptr(),
    };
    let set_filter = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: `program` points to `length` instructions, both alive during the call, in
    // which the kernel copies them.
    check(unsafe { libc::syscall(libc::SYS_seccomp, set_filter, 0, &raw const program) })?;
    Ok(())
}

/// Clears the dumpable flag: no core dump, no ptrace by the same user, /proc owned by root.
///
/// # Errors
/// The kernel's.
pub fn not_dumpable() -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_DUMPABLE, 0, 0, 0, 0) })?;
    Ok(())
}

/// Asks the kernel to send `signal` to this process when the thread that made it ends.
///
/// # Errors
/// The kernel's.
pub fn die_with_parent(signal: i32) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) })?;
    Ok(())
}

/// Joins a new, anonymous session keyring.
///
/// # Errors
/// The kernel's; `ENOSYS` where keyrings are not built in.
pub fn join_new_session_keyring() -> io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: i32 = 1;
    // SAFETY: a null name asks for an anonymous keyring.
    check(unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0) })?;
    Ok(())
}
