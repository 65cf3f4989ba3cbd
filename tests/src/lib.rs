//! What the tests and the benchmark share: a private world to run super-servers in, clients
//! for the servers behind them, and eyes to look at processes from outside.
//!
//! Nothing of Portreeve is linked here. The tests see what a user and an attacker see:
//! programs, sockets, log lines and `/proc`.
#![forbid(unsafe_code)]

pub mod arena;
pub mod checks;
pub mod client;
pub mod inject;
pub mod journal;
pub mod paths;
pub mod process;
pub mod services;
pub mod superserver;
pub mod tree;

pub use arena::{Arena, in_arena};
pub use superserver::{Running, Subject, Superserver};

use std::io;
use std::time::{Duration, Instant};

/// An error that says `what` went wrong.
pub fn failure(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}

/// Tries `attempt` every 10 ms until it gives something.
///
/// # Errors
/// After `limit`, an error that names `what` was waited for.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut attempt: impl FnMut() -> Option<T>,
) -> io::Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = attempt() {
            return Ok(value);
        }
        if Instant::now() > end {
            return Err(failure(format!("waited {limit:?} in vain for {what}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
