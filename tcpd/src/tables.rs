//! The two tables, read afresh for every connection.

use policy::hosts::evaluate::{Source, Tables};
use policy::hosts::verdict::Compat;
use portreeve_log::errno_text;
use std::io;

/// Path of the table of those who may.
pub const ALLOW: &str = "/etc/hosts.allow";
/// Path of the table of those who may not.
pub const DENY: &str = "/etc/hosts.deny";

/// The contents of both tables.
pub struct Files {
    allow: Contents,
    deny: Contents,
}

type Contents = Result<Vec<u8>, Source<'static>>;

/// Reads both tables.
pub fn read(compat: Compat) -> Files {
    Files {
        allow: contents(ALLOW, compat),
        deny: contents(DENY, compat),
    }
}

impl Files {
    /// The tables as they are judged by.
    pub fn as_tables(&self) -> Tables<'_> {
        Tables {
            allow: source(&self.allow),
            deny: source(&self.deny),
        }
    }
}

fn source(contents: &Contents) -> Source<'_> {
    match contents {
        Ok(text) => Source::Text(text),
        Err(none) => none.clone(),
    }
}

fn contents(path: &str, compat: Compat) -> Contents {
    std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if compat == Compat::Strict && leads_nowhere(path) => {
            Source::Unreadable(format!("{path}: the symbolic link leads nowhere"))
        }
        io::ErrorKind::NotFound => Source::Missing,
        io::ErrorKind::IsADirectory => Source::Directory,
        _ => Source::Unreadable(format!("{path}: {}", errno_text(&error))),
    })
}

/// A table that is a symbolic link was meant to be there.
fn leads_nowhere(path: &str) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_missing() {
        let directory = std::env::temp_dir().join(format!("tcpd-tables-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
        std::fs::write(path("text"), "ALL: ALL\n").unwrap();
        std::os::unix::fs::symlink("nothing", path("dangling")).unwrap();
        std::os::unix::fs::symlink("loop", path("loop")).unwrap();
        let strict = |name| contents(&path(name), Compat::Strict);
        assert_eq!(strict("text"), Ok(b"ALL: ALL\n".to_vec()));
        assert_eq!(strict("none"), Err(Source::Missing));
        assert_eq!(strict("."), Err(Source::Directory));
        assert!(matches!(strict("dangling"), Err(Source::Unreadable(_))));
        assert_eq!(
            contents(&path("dangling"), Compat::TcpWrappers),
            Err(Source::Missing)
        );
        let reason = format!("{}: Too many levels of symbolic links", path("loop"));
        assert_eq!(strict("loop"), Err(Source::Unreadable(reason)));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
