//! No entry is lost, whatever a file holds.

use super::{read, words};
use crate::diagnostic::Severity;
use proptest::prelude::*;

/// Every entry makes a service, sets an address, or is refused: none is lost.
fn account_for(text: &[u8]) {
    let reading = read(0, text);
    for diagnostic in &reading.diagnostics {
        assert!(diagnostic.span.start <= diagnostic.span.end && diagnostic.span.end <= text.len());
        assert!(!diagnostic.what.is_empty() && !diagnostic.what.contains('\n'));
    }
    let errors = reading
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    let entries = words::entries(text);
    let defaults = entries.iter().flatten();
    let defaults = defaults
        .filter(|w| matches!(w.as_slice(), [one] if one.bytes.ends_with(b":")))
        .count();
    assert!(reading.services.len() + errors + defaults >= entries.len());
    assert!(reading.services.len() + errors <= entries.len());
    for service in &reading.services {
        assert!(!service.listen.is_empty());
        assert!(
            service
                .listen
                .iter()
                .all(|listen| listen.transport == service.transport())
        );
        assert!(service.origin.span.end <= text.len());
    }
}

/// Real files, where a directory of them is at hand.
#[test]
fn files_from_the_wild_are_accounted_for() {
    let Some(directory) = std::env::var_os("PORTREEVE_INETD_CORPUS") else {
        eprintln!("skipped: PORTREEVE_INETD_CORPUS names no directory");
        return;
    };
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        assert_eq!(crate::service::kind(&text), crate::service::FileKind::Inetd);
        account_for(&text);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_accounted_for(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        account_for(&text);
    }

    #[test]
    fn anything_like_a_table_is_accounted_for(
        text in "((\\[::1\\]:|[a*1.]{0,4}:)?[a-z0-9/]{1,4}[ \t](stream|dgram)[ \t](tcp|udp)[46]{0,2} (no)?wait[.:/0-9]{0,4} [a.:]{1,5} (internal|/[a-z]{0,4}/tcpd|/x)( [/a'\"#\\\\]{0,4}){0,3}[ \\\\]{0,2}\r?\n[ \t#]?){0,4}"
    ) {
        account_for(text.as_bytes());
    }
}
