//! A file of the administrator's that is read again when it changes.

use crate::say;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What tells one state of a file from the next: device, inode, size, times of the last
/// change of its contents and of the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file's contents, understood.
pub struct Watched<T> {
    path: PathBuf,
    parse: fn(&Path, &[u8]) -> T,
    stamp: Option<Stamp>,
    value: Rc<T>,
}

impl<T> Watched<T> {
    /// Reads the file. A file that is not there counts as empty; so does one that cannot be
    /// read, with a word to the log.
    pub fn read(path: &Path, parse: fn(&Path, &[u8]) -> T) -> Self {
        let stamp = stamp(path);
        let contents = contents(path).unwrap_or_else(|error| {
            say(&format!(
                "{}: {error}; taken for an empty file",
                path.display()
            ));
            Vec::new()
        });
        Watched {
            path: path.to_owned(),
            parse,
            stamp,
            value: Rc::new(parse(path, &contents)),
        }
    }

    /// What the file said when it was last read.
    pub fn value(&self) -> Rc<T> {
        Rc::clone(&self.value)
    }

    /// Reads the file again if it has changed; says whether it has. What cannot be read
    /// leaves the earlier contents in force, with a word to the log.
    pub fn refresh(&mut self) -> bool {
        // Taken before reading: a change in between shows next time.
        let now = stamp(&self.path);
        if now == self.stamp {
            return false;
        }
        self.stamp = now;
        match contents(&self.path) {
            Ok(contents) => self.value = Rc::new((self.parse)(&self.path, &contents)),
            Err(error) => {
                let path = self.path.display();
                say(&format!(
                    "{path}: {error}; its earlier contents stay in force"
                ));
            }
        }
        true
    }
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data: Metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        file: (data.dev(), data.ino()),
        size: data.size(),
        modified: (data.mtime(), data.mtime_nsec()),
        changed: (data.ctime(), data.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_a_file_that_goes_is_empty() {
        let path = std::env::temp_dir().join(format!("portreeve-watched-{}", std::process::id()));
        std::fs::write(&path, "one").unwrap();
        let mut watched = Watched::read(&path, |_, bytes| bytes.to_vec());
        assert_eq!(*watched.value(), b"one");
        assert!(!watched.refresh());
        std::fs::write(&path, "three").unwrap();
        assert!(watched.refresh());
        assert_eq!(*watched.value(), b"three");
        std::fs::remove_file(&path).unwrap();
        assert!(watched.refresh());
        assert_eq!(*watched.value(), b"");
        assert!(!watched.refresh());
    }
}
