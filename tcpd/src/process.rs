//! What options do to the process that becomes the daemon.

use crate::daemon::c_string;
use crate::identity;
use crate::log::{self, Log};
use crate::peer::CONNECTION;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SetSockOpt, send, setsockopt, sockopt};
use nix::sys::stat::{Mode, umask};
use policy::hosts::option::Effect;
use policy::hosts::verdict::{Compat, Verdict};
use portreeve_log::errno_text;
use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What daemons of inetd's time expect.
const DAEMON_UMASK: Mode = Mode::S_IWGRP.union(Mode::S_IWOTH);

/// Gives the process the umask that daemons expect. Strict keeps what was stricter; the
/// original loosens it.
pub fn set_umask(compat: Compat) {
    let inherited = umask(DAEMON_UMASK);
    if compat == Compat::Strict {
        umask(DAEMON_UMASK | inherited);
    }
}

/// The process that becomes the daemon, as far as options change it.
pub struct Process {
    compat: Compat,
    /// Nobody can be written to: the client is known by a datagram.
    datagram: bool,
    /// Variables that options have set; the others are inherited.
    variables: Vec<(OsString, OsString)>,
    /// How many of the verdict's effects have been carried out, ahead of an `aclexec`.
    done: usize,
    /// Everything that keeps the daemon in bounds is in force.
    obeyed: bool,
    /// Of the rule whose options are carried out: `file, line n: `.
    place: String,
}

impl Process {
    /// The process as it was started.
    pub fn new(compat: Compat, datagram: bool) -> Self {
        Process {
            compat,
            datagram,
            variables: Vec::new(),
            done: 0,
            obeyed: true,
            place: String::new(),
        }
    }

    /// Carries out what the verdict asks for and is not done yet. Whether everything is in
    /// force now that keeps the daemon in bounds; if not, it must not be run.
    #[must_use]
    pub fn obey(&mut self, verdict: &Verdict, log: &mut Log) -> bool {
        self.place = log::place(&verdict.steps);
        self.carry_out(&verdict.effects, log);
        self.obeyed
    }

    /// Carries out those of `effects` that come after the ones already done. Nothing is done
    /// any more once something failed: a command would run with the rights that an earlier
    /// option should have taken away.
    pub fn carry_out(&mut self, effects: &[Effect], log: &mut Log) {
        for effect in effects.iter().skip(self.done) {
            if !self.obeyed {
                return;
            }
            self.done += 1;
            if let Err(why) = self.one(effect, log) {
                log.error(format!("error: {}{why}", self.place).as_bytes());
                self.obeyed = false;
            }
        }
    }

    /// The error says why a bound is not in force.
    fn one(&mut self, effect: &Effect, log: &mut Log) -> Result<(), String> {
        match effect {
            Effect::Severity { facility, level } => log.set_severity(*facility, *level),
            Effect::Umask(mask) => {
                umask(Mode::from_bits_truncate(*mask));
            }
            Effect::Nice(increment) => self.nice(*increment, log),
            Effect::Setenv { name, value } => set_in(
                &mut self.variables,
                OsString::from_vec(name.clone()),
                OsString::from_vec(value.clone()),
            ),
            Effect::Keepalive => self.set(sockopt::KeepAlive, &true, "SO_KEEPALIVE", log),
            Effect::Linger(seconds) => self.linger(*seconds, log),
            Effect::User { user, group } if self.compat == Compat::Strict => {
                return identity::become_user(user, group.as_deref());
            }
            Effect::Group(group) if self.compat == Compat::Strict => {
                return identity::become_group(group);
            }
            // In force in the launcher only.
            Effect::Profile(_) => return Err("tcpd cannot apply the option \"profile\"".into()),
            Effect::Limit(_) => return Err("tcpd cannot apply the option \"limit\"".into()),
            Effect::Spawn(command) => self.spawn(command, log),
            Effect::Banners(text) => self.send_banner(text),
            // The original ignores these two.
            Effect::User { .. } | Effect::Group(_) => (),
            // Done during the decision, and done last.
            Effect::Rfc931(_) | Effect::Aclexec { .. } | Effect::Twist(_) => (),
        }
        Ok(())
    }

    /// Whether everything so far is in force.
    pub fn is_obedient(&self) -> bool {
        self.obeyed
    }

    /// The variables that options have set.
    pub fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter().map(|(name, value)| (name, value))
    }

    /// Becomes another program. Returns only to say why that failed.
    pub fn exec(&self, path: &[u8], arguments: &[&[u8]]) -> io::Error {
        let arguments: Vec<CString> = arguments.iter().map(|text| c_string(text)).collect();
        // Rust's runtime ignores it, and a daemon would inherit that.
        if let Err(error) = sys::limit::default_signal(nix::libc::SIGPIPE) {
            return error;
        }
        let path = c_string(path);
        // The environment is copied only if it changes.
        let failed: Result<Infallible, _> = if self.variables.is_empty() {
            nix::unistd::execv(&path, &arguments)
        } else {
            nix::unistd::execve(&path, &arguments, &self.environment())
        };
        match failed {
            Err(error) => error.into(),
        }
    }

    /// The inherited environment with what options have set.
    fn environment(&self) -> Vec<CString> {
        let mut all: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        for (name, value) in &self.variables {
            set_in(&mut all, name.clone(), value.clone());
        }
        let one = |(name, value): &(OsString, OsString)| {
            c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat())
        };
        all.iter().map(one).collect()
    }

    /// `warning: file, line n: text`.
    pub fn warn(&self, text: &str, log: &mut Log) {
        log.warning(&format!("{}{text}", self.place));
    }

    fn nice(&self, increment: i32, log: &mut Log) {
        let outcome = sys::priority::nice().and_then(|now| {
            let wanted = now.saturating_add(increment).clamp(-20, 19);
            sys::limit::set_nice(wanted).map(|()| wanted)
        });
        let reason = match outcome {
            // The original takes a negative value for a failure.
            Ok(value) if value < 0 && self.compat == Compat::TcpWrappers => "Success".into(),
            Ok(_) => return,
            // nice(3) has one word for both.
            Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32) => {
                errno_text(&Errno::EPERM.into())
            }
            Err(error) => errno_text(&error),
        };
        self.warn(&format!("nice({increment}): {reason}"), log);
    }

    fn linger(&self, seconds: u32, log: &mut Log) {
        let value = nix::libc::linger {
            l_onoff: i32::from(seconds != 0),
            l_linger: i32::try_from(seconds).unwrap_or(i32::MAX),
        };
        self.set(
            sockopt::Linger,
            &value,
            &format!("SO_LINGER {seconds}"),
            log,
        );
    }

    fn set<O: SetSockOpt>(&self, option: O, value: &O::Val, name: &str, log: &mut Log) {
        if let Err(error) = setsockopt(&std::io::stdin(), option, value) {
            let reason = errno_text(&error.into());
            self.warn(&format!("setsockopt {name}: {reason}"), log);
        }
    }

    /// A client that does not take it loses nothing but the text.
    fn send_banner(&self, mut text: &[u8]) {
        while !text.is_empty() && !self.datagram {
            match send(CONNECTION, text, MsgFlags::MSG_NOSIGNAL) {
                Ok(length) if length > 0 => text = text.get(length..).unwrap_or_default(),
                Err(Errno::EINTR) => (),
                _ => return,
            }
        }
    }
}

/// As setenv(3): in the old place if there is one, else at the end.
fn set_in(variables: &mut Vec<(OsString, OsString)>, name: OsString, value: OsString) {
    match variables.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => variables.push((name, value)),
    }
}

#[cfg(test)]
mod tests;
