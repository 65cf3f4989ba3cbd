//! What the monitor asks of the privileged threads, and what they answer.
//!
//! They share a process. The monitor judges requests of the frontend and holds no capability;
//! the setup thread and the launch threads have all privilege, hear nobody but the monitor,
//! and are never asked for anything that the frontend made up.

use crate::permit::Permit;
use confine::StepError;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use sys::clone::Child;

/// Names a launch until its server has ended.
pub type Ticket = u64;

/// One of our own processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `portreeve-frontend`.
    Frontend,
    /// `portreeve-resolver`.
    Resolver,
}

impl Role {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Role::Frontend => "portreeve-frontend",
            Role::Resolver => "portreeve-resolver",
        }
    }
}

/// What a server is given as standard input and output.
pub enum Connection {
    /// An accepted connection.
    Accepted(OwnedFd),
    /// The listening socket itself (`wait`).
    Listening(Arc<OwnedFd>),
}

/// A server to be started.
pub struct Launch {
    /// Names the launch.
    pub ticket: Ticket,
    /// The service's number.
    pub service: u32,
    /// Run the server through tcpd.
    pub through_tcpd: bool,
    /// Its standard input and output.
    pub connection: Connection,
}

/// Something for the setup thread to do.
pub enum Job {
    /// Read the configuration, bind what is new, prepare every service.
    Load,
    /// Read the access tables.
    ReadTables,
    /// Start one of our own processes.
    Start(Role),
    /// End one of our own processes.
    Kill(Arc<OwnedFd>),
}

/// What a configuration comes to.
pub struct Loaded {
    /// The plan for the frontend, sealed.
    pub plan: Arc<OwnedFd>,
    /// What the frontend may ask for, by service number.
    pub permits: HashMap<u32, Permit>,
    /// The access tables, sealed.
    pub tables: ReadTables,
    /// The file for JSON records, if there is to be one.
    pub audit: Option<Arc<OwnedFd>>,
    /// Service numbers below this one have been given out.
    pub next_service: u32,
    /// What is served and what is enforced on it, a line for each service.
    pub summary: Vec<String>,
}

/// The access tables as read.
pub struct ReadTables {
    /// For the frontend, sealed.
    pub sealed: Arc<OwnedFd>,
    /// Some rule needs a name or a user.
    pub need_names: bool,
}

/// One of our own processes, started.
pub struct Started {
    /// The process.
    pub child: Child,
    /// Our end of the conversation with the frontend; the frontend's end of the one with the
    /// resolver.
    pub socket: OwnedFd,
}

/// An answer of a privileged thread.
pub enum Answer {
    /// To [`Job::Load`]; an error keeps what was there, and has been reported.
    Loaded(Result<Box<Loaded>, crate::config::NothingLoaded>),
    /// To [`Job::ReadTables`].
    Tables(std::io::Result<ReadTables>),
    /// To a [`Launch`].
    Launched(Ticket, Result<Child, StepError>),
    /// To [`Job::Start`].
    Started(Role, Result<Started, String>),
}
