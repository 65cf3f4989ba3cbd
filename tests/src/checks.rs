//! The real job of each of the four servers, done by an admitted client and denied to a
//! refused one, with the log line that each leaves.

use crate::services::{ADMITTED, GREETING, REFUSED, Service, mirror};
use crate::{Arena, client, failure, tree};
use std::fs;
use std::io;
use std::time::Duration;

/// What the log said of an admitted and of a refused client, in [`crate::journal::Message::line`]'s form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The line with `connect from`.
    pub connect: String,
    /// The line with `refused connect from`.
    pub refused: String,
}

/// Lets the refused client try first, then the admitted one, and returns what was logged.
///
/// # Errors
/// Says which of the promises did not hold.
pub fn serve_and_refuse(arena: &Arena, service: Service) -> io::Result<Lines> {
    arena.journal.clear();
    refuse(service)?;
    let refused = arena
        .journal
        .expect_line(service.daemon(), "refused connect from ")?;
    serve(arena, service)?;
    let connect = arena
        .journal
        .expect_line(service.daemon(), "connect from ")?;
    Ok(Lines {
        connect: connect.line(),
        refused: refused.line(),
    })
}

/// The admitted client gets what it came for.
///
/// # Errors
/// It does not.
pub fn serve(arena: &Arena, service: Service) -> io::Result<()> {
    match service.name {
        "rsync" => pull(arena, "pull"),
        "telnet" => expect(client::telnet(ADMITTED)?, "login: "),
        "finger" => expect(client::finger(ADMITTED, "root")?, "Login: root"),
        _ => match client::tftp(ADMITTED, "greeting", Duration::from_secs(20))? {
            Some(content) if content == GREETING => Ok(()),
            other => Err(failure(format!("tftpd served {other:?}"))),
        },
    }
}

/// Pulls the mirror into a new directory and compares it with its source.
///
/// # Errors
/// rsync fails, or one byte differs.
pub fn pull(arena: &Arena, name: &str) -> io::Result<()> {
    let to = arena.path(name);
    let output = client::rsync(ADMITTED, &to)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(failure(format!("rsync: {}: {errors}", output.status)));
    }
    tree::same(mirror(), &to)?;
    fs::remove_dir_all(&to)
}

/// The refused client gets nothing, not one byte.
///
/// # Errors
/// It got something.
pub fn refuse(service: Service) -> io::Result<()> {
    let got = match service.name {
        "telnet" => client::telnet(REFUSED)?,
        "finger" => client::finger(REFUSED, "root")?,
        "tftp" => match client::tftp(REFUSED, "greeting", Duration::from_secs(1))? {
            Some(content) => String::from_utf8_lossy(&content).into_owned(),
            None => String::new(),
        },
        _ => {
            let mut stream = client::connect(REFUSED, service.port)?;
            String::from_utf8_lossy(&client::read_to_end(&mut stream)?).into_owned()
        }
    };
    if got.is_empty() {
        Ok(())
    } else {
        Err(failure(format!("the refused client got {got:?}")))
    }
}

fn expect(got: String, wanted: &str) -> io::Result<()> {
    if got.contains(wanted) {
        Ok(())
    } else {
        Err(failure(format!("no {wanted:?} in {got:?}")))
    }
}
