//! The access tables, read by the monitor and judged by the frontend.
//!
//! The frontend can open no file. It notices that one has changed by asking for its metadata,
//! which needs no right to read it, and asks the monitor to read them all again.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// There was none.
    Missing,
    /// It was a symbolic link that leads nowhere.
    Dangling,
    /// It was a directory.
    Directory,
    /// It could not be read, for this reason.
    Unreadable(String),
    /// Its bytes.
    Text(Vec<u8>),
}

/// What tells a file from a changed one: device, inode, size, and time of the last change of
/// contents and of inode in nanoseconds. `None`: it is not there or cannot be asked about.
pub type Stamp = Option<(u64, u64, u64, i128, i128)>;

/// Both tables and every file they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// Where `hosts.allow` is, for log lines.
    pub allow_path: PathBuf,
    /// Where `hosts.deny` is, for log lines.
    pub deny_path: PathBuf,
    /// Every file read, by its path.
    files: BTreeMap<PathBuf, (Stamp, Contents)>,
}

/// The netgroup database.
const NETGROUP: &str = "/etc/netgroup";

impl Tables {
    /// Reads the tables, the netgroups and, through `named_in`, every file that a table or
    /// such a file names.
    pub fn read(allow: &Path, deny: &Path, named_in: impl Fn(&[u8], bool) -> Vec<Vec<u8>>) -> Self {
        let mut files = BTreeMap::new();
        let mut queue = vec![(allow.to_owned(), true), (deny.to_owned(), true)];
        queue.push((PathBuf::from(NETGROUP), false));
        while let Some((path, is_table)) = queue.pop() {
            if files.contains_key(&path) || files.len() >= MOST_FILES {
                continue;
            }
            let stamp = stamp(&path);
            let contents = read(&path);
            if let Contents::Text(text) = &contents
                && path != Path::new(NETGROUP)
            {
                let named = named_in(text, is_table);
                queue.extend(
                    named
                        .iter()
                        .map(|n| (PathBuf::from(OsStr::from_bytes(n)), false)),
                );
            }
            files.insert(path, (stamp, contents));
        }
        Tables {
            allow_path: allow.to_owned(),
            deny_path: deny.to_owned(),
            files,
        }
    }

    /// The contents of a file; `None` for one that was not read.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<&Contents> {
        self.files.get(path).map(|(_, contents)| contents)
    }

    /// Every file that was read.
    pub fn texts(&self) -> impl Iterator<Item = (&Path, &Contents)> {
        self.files
            .iter()
            .map(|(path, (_, contents))| (path.as_path(), contents))
    }

    /// The netgroup database.
    #[must_use]
    pub fn netgroups(&self) -> Option<&Contents> {
        self.contents(Path::new(NETGROUP))
    }

    /// Whether no file has changed since it was read.
    #[must_use]
    pub fn are_current(&self) -> bool {
        self.files
            .iter()
            .all(|(path, (then, _))| stamp(path) == *then)
    }
}

/// More files than this are not read: rules that name them are resolved safely.
const MOST_FILES: usize = 1024;

fn stamp(path: &Path) -> Stamp {
    let data = std::fs::metadata(path).ok()?;
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let changed = nanoseconds(data.ctime(), data.ctime_nsec());
    let modified = nanoseconds(data.mtime(), data.mtime_nsec());
    Some((data.dev(), data.ino(), data.size(), modified, changed))
}

fn read(path: &Path) -> Contents {
    match std::fs::read(path) {
        Ok(text) => Contents::Text(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.symlink_metadata().is_ok() {
                Contents::Dangling
            } else {
                Contents::Missing
            }
        }
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => Contents::Directory,
        Err(error) => Contents::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[u8], _: bool) -> Vec<Vec<u8>> {
        text.split(u8::is_ascii_whitespace)
            .filter(|w| w.first() == Some(&b'/'))
            .map(Vec::from)
            .collect()
    }

    #[test]
    fn files_named_by_files_are_read_and_a_change_shows() {
        let directory =
            std::env::temp_dir().join(format!("portreeve-tables-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name);
        std::fs::write(path("allow"), format!("ALL: {}\n", path("a").display())).unwrap();
        std::fs::write(path("a"), format!("{}\n{0}", path("b").display())).unwrap();
        std::fs::write(path("b"), "192.0.2.1").unwrap();
        let tables = Tables::read(&path("allow"), &path("deny"), words);
        let b = tables.contents(&path("b"));
        assert_eq!(b, Some(&Contents::Text(b"192.0.2.1".to_vec())));
        assert_eq!(tables.contents(&path("deny")), Some(&Contents::Missing));
        assert_eq!(tables.contents(&path("c")), None);
        assert!(tables.are_current());
        std::os::unix::fs::symlink(path("nowhere"), path("link")).unwrap();
        let dangling = Tables::read(&path("allow"), &path("link"), words);
        assert_eq!(dangling.contents(&path("link")), Some(&Contents::Dangling));
        std::fs::write(path("deny"), "ALL: ALL\n").unwrap();
        assert!(!tables.are_current());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
