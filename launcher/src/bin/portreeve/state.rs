//! What the setup thread knows.

use crate::bind::Sockets;
use crate::job::ReadTables;
use crate::pool::Servers;
use crate::prepare::Surroundings;
use launcher::tables::{Contents, Tables};
use portreeve_log::syslog::{Severity as Level, Syslog};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// What the thread knows.
pub struct State {
    /// The configuration's files, as given.
    pub files: Vec<PathBuf>,
    /// What is the same for every service.
    pub surroundings: Surroundings,
    /// The directory that holds our own programs.
    pub programs: PathBuf,
    /// For its own reports.
    pub log: Syslog,
    /// Reports also go to standard error until the first configuration is in force.
    pub starting: bool,
    /// Listening sockets.
    pub sockets: Sockets,
    /// Service numbers by id; never given to another id.
    pub numbers: HashMap<String, u32>,
    /// Services that can be launched.
    pub servers: Servers,
    /// Where the access tables are.
    pub tables: (PathBuf, PathBuf),
    /// Users of the frontend and the resolver, by name.
    pub role_users: (String, String),
    /// The file with the monitor's process number, to be removed at the end.
    pub pid_file: Option<PathBuf>,
    /// Standard error, for servers of the native language.
    pub stderr: Arc<OwnedFd>,
}

impl State {
    /// Reads the access tables and seals them for the frontend.
    ///
    /// # Errors
    /// The system's, when memory or descriptors are short.
    pub fn read_tables(&self) -> io::Result<ReadTables> {
        let (allow, deny) = &self.tables;
        let tables = Tables::read(allow, deny, crate::rules::files_named_in);
        let need_names = tables.texts().any(|(path, contents)| match contents {
            Contents::Text(text) => crate::rules::needs_names(text, path == allow || path == deny),
            _ => false,
        });
        let sealed = launcher::plan::pack(c"portreeve-tables", &tables)?;
        Ok(ReadTables {
            sealed: Arc::new(sealed),
            need_names,
        })
    }

    /// Writes the monitor's process number to a file, which is removed at the end.
    ///
    /// # Errors
    /// Why it cannot be written, one line.
    pub fn write_pid_file(&mut self, path: &str) -> Result<(), String> {
        let text = format!("{}\n", std::process::id());
        std::fs::write(path, text).map_err(|error| {
            let reason = portreeve_log::errno_text(&error);
            format!("cannot write {path}: {reason}")
        })?;
        self.pid_file = Some(PathBuf::from(path));
        Ok(())
    }

    /// Says something to the log and, while starting, on standard error.
    pub fn say(&mut self, level: Level, text: &str) {
        if self.starting {
            eprintln!("portreeve: {text}");
        }
        self.log.send(level, text.as_bytes());
    }

    /// The number of the service with this id.
    pub fn number(&mut self, id: &str) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(id.to_owned()).or_insert(next)
    }
}
