//! The privileged threads, and the monitor's handle on them.
//!
//! The setup thread reads the administrator's files, binds, prepares, and starts our own
//! processes; the launch threads ([`pool`]) start servers. None is confined, because
//! everything they start would inherit that; none listens to anything but the monitor's typed
//! requests.

use crate::job::{Answer, Job, Launch, Role, Started};
use crate::load;
use crate::pool::{self, Reply};
use crate::state::State;
use confine::{Launcher, Program, Specification};
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

/// The monitor's handle on the privileged threads.
pub struct Worker {
    jobs: Option<Sender<Job>>,
    launches: Option<Sender<Launch>>,
    answers: Receiver<Answer>,
    bell: Arc<EventFd>,
    threads: Vec<JoinHandle<()>>,
}

impl Worker {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system's.
    pub fn start(state: State) -> io::Result<Worker> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = Arc::new(EventFd::from_value_and_flags(0, flags)?);
        let (jobs, todo) = channel();
        let (launches, to_launch) = channel();
        let (sender, answers) = channel();
        let reply = Reply::new(sender, Arc::clone(&bell));
        let servers = Arc::clone(&state.servers);
        let stderr = Arc::clone(&state.stderr);
        let mut threads = pool::start(servers, stderr, to_launch, &reply)?;
        let setup = std::thread::Builder::new()
            .name("setup".to_owned())
            .stack_size(512 * 1024);
        threads.push(setup.spawn(move || work(state, &todo, &reply))?);
        Ok(Worker {
            jobs: Some(jobs),
            launches: Some(launches),
            answers,
            bell,
            threads,
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

    /// Asks for a server.
    ///
    /// # Errors
    /// `BrokenPipe` if the threads are gone.
    pub fn launch(&self, launch: Launch) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let launches = self.launches.as_ref().ok_or_else(gone)?;
        launches.send(launch).map_err(|_| gone())
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

    /// Lets the threads do what they were asked, and end.
    pub fn finish(&mut self) {
        self.jobs = None;
        self.launches = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has ended the process already.
            drop(thread.join());
        }
    }
}

fn work(mut state: State, todo: &Receiver<Job>, reply: &Reply) {
    let Ok(mut launcher) = Launcher::new() else {
        return;
    };
    while let Ok(job) = todo.recv() {
        let answer = match job {
            Job::Load => Answer::Loaded(load::load(&mut state).map(Box::new)),
            Job::ReadTables => Answer::Tables(state.read_tables()),
            Job::Start(role) => Answer::Started(role, state.start(&mut launcher, role)),
            Job::Kill(pidfd) => {
                // It may have ended by itself.
                drop(sys::clone::kill(pidfd.as_fd(), SIGKILL));
                continue;
            }
        };
        if reply.send(answer).is_err() {
            break;
        }
    }
    if let Some(path) = &state.pid_file {
        // A file that is left behind names a process that is gone, as after a crash.
        drop(std::fs::remove_file(path));
    }
}

impl State {
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
