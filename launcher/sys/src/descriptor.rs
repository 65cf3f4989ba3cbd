//! Descriptors of a child about to exec.

use crate::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Marks every descriptor from `first` on close-on-exec. Linux 5.11; `EINVAL` before.
///
/// # Errors
/// The kernel's.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: u32 = 4;
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, CLOSE_RANGE_CLOEXEC) })?;
    Ok(())
}

/// Makes `number` stand for the same open file as `fd`, kept over exec.
///
/// Unlike dup3(2) it also works when the two are the same number, by clearing close-on-exec.
///
/// # Errors
/// The kernel's.
pub fn place(fd: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    if fd.as_raw_fd() == number {
        // SAFETY: integers only.
        check(unsafe { libc::syscall(libc::SYS_fcntl, number, libc::F_SETFD, 0) })?;
    } else {
        // SAFETY: integers only; what `number` was before is closed, as the caller asks.
        check(unsafe { libc::syscall(libc::SYS_dup3, fd.as_raw_fd(), number, 0) })?;
    }
    Ok(())
}

/// Makes the number of `slot` stand for the file that `with` is open on, close-on-exec.
///
/// What `slot` was open on before is closed in the same step, so that the number is never free.
///
/// # Errors
/// The kernel's; `EINVAL` if the two are the same number.
pub fn replace(slot: BorrowedFd<'_>, with: BorrowedFd<'_>) -> io::Result<()> {
    let (slot, with) = (slot.as_raw_fd(), with.as_raw_fd());
    // SAFETY: integers only; whoever owns `slot` goes on owning an open descriptor.
    check(unsafe { libc::syscall(libc::SYS_dup3, with, slot, libc::O_CLOEXEC) })?;
    Ok(())
}

/// Takes ownership of a descriptor this process was started with, if it is open.
///
/// The caller asks for each number at most once, at its very start: it is the owner then.
#[must_use]
pub fn inherited(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_fcntl, number, libc::F_GETFD) }).ok()?;
    // SAFETY: open, and by this function's contract owned by nobody else in the process.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Changes the working directory.
///
/// # Errors
/// The kernel's.
pub fn chdir(path: &std::ffi::CStr) -> io::Result<()> {
    // SAFETY: a NUL-terminated string that outlives the call.
    check(unsafe { libc::syscall(libc::SYS_chdir, path.as_ptr()) })?;
    Ok(())
}

/// Replaces the contents of an existing file, such as one in /proc, in one write.
///
/// # Errors
/// The kernel's; `EIO` for a short write.
pub fn overwrite(path: &std::ffi::CStr, text: &[u8]) -> io::Result<()> {
    let flags = libc::O_WRONLY | libc::O_CLOEXEC;
    // SAFETY: a NUL-terminated string that outlives the call.
    let fd =
        check(unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) })?;
    // SAFETY: `text` is valid for its length during the call.
    let written = check(unsafe { libc::syscall(libc::SYS_write, fd, text.as_ptr(), text.len()) });
    // SAFETY: opened above, owned by nobody else.
    unsafe { libc::syscall(libc::SYS_close, fd) };
    if usize::try_from(written?).ok() == Some(text.len()) {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::EIO))
    }
}
