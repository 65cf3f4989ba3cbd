//! The commands that rules run.

use crate::log::Log;
use crate::process::Process;
use nix::unistd::{dup2_stderr, dup2_stdout};
use portreeve_log::errno_text;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

const SHELL: &str = "/bin/sh";

impl Process {
    /// `spawn`: runs a command apart from the connection, hangups ignored, and waits for it.
    pub fn spawn(&self, command: &[u8], log: &mut Log) {
        // The shell sets the signal, as that is not safe to do from here.
        let command = [b"trap '' HUP; ", command].concat();
        let mut shell = self.shell(&command);
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match shell.spawn() {
            // How it ended is nobody's business here.
            Ok(mut child) => drop(child.wait()),
            Err(error) => self.warn(&format!("cannot fork: {}", errno_text(&error)), log),
        }
    }

    /// `aclexec`: runs a command on the connection; whether it exited with status 0.
    pub fn aclexec(&self, command: &[u8], log: &mut Log) -> bool {
        let mut child = match self.shell(command).spawn() {
            Ok(child) => child,
            Err(error) => {
                self.warn(&format!("cannot fork: {}", errno_text(&error)), log);
                return false;
            }
        };
        let Ok(status) = child.wait() else {
            return false;
        };
        if let Some(signal) = status.signal() {
            self.warn(
                &format!("process {} exited with signal {signal}", child.id()),
                log,
            );
        }
        status.success()
    }

    /// `twist`: becomes a command on the connection. Returns only if that fails, which it has
    /// logged then.
    pub fn twist(&self, command: &[u8], log: &mut Log) {
        let connection = std::io::stdin();
        let outputs = dup2_stdout(&connection).and_then(|()| dup2_stderr(&connection));
        if let Err(error) = outputs {
            let reason = errno_text(&error.into());
            return self.warn(&format!("twist_option: dup: {reason}"), log);
        }
        let error = self.exec(SHELL.as_bytes(), &[b"sh", b"-c", command]);
        self.warn(
            &format!("twist_option: {SHELL}: {}", errno_text(&error)),
            log,
        );
    }

    fn shell(&self, command: &[u8]) -> Command {
        let mut shell = Command::new(SHELL);
        shell.arg0("sh").arg("-c").arg(OsStr::from_bytes(command));
        shell.envs(self.variables());
        shell
    }
}
