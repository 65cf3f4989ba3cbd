//! Matching a pattern with a piece of text: a daemon, a user, an address or a host name.

use super::super::facts::Facts;
use super::super::request::UNKNOWN;
use super::address;

/// Whether `token` matches `text`. ASCII case is ignored.
///
/// Source: hosts_access(5), PATTERNS and WILDCARDS.
pub fn matches<F: Facts>(token: &[u8], text: &[u8], facts: &mut F) -> bool {
    let text = address::unmapped(text).unwrap_or(text);
    if token.iter().any(|b| matches!(b, b'*' | b'?')) {
        return glob(token, text);
    }
    match token {
        [b'.', ..] => ends_with(text, token),
        _ if token.eq_ignore_ascii_case(b"ALL") => true,
        _ if token.eq_ignore_ascii_case(b"KNOWN") => !text.eq_ignore_ascii_case(UNKNOWN),
        [.., b'.'] => text
            .get(..token.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(token)),
        [b'[', literal @ .., b']'] => match address::ipv6(literal, facts) {
            Some(wanted) => address::ipv6(text, facts) == Some(wanted),
            None => false,
        },
        _ => text.eq_ignore_ascii_case(token),
    }
}

/// A suffix matches only text that is longer than itself.
fn ends_with(text: &[u8], suffix: &[u8]) -> bool {
    text.len()
        .checked_sub(suffix.len())
        .filter(|&at| at > 0)
        .and_then(|at| text.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// `*` stands for any run of bytes and `?` for one, except that a `*` directly before
/// another wildcard needs at least one more byte in the text.
///
/// Text comes from peers, so this takes time in proportion to both lengths, never more:
/// `row[i]` tells whether the pattern from the current byte on matches the text from `i` on.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    if let Some(last) = row.last_mut() {
        *last = true;
    }
    for (from_end, &wanted) in pattern.iter().rev().enumerate() {
        if wanted != b'*' {
            shift(&mut row, |at| {
                text.get(at)
                    .is_some_and(|b| wanted == b'?' || b.eq_ignore_ascii_case(&wanted))
            });
        } else if from_end == 0 {
            row.fill(true);
        } else {
            let mut any = false;
            for (back, cell) in row.iter_mut().rev().enumerate() {
                any |= back > 0 && *cell;
                *cell = any;
            }
        }
    }
    row.first().copied().unwrap_or_default()
}

/// One literal byte or `?`: `row[i]` becomes `fits(i)` and the old `row[i + 1]`.
fn shift(row: &mut [bool], fits: impl Fn(usize) -> bool) {
    row.rotate_left(1);
    if let Some(last) = row.last_mut() {
        *last = false;
    }
    for (at, cell) in row.iter_mut().enumerate() {
        *cell = *cell && fits(at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::World;
    use super::*;

    fn m(token: &str, text: &str) -> bool {
        matches(token.as_bytes(), text.as_bytes(), &mut World::default())
    }

    #[test]
    fn suffixes_are_shorter_than_what_they_match() {
        assert!(m(".example.com", "a.Example.COM"));
        assert!(!m(".x", "x"));
        assert!(!m(".x", ".x"));
        assert!(m(".1.1", "10.1.1.1"));
    }

    #[test]
    fn prefixes_end_in_a_dot() {
        assert!(m("10.", "10.1.1.1"));
        assert!(m("in.", "IN.ftpd"));
        assert!(m("in.", "in."));
        assert!(!m("10", "10.1.1.1"));
    }

    #[test]
    fn words() {
        assert!(m("all", "unknown"));
        assert!(m("KNOWN", "paranoid"));
        assert!(!m("KNOWN", "unknown"));
        assert!(m("UNKNOWN", "unknown"));
        assert!(!m("010.1.1.1", "10.1.1.1"));
    }

    #[test]
    fn globs() {
        for (token, text, wanted) in [
            ("*", "", true),
            ("**", "", false),
            ("**", "a", true),
            ("abc**", "abc", false),
            ("abc*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*?", "a", false),
            ("a*?", "ab", true),
            ("10.1.?.*", "10.1.1.1", true),
            (".foo*", ".foobar", true),
            ("A?C", "abc", true),
            ("A?C", "ac", false),
            ("*.", "a.", true),
        ] {
            assert_eq!(m(token, text), wanted, "{token} {text}");
        }
    }

    #[test]
    fn globs_take_polynomial_time() {
        assert!(!m(
            &"a*".repeat(60),
            &("a".repeat(120) + "b")[..].replace('a', "c")
        ));
        assert!(!m(&("*a".repeat(100) + "b"), &"a".repeat(127)));
    }

    #[test]
    fn ipv6_literals_compare_as_numbers() {
        assert!(m("[2001:DB8:0::1]", "2001:db8::1"));
        assert!(!m("[10.1.1.1]", "10.1.1.1"));
        assert!(!m("[::ffff:10.1.1.1]", "::ffff:10.1.1.1"));
        assert!(m("10.1.1.1", "::ffff:10.1.1.1"));
        assert!(m("[fe80::1%lo]", "fe80::1%eth0") || !World::default().interface_exists(b"lo"));
    }
}
