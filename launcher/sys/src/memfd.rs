//! Sealed anonymous files: bytes handed to another process that nobody can change.

use crate::check;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// An anonymous file with these contents, sealed against every change.
///
/// # Errors
/// The kernel's, when memory or descriptors are short.
pub fn sealed(name: &std::ffi::CStr, contents: &[u8]) -> io::Result<OwnedFd> {
    let fd = create(name)?;
    let mut file = File::from(fd);
    file.write_all(contents)?;
    seal(&file)?;
    Ok(file.into())
}

fn create(name: &std::ffi::CStr) -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: a NUL-terminated string that outlives the call.
    let fd = check(unsafe { libc::syscall(libc::SYS_memfd_create, name.as_ptr(), flags) })?;
    let fd = i32::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: just created; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn seal(file: &File) -> io::Result<()> {
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_fcntl, file.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    Ok(())
}
