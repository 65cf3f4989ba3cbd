//! What is wrong with an access table, as far as the table alone shows it.
//!
//! The same defects that strict evaluation resolves in the safe direction when it meets
//! them; here they are found before anybody connects.

use super::facts::{Facts, FileTrouble, HostnameFact, Pending};
use super::option::{Effect, parse};
use super::pattern::address::{name_defect, net_and_mask, network_defect};
use super::table::{Entry, Rule, balanced, tokens};
use super::text::{Ending, Line, lines};
use super::verdict::TableKind;
use crate::diagnostic::{Diagnostic, Severity};
use std::borrow::Cow;
use std::ops::Range;

/// Checks a table. `file` is its number in diagnostics.
#[must_use]
pub fn check(file: usize, text: &[u8], table: TableKind) -> Vec<Diagnostic> {
    let mut checker = Checker {
        file,
        text,
        table,
        found: Vec::new(),
    };
    for line in lines(text) {
        checker.line(&line);
    }
    checker.found
}

struct Checker<'a> {
    file: usize,
    text: &'a [u8],
    table: TableKind,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn line(&mut self, line: &Line) {
        let whole = self.place(line, line.raw);
        match line.ending {
            Ending::TooLong => return self.broken(whole, "a line of more than 2047 bytes"),
            Ending::Continuation => {
                return self.broken(whole, "the file ends after a backslash that promised more");
            }
            Ending::EndOfFile => self.report(
                Severity::Warning,
                whole.clone(),
                "the last line has no line feed",
                "it counts; tcp_wrappers would ignore it",
            ),
            Ending::Newline => {}
        }
        if line.nul {
            return self.broken(whole, "a NUL byte, which hides the rest of the line");
        }
        match line.entry() {
            Entry::Nothing => {}
            Entry::NoSeparator => self.broken(whole, "there is no `:` outside of brackets"),
            Entry::Rule(rule) => self.rule(line, &rule, whole),
        }
    }

    fn rule(&mut self, line: &Line, rule: &Rule, whole: Range<usize>) {
        if !balanced(&line.text) {
            return self.broken(whole, "a bracket that has no counterpart");
        }
        let (clients, options) = rule.fields();
        for (list, what) in [(rule.daemons, "daemon"), (clients, "client")] {
            match tokens(list).next() {
                None => self.broken(whole.clone(), &format!("the {what} list is empty")),
                Some(first) if first.eq_ignore_ascii_case(b"EXCEPT") => {
                    let place = self.place(line, first);
                    self.broken(place, "there is nothing before EXCEPT");
                }
                Some(_) => {}
            }
        }
        for token in tokens(clients) {
            let host = after_sign(token).unwrap_or(token);
            if let Some(defect) = host_defect(host) {
                let place = self.place(line, token);
                self.broken(
                    place,
                    &format!("`{}`: {defect}", String::from_utf8_lossy(token)),
                );
            }
        }
        self.options(line, options, whole);
    }

    fn options(&mut self, line: &Line, options: Option<&[u8]>, whole: Range<usize>) {
        let Some(mut rest) = options else { return };
        if rest.iter().all(u8::is_ascii_whitespace) {
            return self.wrong_option(whole, "missing option name");
        }
        while let Some((written, following)) = parse::next(rest, true) {
            let place = self.place(line, rest);
            match written.and_then(|written| value_defect(&written)) {
                Ok(()) => rest = following,
                Err(what) => return self.wrong_option(place, &what),
            }
        }
    }

    fn wrong_option(&mut self, place: Range<usize>, what: &str) {
        self.report(
            Severity::Error,
            place,
            what,
            "whom the rule matches is denied",
        );
    }

    fn broken(&mut self, place: Range<usize>, what: &str) {
        let consequence = match self.table {
            TableKind::Allow => "the rule admits nobody",
            TableKind::Deny => "the rule denies everybody",
        };
        self.report(Severity::Error, place, what, consequence);
    }

    fn report(&mut self, severity: Severity, span: Range<usize>, what: &str, consequence: &str) {
        let (what, consequence) = (what.to_owned(), consequence.to_owned());
        self.found.push(Diagnostic {
            severity,
            file: self.file,
            span,
            what,
            consequence,
        });
    }

    /// Where `part` of a line stands in the file: exactly if the line is one physical line,
    /// else the whole line.
    fn place(&self, line: &Line, part: &[u8]) -> Range<usize> {
        let start = offset(self.text, line.raw);
        let end = start + line.raw.trim_ascii_end().len();
        match (&line.text, std::ptr::eq(part, line.raw)) {
            (Cow::Borrowed(text), false) if line.raw.starts_with(text) => {
                let start = start + offset(text, part);
                start..(start + part.trim_ascii_end().len()).min(end.max(start))
            }
            _ => start..end,
        }
    }
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr().addr())
        .saturating_sub(whole.as_ptr().addr())
        .min(whole.len())
}

fn after_sign(token: &[u8]) -> Option<&[u8]> {
    let at = token.iter().skip(1).position(|&byte| byte == b'@')?;
    token.get(at + 2..)
}

fn host_defect(host: &[u8]) -> Option<&'static str> {
    let keyword = [
        &b"ALL"[..],
        b"EXCEPT",
        b"KNOWN",
        b"LOCAL",
        b"PARANOID",
        b"UNKNOWN",
    ];
    if keyword.iter().any(|word| host.eq_ignore_ascii_case(word))
        || matches!(host, [b'@' | b'/', ..])
    {
        return None;
    }
    match net_and_mask(host) {
        Some((net, mask)) => network_defect(net, mask, &mut Nothing),
        None => name_defect(host, &mut Nothing),
    }
}

/// Values that can be judged without asking anybody.
fn value_defect(written: &parse::Written) -> Result<(), String> {
    use parse::Keyword;
    let value = written.value.as_deref();
    let required = value.unwrap_or_default();
    match written.keyword {
        Keyword::Severity => parse::severity(required).map(drop),
        Keyword::Umask => parse::umask(required).map(drop),
        Keyword::Nice => parse::nice(value).map(drop),
        Keyword::Linger => parse::linger(required).map(drop),
        Keyword::Rfc931 => parse::rfc931(value, 10).map(drop),
        Keyword::Setenv => parse::setenv(required).map(drop),
        Keyword::Limit => parse::limit(required).map(drop),
        Keyword::Profile => parse::profile(required).map(drop),
        _ => Ok(()),
    }
}

/// Nobody to ask.
struct Nothing;

impl Facts for Nothing {
    fn client_hostname(&mut self) -> Result<HostnameFact, Pending> {
        Err(Pending)
    }

    fn server_hostname(&mut self) -> Result<HostnameFact, Pending> {
        Err(Pending)
    }

    fn client_user(&mut self, _: u32) -> Result<Option<Vec<u8>>, Pending> {
        Err(Pending)
    }

    fn file(&mut self, _: &[u8]) -> Result<Cow<'_, [u8]>, FileTrouble> {
        Err(FileTrouble::Missing)
    }

    fn netgroups(&mut self) -> Result<Cow<'_, [u8]>, FileTrouble> {
        Err(FileTrouble::Missing)
    }

    fn aclexec(&mut self, _: &[u8], _: &[Effect]) -> Result<bool, Pending> {
        Err(Pending)
    }

    fn user_exists(&mut self, _: &[u8]) -> bool {
        true
    }

    fn group_exists(&mut self, _: &[u8]) -> bool {
        true
    }

    fn interface_exists(&mut self, _: &[u8]) -> bool {
        true
    }

    fn banner(&mut self, _: &[u8], _: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::position;

    /// Line, column and text of what is found in a table.
    fn found(text: &[u8], table: TableKind) -> Vec<(usize, usize, String)> {
        let found = check(0, text, table).into_iter();
        found
            .map(|d| {
                let (line, column) = position(text, d.span.start);
                (line, column, format!("{}; {}", d.what, d.consequence))
            })
            .collect()
    }

    #[test]
    fn defects_have_a_place_and_a_consequence() {
        let text = b"sshd: 10.1.1.1\nin.fingerd ALL\nALL: 10.1.1.1/24, x : allow\n";
        assert_eq!(
            found(text, TableKind::Deny),
            [
                (
                    2,
                    1,
                    "there is no `:` outside of brackets; the rule denies everybody".into()
                ),
                (
                    3,
                    6,
                    "`10.1.1.1/24`: the network has host bits set and matches nothing; \
                     the rule denies everybody"
                        .into()
                ),
            ]
        );
        let text = b"ALL: ALL: twits /bin/x\nALL: [::1]/x\nALL: ALL: umask 9\n";
        let places: Vec<(usize, usize)> = found(text, TableKind::Allow)
            .iter()
            .map(|(line, column, _)| (*line, *column))
            .collect();
        assert_eq!(places, [(1, 10), (2, 6), (3, 10)]);
    }

    #[test]
    fn a_good_table_is_good() {
        let text = b"# x\n\nALL EXCEPT in.fingerd: .example.org EXCEPT a.example.org, @net, /etc/x\n\
            sshd: [2001:db8::]/32 192.0.2. 192.0.2.1 10.0.0.0/255.0.0.0 joe@LOCAL : severity auth.info : allow\n";
        assert_eq!(found(text, TableKind::Allow), []);
    }

    #[test]
    fn a_missing_line_feed_is_only_a_warning() {
        let found = check(0, b"ALL: ALL", TableKind::Deny);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Warning);
    }
}
