//! Processes as seen from outside: what `/proc` says about them.
//!
//! Source: proc(5).

use crate::{failure, wait_for};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

/// The fields of a `/proc/PID/status` or `/proc/PID/task/TID/status`.
#[derive(Clone, Debug)]
pub struct Status(BTreeMap<String, String>);

impl Status {
    fn read(path: &str) -> io::Result<Status> {
        let text = fs::read_to_string(path)?;
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Ok(Status(
            fields
                .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
                .collect(),
        ))
    }

    /// A field's text, empty if there is no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The numbers of a field such as `Uid` or `Groups`.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Vec<u32> {
        self.field(name)
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect()
    }

    /// A capability set as a bit mask; all ones if there is no such set.
    #[must_use]
    pub fn capabilities(&self, set: &str) -> u64 {
        u64::from_str_radix(self.field(set), 16).unwrap_or(u64::MAX)
    }
}

/// The five capability sets' names in `/proc/PID/status`.
pub const CAPABILITY_SETS: [&str; 5] = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

/// The status of a process.
///
/// # Errors
/// It has ended.
pub fn status(pid: u32) -> io::Result<Status> {
    Status::read(&format!("/proc/{pid}/status"))
}

/// The status of each thread of a process.
///
/// # Errors
/// It has ended.
pub fn threads(pid: u32) -> io::Result<Vec<Status>> {
    fs::read_dir(format!("/proc/{pid}/task"))?
        .map(|entry| Status::read(&entry?.path().join("status").to_string_lossy()))
        .collect()
}

/// All processes whose executable has this file name and that have not ended, by pid.
#[must_use]
pub fn named(name: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut pids: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            fs::read_link(format!("/proc/{pid}/exe"))
                .is_ok_and(|exe| exe.file_name().is_some_and(|file| file == name))
        })
        .collect();
    pids.sort_unstable();
    pids
}

/// Waits until exactly one process of this name runs.
///
/// # Errors
/// There is none, or there are several, for 5 seconds.
pub fn only(name: &str) -> io::Result<u32> {
    wait_for(
        &format!("exactly one {name}"),
        Duration::from_secs(5),
        || match *named(name) {
            [pid] => Some(pid),
            _ => None,
        },
    )
}

/// The open descriptors of a process with what they refer to.
///
/// # Errors
/// It has ended.
pub fn descriptors(pid: u32) -> io::Result<BTreeMap<u32, String>> {
    let mut open = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_string_lossy()
            .parse()
            .map_err(io::Error::other)?;
        // A descriptor may be closed between the two calls.
        if let Ok(link) = fs::read_link(entry.path()) {
            open.insert(number, link.to_string_lossy().into_owned());
        }
    }
    Ok(open)
}

/// The memory a process accounts for, shared pages divided among their users, in KiB.
///
/// # Errors
/// It has ended, or the kernel has no smaps_rollup.
pub fn pss_kib(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    text.lines()
        .find_map(|line| {
            line.strip_prefix("Pss:")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .ok_or_else(|| failure(format!("no Pss in /proc/{pid}/smaps_rollup")))
}
