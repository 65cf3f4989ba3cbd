//! What the monitor has to know about access rules: which files they name, and whether any
//! of them can need a name. It judges nobody.

use policy::hosts::table::{Entry, tokens};
use policy::hosts::text::lines;

/// The files that a table, or a file of patterns, names.
pub fn files_named_in(text: &[u8], is_table: bool) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    each_host(text, is_table, |host| {
        if host.first() == Some(&b'/') {
            files.push(host.to_vec());
        }
    });
    files
}

/// Whether a rule, or a file of patterns, may have to be decided by a host name or a user.
///
/// It errs on the side of yes: the resolver is started then, and is not asked.
pub fn needs_names(text: &[u8], is_table: bool) -> bool {
    let mut needs = is_table && options_need_names(text);
    each_host(text, is_table, |host| needs |= !is_decided_by_address(host));
    needs
}

/// Calls `visit` with each host pattern: clients and `daemon@host` in a table, words in a
/// file of patterns. A `user@` is left on its host, because it needs a name whatever follows.
fn each_host(text: &[u8], is_table: bool, mut visit: impl FnMut(&[u8])) {
    if !is_table {
        text.split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .for_each(visit);
        return;
    }
    for line in lines(text) {
        let Entry::Rule(rule) = line.entry() else {
            continue;
        };
        let (clients, _) = rule.fields();
        for token in tokens(clients) {
            visit(token);
            if let Some(host) = after_sign(token) {
                visit(host);
            }
        }
        tokens(rule.daemons)
            .filter_map(after_sign)
            .for_each(&mut visit);
    }
}

fn after_sign(token: &[u8]) -> Option<&[u8]> {
    let at = token.iter().skip(1).position(|&byte| byte == b'@')?;
    token.get(at + 2..)
}

fn options_need_names(text: &[u8]) -> bool {
    lines(text).any(|line| match line.entry() {
        Entry::Rule(rule) => rule.fields().1.is_some_and(|options| {
            options.contains(&b'%')
                || options
                    .windows(6)
                    .any(|w| w.eq_ignore_ascii_case(b"rfc931"))
        }),
        _ => false,
    })
}

/// ALL, a file (whose own words are looked at), a network, an address.
fn is_decided_by_address(host: &[u8]) -> bool {
    host.eq_ignore_ascii_case(b"ALL")
        || host.eq_ignore_ascii_case(b"EXCEPT")
        || host.contains(&b'/') && !host.contains(&b'@')
        || host.first() == Some(&b'[') && host.last() == Some(&b']')
        || host
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_rules_and_of_files() {
        let table = b"# /etc/no\nALL: /etc/a 10.1.1.0/24 joe@/etc/b\nsshd@/etc/c: ALL\n";
        let files = files_named_in(table, true);
        let expected: [&[u8]; 3] = [b"/etc/a", b"/etc/b", b"/etc/c"];
        assert_eq!(files, expected);
        assert_eq!(files_named_in(b"10.1.1.1\n/etc/d x\n", false), [b"/etc/d"]);
    }

    #[test]
    fn names_are_needed_where_the_address_is_not_enough() {
        for rule in [
            "ALL: 10.1. [2001:db8::]/32 /etc/a EXCEPT 10.1.1.1",
            "a@10.1.1.1: ALL",
            "",
        ] {
            assert!(!needs_names(format!("{rule}\n").as_bytes(), true), "{rule}");
        }
        for rule in [
            "ALL: .example.org",
            "ALL: joe@10.1.1.1",
            "ALL: UNKNOWN",
            "ALL: @group",
            "ALL: 10.*",
            "a@host: ALL",
            "ALL: ALL: spawn echo %h",
            "ALL: ALL: rfc931",
        ] {
            assert!(needs_names(format!("{rule}\n").as_bytes(), true), "{rule}");
        }
        assert!(needs_names(b"10.1.1.1 host", false));
    }
}
