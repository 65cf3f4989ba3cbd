//! The world as rules may ask about it.

use crate::log::Log;
use crate::lookup::Resolver;
use crate::peer::{End, Peer};
use crate::process::Process;
use nix::net::if_::if_nametoindex;
use nix::unistd::{Group, User};
use policy::hosts::facts::{Facts, FileTrouble, HostnameFact, Pending};
use policy::hosts::option::Effect;
use policy::hosts::request::Hostname;
use portreeve_log::errno_text;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use wire::{Outcome, Subject};

const NETGROUPS: &[u8] = b"/etc/netgroup";

/// Answers questions about one connection. Nothing is ever pending here.
pub struct World<'a> {
    peer: &'a Peer,
    process: &'a mut Process,
    log: &'a mut Log,
    resolver: Resolver,
}

impl<'a> World<'a> {
    /// The world around this connection; commands are run by `process`.
    pub fn new(peer: &'a Peer, process: &'a mut Process, log: &'a mut Log) -> Self {
        World {
            peer,
            process,
            log,
            resolver: Resolver::default(),
        }
    }

    /// Whether a name was needed and the resolver could not be asked.
    pub fn lookups_broke(&self) -> bool {
        self.resolver.is_broken()
    }

    fn hostname(&mut self, end: &End) -> HostnameFact {
        let unknown = |failed| HostnameFact {
            hostname: Hostname::Unknown,
            failed,
            warning: None,
        };
        let Some(socket) = end.socket() else {
            return unknown(false);
        };
        let subject = Subject::HostnameOf(socket);
        let Some(answer) = self.resolver.ask_name(subject, self.log) else {
            return unknown(true);
        };
        let hostname = match answer.outcome {
            Outcome::Known => Hostname::Known(answer.name),
            Outcome::Paranoid => Hostname::Paranoid,
            // A name was found and could not be verified: tcp_wrappers says paranoid.
            Outcome::Failed if !answer.warning.is_empty() => Hostname::Paranoid,
            Outcome::None | Outcome::Failed => Hostname::Unknown,
        };
        let text = String::from_utf8_lossy(&answer.warning).into_owned();
        HostnameFact {
            hostname,
            failed: answer.outcome == Outcome::Failed,
            warning: (!text.is_empty()).then_some(text),
        }
    }
}

impl Facts for World<'_> {
    fn client_hostname(&mut self) -> Result<HostnameFact, Pending> {
        Ok(self.hostname(&self.peer.client))
    }

    fn server_hostname(&mut self) -> Result<HostnameFact, Pending> {
        Ok(self.hostname(&self.peer.server))
    }

    fn client_user(&mut self, timeout: u32) -> Result<Option<Vec<u8>>, Pending> {
        let ends = (self.peer.client.socket(), self.peer.server.socket());
        let (Some(client), Some(server)) = ends else {
            return Ok(None);
        };
        if self.peer.unread_datagram || client.is_ipv4() != server.is_ipv4() {
            return Ok(None);
        }
        let subject = Subject::UserOf { client, server };
        let answer = self.resolver.ask_user(subject, timeout, self.log);
        Ok(answer
            .filter(|answer| answer.outcome == Outcome::Known)
            .map(|answer| answer.name))
    }

    fn file(&mut self, path: &[u8]) -> Result<Cow<'_, [u8]>, FileTrouble> {
        match std::fs::read(as_path(path)) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FileTrouble::Missing),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(Cow::Borrowed(b"")),
            Err(error) => Err(FileTrouble::Unreadable(errno_text(&error))),
        }
    }

    fn netgroups(&mut self) -> Result<Cow<'_, [u8]>, FileTrouble> {
        self.file(NETGROUPS)
    }

    fn aclexec(&mut self, command: &[u8], before: &[Effect]) -> Result<bool, Pending> {
        self.process.carry_out(before, self.log);
        Ok(self.process.is_obedient() && self.process.aclexec(command, self.log))
    }

    fn user_exists(&mut self, name: &[u8]) -> bool {
        let name = std::str::from_utf8(name).ok();
        name.is_some_and(|name| User::from_name(name).is_ok_and(|user| user.is_some()))
    }

    fn group_exists(&mut self, name: &[u8]) -> bool {
        let name = std::str::from_utf8(name).ok();
        name.is_some_and(|name| Group::from_name(name).is_ok_and(|group| group.is_some()))
    }

    fn interface_exists(&mut self, name: &[u8]) -> bool {
        if_nametoindex(name).is_ok()
    }

    fn banner(&mut self, directory: &[u8], daemon: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let directory = as_path(directory);
        std::fs::metadata(directory).map_err(|error| errno_text(&error))?;
        // As text, so that a name with a leading slash stays inside.
        let file = [directory.as_os_str().as_bytes(), b"/", daemon].concat();
        Ok(std::fs::read(as_path(&file)).ok())
    }
}

fn as_path(text: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::testing;
    use policy::hosts::verdict::Compat;

    fn asked(test: impl FnOnce(&mut World)) {
        let peer = Peer {
            client: End::default(),
            server: End::default(),
            unread_datagram: false,
            family: Ok(None),
        };
        let (mut log, reader) = testing::log();
        let mut process = Process::new(Compat::Strict, false);
        test(&mut World::new(&peer, &mut process, &mut log));
        assert_eq!(reader.lines(), [""; 0]);
    }

    #[test]
    fn files_are_there_or_say_why_not() {
        asked(|world| {
            assert_eq!(world.file(b"/nonexistent/x"), Err(FileTrouble::Missing));
            assert_eq!(world.file(b"/etc").unwrap(), &b""[..]);
            assert!(world.file(b"/etc/passwd").unwrap().starts_with(b"root:"));
            let reason = FileTrouble::Unreadable("Not a directory".into());
            assert_eq!(world.file(b"/etc/passwd/x"), Err(reason));
        });
    }

    #[test]
    fn banners_need_their_directory_only() {
        asked(|world| {
            let missing = Err("No such file or directory".to_owned());
            assert_eq!(world.banner(b"/nonexistent", b"x"), missing);
            assert_eq!(world.banner(b"/etc", b"no such daemon"), Ok(None));
            assert_eq!(world.banner(b"/", b"etc"), Ok(None));
            assert!(world.banner(b"/etc", b"/passwd").unwrap().is_some());
        });
    }

    #[test]
    fn users_groups_and_interfaces_are_the_systems() {
        asked(|world| {
            assert!(world.user_exists(b"nobody") && !world.user_exists(b"Nobody"));
            assert!(world.group_exists(b"daemon") && !world.group_exists(b"no\0such"));
            assert!(!world.user_exists(b"\xff"));
            assert!(world.interface_exists(b"lo") && !world.interface_exists(b"nosuch"));
        });
    }

    #[test]
    fn nobody_has_no_name_and_is_not_asked_for() {
        asked(|world| {
            let nameless = HostnameFact {
                hostname: Hostname::Unknown,
                failed: false,
                warning: None,
            };
            assert_eq!(world.client_hostname(), Ok(nameless));
            assert_eq!(world.client_user(10), Ok(None));
            assert!(!world.lookups_broke());
        });
    }
}
