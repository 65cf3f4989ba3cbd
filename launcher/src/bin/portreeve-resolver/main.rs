//! `portreeve-resolver`: finds the names of addresses and the users of connections.
//!
//! It is the only one of our processes that parses answers of name servers and of clients'
//! ident services. It has a user of its own, may read the files that say how names are found,
//! and answers the questions that come over the socket it was started with. The frontend asks
//! a resolver that lives as long as the monitor wants it; tcpd starts one of its own with
//! `--once`, which ends with it.
#![forbid(unsafe_code)]

mod cache;
mod confine_self;
mod dns;
mod dnsname;
mod hosts;
mod ident;
mod nsswitch;
mod numeric;
mod resolvconf;
mod serve;
mod sources;
mod transport;
mod verify;
mod watched;

use cache::Cache;
use sources::Sources;
use std::error::Error;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

/// How it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// By the monitor, which has made it another user already: remembers what it found.
    Lasting,
    /// By tcpd, possibly as root: remembers nothing.
    Once,
}

fn main() -> ExitCode {
    let mode = match mode() {
        Ok(mode) => mode,
        Err(error) => {
            say(&format!("{error}"));
            return ExitCode::from(64);
        }
    };
    let Some(channel) = sys::descriptor::inherited(0) else {
        say("started by hand; it is started by portreeve and by tcpd");
        return ExitCode::from(64);
    };
    match start(channel, mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("ends: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Confines itself before it reads a byte from anybody, then answers until nobody asks.
fn start(channel: OwnedFd, mode: Mode) -> Result<(), Box<dyn Error>> {
    let sources = Sources::read();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    confine_self::confine_self(mode)?;
    let cache = Cache::new(match mode {
        Mode::Lasting => cache::MOST_NAMES,
        Mode::Once => 0,
    });
    runtime.block_on(serve::serve(channel, sources, cache))?;
    Ok(())
}

fn mode() -> Result<Mode, lexopt::Error> {
    let mut mode = Mode::Lasting;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            lexopt::Arg::Long("once") => mode = Mode::Once,
            other => return Err(other.unexpected()),
        }
    }
    Ok(mode)
}

/// Says something on standard error, which is the monitor's or nowhere.
fn say(text: &str) {
    // Where it cannot be said there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "portreeve-resolver: {text}");
}
