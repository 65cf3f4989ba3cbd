//! A log that a test reads.

use super::Log;
use portreeve_log::syslog::{Facility, Syslog};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// The other end of a [`Log`].
pub struct Reader {
    path: PathBuf,
    socket: UnixDatagram,
}

/// A log and its reader.
pub fn log() -> (Log, Reader) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tcpd-log-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    drop(std::fs::remove_file(&path));
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let log = Log::through(Syslog::open_at(&path, b"d", Facility::LOG_DAEMON, false));
    (log, Reader { path, socket })
}

impl Reader {
    /// Every line since, as `<PRI>text`.
    pub fn lines(&self) -> Vec<String> {
        let mut buffer = [0; 20_000];
        let mut lines = Vec::new();
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let (priority, rest) = line.split_once('>').unwrap();
            let text = rest.split_once(" d: ").unwrap().1;
            lines.push(format!("{priority}>{text}"));
        }
        lines
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}
