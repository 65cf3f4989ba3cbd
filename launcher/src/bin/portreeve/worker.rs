//! The launch thread: all that needs privilege, done for the monitor and nobody else.
//!
//! It reads the administrator's files, binds, prepares, and creates processes. It is not
//! confined, because everything it starts would inherit that; it listens to nothing but the
//! monitor's typed requests.

use crate::job::{Answer, Connection, Job, Role, Started, Ticket};
use crate::load;
use crate::state::State;
use confine::{Launcher, Program, Specification, Step, StepError};
use launcher::role_user::role_user;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

/// Signal number of SIGKILL.
const SIGKILL: i32 = 9;
const ESTALE: i32 = 116;

/// The monitor's handle on the launch thread.
pub struct Worker {
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    bell: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's.
    pub fn start(state: State) -> io::Result<Worker> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = Arc::new(EventFd::from_value_and_flags(0, flags)?);
        let (jobs, todo) = channel();
        let (done, answers) = channel();
        let ring = Arc::clone(&bell);
        let thread = std::thread::Builder::new()
            .name("launch".to_owned())
            .stack_size(512 * 1024)
            .spawn(move || work(state, &todo, &done, &ring))?;
        Ok(Worker {
            jobs: Some(jobs),
            answers,
            bell,
            thread: Some(thread),
        })
    }

    /// Becomes readable when there is an answer.
    pub fn answers(&self) -> &EventFd {
        &self.bell
    }

    /// Asks for something.
    ///
    /// # Errors
    /// `BrokenPipe` if the thread is gone.
    pub fn ask(&self, job: Job) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.jobs
            .as_ref()
            .ok_or_else(gone)?
            .send(job)
            .map_err(|_| gone())
    }

    /// The next answer, if there is one.
    ///
    /// # Errors
    /// `BrokenPipe` if the thread is gone.
    pub fn answer(&self) -> io::Result<Option<Answer>> {
        match self.answers.try_recv() {
            Ok(answer) => Ok(Some(answer)),
            Err(TryRecvError::Disconnected) => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
            Err(TryRecvError::Empty) => {
                // Silence the bell, then look once more: an answer may just have come.
                match self.bell.read() {
                    Ok(_) => Ok(self.answers.try_recv().ok()),
                    Err(nix::errno::Errno::EAGAIN) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Waits for the first answer.
    ///
    /// # Errors
    /// `BrokenPipe` if the thread is gone.
    pub fn wait_for_answer(&self) -> io::Result<Answer> {
        self.answers
            .recv()
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// Lets the thread do what it was asked, and end.
    pub fn finish(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended the process already.
            drop(thread.join());
        }
    }
}

fn work(mut state: State, todo: &Receiver<Job>, done: &Sender<Answer>, bell: &EventFd) {
    let Ok(mut launcher) = Launcher::new() else {
        return;
    };
    while let Ok(job) = todo.recv() {
        let answer = match job {
            Job::Load => Answer::Loaded(load::load(&mut state).map(Box::new)),
            Job::ReadTables => Answer::Tables(state.read_tables()),
            Job::Launch {
                ticket,
                service,
                through_tcpd,
                connection,
            } => state.launch(&mut launcher, (ticket, service), through_tcpd, connection),
            Job::Start(role) => Answer::Started(role, state.start(&mut launcher, role)),
            Job::Kill(pidfd) => {
                // It may have ended by itself.
                drop(sys::clone::kill(pidfd.as_fd(), SIGKILL));
                continue;
            }
        };
        if done.send(answer).is_err() || bell.write(1).is_err() {
            return;
        }
    }
}

impl State {
    fn launch(
        &self,
        launcher: &mut Launcher,
        (ticket, service): (Ticket, u32),
        through_tcpd: bool,
        connection: Connection,
    ) -> Answer {
        let gone = StepError {
            step: Step::Exec,
            errno: ESTALE,
        };
        let Some(prepared) = self.prepared.get(&service) else {
            return Answer::Launched(ticket, Err(gone));
        };
        let program = if through_tcpd {
            match &prepared.through_tcpd {
                Some(program) => program,
                None => return Answer::Launched(ticket, Err(gone)),
            }
        } else {
            &prepared.direct
        };
        let socket = match &connection {
            Connection::Accepted(fd) => fd.as_fd(),
            Connection::Listening(fd) => fd.as_fd(),
        };
        let errors = if prepared.errors_to_log {
            self.stderr.as_fd()
        } else {
            socket
        };
        let stdio = [socket, socket, errors];
        Answer::Launched(ticket, launcher.launch(&prepared.sandbox, program, stdio))
    }

    fn start(&self, launcher: &mut Launcher, role: Role) -> Result<Started, String> {
        let (frontend, spare) = role_user(&self.role_users.0, &[]);
        let taken = if spare {
            vec![frontend.uid]
        } else {
            Vec::new()
        };
        let identity = match role {
            Role::Frontend => frontend,
            Role::Resolver => role_user(&self.role_users.1, &taken).0,
        };
        let specification = Specification {
            identity: self.surroundings.privileged.then_some(identity),
            no_new_privs: true,
            new_session: true,
            ..Specification::default()
        };
        let sandbox = specification.prepare().map_err(|error| error.to_string())?;
        let path = self.programs.join(role.program());
        let argv = vec![CString::new(role.program()).map_err(|error| error.to_string())?];
        let program = Program::open(&path, argv, Vec::new())
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        )
        .map_err(|error| error.to_string())?;
        let errors = self.stderr.as_fd();
        let stdio = [theirs.as_fd(), errors, errors];
        let child = launcher
            .launch(&sandbox, &program, stdio)
            .map_err(|error| error.to_string())?;
        Ok(Started {
            child,
            socket: ours,
        })
    }
}
