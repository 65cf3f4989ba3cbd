//! Lines to the system's logger, as glibc's syslog(3) would write them.
//!
//! Unlike syslog(3) and the crate whose types we use: time is local on every libc, control
//! bytes cannot forge a line, a logger that was restarted is found again, and one that does
//! not read costs a bounded wait once and nothing after that.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, sendto, setsockopt,
    socket, sockopt,
};
use nix::sys::time::TimeVal;
use std::collections::VecDeque;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

pub use syslog::{Facility, Severity};

/// Where the logger listens.
const DEV_LOG: &str = "/dev/log";

/// Longest text of a line, in bytes. The names that a peer can choose are far shorter.
const TEXT_LIMIT: usize = 8192;

/// Ends a line that was cut.
const CUT: &[u8] = b"...";

/// How long a full logger is waited for, in microseconds, before a line is dropped.
const PATIENCE: i64 = 100_000;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The facility with this number in syslog(3). `kern`, and a number that is none, give
/// `daemon`: only the kernel may log as the kernel.
#[must_use]
pub fn facility_numbered(number: u8) -> Facility {
    match number {
        1 => Facility::LOG_USER,
        2 => Facility::LOG_MAIL,
        4 => Facility::LOG_AUTH,
        6 => Facility::LOG_LPR,
        7 => Facility::LOG_NEWS,
        8 => Facility::LOG_UUCP,
        9 => Facility::LOG_CRON,
        16 => Facility::LOG_LOCAL0,
        17 => Facility::LOG_LOCAL1,
        18 => Facility::LOG_LOCAL2,
        19 => Facility::LOG_LOCAL3,
        20 => Facility::LOG_LOCAL4,
        21 => Facility::LOG_LOCAL5,
        22 => Facility::LOG_LOCAL6,
        23 => Facility::LOG_LOCAL7,
        _ => Facility::LOG_DAEMON,
    }
}

/// The severity with this number in syslog(3); a number that is none gives `debug`.
#[must_use]
pub fn severity_numbered(number: u8) -> Severity {
    match number {
        0 => Severity::LOG_EMERG,
        1 => Severity::LOG_ALERT,
        2 => Severity::LOG_CRIT,
        3 => Severity::LOG_ERR,
        4 => Severity::LOG_WARNING,
        5 => Severity::LOG_NOTICE,
        6 => Severity::LOG_INFO,
        _ => Severity::LOG_DEBUG,
    }
}

/// A way to the system's logger.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    transport: Transport,
    zone: TimeZone,
    /// `ident[pid]: `
    tag: Vec<u8>,
    with_pid: bool,
    facility: Facility,
    line: Vec<u8>,
    /// The last line had to be dropped because nobody read: do not wait for the next.
    stuck: bool,
    lost: u64,
    reported: u64,
    /// The logger is never waited for; lines are kept instead.
    never_waits: bool,
    /// Lines kept for a logger that is busy.
    backlog: VecDeque<Vec<u8>>,
}

/// Lines that are kept for a busy logger: about a second of a very busy frontend.
const BACKLOG: usize = 4096;

fn tag(ident: &[u8], with_pid: bool) -> Vec<u8> {
    let mut tag = escaped(ident);
    if with_pid {
        // Writing to a vector cannot fail.
        let _ = write!(tag, "[{}]", std::process::id());
    }
    tag.extend_from_slice(b": ");
    tag
}

#[derive(Debug)]
enum Transport {
    /// Every line is sent to the path, and so finds the logger that listens then. The socket
    /// is connected to the one that listened first, for a process that gives up the right to
    /// use the path.
    Datagram(OwnedFd),
    Stream(OwnedFd),
    Closed,
}

impl Syslog {
    /// A way to the logger at `/dev/log`; `ident` names us in every line.
    ///
    /// Everything that needs files is done here, so a process may confine itself or become
    /// another user afterwards; to find a logger that was restarted it needs the right to use
    /// the path. A logger that is not there is no error: lines are lost, and counted, until
    /// it is.
    #[must_use]
    pub fn open(ident: &[u8], facility: Facility, with_pid: bool) -> Self {
        Self::open_at(Path::new(DEV_LOG), ident, facility, with_pid)
    }

    /// As [`Syslog::open`], with a logger elsewhere.
    #[must_use]
    pub fn open_at(path: &Path, ident: &[u8], facility: Facility, with_pid: bool) -> Self {
        Syslog {
            path: path.to_owned(),
            transport: Transport::open(path).unwrap_or(Transport::Closed),
            zone: TimeZone::system(),
            tag: tag(ident, with_pid),
            with_pid,
            facility,
            line: Vec::with_capacity(256),
            stuck: false,
            lost: 0,
            reported: 0,
            never_waits: false,
            backlog: VecDeque::new(),
        }
    }

    /// What names us in the lines from here on.
    pub fn set_ident(&mut self, ident: &[u8]) {
        self.tag = tag(ident, self.with_pid);
    }

    /// The facility of the lines from here on.
    pub fn set_facility(&mut self, facility: Facility) {
        self.facility = facility;
    }

    /// Never waits for the logger from here on: up to 4096 lines are kept until
    /// [`Syslog::flush`], or the next line, finds it ready.
    pub fn never_wait(&mut self) {
        self.never_waits = true;
    }

    /// Whether lines are kept for a busy logger.
    #[must_use]
    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Delivers kept lines, as far as the logger takes them.
    pub fn flush(&mut self) {
        while let Some(line) = self.backlog.pop_front() {
            self.line = line;
            match self.deliver() {
                Ok(()) => {}
                Err(Errno::EAGAIN) => {
                    self.backlog.push_front(std::mem::take(&mut self.line));
                    break;
                }
                Err(_) => self.lost += 1,
            }
        }
    }

    /// How many lines were lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Sends one line. Control bytes are written as `#` and three octal digits, and a text
    /// that is longer than 8 KiB then is cut and ends in `...`.
    ///
    /// A line that cannot be delivered is counted, and the next one that can be is followed
    /// by `N messages lost`. Waits no longer than a tenth of a second, and not at all while
    /// the logger is known not to read.
    pub fn send(&mut self, severity: Severity, text: &[u8]) {
        self.flush();
        self.compose(severity, text);
        if let Err(error) = self.deliver_in_turn() {
            self.stuck = error == Errno::EAGAIN;
            self.lost += u64::from(!self.keep(error));
            return;
        }
        self.stuck = false;
        let missing = self.lost - self.reported;
        if missing > 0 {
            self.compose(
                Severity::LOG_WARNING,
                format!("{missing} messages lost").as_bytes(),
            );
            if self.deliver().is_ok() {
                self.reported = self.lost;
            }
        }
    }

    fn compose(&mut self, severity: Severity, text: &[u8]) {
        let now = self.zone.to_datetime(Timestamp::now());
        let month = usize::try_from(now.month() - 1)
            .ok()
            .and_then(|at| MONTHS.get(at));
        let line = &mut self.line;
        line.clear();
        // Writing to a vector cannot fail.
        let _ = write!(
            line,
            "<{}>{} {:2} {:02}:{:02}:{:02} ",
            self.facility as u32 | severity as u32,
            month.unwrap_or(&""),
            now.day(),
            now.hour(),
            now.minute(),
            now.second(),
        );
        line.extend_from_slice(&self.tag);
        let limit = line.len() + TEXT_LIMIT;
        escape(text, line);
        if line.len() > limit {
            line.truncate(limit - CUT.len());
            line.extend_from_slice(CUT);
        }
    }

    /// A line does not overtake the ones that are kept.
    fn deliver_in_turn(&mut self) -> nix::Result<()> {
        if self.has_backlog() {
            return Err(Errno::EAGAIN);
        }
        self.deliver()
    }

    /// Keeps the line that could not be delivered, if that may help and there is room.
    fn keep(&mut self, error: Errno) -> bool {
        let keep = self.never_waits && error == Errno::EAGAIN && self.backlog.len() < BACKLOG;
        if keep {
            self.backlog.push_back(self.line.clone());
        }
        keep
    }

    fn deliver(&mut self) -> nix::Result<()> {
        let result = self.try_deliver();
        match result {
            // A stream ends with the logger that held its other end.
            Err(Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN) => {
                self.transport = Transport::Closed;
                self.try_deliver()
            }
            result => result,
        }
    }

    fn try_deliver(&mut self) -> nix::Result<()> {
        if matches!(self.transport, Transport::Closed) {
            self.transport = Transport::open(&self.path)?;
        }
        let logger = UnixAddr::new(self.path.as_path())?;
        let mut flags = MsgFlags::MSG_NOSIGNAL;
        flags.set(MsgFlags::MSG_DONTWAIT, self.stuck || self.never_waits);
        if let Transport::Datagram(socket) = &self.transport {
            match sendto(socket.as_raw_fd(), &self.line, &logger, flags) {
                Err(Errno::EPROTOTYPE) => self.transport = Transport::Stream(stream(&logger)?),
                Err(error @ (Errno::EACCES | Errno::EPERM | Errno::ENOENT | Errno::ENOTDIR)) => {
                    let sent = send(socket.as_raw_fd(), &self.line, flags);
                    return sent.map(drop).map_err(|_| error);
                }
                result => return result.map(drop),
            }
        }
        if let Transport::Stream(socket) = &self.transport {
            // On a stream a NUL ends a line, as from glibc.
            self.line.push(0);
            let sent = send(socket.as_raw_fd(), &self.line, flags);
            self.line.pop();
            if sent.is_ok_and(|length| length <= self.line.len()) {
                // Half a line would run into the next one.
                self.transport = Transport::Closed;
                return Err(Errno::EAGAIN);
            }
            return sent.map(drop);
        }
        Ok(())
    }
}

impl Transport {
    fn open(path: &Path) -> nix::Result<Self> {
        let logger = UnixAddr::new(path)?;
        let socket = open_socket(SockType::Datagram)?;
        match connect(socket.as_raw_fd(), &logger) {
            Err(Errno::EPROTOTYPE) => stream(&logger).map(Transport::Stream),
            // Nobody may listen yet; sending finds out.
            _ => Ok(Transport::Datagram(socket)),
        }
    }
}

fn stream(logger: &UnixAddr) -> nix::Result<OwnedFd> {
    let socket = open_socket(SockType::Stream)?;
    connect(socket.as_raw_fd(), logger)?;
    Ok(socket)
}

/// A full logger makes a blocking send wait; poll(2) cannot tell for a socket that is not
/// connected, so the socket itself bounds the wait.
fn open_socket(kind: SockType) -> nix::Result<OwnedFd> {
    let socket = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::SendTimeout, &TimeVal::new(0, PATIENCE))?;
    Ok(socket)
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len() + 16);
    escape(text, &mut result);
    result
}

/// Bytes that a terminal or a line-wise reader would act on become `#ooo`, as rsyslog does
/// with what it receives.
fn escape(text: &[u8], line: &mut Vec<u8>) {
    for &byte in text.iter().take(TEXT_LIMIT + 1) {
        if byte.is_ascii_control() {
            let digit = |shift: u8| b'0' + (byte >> shift & 7);
            line.extend_from_slice(&[b'#', digit(6), digit(3), digit(0)]);
        } else {
            line.push(byte);
        }
    }
}

#[cfg(test)]
mod tests;
