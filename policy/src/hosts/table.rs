//! The rules of a table: a logical line and its fields.

use super::text::Line;

/// A logical line, classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'l> {
    /// A comment or a line of blanks.
    Nothing,
    /// A line without a `:` outside brackets; tcp_wrappers skips it with a warning.
    NoSeparator,
    /// A rule.
    Rule(Rule<'l>),
}

/// One rule: `daemons : clients [: options]`, the last two not yet told apart, because most
/// rules are not for the daemon in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<'l> {
    /// Its last physical line, from 1.
    pub line: u32,
    /// The daemon list.
    pub daemons: &'l [u8],
    /// Everything after the first separator.
    rest: &'l [u8],
}

impl<'l> Rule<'l> {
    /// The client list and, if there is a second separator, the option text.
    #[must_use]
    pub fn fields(&self) -> (&'l [u8], Option<&'l [u8]>) {
        match split(self.rest, b':') {
            Some((clients, options)) => (clients, Some(options)),
            None => (self.rest, None),
        }
    }
}

impl Line<'_> {
    /// What this line is.
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        if self.is_nothing() {
            return Entry::Nothing;
        }
        rule(&self.text, self.number)
    }

    /// Whether this line is a comment or blank.
    pub(super) fn is_nothing(&self) -> bool {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        self.text.first() == Some(&b'#') || self.text.iter().all(blank)
    }
}

/// The fields of `text`, comments and blank lines not considered.
pub(super) fn rule(text: &[u8], line: u32) -> Entry<'_> {
    match split(text, b':') {
        Some((daemons, rest)) => Entry::Rule(Rule {
            line,
            daemons,
            rest,
        }),
        None => Entry::NoSeparator,
    }
}

/// Splits at the first `delimiter` outside square brackets, which it drops.
///
/// A bracket too many of either kind hides every delimiter after it.
#[must_use]
pub fn split(text: &[u8], delimiter: u8) -> Option<(&[u8], &[u8])> {
    let mut depth = 0i32;
    let at = text.iter().position(|&byte| {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => return depth == 0 && byte == delimiter,
        }
        false
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether every bracket has its partner.
#[must_use]
pub fn balanced(text: &[u8]) -> bool {
    let mut depth = 0i32;
    for &byte in text {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => (),
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// The tokens of a list: what is between spaces, commas, tabs and line ends.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'l>(&'l [u8]);

/// The tokens of `list`.
#[must_use]
pub fn tokens(list: &[u8]) -> Tokens<'_> {
    Tokens(list)
}

impl<'l> Tokens<'l> {
    /// The part of the list that has not been yielded.
    #[must_use]
    pub fn rest(&self) -> &'l [u8] {
        self.0
    }
}

impl<'l> Iterator for Tokens<'l> {
    type Item = &'l [u8];

    fn next(&mut self) -> Option<&'l [u8]> {
        let blank = |b: &u8| matches!(b, b' ' | b',' | b'\t' | b'\r' | b'\n');
        let start = self.0.iter().position(|b| !blank(b))?;
        let from = self.0.get(start..)?;
        let length = from.iter().position(blank).unwrap_or(from.len());
        let (token, rest) = from.split_at_checked(length)?;
        self.0 = rest;
        Some(token)
    }
}

/// `text` without the white space around it, in the sense of C's `isspace`.
#[must_use]
pub fn trim(text: &[u8]) -> &[u8] {
    let space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let Some(start) = text.iter().position(|b| !space(b)) else {
        return b"";
    };
    let end = text.iter().rposition(|b| !space(b)).map_or(0, |at| at + 1);
    text.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::text::lines;
    use super::*;

    fn fields(text: &str) -> Option<(String, String, Option<String>)> {
        let line = lines(text.as_bytes()).next()?;
        let string = |b: &[u8]| String::from_utf8_lossy(b).trim().to_string();
        match line.entry() {
            Entry::Rule(rule) => {
                let (clients, options) = rule.fields();
                Some((string(rule.daemons), string(clients), options.map(string)))
            }
            _ => None,
        }
    }

    #[test]
    fn fields_split_outside_brackets() {
        let three =
            |a: &str, b: &str, c: Option<&str>| Some((a.into(), b.into(), c.map(Into::into)));
        assert_eq!(fields("a: b\n"), three("a", "b", None));
        assert_eq!(fields("a: b: c: d\n"), three("a", "b", Some("c: d")));
        assert_eq!(fields("a: [::1] x: c\n"), three("a", "[::1] x", Some("c")));
        assert_eq!(
            fields("a: 2001:db8::1\n"),
            three("a", "2001", Some("db8::1"))
        );
        assert_eq!(
            fields("sshd: ALL ] : deny\n"),
            three("sshd", "ALL ] : deny", None)
        );
        assert_eq!(fields(" # a: b\n"), three("# a", "b", None));
    }

    #[test]
    fn lines_that_are_no_rules() {
        let entry = |text: &str| match lines(text.as_bytes()).next().unwrap().entry() {
            Entry::Nothing => "nothing",
            Entry::NoSeparator => "no separator",
            Entry::Rule(_) => "rule",
        };
        assert_eq!(entry("# a: b\n"), "nothing");
        assert_eq!(entry(" \t\r\n"), "nothing");
        assert_eq!(entry("\x0b\n"), "no separator");
        assert_eq!(entry("ALL ALL\n"), "no separator");
        assert_eq!(entry("[sshd: ALL\n"), "no separator");
        assert_eq!(entry("sshd]: ALL\n"), "no separator");
    }

    #[test]
    fn tokens_end_at_blanks_and_commas_only() {
        let all: Vec<_> = tokens(b" a,b\t;c|d\r\ne\x0bf").collect();
        assert_eq!(all, [&b"a"[..], b"b", b";c|d", b"e\x0bf"]);
    }
}
