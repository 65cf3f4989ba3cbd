//! Option text taken apart, and values read.

use super::super::facts::Facts;
use super::super::number::{scan_decimal, scan_octal, scan_unsigned};
use super::super::table::{split, trim};
use super::{Effect, Facility, Level, Limit};
use std::borrow::Cow;

/// The keywords of hosts_options(5), Debian's `aclexec`, and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// `aclexec`.
    Aclexec,
    /// `allow`.
    Allow,
    /// `banners`.
    Banners,
    /// `deny`.
    Deny,
    /// `group`.
    Group,
    /// `keepalive`.
    Keepalive,
    /// `limit`.
    Limit,
    /// `linger`.
    Linger,
    /// `nice`.
    Nice,
    /// `profile`.
    Profile,
    /// `rfc931`.
    Rfc931,
    /// `setenv`.
    Setenv,
    /// `severity`.
    Severity,
    /// `spawn`.
    Spawn,
    /// `twist`.
    Twist,
    /// `umask`.
    Umask,
    /// `user`.
    User,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    None,
    Optional,
    Required,
}

const KEYWORDS: [(&[u8], Keyword, Value); 17] = [
    (b"aclexec", Keyword::Aclexec, Value::Required),
    (b"allow", Keyword::Allow, Value::None),
    (b"banners", Keyword::Banners, Value::Required),
    (b"deny", Keyword::Deny, Value::None),
    (b"group", Keyword::Group, Value::Required),
    (b"keepalive", Keyword::Keepalive, Value::None),
    (b"limit", Keyword::Limit, Value::Required),
    (b"linger", Keyword::Linger, Value::Required),
    (b"nice", Keyword::Nice, Value::Optional),
    (b"profile", Keyword::Profile, Value::Required),
    (b"rfc931", Keyword::Rfc931, Value::Optional),
    (b"setenv", Keyword::Setenv, Value::Required),
    (b"severity", Keyword::Severity, Value::Required),
    (b"spawn", Keyword::Spawn, Value::Required),
    (b"twist", Keyword::Twist, Value::Required),
    (b"umask", Keyword::Umask, Value::Required),
    (b"user", Keyword::User, Value::Required),
];

impl Keyword {
    /// Nothing may follow it.
    fn is_last(self) -> bool {
        matches!(self, Keyword::Allow | Keyword::Deny | Keyword::Twist)
    }

    /// An old libwrap does not know it.
    fn is_ours(self) -> bool {
        matches!(self, Keyword::Limit | Keyword::Profile)
    }

    /// Its value has %-sequences.
    #[must_use]
    pub fn expands(self) -> bool {
        matches!(
            self,
            Keyword::Aclexec | Keyword::Setenv | Keyword::Spawn | Keyword::Twist
        )
    }
}

const FACILITIES: [(&[u8], Facility); 17] = [
    (b"kern", Facility::Kern),
    (b"user", Facility::User),
    (b"mail", Facility::Mail),
    (b"daemon", Facility::Daemon),
    (b"auth", Facility::Auth),
    (b"lpr", Facility::Lpr),
    (b"news", Facility::News),
    (b"uucp", Facility::Uucp),
    (b"cron", Facility::Cron),
    (b"local0", Facility::Local0),
    (b"local1", Facility::Local1),
    (b"local2", Facility::Local2),
    (b"local3", Facility::Local3),
    (b"local4", Facility::Local4),
    (b"local5", Facility::Local5),
    (b"local6", Facility::Local6),
    (b"local7", Facility::Local7),
];

const LEVELS: [(&[u8], Level); 8] = [
    (b"emerg", Level::Emerg),
    (b"alert", Level::Alert),
    (b"crit", Level::Crit),
    (b"err", Level::Err),
    (b"warning", Level::Warning),
    (b"notice", Level::Notice),
    (b"info", Level::Info),
    (b"debug", Level::Debug),
];

/// One option as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<'o> {
    /// Which option.
    pub keyword: Keyword,
    /// The keyword as typed.
    pub typed: Cow<'o, [u8]>,
    /// The value, if there is one that is not empty.
    pub value: Option<Cow<'o, [u8]>>,
}

/// Takes the first option off `text` and tells what follows it, `None` at the end.
///
/// Fields end at a `:` that has no backslash before it; `ours` admits our extensions.
///
/// # Errors
/// The text of the original's error.
pub fn next(text: &[u8], ours: bool) -> Option<(Result<Written<'_>, String>, &[u8])> {
    if text.is_empty() {
        return None;
    }
    let (field, rest) = first_field(text);
    let written = match field {
        Cow::Borrowed(field) => read(field, !rest.is_empty(), ours),
        Cow::Owned(field) => read(&field, !rest.is_empty(), ours).map(|written| Written {
            keyword: written.keyword,
            typed: Cow::Owned(written.typed.into_owned()),
            value: written.value.map(|value| Cow::Owned(value.into_owned())),
        }),
    };
    Some((written, rest))
}

fn first_field(text: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let mut escaped = false;
    let mut unescape = false;
    let end = text.iter().position(|&byte| {
        let ends = byte == b':' && !escaped;
        unescape |= byte == b':' && escaped;
        escaped = byte == b'\\';
        ends
    });
    let (field, rest) = match end {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => (text, &b""[..]),
    };
    if !unescape {
        return (Cow::Borrowed(field), rest);
    }
    let mut plain = Vec::with_capacity(field.len());
    for &byte in field {
        if byte == b':' {
            plain.pop();
        }
        plain.push(byte);
    }
    (Cow::Owned(plain), rest)
}

fn read(field: &[u8], followed: bool, ours: bool) -> Result<Written<'_>, String> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let skip = |text: &'_ [u8]| text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let field = trim(field);
    let length = field
        .iter()
        .position(|b| *b == b'=' || blank(b))
        .unwrap_or(field.len());
    let (typed, value) = field.split_at_checked(length).unwrap_or((field, b""));
    if typed.is_empty() {
        return Err("missing option name".into());
    }
    let value = value.get(skip(value)..).unwrap_or_default();
    let value = match value.strip_prefix(b"=") {
        Some(value) => value.get(skip(value)..).unwrap_or_default(),
        None => value,
    };
    let name = String::from_utf8_lossy(typed);
    let known = KEYWORDS
        .iter()
        .find(|(keyword, id, _)| typed.eq_ignore_ascii_case(keyword) && (ours || !id.is_ours()));
    let Some(&(_, keyword, takes)) = known else {
        return Err(format!("bad option name: \"{name}\""));
    };
    match takes {
        Value::Required if value.is_empty() => {
            return Err(format!("option \"{name}\" requires value"));
        }
        Value::None if !value.is_empty() => {
            return Err(format!("option \"{name}\" requires no value"));
        }
        _ if keyword.is_last() && followed => {
            return Err(format!("option \"{name}\" must be at end"));
        }
        _ => (),
    }
    Ok(Written {
        keyword,
        typed: Cow::Borrowed(typed),
        value: (!value.is_empty()).then_some(Cow::Borrowed(value)),
    })
}

/// `severity`: `[facility.]level`.
///
/// # Errors
/// The text of the original's error.
pub fn severity(value: &[u8]) -> Result<Effect, String> {
    let bad = |name: &[u8]| format!("bad syslog facility or severity: \"{}\"", show(name));
    let find_level = |name: &[u8]| {
        let found = LEVELS.iter().find(|(n, _)| name.eq_ignore_ascii_case(n));
        found.map(|(_, level)| *level).ok_or_else(|| bad(name))
    };
    let Some((facility, level)) = split(value, b'.') else {
        let level = find_level(value)?;
        return Ok(Effect::Severity {
            facility: None,
            level,
        });
    };
    let found = FACILITIES
        .iter()
        .find(|(n, _)| facility.eq_ignore_ascii_case(n));
    let facility = found.map(|(_, f)| *f).ok_or_else(|| bad(facility))?;
    Ok(Effect::Severity {
        facility: Some(facility),
        level: find_level(level)?,
    })
}

/// `umask`: an octal number up to 0777.
///
/// # Errors
/// The text of the original's error.
pub fn umask(value: &[u8]) -> Result<Effect, String> {
    match scan_octal(value) {
        Some(mask @ 0..=0o777) => Ok(Effect::Umask(mask)),
        _ => Err(format!("bad umask value: \"{}\"", show(value))),
    }
}

/// `nice`: a number, 10 if there is none.
///
/// # Errors
/// The text of the original's error.
pub fn nice(value: Option<&[u8]>) -> Result<Effect, String> {
    let Some(value) = value else {
        return Ok(Effect::Nice(10));
    };
    let bad = || format!("bad nice value: \"{}\"", show(value));
    scan_decimal(value).map(Effect::Nice).ok_or_else(bad)
}

/// `linger`: seconds, not negative.
///
/// # Errors
/// The text of the original's error.
pub fn linger(value: &[u8]) -> Result<Effect, String> {
    scan_decimal(value)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .map(Effect::Linger)
        .ok_or_else(|| format!("bad linger value: \"{}\"", show(value)))
}

/// `rfc931`: seconds, more than 0; `default` if there is no value.
///
/// # Errors
/// The text of the original's error.
pub fn rfc931(value: Option<&[u8]>, default: u32) -> Result<Effect, String> {
    let Some(value) = value else {
        return Ok(Effect::Rfc931(default));
    };
    scan_decimal(value)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|&seconds| seconds > 0)
        .map(Effect::Rfc931)
        .ok_or_else(|| format!("bad rfc931 timeout: \"{}\"", show(value)))
}

/// `user`: `user[.group]`; both must exist, the group is checked first.
///
/// # Errors
/// The text of the original's error.
pub fn user<F: Facts>(value: &[u8], facts: &mut F) -> Result<Effect, String> {
    let (user, group) = match split(value, b'.') {
        Some((user, group)) => (user, Some(group)),
        None => (value, None),
    };
    if let Some(name) = group.filter(|name| !facts.group_exists(name)) {
        return Err(format!("unknown group: \"{}\"", show(name)));
    }
    if !facts.user_exists(user) {
        return Err(format!("unknown user: \"{}\"", show(user)));
    }
    Ok(Effect::User {
        user: user.to_vec(),
        group: group.map(<[u8]>::to_vec),
    })
}

/// `group`: a name that must exist.
///
/// # Errors
/// The text of the original's error.
pub fn group<F: Facts>(value: &[u8], facts: &mut F) -> Result<Effect, String> {
    if facts.group_exists(value) {
        Ok(Effect::Group(value.to_vec()))
    } else {
        Err(format!("unknown group: \"{}\"", show(value)))
    }
}

/// `setenv`: `name [value]`, already expanded.
///
/// # Errors
/// The text of the original's error, which blames the memory for a bad name.
pub fn setenv(value: &[u8]) -> Result<Effect, String> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let length = value.iter().position(blank).unwrap_or(value.len());
    let (name, value) = value.split_at_checked(length).unwrap_or((value, b""));
    if name.is_empty() || name.contains(&b'=') {
        return Err("memory allocation failure".into());
    }
    Ok(Effect::Setenv {
        name: name.to_vec(),
        value: trim(value).to_vec(),
    })
}

/// Our `profile`: letters, digits, dots, hyphens and underscores.
///
/// # Errors
/// What is wrong with it.
pub fn profile(value: &[u8]) -> Result<Effect, String> {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if value.iter().all(fine) && !value.starts_with(b".") {
        Ok(Effect::Profile(value.to_vec()))
    } else {
        Err(format!("bad profile name: \"{}\"", show(value)))
    }
}

/// Our `limit`: `instances N`, `per-source N` or `rate N/SECONDS`, all above 0.
///
/// # Errors
/// What is wrong with it.
pub fn limit(value: &[u8]) -> Result<Effect, String> {
    // No signs and no wrapping here: this is not tcp_wrappers' option.
    let number = |text: &[u8]| {
        let plain = text.len() < 10 && text.iter().all(u8::is_ascii_digit);
        scan_unsigned(text).filter(|&n| plain && n > 0)
    };
    let read = || {
        let at = value.iter().position(u8::is_ascii_whitespace)?;
        let amount = trim(value.get(at..)?);
        match value.get(..at)? {
            b"instances" => Some(Limit::Instances(number(amount)?)),
            b"per-source" => Some(Limit::PerSource(number(amount)?)),
            b"rate" => {
                let (count, seconds) = split(amount, b'/')?;
                let (count, seconds) = (number(count)?, number(seconds)?);
                Some(Limit::Rate { count, seconds })
            }
            _ => None,
        }
    };
    read()
        .map(Effect::Limit)
        .ok_or_else(|| format!("bad limit: \"{}\"", show(value)))
}

fn show(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests;
