//! The least a super-server can do: accept, vfork, exec. No user, no check, no record.

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode, Stdio};

/// Serves for ever. The standard library starts a program that needs no preparation with
/// posix_spawn(3), which is a vfork.
pub fn serve(port: &str, server: &str) -> io::Result<ExitCode> {
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    loop {
        let connection = OwnedFd::from(listener.accept()?.0);
        // The child may be dropped: all children are reaped below.
        Command::new(server)
            .env_clear()
            .stdin(Stdio::from(connection.try_clone()?))
            .stdout(Stdio::from(connection))
            .spawn()?;
        while !matches!(
            waitpid(None, Some(WaitPidFlag::WNOHANG)),
            Ok(WaitStatus::StillAlive) | Err(_)
        ) {}
    }
}
