//! The verdict about an arrival, from the tables the monitor sent.

use crate::arrival::Arrival;
use crate::names::Wanted;
use launcher::tables::{Contents, Tables};
use policy::hosts::evaluate::{Source, Tables as PolicyTables, evaluate};
use policy::hosts::facts::{Facts, FileTrouble, HostnameFact, Pending};
use policy::hosts::option::Effect;
use policy::hosts::request::{Endpoint, Request};
use policy::hosts::verdict::{Compat, Verdict};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What follows from the rules.
pub enum Judgement {
    /// They decide.
    Verdict(Box<Verdict>),
    /// Something must be found out first.
    Needs(Wanted),
    /// A rule has an option that must be carried out in the server's own process: tcpd does
    /// that, and decides.
    ThroughTcpd,
}

/// Judges `arrival` by the rules for `daemon`.
pub fn judge(tables: &Tables, daemon: &[u8], arrival: &Arrival, compat: Compat) -> Judgement {
    let request = Request {
        daemon,
        pid: 0,
        client: Endpoint::from(arrival.peer),
        server: Endpoint::from(arrival.local),
    };
    let mut facts = ArrivalFacts {
        arrival,
        tables,
        wanted: None,
        needs_process: false,
    };
    let sources = PolicyTables {
        allow: source(tables.contents(&tables.allow_path), compat),
        deny: source(tables.contents(&tables.deny_path), compat),
    };
    let result = evaluate(&sources, &request, &mut facts, compat);
    if facts.needs_process {
        return Judgement::ThroughTcpd;
    }
    match (result, facts.wanted) {
        (Err(Pending), Some(wanted)) => Judgement::Needs(wanted),
        (Err(Pending), None) => Judgement::ThroughTcpd,
        (Ok(verdict), _) => {
            let ours = verdict.effects.iter().all(is_ours);
            if ours {
                Judgement::Verdict(Box::new(verdict))
            } else {
                Judgement::ThroughTcpd
            }
        }
    }
}

/// Whether the frontend carries an option out itself.
fn is_ours(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Severity { .. } | Effect::Keepalive | Effect::Linger(_) | Effect::Rfc931(_)
    )
}

fn source(contents: Option<&Contents>, compat: Compat) -> Source<'_> {
    match (contents, compat) {
        (Some(Contents::Dangling), Compat::TcpWrappers) => Source::Missing,
        (contents, _) => strict_source(contents),
    }
}

fn strict_source(contents: Option<&Contents>) -> Source<'_> {
    match contents {
        Some(Contents::Text(text)) => Source::Text(text),
        Some(Contents::Missing) => Source::Missing,
        Some(Contents::Dangling) => Source::Unreadable(DANGLING.to_owned()),
        Some(Contents::Directory) => Source::Directory,
        Some(Contents::Unreadable(reason)) => Source::Unreadable(reason.clone()),
        None => Source::Unreadable(NOT_READ.to_owned()),
    }
}

const DANGLING: &str = "a symbolic link that leads nowhere";
const NOT_READ: &str = "not read, because the tables name too many files";

struct ArrivalFacts<'a> {
    arrival: &'a Arrival,
    tables: &'a Tables,
    wanted: Option<Wanted>,
    needs_process: bool,
}

impl ArrivalFacts<'_> {
    fn want<T>(&mut self, wanted: Wanted) -> Result<T, Pending> {
        self.wanted = Some(wanted);
        Err(Pending)
    }
}

impl Facts for ArrivalFacts<'_> {
    fn client_hostname(&mut self) -> Result<HostnameFact, Pending> {
        match &self.arrival.client {
            Some(fact) => Ok(fact.clone()),
            None => self.want(Wanted::Client),
        }
    }

    fn server_hostname(&mut self) -> Result<HostnameFact, Pending> {
        match &self.arrival.server {
            Some(fact) => Ok(fact.clone()),
            None => self.want(Wanted::Server),
        }
    }

    fn client_user(&mut self, timeout: u32) -> Result<Option<Vec<u8>>, Pending> {
        match &self.arrival.user {
            Some(user) => Ok(user.clone()),
            None => self.want(Wanted::User(timeout)),
        }
    }

    fn file(&mut self, path: &[u8]) -> Result<Cow<'_, [u8]>, FileTrouble> {
        bytes(self.tables.contents(Path::new(OsStr::from_bytes(path))))
    }

    fn netgroups(&mut self) -> Result<Cow<'_, [u8]>, FileTrouble> {
        bytes(self.tables.netgroups())
    }

    fn banner(&mut self, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.needs_process = true;
        Ok(None)
    }

    fn aclexec(&mut self, _: &[u8], _: &[Effect]) -> Result<bool, Pending> {
        self.needs_process = true;
        Err(Pending)
    }

    // Options that name a user or group are carried out by tcpd, which looks for itself.
    fn user_exists(&mut self, _: &[u8]) -> bool {
        true
    }

    fn group_exists(&mut self, _: &[u8]) -> bool {
        true
    }

    fn interface_exists(&mut self, name: &[u8]) -> bool {
        Path::new("/sys/class/net")
            .join(OsStr::from_bytes(name))
            .symlink_metadata()
            .is_ok()
    }
}

fn bytes(contents: Option<&Contents>) -> Result<Cow<'_, [u8]>, FileTrouble> {
    match contents {
        Some(Contents::Text(text)) => Ok(Cow::Borrowed(text)),
        Some(Contents::Directory) => Ok(Cow::Borrowed(b"")),
        Some(Contents::Missing | Contents::Dangling) => Err(FileTrouble::Missing),
        Some(Contents::Unreadable(reason)) => Err(FileTrouble::Unreadable(reason.clone())),
        None => Err(FileTrouble::Unreadable(NOT_READ.to_owned())),
    }
}
