//! `portreeve-resolver`: the only process that reads DNS and ident.
//!
//! It answers questions on its standard input, a socket that one of our own processes holds
//! the other end of: the frontend for as long as it lives, or tcpd (`--once`) for one
//! connection. When that end closes, it ends.
#![forbid(unsafe_code)]

mod dns;
mod files;
mod hosts;
mod ident;
mod serve;
mod verify;

use launcher::role_user::{RESOLVER, role_user};
use std::os::fd::OwnedFd;
use std::process::ExitCode;

fn main() -> ExitCode {
    let once = std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--once");
    let Some(channel) = sys::descriptor::inherited(0) else {
        eprintln!("portreeve-resolver: started by hand; portreeve and tcpd start it");
        return ExitCode::from(64);
    };
    match start(channel, once) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portreeve-resolver: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Confines itself before it reads a byte from anybody, then serves. The monitor has given
/// us a user of our own already; tcpd, which may run as root, leaves that to us.
fn start(channel: OwnedFd, once: bool) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let identity = (once && nix::unistd::geteuid().is_root()).then(|| role_user(RESOLVER, &[]).0);
    confine::role::resolver(identity)?;
    runtime.block_on(serve::serve(channel))
}
