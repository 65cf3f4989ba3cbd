//! Services: what listens where, and which program answers as whom.
//!
//! There is one model, [`Service`], and a reader for each language that fills it: [`inetd`]
//! for inetd.conf and [`native`] for portreeve.toml. [`kind`] tells the languages apart by
//! their contents. A reader takes the bytes of one file, keeps every service it understands
//! in full, and says in a [`Diagnostic`] what it left out and why. [`assemble`] puts the
//! services of all files together.

mod assemble;
pub mod inetd;
mod kind;
#[cfg(feature = "native")]
pub mod native;

pub use assemble::{Harden, assemble};
pub use kind::{FileKind, kind};

use crate::diagnostic::Diagnostic;
use crate::profile::Profile;
use std::ffi::CString;
use std::net::IpAddr;
use std::ops::Range;

/// One service as the administrator described it. Nothing in it has been looked up yet:
/// ports and users may be names, and no path has been opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in records and commands; [`assemble`] makes it unique.
    pub id: String,
    /// Where it listens, each a socket of its own; never empty, and all of one transport.
    pub listen: Vec<Listen>,
    /// Who accepts connections.
    pub mode: Mode,
    /// Who answers.
    pub server: Server,
    /// The daemon name that hosts.allow and hosts.deny are searched for, at most 127 bytes;
    /// `None`: they are not consulted. Never set for a stream service in [`Mode::Wait`],
    /// whose server accepts connections that nobody else sees.
    pub hosts_access: Option<Vec<u8>>,
    /// How many servers there may be.
    pub limits: Limits,
    /// What the server may do, with everything the file adds to the named profile.
    pub profile: Profile,
    /// Variables for the server besides those every server gets, each `NAME=value`.
    pub environment: Vec<CString>,
    /// Where it was written.
    pub origin: Origin,
}

impl Service {
    /// The transport of all its sockets.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.listen
            .first()
            .map_or(Transport::Tcp, |listen| listen.transport)
    }

    /// Whether `name` means this service: its id, or its program's file name, where a dot may
    /// be written as `-` because dots separate keys in TOML (`in-telnetd`).
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        let Server::External(program) = &self.server else {
            return self.id == name;
        };
        let file = String::from_utf8_lossy(base_name(program.path.as_bytes()));
        self.id == name || file == name || file.replace('.', "-") == name
    }
}

/// One socket to be bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listen {
    /// TCP or UDP.
    pub transport: Transport,
    /// The address to bind; the unspecified address of its family for all of that family.
    pub address: IpAddr,
    /// An IPv6 socket that takes IPv4 clients as mapped addresses too. Otherwise IPv6 sockets
    /// take IPv6 only.
    pub dual: bool,
    /// The IPv6 half of a word that means both families. On a machine without IPv6 it is left
    /// out without complaint, and an entry that names IPv6 itself replaces it.
    pub implied: bool,
    /// The port.
    pub port: Port,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Transport {
    /// Its name in services(5): `tcp` or `udp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        }
    }
}

/// A port, by number or by a name from services(5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// 1 to 65535.
    Number(u16),
    /// A service name to be looked up.
    Name(String),
}

impl Port {
    /// The number; `lookup` is asked for names, with the transport, as getservbyname(3) is.
    /// `None` if there is no such name.
    pub fn number(
        &self,
        transport: Transport,
        lookup: impl FnOnce(&str, Transport) -> Option<u16>,
    ) -> Option<u16> {
        match self {
            Port::Number(number) => Some(*number),
            Port::Name(name) => lookup(name, transport),
        }
    }
}

/// Who accepts connections.
///
/// Source: inetd(8), the `wait/nowait` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A server for each connection. Builtin services are always this. Never a UDP program.
    Nowait,
    /// One server at a time takes over the listening socket.
    Wait,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// A program of its own.
    External(Program),
    /// The frontend itself.
    Builtin(Builtin),
}

/// A program and whom it runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file to execute; absolute.
    pub path: CString,
    /// Its arguments; the first is the name it goes by, and there is always one.
    pub argv: Vec<CString>,
    /// Whom it runs as.
    pub account: Account,
}

/// Whom a server runs as, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// A user name, or a uid in decimal.
    pub user: String,
    /// A group name or gid in place of the user's own, if one was written.
    pub group: Option<String>,
    /// Whether the user's supplementary groups come with it. Where a group is written they do
    /// not.
    ///
    /// Source: openbsd-inetd, which gives `user:group` that group alone.
    pub supplementary: bool,
    /// The group was written after a dot. If there is a user with the whole name, `user.group`,
    /// that one is meant.
    pub dotted: bool,
}

impl Account {
    /// The name with its dot, if that is how it was written; callers look for it first.
    #[must_use]
    pub fn whole_name(&self) -> Option<String> {
        let group = self.group.as_ref().filter(|_| self.dotted)?;
        Some(format!("{}.{group}", self.user))
    }
}

/// A service of the frontend itself.
///
/// Source: RFC 862 (echo), 863 (discard), 864 (chargen), 867 (daytime), 868 (time).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// Sends back what it receives.
    Echo,
    /// Receives and forgets.
    Discard,
    /// Sends the date and time in words.
    Daytime,
    /// Sends seconds since 1900 in four bytes.
    Time,
    /// Sends characters without end.
    Chargen,
}

impl Builtin {
    /// Its official name in services(5).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Builtin::Echo => "echo",
            Builtin::Discard => "discard",
            Builtin::Daytime => "daytime",
            Builtin::Time => "time",
            Builtin::Chargen => "chargen",
        }
    }

    /// The builtin with this name or alias in services(5).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Builtin> {
        Some(match name {
            "echo" => Builtin::Echo,
            "discard" | "sink" | "null" => Builtin::Discard,
            "daytime" => Builtin::Daytime,
            "time" | "timserver" | "timeserver" => Builtin::Time,
            "chargen" | "ttytst" | "source" => Builtin::Chargen,
            _ => return None,
        })
    }
}

/// How many servers there may be. `None` means that nothing was written, so there is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// At a time.
    pub instances: Option<u32>,
    /// Started in a minute.
    pub per_minute: Option<u32>,
    /// At a time for one source.
    pub per_source: Option<PerSource>,
}

/// Servers at a time for one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerSource {
    /// For one IPv4 address.
    pub v4: u32,
    /// For one IPv6 network.
    pub v6: u32,
    /// Length of that network's prefix, 1 to 128 bits.
    pub v6_prefix: u8,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Index of the file in the order the readers were given them.
    pub file: usize,
    /// Byte range in the file's text.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
}

/// What a reader made of a file that describes only services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The services understood in full, in the order written.
    pub services: Vec<Service>,
    /// What was not understood, in the order found.
    pub diagnostics: Vec<Diagnostic>,
}

/// What follows the last slash.
fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// As many bytes of a daemon name as tcpd keeps.
///
/// Source: tcpd.h, `STRING_LENGTH` less its terminator.
const LONGEST_DAEMON: usize = 127;

/// A program's name as access rules know it.
fn daemon_name(argv0: &[u8]) -> Vec<u8> {
    argv0.iter().take(LONGEST_DAEMON).copied().collect()
}
