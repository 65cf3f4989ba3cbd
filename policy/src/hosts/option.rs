//! What the options of a rule ask for, as values (hosts_options(5)).

use super::number::{scan_decimal, scan_octal};
use super::table::{split, trim};

/// A syslog facility that the `severity` option can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Facility {
    Kern = 0,
    User = 1,
    Mail = 2,
    Daemon = 3,
    Auth = 4,
    Lpr = 6,
    News = 7,
    Uucp = 8,
    Cron = 9,
    Local0 = 16,
    Local1 = 17,
    Local2 = 18,
    Local3 = 19,
    Local4 = 20,
    Local5 = 21,
    Local6 = 22,
    Local7 = 23,
}

/// A syslog level that the `severity` option can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Level {
    Emerg = 0,
    Alert = 1,
    Crit = 2,
    Err = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
    Debug = 7,
}

const FACILITIES: [(&[u8], Facility); 17] = [
    (b"kern", Facility::Kern),
    (b"user", Facility::User),
    (b"mail", Facility::Mail),
    (b"daemon", Facility::Daemon),
    (b"auth", Facility::Auth),
    (b"lpr", Facility::Lpr),
    (b"news", Facility::News),
    (b"uucp", Facility::Uucp),
    (b"cron", Facility::Cron),
    (b"local0", Facility::Local0),
    (b"local1", Facility::Local1),
    (b"local2", Facility::Local2),
    (b"local3", Facility::Local3),
    (b"local4", Facility::Local4),
    (b"local5", Facility::Local5),
    (b"local6", Facility::Local6),
    (b"local7", Facility::Local7),
];

const LEVELS: [(&[u8], Level); 8] = [
    (b"emerg", Level::Emerg),
    (b"alert", Level::Alert),
    (b"crit", Level::Crit),
    (b"err", Level::Err),
    (b"warning", Level::Warning),
    (b"notice", Level::Notice),
    (b"info", Level::Info),
    (b"debug", Level::Debug),
];

/// A bound on how a service may be used, from our `limit` option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `limit instances N`: at most so many servers at a time.
    Instances(u32),
    /// `limit per-source N`: at most so many servers at a time for one client address.
    PerSource(u32),
    /// `limit rate N/S`: at most so many connections in so many seconds.
    Rate {
        /// Connections.
        count: u32,
        /// Seconds.
        seconds: u32,
    },
}

/// What one option asks for. Commands and values have their %-sequences expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `severity`: how the connect, refused or twist line is logged. No facility leaves the
    /// facility as it was; tcp_wrappers logs `kern` as `daemon`.
    Severity {
        /// The facility, if one is named.
        facility: Option<Facility>,
        /// The level.
        level: Level,
    },
    /// `umask`: the file mode creation mask, at most 0777.
    Umask(u32),
    /// `nice`: an increment of the nice value; the kernel clamps the result.
    Nice(i32),
    /// `setenv`: an environment variable, replaced if it exists.
    Setenv {
        /// Not empty and without `=`.
        name: Vec<u8>,
        /// Possibly empty.
        value: Vec<u8>,
    },
    /// `keepalive`: set `SO_KEEPALIVE` on the connection.
    Keepalive,
    /// `linger`: set `SO_LINGER` to so many seconds, off for 0.
    Linger(u32),
    /// `rfc931`: the user was looked up, with this timeout in seconds.
    Rfc931(u32),
    /// `user`: become this user, with this group or its own.
    User {
        /// The user's name.
        user: Vec<u8>,
        /// The group's name, if one is given.
        group: Option<Vec<u8>>,
    },
    /// `group`: become this group.
    Group(Vec<u8>),
    /// `spawn`: run a shell command beside the connection and wait for it.
    Spawn(Vec<u8>),
    /// `aclexec`: this shell command was run while deciding, through
    /// [`Facts::aclexec`](super::facts::Facts::aclexec); nothing is left to do.
    Aclexec {
        /// The command.
        command: Vec<u8>,
        /// Whether it exited with status 0.
        succeeded: bool,
    },
    /// `twist`: run a shell command in place of the daemon.
    Twist(Vec<u8>),
    /// `banners`: send the file of the daemon's name in this directory, see
    /// [`banner`](super::expand::banner).
    Banners(Vec<u8>),
    /// Our `profile`: confine the server by the profile of this name.
    Profile(Vec<u8>),
    /// Our `limit`.
    Limit(Limit),
}
