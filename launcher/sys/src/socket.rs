//! Socket options for which no safe crate has a type.

use crate::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Most bytes of options that an IPv4 header has room for.
const MOST: usize = 40;

/// The IP options of an IPv4 socket's connection, empty if there are none. Source: ip(7).
///
/// # Errors
/// `ENOTSOCK`, `ENOPROTOOPT` where the socket is not of that family.
pub fn ip_options(socket: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut options = [0_u8; MOST];
    let mut length = MOST as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes to `options`, which has as many, and
    // the length to a local integer.
    check(unsafe {
        libc::syscall(
            libc::SYS_getsockopt,
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_OPTIONS,
            options.as_mut_ptr(),
            &raw mut length,
        )
    })?;
    let length = usize::try_from(length).unwrap_or(0);
    Ok(options.get(..length).unwrap_or_default().to_vec())
}

/// Removes the IP options from what an IPv4 socket sends. Source: ip(7).
///
/// # Errors
/// As [`ip_options`].
pub fn clear_ip_options(socket: BorrowedFd<'_>) -> io::Result<()> {
    let nothing: [u8; 0] = [];
    // SAFETY: with length 0 the kernel reads nothing.
    check(unsafe {
        libc::syscall(
            libc::SYS_setsockopt,
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_OPTIONS,
            nothing.as_ptr(),
            0,
        )
    })?;
    Ok(())
}
