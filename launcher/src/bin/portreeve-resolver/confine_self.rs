//! The resolver's confinement, in the one place where it happens.

use crate::Mode;
use confine::Identity;
use std::io;

/// Whom a resolver becomes that tcpd started as root: Debian's and everybody's `nobody`.
const NOBODY: u32 = 65534;

/// Gives up everything but sockets and the files that say how names are found.
///
/// # Errors
/// The step that failed; the caller ends the process.
pub fn confine_self(mode: Mode) -> io::Result<()> {
    let privileged = nix::unistd::geteuid().is_root();
    let identity = (mode == Mode::Once && privileged).then_some(Identity {
        uid: NOBODY,
        gid: NOBODY,
        groups: Vec::new(),
    });
    confine::role::resolver(identity).map_err(io::Error::other)
}
