//! `portreeve-frontend`: accepts, decides, refuses, serves the builtins, writes the records.
//!
//! Everything that touches a client's bytes happens here, in a process that has a user of its
//! own, no capability, no file and no way to open one. It can ask the monitor to start a
//! configured service, and nothing else.
#![forbid(unsafe_code)]

mod arrival;
mod builtin;
mod datagram;
mod decide;
mod frontend;
mod judge;
mod lifecycle;
mod limit;
mod listener;
mod names;
mod outbox;
mod record;

use frontend::Frontend;
use portreeve_log::syslog::Severity;
use record::Records;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(channel) = sys::descriptor::inherited(0) else {
        eprintln!("portreeve-frontend: started by hand; it is started by portreeve");
        return ExitCode::from(64);
    };
    let mut records = Records::open();
    match start(channel, &mut records) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            records.say(Severity::LOG_ERR, &format!("frontend ends: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Confines itself before it reads a byte from anybody, then serves until the monitor is gone.
fn start(
    channel: std::os::fd::OwnedFd,
    records: &mut Records,
) -> Result<(), Box<dyn std::error::Error>> {
    let frontend = Frontend::new(channel, records)?;
    confine::role::frontend()?;
    frontend.run()
}
