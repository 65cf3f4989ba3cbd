//! Netgroups from `/etc/netgroup`: `group (host,user,domain) othergroup …`.

use std::collections::BTreeSet;

/// Whether a host is in a netgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is.
    Member,
    /// It is not.
    NotMember,
    /// It was not found there, and the database is incomplete: why.
    Unclear(&'static str),
}

/// Whether `host` is in `group`, directly or through groups that it names.
///
/// An empty host field stands for every host; users and domains are not compared. Group
/// names are compared exactly, hosts without regard to case.
///
/// Source: netgroup(5) and glibc's reader of the file.
#[must_use]
pub fn member(database: &[u8], group: &[u8], host: &[u8]) -> Membership {
    let entries = entries(database);
    let mut seen = BTreeSet::new();
    let mut waiting = vec![group];
    let mut result = Membership::NotMember;
    while let Some(group) = waiting.pop() {
        if !seen.insert(group) {
            continue;
        }
        let Some((_, members)) = entries.iter().find(|(name, _)| *name == group) else {
            result = Membership::Unclear("there is no such netgroup");
            continue;
        };
        let mut rest = members.as_slice();
        loop {
            rest = rest.trim_ascii_start();
            match next(rest) {
                Some((Part::Host(found), _))
                    if found.is_empty() || found.eq_ignore_ascii_case(host) =>
                {
                    return Membership::Member;
                }
                Some((Part::Host(_), after)) => rest = after,
                Some((Part::Group(name), after)) => {
                    waiting.push(name);
                    rest = after;
                }
                None => {
                    if !rest.is_empty() {
                        result = Membership::Unclear("the netgroup has a broken entry");
                    }
                    break;
                }
            }
        }
    }
    result
}

enum Part<'a> {
    Host(&'a [u8]),
    Group(&'a [u8]),
}

/// The first part of a member list and what follows it; `None` at its end or if it is no
/// well-formed triple.
fn next(list: &[u8]) -> Option<(Part<'_>, &[u8])> {
    let until = |text: &'_ [u8], end: u8| text.iter().position(|&b| b == end);
    let [b'(', triple @ ..] = list else {
        let length = list
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(list.len());
        let (name, rest) = list.split_at_checked(length)?;
        return (!name.is_empty()).then_some((Part::Group(name), rest));
    };
    let host_length = until(triple, b',')?;
    let host = triple.get(..host_length)?.trim_ascii();
    let rest = triple.get(host_length + 1..)?;
    let rest = rest.get(until(rest, b',')? + 1..)?;
    let rest = rest.get(until(rest, b')')? + 1..)?;
    Some((Part::Host(host), rest))
}

/// Names and member lists, continued lines joined.
fn entries(database: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut found = Vec::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    for line in database.split(|&b| b == b'\n') {
        let (text, continued) = match line.strip_suffix(b"\\") {
            Some(text) => (text, true),
            None => (line, false),
        };
        let mut entry = match open.take() {
            Some((name, mut members)) => {
                members.extend_from_slice(text);
                (name, members)
            }
            None => {
                let length = text
                    .iter()
                    .position(u8::is_ascii_whitespace)
                    .unwrap_or(text.len());
                match text.split_at_checked(length) {
                    Some((name, members)) => (name, members.to_vec()),
                    None => continue,
                }
            }
        };
        if continued {
            entry.1.push(b' ');
            open = Some(entry);
        } else {
            found.push(entry);
        }
    }
    found.extend(open);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &[u8] = b"# comment\ntrusted (alpha.example.com,,) \\\n (gamma,-,)\nmixed (-,joe,) (BETA.example.com,,)\n\
        empty\nwild (,,)\nnested trusted (short,,)\na b (x,,)\nb a (y,,)\nbroken (x,\nhole nosuch (z,,)\n";

    fn m(group: &str, host: &str) -> Membership {
        member(DATABASE, group.as_bytes(), host.as_bytes())
    }

    #[test]
    fn triples_and_nested_groups() {
        assert_eq!(m("trusted", "alpha.example.com"), Membership::Member);
        assert_eq!(m("trusted", "gamma"), Membership::Member);
        assert_eq!(m("mixed", "beta.EXAMPLE.com"), Membership::Member);
        assert_eq!(m("mixed", "joe"), Membership::NotMember);
        assert_eq!(m("wild", "unknown"), Membership::Member);
        assert_eq!(m("nested", "alpha.example.com"), Membership::Member);
        assert_eq!(m("empty", "x"), Membership::NotMember);
    }

    #[test]
    fn circles_end() {
        assert_eq!(m("a", "y"), Membership::Member);
        assert_eq!(m("a", "z"), Membership::NotMember);
    }

    #[test]
    fn what_is_missing_is_unclear() {
        assert!(matches!(
            m("TRUSTED", "alpha.example.com"),
            Membership::Unclear(_)
        ));
        assert!(matches!(m("broken", "x"), Membership::Unclear(_)));
        assert!(matches!(m("hole", "y"), Membership::Unclear(_)));
        assert_eq!(m("hole", "z"), Membership::Member);
    }
}
