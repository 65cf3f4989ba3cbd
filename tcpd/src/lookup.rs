//! Names, through the resolver: DNS and ident answers are parsed in its process, not here.

use crate::log::Log;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use portreeve_log::errno_text;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wire::{Answer, Channel, Question, ReceiveError, Subject};

/// The resolver's name, beside ourselves or in [`LIBEXEC`].
const RESOLVER: &str = "portreeve-resolver";
const LIBEXEC: &str = "/usr/libexec/portreeve";

/// Seconds that all names together may take.
const NAMES: Duration = Duration::from_secs(30);
/// How much longer than a question's deadline its answer is waited for.
const GRACE: Duration = Duration::from_secs(2);

/// The resolver, started when first asked.
#[derive(Default)]
pub struct Resolver {
    helper: Option<Helper>,
    /// Something was wrong with it: it is not asked again.
    broken: bool,
    asked: u64,
    names_until: Option<Instant>,
}

struct Helper {
    /// Taken away first at the end, which ends the resolver too.
    channel: Option<Channel<Answer, Question>>,
    child: Child,
}

impl Resolver {
    /// Asks for a name. `None`, with a log line, if the resolver did not answer.
    pub fn ask_name(&mut self, subject: Subject, log: &mut Log) -> Option<Answer> {
        let until = *self
            .names_until
            .get_or_insert_with(|| Instant::now() + NAMES);
        self.ask(
            subject,
            until.saturating_duration_since(Instant::now()),
            log,
        )
    }

    /// Asks for a user, who may take so many seconds.
    pub fn ask_user(&mut self, subject: Subject, seconds: u32, log: &mut Log) -> Option<Answer> {
        self.ask(subject, Duration::from_secs(u64::from(seconds)), log)
    }

    /// Whether the resolver itself failed, which no rule provides for.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn ask(&mut self, subject: Subject, time: Duration, log: &mut Log) -> Option<Answer> {
        if self.broken {
            return None;
        }
        let answer = self.try_ask(subject, time);
        answer
            .inspect_err(|why| {
                self.broken = true;
                log.warning(&format!("{why}; names cannot be looked up"));
            })
            .ok()
    }

    fn try_ask(&mut self, subject: Subject, time: Duration) -> Result<Answer, String> {
        let until = Instant::now() + time + GRACE;
        let helper = match &mut self.helper {
            Some(helper) => helper,
            none => none.insert(Helper::start(&candidates())?),
        };
        let channel = helper.channel.as_ref().ok_or("the resolver is gone")?;
        self.asked += 1;
        let deadline_ms = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let question = Question {
            id: self.asked,
            deadline_ms,
            subject,
        };
        channel
            .send(&question, None)
            .map_err(|error| format!("cannot ask the resolver: {}", errno_text(&error)))?;
        loop {
            wait(channel, until)?;
            match channel.receive() {
                Ok((answer, _)) if answer.id == self.asked => return Ok(answer),
                Ok(_) | Err(ReceiveError::Empty) => (),
                Err(ReceiveError::Closed) => return Err("the resolver ended".into()),
                Err(ReceiveError::Malformed(what)) => return Err(format!("the resolver: {what}")),
                Err(ReceiveError::Io(error)) => {
                    return Err(format!("the resolver: {}", errno_text(&error)));
                }
            }
        }
    }
}

impl Helper {
    fn start(paths: &[PathBuf]) -> Result<Self, String> {
        let failed =
            |error: io::Error| format!("cannot start the resolver: {}", errno_text(&error));
        let kind = SockType::SeqPacket;
        let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|error| failed(error.into()))?;
        let mut missing = String::new();
        for path in paths {
            let end = theirs.try_clone().map_err(failed)?;
            match run(path, end) {
                Ok(child) => {
                    return Ok(Helper {
                        channel: Some(Channel::new(ours)),
                        child,
                    });
                }
                Err(error) => {
                    let separator = if missing.is_empty() { "" } else { ", " };
                    let reason = errno_text(&error);
                    missing += &format!("{separator}{}: {reason}", path.display());
                }
            }
        }
        Err(format!("cannot start the resolver: {missing}"))
    }
}

impl Drop for Helper {
    /// The daemon must not inherit a child it does not know of.
    fn drop(&mut self) {
        self.channel = None;
        // It may have ended already, or be somebody else by now and end as nobody asks.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::from(LIBEXEC).join(RESOLVER)];
    if let Ok(ourselves) = std::env::current_exe()
        && let Some(directory) = ourselves.parent()
    {
        paths.push(directory.join(RESOLVER));
    }
    paths
}

/// The client's connection is no business of the resolver.
fn run(path: &PathBuf, end: OwnedFd) -> io::Result<Child> {
    let mut command = Command::new(path);
    command.arg("--once").env_clear();
    command
        .stdin(Stdio::from(end))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn()
}

fn wait(channel: &Channel<Answer, Question>, until: Instant) -> Result<(), String> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("the resolver did not answer in time".into());
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(
            &mut [PollFd::new(channel.as_fd(), PollFlags::POLLIN)],
            timeout,
        ) {
            Ok(0) | Err(Errno::EINTR) => (),
            Ok(_) => return Ok(()),
            Err(error) => return Err(format!("the resolver: {}", errno_text(&error.into()))),
        }
    }
}

#[cfg(test)]
mod tests;
