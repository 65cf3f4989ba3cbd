//! Lines whose unclear parts resolve in the safe direction.

use super::super::apply::{self, Intent, Outcome};
use super::super::case::{Case, Stop};
use super::super::facts::Facts;
use super::super::pattern::{self, Match, list};
use super::super::table::{Entry, Rule, balanced, rule, tokens, trim};
use super::super::text::{Ending, Line, lines};
use super::super::verdict::{Compat, TableKind};
use super::{Next, applies, conclude, unintelligible};

/// A line whose unclear parts resolve in the safe direction.
pub(super) fn line<F: Facts>(mut line: Line, case: &mut Case<F>) -> Result<Next, Stop> {
    if line.is_nothing() && !line.nul {
        return swallowed(&line, case);
    }
    if line.ending == Ending::EndOfFile && !line.nul {
        case.warn("missing newline, the line is used all the same".into());
        line.text.to_mut().push(b'\n');
    }
    let broken = match line.ending {
        _ if line.nul => Some("NUL bytes in the line"),
        Ending::TooLong => Some("line too long"),
        Ending::Continuation => Some("the file ends where the line should continue"),
        _ => None,
    };
    if let Some(why) = broken {
        return match line.entry() {
            Entry::Rule(rule) => safe(why.into(), Some(&rule), &line, case),
            _ => safe(why.into(), None, &line, case),
        };
    }
    if let Some((readings, why)) = doubtful(&line.text) {
        for reading in readings {
            if let Entry::Rule(rule) = rule(reading, line.number)
                && applies(&rule, case)?.0 != Match::No
            {
                return safe(why.into(), Some(&rule), &line, case);
            }
        }
        return Ok(Next::Line);
    }
    match line.entry() {
        Entry::Nothing => Ok(Next::Line),
        Entry::NoSeparator if balanced(&line.text) => {
            safe("missing \":\" separator".into(), None, &line, case)
        }
        Entry::NoSeparator => safe("unbalanced bracket".into(), None, &line, case),
        Entry::Rule(rule) => match whole_match(&rule, case)? {
            (Match::Yes, pattern) => conclude(&rule, pattern, case),
            (Match::No, _) => Ok(Next::Line),
            (Match::Unclear(why), _) => safe(why, Some(&rule), &line, case),
        },
    }
}

/// A comment that ends in a backslash goes on in the next line. If that would be a rule for
/// this request, there is a doubt.
fn swallowed<F: Facts>(comment: &Line, case: &mut Case<F>) -> Result<Next, Stop> {
    let first_end = comment.raw.iter().position(|&b| b == b'\n');
    let tail = first_end.and_then(|at| comment.raw.get(at + 1..));
    for line in lines(tail.unwrap_or_default()) {
        if let Entry::Rule(rule) = line.entry()
            && applies(&rule, case)?.0 != Match::No
        {
            let why = "a comment ending in a backslash hides the next line";
            match safe(why.into(), Some(&rule), &line, case)? {
                Next::Line => (),
                end => return Ok(end),
            }
        }
    }
    Ok(Next::Line)
}

/// A line that tcp_wrappers takes for a rule and its author perhaps not, or the reverse: the
/// rules it may be. Only if one of them would match is there a doubt.
fn doubtful(text: &[u8]) -> Option<([&[u8]; 2], &'static str)> {
    if let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
        let marked = if rest.starts_with(b"#") { b"" } else { rest };
        return Some(([text, marked], "byte order mark before the rule"));
    }
    let blank = matches!(text.first(), Some(b' ' | b'\t'));
    (blank && trim(text).starts_with(b"#"))
        .then_some(([text, b""], "a comment with blanks before it is a rule"))
}

/// As [`applies`], with an eye on what the fields as a whole look like.
fn whole_match<'l, F: Facts>(
    rule: &Rule<'l>,
    case: &mut Case<F>,
) -> Result<(Match, &'l [u8]), Stop> {
    let unclear = |why: &str| Ok((Match::Unclear(why.into()), &b""[..]));
    let (daemons, token) = list(rule.daemons, case, pattern::daemon)?;
    if daemons == Match::No {
        if tokens(rule.daemons).next().is_none() {
            return unclear("the daemon list is empty");
        }
        return Ok((Match::No, token));
    }
    let (clients, options) = rule.fields();
    if options.is_none() && !balanced(clients) {
        return unclear("unbalanced bracket");
    }
    if tokens(clients).next().is_none() {
        return unclear("the client list is empty");
    }
    let (found, token) = list(clients, case, pattern::client)?;
    match options.and_then(|options| apply::bad_keyword(options, true)) {
        Some(why) if found == Match::No => unclear(&why),
        _ => Ok((daemons.and(found), token)),
    }
}

/// Resolves an unclear rule: one that denies matches everybody, one that grants nobody.
fn safe<F: Facts>(
    why: String,
    rule: Option<&Rule>,
    line: &Line,
    case: &mut Case<F>,
) -> Result<Next, Stop> {
    let by_table = match case.table {
        TableKind::Allow => Intent::Grants,
        TableKind::Deny => Intent::Denies,
    };
    let options = rule.and_then(|rule| rule.fields().1);
    let intent = match options {
        _ if ends_in_deny(line.raw) => Intent::Denies,
        Some(options) => apply::intent(options, by_table, case),
        None => by_table,
    };
    let denies = match (intent, rule) {
        // Wrong options alone keep nobody out whom the original would not keep out.
        (Intent::Fails, Some(rule)) if case.table == TableKind::Allow => {
            matches_originally(rule, case)?
        }
        _ => intent != Intent::Grants,
    };
    if !denies {
        case.warn(format!("{why}: the rule is taken to match nobody"));
        return Ok(Next::Line);
    }
    case.warn(format!("{why}: the rule is taken to match everybody"));
    let reason = unintelligible(why, case);
    if let Some(options) = options {
        case.aclexec_failed = false;
        if apply::run(options, case)? == Outcome::Twist {
            case.effects.pop();
        }
    }
    Ok(Next::Decided((false, reason)))
}

/// Whether tcp_wrappers would say that the rule matches, or die.
fn matches_originally<F: Facts>(rule: &Rule, case: &mut Case<F>) -> Result<bool, Stop> {
    let noted = case.warnings.len();
    case.compat = Compat::TcpWrappers;
    let found = applies(rule, case);
    case.compat = Compat::Strict;
    case.warnings.truncate(noted);
    match found {
        Err(Stop::Pending) => Err(Stop::Pending),
        Err(Stop::Fatal(_)) => Ok(true),
        Ok((found, _)) => Ok(found == Match::Yes),
    }
}

/// Whether a line that has no fields to speak of was meant to deny.
fn ends_in_deny(raw: &[u8]) -> bool {
    raw.rsplit(|&b| b == b':')
        .next()
        .is_some_and(|option| trim(option).eq_ignore_ascii_case(b"deny"))
}
