//! The scheduling priority as it is; setting it is in [`crate::limit`].

use crate::check;
use std::io;

/// The nice value of the calling process, from -20 to 19. Source: getpriority(2).
///
/// # Errors
/// The kernel's; none are known.
pub fn nice() -> io::Result<i32> {
    // SAFETY: integers only. The kernel itself returns 20 minus the nice value.
    let raw = check(unsafe { libc::syscall(libc::SYS_getpriority, libc::PRIO_PROCESS, 0) })?;
    Ok(20 - i32::try_from(raw).unwrap_or(20))
}
