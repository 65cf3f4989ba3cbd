//! `portreeve run`: from the command line to a running monitor.

use crate::bind::Sockets;
use crate::job::{Answer, Job};
use crate::monitor::Monitor;
use crate::pool::Servers;
use crate::prepare::Surroundings;
use crate::state::State;
use crate::worker::Worker;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use portreeve_log::syslog::{Facility, Severity, Syslog};
use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Serves until SIGTERM.
pub fn run(files: Vec<PathBuf>) -> ExitCode {
    match serve(files) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("portreeve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(files: Vec<PathBuf>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let files = files
        .iter()
        .map(std::path::absolute)
        .collect::<io::Result<Vec<_>>>()?;
    let signals = take_signals()?;
    let privileged = nix::unistd::geteuid().is_root();
    if !privileged {
        eprintln!(
            "portreeve: not root: servers, frontend and resolver run as the calling user, and \
             no capability is dropped; Landlock, seccomp and no_new_privs are enforced"
        );
    }
    let programs = own_directory()?;
    let state = State {
        files,
        surroundings: Surroundings {
            privileged,
            open_files: raise_open_files()?,
            tcpd: tcpd(&programs),
        },
        programs,
        log: open_log(),
        starting: true,
        sockets: Sockets::default(),
        numbers: HashMap::new(),
        servers: Servers::default(),
        tables: (PathBuf::new(), PathBuf::new()),
        role_users: (String::new(), String::new()),
        pid_file: None,
        stderr: Arc::new(io::stderr().as_fd().try_clone_to_owned()?),
    };
    std::env::set_current_dir("/")?;
    let worker = Worker::start(state)?;
    worker.ask(Job::Load)?;
    let Answer::Loaded(Ok(loaded)) = worker.wait_for_answer()? else {
        eprintln!("portreeve: the configuration cannot be used; nothing is started");
        return Ok(ExitCode::FAILURE);
    };
    if loaded.permits.is_empty() {
        eprintln!("portreeve: there is nothing to serve");
        return Ok(ExitCode::FAILURE);
    }
    for line in &loaded.summary {
        println!("portreeve: {line}");
    }
    let mut log = open_log();
    let text = format!(
        "{} starts: {} services",
        env!("CARGO_PKG_VERSION"),
        loaded.permits.len()
    );
    log.send(Severity::LOG_NOTICE, text.as_bytes());
    Monitor::new(worker, signals, reserve_slot()?, loaded, log)?.run()?;
    Ok(ExitCode::SUCCESS)
}

/// Blocks the signals we hear, for all threads to come, and opens where they are read.
fn take_signals() -> nix::Result<SignalFd> {
    let mut mask = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGINT] {
        mask.add(signal);
    }
    // Everything else is blocked too: no handler may run in a child that shares our memory.
    SigSet::all().thread_block()?;
    for number in 1..=64 {
        // Two cannot be changed, and need not be.
        drop(sys::limit::default_signal(number));
    }
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Raises our own limit of open descriptors; what it was is what servers get.
fn raise_open_files() -> nix::Result<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok((soft, hard))
}

/// A descriptor whose number becomes the frontend's socket.
fn reserve_slot() -> io::Result<OwnedFd> {
    UnixDatagram::unbound().map(OwnedFd::from)
}

/// Where our own programs are: next to this one, or where packages put them.
fn own_directory() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.parent().map(Path::to_owned).unwrap_or_default();
    let packaged = PathBuf::from("/usr/libexec/portreeve");
    let found = [beside, packaged]
        .into_iter()
        .find(|d| d.join("portreeve-frontend").exists());
    found.ok_or_else(|| {
        let text = format!("there is no portreeve-frontend beside {}", own.display());
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

fn tcpd(programs: &Path) -> Option<CString> {
    let found = [programs.join("tcpd"), PathBuf::from("/usr/sbin/tcpd")];
    let path = found.into_iter().find(|path| path.exists())?;
    CString::new(path.as_os_str().as_bytes()).ok()
}

fn open_log() -> Syslog {
    Syslog::open(b"portreeve", Facility::LOG_DAEMON, true)
}
