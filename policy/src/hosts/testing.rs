//! A world of facts for tests.

use super::facts::{Facts, FileTrouble, HostnameFact, Pending};
use super::option::Effect;
use super::request::Hostname;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Facts written down beforehand, and a record of what was asked.
#[derive(Default)]
pub(super) struct World {
    pub(super) client: Option<&'static str>,
    pub(super) server: Option<&'static str>,
    pub(super) user: Option<&'static str>,
    pub(super) lookups_fail: bool,
    pub(super) pending: bool,
    pub(super) aclexec: bool,
    pub(super) netgroups: Option<&'static str>,
    pub(super) files: BTreeMap<&'static str, &'static str>,
    pub(super) asked: Vec<String>,
}

impl World {
    fn hostname(&mut self, name: Option<&str>) -> Result<HostnameFact, Pending> {
        if self.pending {
            return Err(Pending);
        }
        let hostname = match name {
            Some("paranoid") => Hostname::Paranoid,
            Some(name) if !self.lookups_fail => Hostname::Known(name.into()),
            _ => Hostname::Unknown,
        };
        Ok(HostnameFact {
            hostname,
            failed: self.lookups_fail,
            warning: (name == Some("paranoid")).then(|| "host name/name mismatch: a != b".into()),
        })
    }

    fn content(&self, path: &[u8]) -> Option<&'static str> {
        let path = std::str::from_utf8(path).ok()?;
        self.files.get(path).copied()
    }
}

impl Facts for World {
    fn client_hostname(&mut self) -> Result<HostnameFact, Pending> {
        self.asked.push("client".into());
        self.hostname(self.client)
    }

    fn server_hostname(&mut self) -> Result<HostnameFact, Pending> {
        self.asked.push("server".into());
        self.hostname(self.server)
    }

    fn client_user(&mut self, timeout: u32) -> Result<Option<Vec<u8>>, Pending> {
        self.asked.push(format!("user {timeout}"));
        Ok(self.user.map(Into::into))
    }

    fn file(&mut self, path: &[u8]) -> Result<Cow<'_, [u8]>, FileTrouble> {
        if path == b"/secret" {
            return Err(FileTrouble::Unreadable("Permission denied".into()));
        }
        let content = self.content(path).ok_or(FileTrouble::Missing)?;
        Ok(Cow::Borrowed(content.as_bytes()))
    }

    fn netgroups(&mut self) -> Result<Cow<'_, [u8]>, FileTrouble> {
        let content = self.netgroups.ok_or(FileTrouble::Missing)?;
        Ok(Cow::Borrowed(content.as_bytes()))
    }

    fn aclexec(&mut self, command: &[u8], before: &[Effect]) -> Result<bool, Pending> {
        let command = String::from_utf8_lossy(command);
        self.asked
            .push(format!("aclexec {command} after {}", before.len()));
        Ok(self.aclexec)
    }

    fn user_exists(&mut self, name: &[u8]) -> bool {
        name == b"nobody"
    }

    fn group_exists(&mut self, name: &[u8]) -> bool {
        name == b"nogroup"
    }

    fn interface_exists(&mut self, name: &[u8]) -> bool {
        name == b"lo" || name == b"eth0"
    }

    fn banner(&mut self, directory: &[u8], daemon: &[u8]) -> Result<Option<Vec<u8>>, String> {
        if directory == b"/nosuch" {
            return Err("No such file or directory".into());
        }
        let path = [directory, b"/", daemon].concat();
        Ok(self.content(&path).map(Into::into))
    }
}
