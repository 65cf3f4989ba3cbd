//! Keeping one of our own processes alive.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sys::clone::{Child, Ended, reap};

/// A process that lived for less than this is started again only after a pause.
const SHORT_LIFE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);

enum State {
    /// It is not wanted.
    Off,
    /// It is to be started, not before then.
    Due(Instant),
    /// The launch thread has been asked.
    Starting,
    /// It runs.
    Running { pid: i32, pidfd: Arc<OwnedFd> },
}

/// One of our own processes and what has become of it.
pub struct Supervised {
    state: State,
    since: Instant,
}

impl Supervised {
    /// Not wanted yet.
    pub fn new() -> Self {
        Supervised {
            state: State::Off,
            since: Instant::now(),
        }
    }

    /// It is wanted from now on.
    pub fn want(&mut self) {
        if matches!(self.state, State::Off) {
            self.state = State::Due(Instant::now());
        }
    }

    /// Whether it is to be started now.
    pub fn is_due(&self, now: Instant) -> bool {
        matches!(self.state, State::Due(when) if when <= now)
    }

    /// Whether it is to be started some time.
    pub fn waits(&self) -> bool {
        matches!(self.state, State::Due(_))
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Its process id, 0 if it does not run.
    pub fn pid(&self) -> i32 {
        if let State::Running { pid, .. } = self.state {
            pid
        } else {
            0
        }
    }

    /// What stands for the process, if it runs.
    pub fn pidfd(&self) -> Option<Arc<OwnedFd>> {
        if let State::Running { pidfd, .. } = &self.state {
            Some(Arc::clone(pidfd))
        } else {
            None
        }
    }

    /// The launch thread has been asked to start it.
    pub fn starting(&mut self, now: Instant) {
        self.state = State::Starting;
        self.since = now;
    }

    /// It could not be started.
    pub fn failed(&mut self, now: Instant) {
        self.state = State::Due(now + PAUSE);
    }

    /// It runs.
    pub fn running(&mut self, child: Child) {
        self.state = State::Running {
            pid: child.pid,
            pidfd: Arc::new(child.pidfd),
        };
    }

    /// Reaps it: its process id and how it ended.
    ///
    /// # Errors
    /// The system's.
    pub fn reap(&mut self, now: Instant) -> io::Result<Option<(i32, String)>> {
        let State::Running { pid, pidfd } = &self.state else {
            return Ok(None);
        };
        let how = match reap(pidfd.as_fd())? {
            Ended::Exited(status) => format!("exited with status {status}"),
            Ended::Signalled(signal) => format!("was ended by signal {signal}"),
        };
        let pid = *pid;
        let lived = now.duration_since(self.since);
        self.state = State::Due(if lived < SHORT_LIFE { now + PAUSE } else { now });
        Ok(Some((pid, how)))
    }
}
