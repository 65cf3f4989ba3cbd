//! User, groups and capabilities of the calling thread, straight from and to the kernel.

use crate::check;
use std::io;

/// The three capability sets of capset(2), one bit for each capability number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// In force.
    pub effective: u64,
    /// May be put in force.
    pub permitted: u64,
    /// Kept over exec of a file that allows it.
    pub inheritable: u64,
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_3: u32 = 0x2008_0522;

/// Real, effective and saved id.
pub type Ids = (u32, u32, u32);

/// Sets real, effective and saved user id to `uid`.
///
/// # Errors
/// `EPERM` without CAP_SETUID, `EAGAIN` at the user's process limit.
pub fn setresuid(uid: u32) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) })?;
    Ok(())
}

/// Sets real, effective and saved group id to `gid`.
///
/// # Errors
/// `EPERM` without CAP_SETGID.
pub fn setresgid(gid: u32) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })?;
    Ok(())
}

/// Replaces the supplementary groups.
///
/// # Errors
/// `EPERM` without CAP_SETGID, `EINVAL` for too many.
pub fn setgroups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: `groups` is valid for its length during the call.
    check(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })?;
    Ok(())
}

/// Real, effective and saved user id.
///
/// # Errors
/// The kernel's; none are known.
pub fn getresuid() -> io::Result<Ids> {
    let (mut real, mut effective, mut saved) = (0_u32, 0_u32, 0_u32);
    // SAFETY: three local integers that outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_getresuid,
            &raw mut real,
            &raw mut effective,
            &raw mut saved,
        )
    })?;
    Ok((real, effective, saved))
}

/// Real, effective and saved group id.
///
/// # Errors
/// The kernel's; none are known.
pub fn getresgid() -> io::Result<Ids> {
    let (mut real, mut effective, mut saved) = (0_u32, 0_u32, 0_u32);
    // SAFETY: three local integers that outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_getresgid,
            &raw mut real,
            &raw mut effective,
            &raw mut saved,
        )
    })?;
    Ok((real, effective, saved))
}

/// Reads the thread's capability sets.
///
/// # Errors
/// The kernel's; none are known.
pub fn capget() -> io::Result<Capabilities> {
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data::default(); 2];
    // SAFETY: version 3 reads one header and writes two data blocks, both local.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw const header, data.as_mut_ptr()) })?;
    let [low, high] = data;
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Ok(Capabilities {
        effective: join(low.effective, high.effective),
        permitted: join(low.permitted, high.permitted),
        inheritable: join(low.inheritable, high.inheritable),
    })
}

/// Replaces the thread's capability sets.
///
/// # Errors
/// `EPERM` for a capability that is not permitted now.
pub fn capset(sets: Capabilities) -> io::Result<()> {
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let half = |shift: u32| Data {
        effective: (sets.effective >> shift) as u32,
        permitted: (sets.permitted >> shift) as u32,
        inheritable: (sets.inheritable >> shift) as u32,
    };
    let data = [half(0), half(32)];
    // SAFETY: version 3 reads one header and two data blocks, both local.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) })?;
    Ok(())
}

/// Removes a capability from the bounding set.
///
/// # Errors
/// `EPERM` without CAP_SETPCAP, `EINVAL` for a number the kernel does not know.
pub fn drop_bounding(capability: u32) -> io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_CAPBSET_DROP, capability, 0, 0, 0) })?;
    Ok(())
}

/// Empties the ambient set.
///
/// # Errors
/// The kernel's.
pub fn clear_ambient() -> io::Result<()> {
    let all = libc::PR_CAP_AMBIENT_CLEAR_ALL;
    // SAFETY: integers only; the unused arguments must be zero.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_CAP_AMBIENT, all, 0, 0, 0) })?;
    Ok(())
}

/// Adds a capability to the ambient set; it must be permitted and inheritable.
///
/// # Errors
/// `EPERM` if it is not.
pub fn raise_ambient(capability: u32) -> io::Result<()> {
    let raise = libc::PR_CAP_AMBIENT_RAISE;
    // SAFETY: integers only; the unused arguments must be zero.
    check(unsafe {
        libc::syscall(
            libc::SYS_prctl,
            libc::PR_CAP_AMBIENT,
            raise,
            capability,
            0,
            0,
        )
    })?;
    Ok(())
}

/// Keeps (or not) the permitted capabilities when the user id changes away from 0.
///
/// # Errors
/// The kernel's.
pub fn keep_capabilities(keep: bool) -> io::Result<()> {
    let keep = libc::c_ulong::from(keep);
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_KEEPCAPS, keep, 0, 0, 0) })?;
    Ok(())
}
