//! The clients.

use portreeve_tests::client::{connect, read_to_end};
use portreeve_tests::failure;
use portreeve_tests::services::{ADMITTED, REFUSED};
use std::io;
use std::time::{Duration, Instant};

/// What the one-line server says.
const LINE: &[u8] = b"All is well in the port.\n";

/// Who comes, and how many at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Admitted clients, one after the other.
    Accepted1,
    /// Admitted clients, eight at a time.
    Accepted8,
    /// Refused clients, one after the other.
    Refused1,
    /// Refused clients, eight at a time.
    Refused8,
    /// Refused clients, all at once, because the server holds each of them for seconds.
    RefusedHeld,
}

/// Refused clients that are held at the same time.
const HELD: u32 = 40;

impl Kind {
    /// As a column's head.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Accepted1 => "accepted, 1 client",
            Kind::Accepted8 => "accepted, 8 clients",
            Kind::Refused1 => "refused, 1 client",
            Kind::Refused8 => "refused, 8 clients",
            Kind::RefusedHeld => "refused, all at once",
        }
    }

    fn accepted(self) -> bool {
        matches!(self, Kind::Accepted1 | Kind::Accepted8)
    }
}

/// Makes the connections; how long it took, and how many there were.
pub fn drive(port: u16, kind: Kind, connections: u32) -> io::Result<(Duration, u32)> {
    let (clients, each) = match kind {
        Kind::Accepted1 | Kind::Refused1 => (1, connections),
        Kind::Accepted8 | Kind::Refused8 => (8, connections.div_ceil(8)),
        Kind::RefusedHeld => (HELD, 1),
    };
    let since = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| scope.spawn(move || client(port, kind, each)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| failure("a client thread died"))?)
    })?;
    Ok((since.elapsed(), clients * each))
}

fn client(port: u16, kind: Kind, connections: u32) -> io::Result<()> {
    let (source, wanted) = if kind.accepted() {
        (ADMITTED, LINE)
    } else {
        (REFUSED, &b""[..])
    };
    for _ in 0..connections {
        let got = read_to_end(&mut connect(source, port)?)?;
        if got != wanted {
            let text = String::from_utf8_lossy(&got).into_owned();
            return Err(failure(format!(
                "port {port}, {}: got {text:?}",
                kind.name()
            )));
        }
    }
    Ok(())
}
