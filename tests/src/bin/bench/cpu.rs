//! CPU time of a subject and of everything it ever started, from a control group of its own.
//!
//! Source: the kernel's cgroup-v2 documentation; `cpu.stat` counts exited tasks too, in
//! microseconds, and needs no controller enabled.

use nix::mount::{MsFlags, mount};
use portreeve_tests::{Arena, failure, wait_for};
use std::cell::Cell;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Our part of the version 2 hierarchy.
pub struct Hierarchy {
    root: PathBuf,
}

impl Hierarchy {
    /// Mounts the hierarchy inside the arena, where it is writable whatever it is outside.
    pub fn mount(arena: &Arena) -> io::Result<Hierarchy> {
        let place = arena.path("cgroup");
        fs::create_dir(&place)?;
        let nothing: Option<&str> = None;
        mount(
            Some("cgroup2"),
            &place,
            Some("cgroup2"),
            MsFlags::empty(),
            nothing,
        )
        .map_err(|error| failure(format!("cannot mount cgroup2: {error}")))?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(io::Error::other)?;
        let root = place.join(format!("portreeve-bench-{}", now.as_nanos()));
        fs::create_dir(&root)?;
        Ok(Hierarchy { root })
    }

    /// A new group.
    pub fn group(&self, name: &str) -> io::Result<Group> {
        let path = self.root.join(name);
        fs::create_dir(&path)?;
        Ok(Group {
            path,
            idle: Cell::new(0),
        })
    }

    /// Removes all groups; nothing may run in them any more.
    pub fn remove(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir(entry.path())?;
            }
        }
        fs::remove_dir(&self.root)
    }
}

/// One subject's group.
pub struct Group {
    path: PathBuf,
    idle: Cell<usize>,
}

impl Group {
    /// The file to which a process writes its pid to join.
    pub fn door(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }

    /// User and system time so far.
    pub fn usage(&self) -> io::Result<Duration> {
        let text = fs::read_to_string(self.path.join("cpu.stat"))?;
        text.lines()
            .find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())
            .map(Duration::from_micros)
            .ok_or_else(|| failure("no usage_usec in cpu.stat"))
    }

    /// Remembers how many processes there are while nothing happens.
    pub fn remember_idle(&self) -> io::Result<()> {
        self.idle.set(self.members()?);
        Ok(())
    }

    /// Waits until no more processes are there than while nothing happens.
    pub fn settle(&self) -> io::Result<()> {
        let what = format!("the servers in {} to end", self.path.display());
        wait_for(&what, Duration::from_secs(20), || {
            self.members()
                .is_ok_and(|now| now <= self.idle.get())
                .then_some(())
        })
    }

    fn members(&self) -> io::Result<usize> {
        Ok(fs::read_to_string(self.door())?.lines().count())
    }
}
