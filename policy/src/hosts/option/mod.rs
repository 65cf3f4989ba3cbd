//! What the options of a rule ask for, as values (hosts_options(5)).

pub mod parse;

/// A syslog facility that the `severity` option can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Facility {
    /// `kern`.
    Kern = 0,
    /// `user`.
    User = 1,
    /// `mail`.
    Mail = 2,
    /// `daemon`.
    Daemon = 3,
    /// `auth`.
    Auth = 4,
    /// `lpr`.
    Lpr = 6,
    /// `news`.
    News = 7,
    /// `uucp`.
    Uucp = 8,
    /// `cron`.
    Cron = 9,
    /// `local0`.
    Local0 = 16,
    /// `local1`.
    Local1 = 17,
    /// `local2`.
    Local2 = 18,
    /// `local3`.
    Local3 = 19,
    /// `local4`.
    Local4 = 20,
    /// `local5`.
    Local5 = 21,
    /// `local6`.
    Local6 = 22,
    /// `local7`.
    Local7 = 23,
}

/// A syslog level that the `severity` option can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// `emerg`.
    Emerg = 0,
    /// `alert`.
    Alert = 1,
    /// `crit`.
    Crit = 2,
    /// `err`.
    Err = 3,
    /// `warning`.
    Warning = 4,
    /// `notice`.
    Notice = 5,
    /// `info`.
    Info = 6,
    /// `debug`.
    Debug = 7,
}

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
    /// `banners`: send these bytes to the client, errors ignored; not over UDP.
    Banners(Vec<u8>),
    /// Our `profile`: confine the server by the profile of this name.
    Profile(Vec<u8>),
    /// Our `limit`.
    Limit(Limit),
}
