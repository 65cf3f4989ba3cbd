//! The launch threads: each creates one server at a time.
//!
//! Creating a process takes as long as its confinement and its exec: the thread that makes it
//! is suspended until then, and there is one for each processor, up to four.

use crate::job::{Answer, Connection, Launch};
use crate::prepare::Prepared;
use confine::{Launcher, Step, StepError};
use nix::sys::eventfd::EventFd;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use sys::clone::Child;

/// The services that can be launched, by number; swapped as a whole by a reload.
pub type Servers = Arc<RwLock<Arc<HashMap<u32, Prepared>>>>;

/// How a thread answers the monitor: the answer, then the bell.
#[derive(Clone)]
pub struct Reply {
    answers: Sender<Answer>,
    bell: Arc<EventFd>,
}

impl Reply {
    /// Answers through `answers`, which `bell` announces.
    pub fn new(answers: Sender<Answer>, bell: Arc<EventFd>) -> Self {
        Reply { answers, bell }
    }

    /// Answers.
    ///
    /// # Errors
    /// `BrokenPipe` if the monitor is gone.
    pub fn send(&self, answer: Answer) -> io::Result<()> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.answers.send(answer).map_err(gone)?;
        self.bell.write(1)?;
        Ok(())
    }
}

const MOST: usize = 4;
const ESTALE: i32 = 116;

/// Starts the threads.
///
/// # Errors
/// The system's.
pub fn start(
    servers: Servers,
    stderr: Arc<OwnedFd>,
    todo: Receiver<Launch>,
    reply: &Reply,
) -> io::Result<Vec<JoinHandle<()>>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let todo = Arc::new(Mutex::new(todo));
    let threads = (0..processors.min(MOST)).map(|_| {
        let (servers, stderr) = (Arc::clone(&servers), Arc::clone(&stderr));
        let (todo, reply) = (Arc::clone(&todo), reply.clone());
        let mut launcher = Launcher::new()?;
        let thread = std::thread::Builder::new()
            .name("launch".to_owned())
            .stack_size(128 * 1024);
        thread.spawn(move || {
            while let Some(launch) = next(&todo) {
                let ticket = launch.ticket;
                let result = create(&mut launcher, &current(&servers), &stderr, launch);
                if reply.send(Answer::Launched(ticket, result)).is_err() {
                    return;
                }
            }
        })
    });
    threads.collect()
}

fn next(todo: &Mutex<Receiver<Launch>>) -> Option<Launch> {
    todo.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

fn current(servers: &Servers) -> Arc<HashMap<u32, Prepared>> {
    Arc::clone(&servers.read().unwrap_or_else(PoisonError::into_inner))
}

fn create(
    launcher: &mut Launcher,
    servers: &HashMap<u32, Prepared>,
    stderr: &OwnedFd,
    launch: Launch,
) -> Result<Child, StepError> {
    let gone = StepError {
        step: Step::Exec,
        errno: ESTALE,
    };
    let prepared = servers.get(&launch.service).ok_or(gone)?;
    let program = if launch.through_tcpd {
        prepared.through_tcpd.as_ref().ok_or(gone)?
    } else {
        &prepared.direct
    };
    let socket = match &launch.connection {
        Connection::Accepted(fd) => fd.as_fd(),
        Connection::Listening(fd) => fd.as_fd(),
    };
    let errors = if prepared.errors_to_log {
        stderr.as_fd()
    } else {
        socket
    };
    launcher.launch(&prepared.sandbox, program, [socket, socket, errors])
}
