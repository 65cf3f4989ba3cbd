//! The daemon that tcpd stands before.

use crate::log::Log;
use crate::process::Process;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;

/// Where daemons are that argv\[0\] names without a path.
const REAL_DAEMON_DIR: &[u8] = b"/usr/sbin/";

/// A program and what it is called with.
pub struct Daemon {
    /// Its name: what rules and log lines call it, and its argv\[0\].
    pub name: Vec<u8>,
    path: Vec<u8>,
    /// Without argv\[0\].
    arguments: Vec<Vec<u8>>,
}

impl Daemon {
    /// The daemon that our own arguments name: an absolute argv\[0\] is its path, any other
    /// is a file in `/usr/sbin`.
    pub fn from_arguments() -> Self {
        let mut arguments = std::env::args_os().map(OsStringExt::into_vec);
        let called = arguments.next().unwrap_or_default();
        Self::called(called, arguments.collect())
    }

    fn called(called: Vec<u8>, arguments: Vec<Vec<u8>>) -> Self {
        if called.starts_with(b"/") {
            let name = called
                .rsplit(|&b| b == b'/')
                .next()
                .unwrap_or_default()
                .to_vec();
            Daemon {
                name,
                path: called,
                arguments,
            }
        } else {
            let path = [REAL_DAEMON_DIR, &called].concat();
            Daemon {
                name: called,
                path,
                arguments,
            }
        }
    }

    /// Becomes the daemon. Returns only if that fails, which it has logged then.
    pub fn exec(&self, process: &Process, log: &mut Log) {
        let arguments = std::iter::once(&self.name).chain(&self.arguments);
        let arguments: Vec<&[u8]> = arguments.map(Vec::as_slice).collect();
        let error = process.exec(&self.path, &arguments);
        let path = String::from_utf8_lossy(&self.path);
        log.failure(&format!("error: cannot execute {path}"), &error);
    }
}

/// Strings as the kernel takes them; what cannot be one ends at its first NUL.
pub fn c_string(text: &[u8]) -> CString {
    CString::new(text.split(|&b| b == 0).next().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(text: &str) -> (String, String) {
        let daemon = Daemon::called(text.into(), Vec::new());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(daemon.path), text(daemon.name))
    }

    #[test]
    fn the_path_comes_from_the_name() {
        assert_eq!(
            called("in.ftpd"),
            ("/usr/sbin/in.ftpd".into(), "in.ftpd".into())
        );
        assert_eq!(
            called("/opt/bin/ftpd"),
            ("/opt/bin/ftpd".into(), "ftpd".into())
        );
        assert_eq!(
            called("../ftpd"),
            ("/usr/sbin/../ftpd".into(), "../ftpd".into())
        );
        assert_eq!(called("/"), ("/".into(), String::new()));
        assert_eq!(called(""), ("/usr/sbin/".into(), String::new()));
    }
}
