//! The system calls that no safe crate offers in the form we need: the only `unsafe` code.
//!
//! One function makes one system call, takes borrowed or owned descriptors and slices, and
//! returns [`std::io::Result`]. Calls that a child makes between clone and exec
//! ([`identity`], [`limit`], [`descriptor`], [`harden`], [`exec`]) go to the kernel directly:
//! glibc's versions of some of them signal every thread of the process, which in a child
//! that shares its parent's memory would be the parent.

pub mod clone;
pub mod descriptor;
pub mod exec;
pub mod harden;
pub mod identity;
pub mod limit;
pub mod memfd;
pub mod message;
pub mod priority;
pub mod socket;

use std::io;

/// Turns the C convention (-1 and errno) into a `Result`; allocates nothing.
fn check(returned: libc::c_long) -> io::Result<libc::c_long> {
    if returned == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(returned)
    }
}
