//! The one place that decides.
//!
//! `hosts.allow` is read first, then `hosts.deny`; the first rule whose daemon and client
//! lists match wins, and where none does access is granted. Source: hosts_access(5).
//!
//! [`Compat::Strict`] never grants what [`Compat::TcpWrappers`] denies, given the same tables
//! and facts, with these exceptions, each of them wanted:
//! - a last line without line feed is used, and so are the rules after a line that is too
//!   long; the original drops them, and denies if that happens in `hosts.deny`;
//! - our own options (`profile`, `limit`) are known;
//! - where the original dies (files of patterns that name each other, over-long words) the
//!   pattern is merely unclear;
//! - a rule that grants but is unclear is passed over together with its `aclexec`, `twist` or
//!   over-long %-expansion, which might have ended the original's search.

use super::apply::{self, Outcome};
use super::case::{Case, Stop};
use super::facts::{Facts, Pending};
use super::known::Known;
use super::pattern::{self, Match, list};
use super::request::Request;
use super::table::{Entry, Rule};
use super::text::{Ending, Line, lines};
use super::verdict::{Compat, Reason, Step, TableKind, Verdict, Warning};

/// What there is to read where a table should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// No such file: no rules.
    Missing,
    /// A directory.
    Directory,
    /// It cannot be read: `path: the system's reason`.
    Unreadable(String),
    /// Its bytes.
    Text(&'a [u8]),
}

/// The two tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables<'a> {
    /// `hosts.allow`.
    pub allow: Source<'a>,
    /// `hosts.deny`.
    pub deny: Source<'a>,
}

/// Decides about a request.
///
/// Looks at no more of the tables and asks for no more facts than the original would.
///
/// # Errors
/// [`Pending`] if a fact is not there yet; call again with the same arguments when it is.
pub fn evaluate<F: Facts>(
    tables: &Tables,
    request: &Request,
    facts: &mut F,
    compat: Compat,
) -> Result<Verdict, Pending> {
    evaluate_knowing(tables, request, Known::new(request.daemon), facts, compat)
}

/// As [`evaluate`], with names that the caller has looked up already: `%h` and `%c` show
/// them, and nobody is asked for them again.
///
/// # Errors
/// [`Pending`] if a fact is not there yet; call again with the same arguments when it is.
pub fn evaluate_knowing<F: Facts>(
    tables: &Tables,
    request: &Request,
    known: Known,
    facts: &mut F,
    compat: Compat,
) -> Result<Verdict, Pending> {
    let mut case = Case::new(request, known, facts, compat);
    let (granted, reason) = match decide(tables, &mut case) {
        Ok(decision) => decision,
        Err(Stop::Pending) => return Err(Pending),
        Err(Stop::Fatal(what)) => {
            case.warn(what.clone());
            (false, unintelligible(what, &case))
        }
    };
    Ok(Verdict {
        granted,
        reason,
        effects: case.effects,
        warnings: case.warnings,
        steps: case.steps,
        known: case.known,
    })
}

type Decision = (bool, Reason);

fn decide<F: Facts>(tables: &Tables, case: &mut Case<F>) -> Result<Decision, Stop> {
    if let Some(decision) = scan(&tables.allow, TableKind::Allow, case)? {
        return Ok(decision);
    }
    if let Some(decision) = scan(&tables.deny, TableKind::Deny, case)? {
        return Ok(decision);
    }
    Ok((true, Reason::NoMatch))
}

/// Reads one table; `None` if it leaves the decision to what comes after it.
fn scan<F: Facts>(
    source: &Source,
    table: TableKind,
    case: &mut Case<F>,
) -> Result<Option<Decision>, Stop> {
    case.table = table;
    case.line = 0;
    match source {
        Source::Missing => Ok(None),
        Source::Directory if case.strict() => Ok(unreadable("it is a directory", true, case)),
        Source::Directory => Ok(None),
        Source::Unreadable(what) => {
            let denies = case.strict() || table == TableKind::Deny;
            Ok(unreadable(what, denies, case))
        }
        Source::Text(text) => scan_text(text, case),
    }
}

fn unreadable<F: Facts>(what: &str, denies: bool, case: &mut Case<F>) -> Option<Decision> {
    case.warnings.push(Warning {
        table: case.table,
        line: 0,
        whole_table: true,
        text: format!("cannot open {what}"),
        error: false,
    });
    let reason = Reason::Unreadable {
        table: case.table,
        what: what.to_string(),
    };
    denies.then_some((false, reason))
}

/// What a line means for the search.
enum Next {
    /// Go on with the next line.
    Line,
    /// Go on with the next table.
    Table,
    /// The end.
    Decided(Decision),
}

fn scan_text<F: Facts>(text: &[u8], case: &mut Case<F>) -> Result<Option<Decision>, Stop> {
    for line in lines(text) {
        case.line = line.number;
        let next = if case.strict() {
            strict::line(line, case)?
        } else {
            original_line(&line, case)?
        };
        match next {
            Next::Line => (),
            Next::Table => return Ok(None),
            Next::Decided(decision) => return Ok(Some(decision)),
        }
    }
    Ok(None)
}

/// A line as tcp_wrappers takes it.
fn original_line<F: Facts>(line: &Line, case: &mut Case<F>) -> Result<Next, Stop> {
    if line.text.is_empty() {
        return Ok(Next::Line);
    }
    if line.ending != Ending::Newline {
        let what = "missing newline or line too long";
        case.warn(what.into());
        case.warn("all the subsequent rules will be ignored".into());
        return Ok(match case.table {
            TableKind::Allow => Next::Table,
            TableKind::Deny => Next::Decided((false, unintelligible(what.into(), case))),
        });
    }
    match line.entry() {
        Entry::Nothing => Ok(Next::Line),
        Entry::NoSeparator => {
            case.warn("missing \":\" separator".into());
            Ok(Next::Line)
        }
        Entry::Rule(rule) => match applies(&rule, case)? {
            (Match::Yes, pattern) => conclude(&rule, pattern, case),
            _ => Ok(Next::Line),
        },
    }
}

/// Whether a rule is for this request, and the client pattern that says so.
fn applies<'l, F: Facts>(rule: &Rule<'l>, case: &mut Case<F>) -> Result<(Match, &'l [u8]), Stop> {
    let (daemons, token) = list(rule.daemons, case, pattern::daemon)?;
    if daemons == Match::No {
        return Ok((Match::No, token));
    }
    let (clients, token) = list(rule.fields().0, case, pattern::client)?;
    Ok((daemons.and(clients), token))
}

/// Runs the options of a rule that matched.
fn conclude<F: Facts>(rule: &Rule, pattern: &[u8], case: &mut Case<F>) -> Result<Next, Stop> {
    let by_table = case.table == TableKind::Allow;
    let reason = Reason::Rule {
        table: case.table,
        line: case.line,
        pattern: pattern.to_vec(),
    };
    case.steps.push(Step::Matched {
        table: case.table,
        line: case.line,
    });
    let Some(options) = rule.fields().1 else {
        return Ok(Next::Decided((by_table, reason)));
    };
    if case.strict() {
        case.aclexec_failed = false;
    }
    Ok(Next::Decided(match apply::run(options, case)? {
        Outcome::Returned if case.aclexec_failed => {
            case.steps.push(Step::AclexecRefused);
            if case.strict() && case.table == TableKind::Deny {
                (false, reason)
            } else {
                return Ok(Next::Table);
            }
        }
        Outcome::Returned => (by_table, reason),
        Outcome::Allow => (true, reason),
        Outcome::Deny | Outcome::Twist => (false, reason),
        Outcome::Error(what) => {
            let (table, line) = (case.table, case.line);
            (false, Reason::BadOption { table, line, what })
        }
    }))
}

fn unintelligible<F: Facts>(what: String, case: &Case<F>) -> Reason {
    Reason::Unintelligible {
        table: case.table,
        line: case.line,
        what,
    }
}

mod strict;
#[cfg(test)]
mod tests;
