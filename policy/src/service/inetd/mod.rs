//! inetd.conf(5), in the dialects of openbsd-inetd, inetutils, FreeBSD, NetBSD and busybox.
//!
//! ```text
//! service  socktype  protocol  wait|nowait[.max]  user[:group]  server  argv0 args…
//! ```
//!
//! Where dialects disagree, the narrower reading is taken or the entry is refused, and a
//! diagnostic says so. A tcpd in the server column is folded: the access rules are consulted
//! for the daemon that tcpd would have looked for, and then the server starts without it.
//! An entry without tcpd is not subject to access rules, as with every inetd.
//!
//! Source: inetd(8) of openbsd-inetd, GNU inetutils and FreeBSD; tcpd(8).

#[cfg(test)]
mod accounted;
mod address;
mod entry;
mod words;

#[cfg(test)]
mod tests;

use super::Reading;
use crate::diagnostic::Diagnostic;
use address::{Addresses, Default};
use words::Word;

/// What happens now, for an entry that is not understood.
pub(super) const NOT_STARTED: &str = "this service is not started; the others are";

/// Reads the entries of an inetd.conf. `file` is its number in diagnostics.
#[must_use]
pub fn read(file: usize, text: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut default = Default::All;
    if let Some(at) = text.windows(2).position(|pair| pair == b"\r\n") {
        reading.diagnostics.push(Diagnostic::warning(
            file,
            at..at + 1,
            "lines end in CR LF, as DOS has them",
            "the CR is not taken as part of the line",
        ));
    }
    for entry in words::entries(text) {
        match entry {
            Ok(words) => one(file, text, &words, &mut default, &mut reading),
            Err(trouble) => {
                let diagnostic = Diagnostic::error(file, trouble.span, trouble.what, NOT_STARTED);
                reading.diagnostics.push(diagnostic);
            }
        }
    }
    reading
}

/// Something in an entry that cannot be carried out, or is worth knowing.
pub(super) struct Trouble {
    pub(super) span: std::ops::Range<usize>,
    pub(super) what: String,
}

impl Trouble {
    fn new(word: &Word, what: impl Into<String>) -> Self {
        Trouble {
            span: word.span.clone(),
            what: what.into(),
        }
    }
}

/// Reads one entry, or a line that sets the address of those after it.
fn one(file: usize, text: &[u8], words: &[Word], default: &mut Default, reading: &mut Reading) {
    if let [only] = words
        && let Some(host) = only.bytes.strip_suffix(b":")
    {
        let addresses = Addresses::parse(only, host);
        *default = match addresses {
            Ok(addresses) => Default::Known(addresses),
            Err(trouble) => {
                let consequence =
                    "the services after this line that name no address are not started";
                reading.diagnostics.push(Diagnostic::error(
                    file,
                    trouble.span,
                    trouble.what,
                    consequence,
                ));
                Default::Unknown
            }
        };
        return;
    }
    let mut remarks = Vec::new();
    match entry::read(file, text, words, default, &mut remarks) {
        Ok(service) => reading.services.push(service),
        Err(trouble) => {
            let diagnostic = Diagnostic::error(file, trouble.span, trouble.what, NOT_STARTED);
            reading.diagnostics.push(diagnostic);
        }
    }
    let warnings = remarks
        .into_iter()
        .map(|(trouble, consequence): (Trouble, &str)| {
            Diagnostic::warning(file, trouble.span, trouble.what, consequence)
        });
    reading.diagnostics.extend(warnings);
}
