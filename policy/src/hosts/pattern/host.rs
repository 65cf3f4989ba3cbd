//! Host patterns: netgroups, files, words, networks, addresses and names.

use super::super::case::{Case, End, Stop};
use super::super::facts::{Facts, FileTrouble};
use super::super::netgroup::{self, Membership};
use super::super::request::Hostname;
use super::{Match, address, wild};
use std::borrow::Cow;

/// How many files one pattern may lead through. tcp_wrappers has no bound and crashes.
const FILE_BUDGET: u32 = 256;

/// Longest word of a file that tcp_wrappers survives.
const WORD_LIMIT: usize = 8191;

const LOOKUP_FAILED: &str = "the host name could not be looked up";

/// Matches a host pattern with one end of the connection.
pub(super) fn host<F: Facts>(token: &[u8], end: End, case: &mut Case<F>) -> Result<Match, Stop> {
    host_or_file(token, end, case, &mut FILE_BUDGET.clone())
}

fn host_or_file<F: Facts>(
    token: &[u8],
    end: End,
    case: &mut Case<F>,
    budget: &mut u32,
) -> Result<Match, Stop> {
    match token {
        [b'@', group @ ..] => in_netgroup(token, group, end, case),
        [b'/', ..] => in_file(token, end, case, budget),
        _ if token.eq_ignore_ascii_case(b"KNOWN") => {
            if case.address_known(end) {
                by_name(token, end, case, Hostname::is_known)
            } else {
                Ok(Match::No)
            }
        }
        _ if token.eq_ignore_ascii_case(b"LOCAL") => by_name(token, end, case, |name| {
            name.is_known() && !name.text().contains(&b'.')
        }),
        _ => match address::net_and_mask(token) {
            Some((net, mask)) => Ok(in_network(token, net, mask, end, case)),
            None => by_address_or_name(token, end, case),
        },
    }
}

/// A pattern that depends on the name and on nothing else.
fn by_name<F: Facts>(
    token: &[u8],
    end: End,
    case: &mut Case<F>,
    test: impl Fn(&Hostname) -> bool,
) -> Result<Match, Stop> {
    let strict = case.strict();
    let fact = case.name(end)?;
    if strict && fact.failed {
        return Ok(Match::unclear(token, LOOKUP_FAILED));
    }
    Ok(Match::from_bool(test(&fact.hostname)))
}

fn in_network<F: Facts>(
    token: &[u8],
    net: &[u8],
    mask: &[u8],
    end: End,
    case: &mut Case<F>,
) -> Match {
    if case.strict() {
        if let Some(why) = address::network_defect(net, mask, case.facts) {
            return Match::unclear(token, why);
        }
        if !case.address_known(end) {
            return Match::unclear(token, "the address is not known");
        }
    }
    let (address, facts) = case.address_and_facts(end);
    Match::from_bool(address::in_network(net, mask, address, facts))
}

fn by_address_or_name<F: Facts>(token: &[u8], end: End, case: &mut Case<F>) -> Result<Match, Stop> {
    let (address, facts) = case.address_and_facts(end);
    if wild::matches(token, address, facts) {
        return Ok(Match::Yes);
    }
    let strict = case.strict();
    if strict && let Some(why) = address::name_defect(token, case.facts) {
        return Ok(Match::unclear(token, why));
    }
    let only = |set: &[u8]| token.iter().all(|b| b.is_ascii_digit() || set.contains(b));
    let by_name = match token {
        _ if only(b"./") => false,
        // A name that has been verified is never numeric: no need to ask for it.
        [b'[', .., b']'] => !strict,
        _ => true,
    };
    if by_name {
        let fact = case.name(end)?;
        let failed = fact.failed;
        let name = fact.hostname.text().to_vec();
        let looks_numeric = only(b"./*?");
        if wild::matches(token, &name, case.facts) {
            return Ok(match (strict, failed, looks_numeric) {
                (true, true, _) => Match::unclear(token, LOOKUP_FAILED),
                (true, _, true) => {
                    Match::unclear(token, "it matches the host name and not the address")
                }
                _ => Match::Yes,
            });
        }
        if strict && failed && !looks_numeric {
            return Ok(Match::unclear(token, LOOKUP_FAILED));
        }
    }
    if strict && !case.address_known(end) {
        return Ok(Match::unclear(token, "the address is not known"));
    }
    Ok(Match::No)
}

fn in_netgroup<F: Facts>(
    token: &[u8],
    group: &[u8],
    end: End,
    case: &mut Case<F>,
) -> Result<Match, Stop> {
    let strict = case.strict();
    let fact = case.name(end)?;
    let failed = fact.failed;
    let name = fact.hostname.text().to_vec();
    let database = case.facts.netgroups();
    let found = match &database {
        Ok(database) => netgroup::member(database, group, &name),
        Err(_) => Membership::Unclear("there is no netgroup database"),
    };
    Ok(match found {
        Membership::Member if strict && failed => Match::unclear(token, LOOKUP_FAILED),
        Membership::Member => Match::Yes,
        _ if !strict => Match::No,
        Membership::Unclear(why) => Match::unclear(token, why),
        Membership::NotMember if failed => Match::unclear(token, LOOKUP_FAILED),
        Membership::NotMember => Match::No,
    })
}

/// Every word of the file is a host pattern; the first that matches decides.
fn in_file<F: Facts>(
    path: &[u8],
    end: End,
    case: &mut Case<F>,
    budget: &mut u32,
) -> Result<Match, Stop> {
    let Some(left) = budget.checked_sub(1) else {
        return fatal(path, "files that name one another without end", case);
    };
    *budget = left;
    let content = match case.facts.file(path).map(Cow::into_owned) {
        Ok(content) => content,
        Err(FileTrouble::Missing) if case.strict() => {
            return Ok(Match::unclear(path, "there is no such file"));
        }
        Err(FileTrouble::Missing) => return Ok(Match::No),
        Err(FileTrouble::Unreadable(why)) => {
            case.warn(format!("open {}: {why}", String::from_utf8_lossy(path)));
            return Ok(match case.strict() {
                true => Match::unclear(path, &why),
                false => Match::No,
            });
        }
    };
    let space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let mut found = Match::No;
    for word in content.split(space).filter(|word| !word.is_empty()) {
        if word.len() > WORD_LIMIT {
            return fatal(path, "a word of more than 8191 bytes", case);
        }
        // C ends a string at its first NUL.
        let word = word.split(|&b| b == 0).next().unwrap_or_default();
        match host_or_file(word, end, case, budget)? {
            Match::Yes => return Ok(Match::Yes),
            Match::Unclear(why) if found == Match::No => found = Match::Unclear(why),
            _ => (),
        }
    }
    Ok(found)
}

/// Where tcp_wrappers crashes, so that nobody gets in.
fn fatal<F: Facts>(path: &[u8], why: &str, case: &Case<F>) -> Result<Match, Stop> {
    if case.strict() {
        return Ok(Match::unclear(path, why));
    }
    Err(Stop::Fatal(format!(
        "{}: {why}",
        String::from_utf8_lossy(path)
    )))
}
