//! Executing the options of a rule, in the order written.

use super::case::{Case, Stop};
use super::expand::{VALUE_LIMIT, banner, percent};
use super::facts::Facts;
use super::option::Effect;
use super::option::parse::{self, Keyword, Written};
use super::table::trim;
use super::verdict::Step;

/// How the options of a rule ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They ran to the end; the table decides.
    Returned,
    /// `allow`.
    Allow,
    /// `deny`.
    Deny,
    /// `twist`, its command the last effect.
    Twist,
    /// One was wrong: how.
    Error(String),
}

/// Runs the options, each with everything that those before it did still in place.
pub(super) fn run<F: Facts>(text: &[u8], case: &mut Case<F>) -> Result<Outcome, Stop> {
    let ours = case.strict();
    let mut rest = text;
    while let Some((written, after)) = parse::next(rest, ours) {
        rest = after;
        let outcome = match written {
            Ok(written) => one(&written, case)?,
            Err(what) => Outcome::Error(what),
        };
        match outcome {
            Outcome::Returned => (),
            // What an unsuccessful aclexec should keep out, a later word does not let in.
            Outcome::Allow if case.strict() && case.aclexec_failed => (),
            Outcome::Twist if case.strict() && case.aclexec_failed => {
                case.effects.pop();
                return Ok(Outcome::Deny);
            }
            Outcome::Error(what) => {
                case.error(what.clone());
                return Ok(Outcome::Error(what));
            }
            end => return Ok(end),
        }
    }
    Ok(Outcome::Returned)
}

fn one<F: Facts>(written: &Written, case: &mut Case<F>) -> Result<Outcome, Stop> {
    let value = match &written.value {
        Some(value) if written.keyword.expands() => {
            Some(trim(&percent(value, VALUE_LIMIT, case)?).to_vec())
        }
        Some(value) => Some(value.to_vec()),
        None => None,
    };
    case.steps.push(Step::Option {
        keyword: written.typed.to_vec(),
        value: value.clone().unwrap_or_default(),
    });
    let value = value.as_deref();
    let text = value.unwrap_or_default().to_vec();
    let effect = match written.keyword {
        Keyword::Allow => return Ok(Outcome::Allow),
        Keyword::Deny => return Ok(Outcome::Deny),
        Keyword::Twist => {
            case.effects.push(Effect::Twist(text));
            return Ok(Outcome::Twist);
        }
        Keyword::Spawn => Ok(Effect::Spawn(text)),
        Keyword::Aclexec => {
            let succeeded = case.facts.aclexec(&text, &case.effects)?;
            case.aclexec_failed = !succeeded || (case.strict() && case.aclexec_failed);
            Ok(Effect::Aclexec {
                command: text,
                succeeded,
            })
        }
        Keyword::Banners => match read_banner(&text, case)? {
            Some(bytes) => Ok(Effect::Banners(bytes)),
            None => return Ok(Outcome::Returned),
        },
        Keyword::Setenv => parse::setenv(&text),
        keyword => plain(keyword, value, case),
    };
    match effect {
        Ok(effect) => {
            if let Effect::Rfc931(timeout) = effect {
                case.timeout = timeout;
                case.user()?;
            }
            case.effects.push(effect);
            Ok(Outcome::Returned)
        }
        Err(what) => Ok(Outcome::Error(what)),
    }
}

/// The options whose value says everything.
fn plain<F: Facts>(
    keyword: Keyword,
    value: Option<&[u8]>,
    case: &mut Case<F>,
) -> Result<Effect, String> {
    let text = value.unwrap_or_default();
    match keyword {
        Keyword::Severity => parse::severity(text),
        Keyword::Umask => parse::umask(text),
        Keyword::Nice => parse::nice(value),
        Keyword::Linger => parse::linger(text),
        Keyword::Rfc931 => parse::rfc931(value, case.timeout),
        Keyword::User => parse::user(text, case.facts),
        Keyword::Group => parse::group(text, case.facts),
        Keyword::Profile => parse::profile(text),
        Keyword::Limit => parse::limit(text),
        _ => Ok(Effect::Keepalive),
    }
}

fn read_banner<F: Facts>(directory: &[u8], case: &mut Case<F>) -> Result<Option<Vec<u8>>, Stop> {
    match case.facts.banner(directory, &case.known.daemon) {
        Ok(Some(content)) => banner(&content, case).map(Some),
        Ok(None) => Ok(None),
        Err(why) => {
            case.warn(format!("{}: {why}", String::from_utf8_lossy(directory)));
            Ok(None)
        }
    }
}

/// What a rule does to those it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    Grants,
    Denies,
    /// Denies, because its options are wrong.
    Fails,
}

/// What a rule with these options does; `by_table` if they leave it to the table. Looks at
/// the words only and executes nothing, and takes for wrong what might become so.
pub(super) fn intent<F: Facts>(text: &[u8], by_table: Intent, case: &mut Case<F>) -> Intent {
    let mut rest = text;
    while let Some((written, after)) = parse::next(rest, case.strict()) {
        rest = after;
        let Ok(written) = written else {
            return Intent::Fails;
        };
        let value = written.value.as_deref();
        let wrong = match written.keyword {
            Keyword::Allow => return Intent::Grants,
            Keyword::Deny => return Intent::Denies,
            Keyword::Twist => return by_table,
            Keyword::Aclexec | Keyword::Banners | Keyword::Spawn => false,
            Keyword::Setenv => {
                value.is_some_and(|text| parse::setenv(text).is_err() || text.contains(&b'%'))
            }
            keyword => plain(keyword, value, case).is_err(),
        };
        if wrong {
            return Intent::Fails;
        }
    }
    by_table
}

/// The error that the first option of this text would give, if its name makes no sense.
pub(super) fn bad_keyword(text: &[u8], ours: bool) -> Option<String> {
    parse::next(text, ours).and_then(|(written, _)| written.err())
}
