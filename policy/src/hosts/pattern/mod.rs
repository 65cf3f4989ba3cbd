//! Patterns and lists of them.
//!
//! A match has three values. tcp_wrappers knows two and takes what it cannot make sense of
//! for "no", which is wrong after EXCEPT and in `hosts.deny`; strict evaluation keeps
//! "unclear" apart up to the rule, where it is resolved in the safe direction.

pub mod address;
mod host;
pub mod wild;

use super::case::{Case, End, Stop};
use super::facts::Facts;
use super::number::scan_unsigned;
use super::table::{split, tokens};

/// Whether a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    /// Strict evaluation only: why it cannot be told.
    Unclear(String),
}

impl Match {
    pub(super) fn from_bool(yes: bool) -> Self {
        if yes { Match::Yes } else { Match::No }
    }

    pub(super) fn unclear(token: &[u8], why: &str) -> Self {
        Match::Unclear(format!("\"{}\": {why}", String::from_utf8_lossy(token)))
    }

    pub(super) fn and(self, other: Match) -> Match {
        match (self, other) {
            (Match::No, _) | (_, Match::No) => Match::No,
            (Match::Unclear(why), _) | (_, Match::Unclear(why)) => Match::Unclear(why),
            (Match::Yes, Match::Yes) => Match::Yes,
        }
    }

    fn not(self) -> Match {
        match self {
            Match::Yes => Match::No,
            Match::No => Match::Yes,
            unclear @ Match::Unclear(_) => unclear,
        }
    }
}

/// Matches a list with its EXCEPTs. Also tells the token that matched or was unclear.
pub(super) fn list<'l, F: Facts>(
    text: &'l [u8],
    case: &mut Case<F>,
    matches: fn(&'l [u8], &mut Case<F>) -> Result<Match, Stop>,
) -> Result<(Match, &'l [u8]), Stop> {
    let mut found = (Match::No, &b""[..]);
    let mut rest = tokens(text);
    let mut first = true;
    let except = |token: &[u8]| token.eq_ignore_ascii_case(b"EXCEPT");
    while let Some(token) = rest.next() {
        if except(token) {
            return match found {
                (Match::No, _) if first && case.strict() => {
                    Ok((Match::unclear(token, "nothing to except from"), token))
                }
                (Match::No, _) => Ok(found),
                _ => without(found, rest.rest(), case, matches),
            };
        }
        first = false;
        match matches(token, case)? {
            Match::Yes => {
                found = (Match::Yes, token);
                if rest.any(except) {
                    return without(found, rest.rest(), case, matches);
                }
                return Ok(found);
            }
            Match::Unclear(why) if found.0 == Match::No => found = (Match::Unclear(why), token),
            _ => (),
        }
    }
    Ok(found)
}

fn without<'l, F: Facts>(
    found: (Match, &'l [u8]),
    excepted: &'l [u8],
    case: &mut Case<F>,
    matches: fn(&'l [u8], &mut Case<F>) -> Result<Match, Stop>,
) -> Result<(Match, &'l [u8]), Stop> {
    let (excepted, _) = list(excepted, case, matches)?;
    Ok((found.0.and(excepted.not()), found.1))
}

/// Splits `left@right`. The `@` is looked for from the second byte on, so that `@x` is one.
fn split_at_sign(token: &[u8]) -> Option<(&[u8], &[u8])> {
    let (left, right) = split(token.get(1..)?, b'@')?;
    Some((token.get(..left.len() + 1)?, right))
}

/// A token of a daemon list: `daemon` or `daemon@host`.
pub(super) fn daemon<F: Facts>(token: &[u8], case: &mut Case<F>) -> Result<Match, Stop> {
    let (name, host) = match split_at_sign(token) {
        Some((name, host)) => (name, Some(host)),
        None => (token, None),
    };
    let by_name = match scan_unsigned(name).filter(|&port| port <= u32::from(u16::MAX)) {
        Some(port) => match case.request.server.port {
            Some(local) => Match::from_bool(u32::from(local) == port),
            None if case.strict() => Match::unclear(token, "the local port is not known"),
            None => Match::No,
        },
        None => Match::from_bool(wild::matches(name, &case.known.daemon, case.facts)),
    };
    match (by_name, host) {
        (Match::No, _) => Ok(Match::No),
        (found, None) => Ok(found),
        (found, Some(host)) => Ok(found.and(host::host(host, End::Server, case)?)),
    }
}

/// A token of a client list: `host` or `user@host`.
pub(super) fn client<F: Facts>(token: &[u8], case: &mut Case<F>) -> Result<Match, Stop> {
    let Some((user, host)) = split_at_sign(token) else {
        return host::host(token, End::Client, case);
    };
    match host::host(host, End::Client, case)? {
        Match::No => Ok(Match::No),
        found => {
            case.user()?;
            let known = case.known.user.as_deref().unwrap_or_default();
            Ok(found.and(Match::from_bool(wild::matches(user, known, case.facts))))
        }
    }
}
