//! Starting and ending super-servers inside the arena.

use crate::arena::{Arena, HOME};
use crate::{failure, paths, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Whose tcpd is at /usr/sbin/tcpd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Debian's.
    Original,
    /// Ours.
    Ours,
}

/// Which program listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Superserver {
    /// Debian's openbsd-inetd with /etc/inetd.conf.
    Inetd,
    /// Debian's xinetd with /etc/xinetd.conf.
    Xinetd,
    /// `portreeve run` with the given files.
    Portreeve(&'static [&'static str]),
}

/// A super-server that runs; dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Superserver {
    /// Starts it and waits until it listens on TCP `port`.
    ///
    /// # Errors
    /// The program is missing, ends early, or does not listen within 10 seconds; its output is
    /// in the error.
    pub fn start(self, arena: &Arena, port: u16) -> io::Result<Running> {
        let mut command = self.command(arena)?;
        let output = File::create(format!("{HOME}/output"))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut child = command.spawn()?;
        let ready = wait_for(
            &format!("{self:?} to listen on port {port}"),
            Duration::from_secs(10),
            || {
                if let Ok(Some(status)) = child.try_wait() {
                    return Some(Err(failure(format!("{self:?} ended: {status}"))));
                }
                listens(port).then_some(Ok(()))
            },
        );
        if let Err(error) = ready.and_then(|inner| inner) {
            // It may have ended already; then there is nothing to kill.
            let _ = child.kill();
            let _ = child.wait();
            let said = std::fs::read_to_string(format!("{HOME}/output"))?;
            return Err(failure(format!("{error}\nit said: {said}")));
        }
        Ok(Running { child })
    }

    fn command(self, arena: &Arena) -> io::Result<Command> {
        let mut command;
        match self {
            Superserver::Inetd => {
                command = Command::new("/usr/sbin/inetd");
                command.args(["-i", "/etc/inetd.conf"]);
            }
            Superserver::Xinetd => {
                command = Command::new(paths::xinetd());
                command.args(["-dontfork", "-f", "/etc/xinetd.conf"]);
            }
            Superserver::Portreeve(files) => {
                command = Command::new(install_portreeve(arena)?);
                command.arg("run").args(files);
            }
        }
        Ok(command)
    }
}

/// Copies our launcher's three programs into the arena; returns the path of `portreeve`.
///
/// # Errors
/// One of them is not built.
pub fn install_portreeve(arena: &Arena) -> io::Result<std::path::PathBuf> {
    let programs = ["portreeve-frontend", "portreeve-resolver", "portreeve"];
    let place = arena.path("bin/portreeve");
    if !place.exists() {
        for program in programs {
            arena.install(&paths::launcher(program))?;
        }
    }
    Ok(place)
}

/// Whether somebody listens on TCP `port`, found without connecting.
///
/// Source: proc(5), /proc/net/tcp; state 0A is LISTEN.
#[must_use]
pub fn listens(port: u16) -> bool {
    let local = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        std::fs::read_to_string(Path::new(table)).is_ok_and(|text| {
            text.lines().any(|line| {
                let mut fields = line.split_whitespace().skip(1);
                fields
                    .next()
                    .is_some_and(|address| address.ends_with(&local))
                    && fields.nth(1) == Some("0A")
            })
        })
    })
}

impl Running {
    /// The main process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the main process.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// What it wrote to standard output and standard error so far.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn said(&self) -> io::Result<String> {
        std::fs::read_to_string(format!("{HOME}/output"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
