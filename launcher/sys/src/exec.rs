//! The last call of a child.

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// A null-terminated array of strings in the form execve(2) wants, made beforehand.
pub struct StringArray {
    pointers: Vec<*const c_char>,
    _strings: Vec<CString>,
}

// SAFETY: the pointers lead to the heap buffers of `_strings`, which never change.
unsafe impl Send for StringArray {}
// SAFETY: as above; there is no interior mutability.
unsafe impl Sync for StringArray {}

impl StringArray {
    /// Takes the strings in order.
    #[must_use]
    pub fn new(strings: Vec<CString>) -> Self {
        let mut pointers: Vec<*const c_char> = strings.iter().map(|s| s.as_ptr()).collect();
        pointers.push(std::ptr::null());
        StringArray {
            pointers,
            _strings: strings,
        }
    }
}

/// Executes the file that `program` (opened with `O_PATH`) stands for. Returns only on failure.
///
/// A script needs its path: the kernel hands the interpreter a `/dev/fd/N` that is closed by
/// then, and answers `ENOENT`; use [`path`] for one.
#[must_use]
pub fn opened(program: BorrowedFd<'_>, argv: &StringArray, envp: &StringArray) -> io::Error {
    // SAFETY: both arrays end with a null pointer and their strings live in the arrays; the
    // empty path is a NUL-terminated constant.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            argv.pointers.as_ptr(),
            envp.pointers.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    io::Error::last_os_error()
}

/// Executes the file at `path`. Returns only on failure.
#[must_use]
pub fn path(path: &CStr, argv: &StringArray, envp: &StringArray) -> io::Error {
    // SAFETY: as in `opened`; `path` is NUL-terminated and outlives the call.
    unsafe {
        libc::syscall(
            libc::SYS_execve,
            path.as_ptr(),
            argv.pointers.as_ptr(),
            envp.pointers.as_ptr(),
        );
    }
    io::Error::last_os_error()
}
