//! Values of directives, and the grammars systemd has for them.
//!
//! Source: systemd.exec(5), systemd.syntax(7).

use super::{Limit, Resource};

/// A value as a configuration language gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Number(i64),
    /// A truth value.
    Flag(bool),
    /// Several strings.
    List(Vec<String>),
}

impl Value {
    /// Its lines: a list has one for each string, as a unit file has one for each time the
    /// directive is written.
    pub(super) fn lines(&self) -> Result<Vec<&str>, String> {
        match self {
            Value::Text(text) => Ok(vec![text]),
            Value::List(list) => Ok(list.iter().map(String::as_str).collect()),
            Value::Number(_) | Value::Flag(_) => Err("is not a string or a list of strings".into()),
        }
    }

    /// Its paths: a list has one in each string, a string has blanks between them.
    pub(super) fn paths(&self) -> Result<Vec<&str>, String> {
        match self {
            Value::Text(text) => Ok(text.split_ascii_whitespace().collect()),
            other => other.lines(),
        }
    }

    /// A single word.
    pub(super) fn word(&self) -> Result<&str, String> {
        match self {
            Value::Text(text) => Ok(text.trim()),
            _ => Err("is not a string".into()),
        }
    }

    /// A truth value, in any of systemd's spellings.
    pub(super) fn flag(&self) -> Result<bool, String> {
        match self {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(text) if ["yes", "true", "on", "1"].contains(&text.trim()) => Ok(true),
            Value::Text(text) if ["no", "false", "off", "0"].contains(&text.trim()) => Ok(false),
            _ => Err("is neither true nor false".into()),
        }
    }

    /// An integer in a range.
    pub(super) fn integer(&self, least: i32, most: i32) -> Result<i32, String> {
        let number = match self {
            Value::Number(number) => i32::try_from(*number).ok(),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Flag(_) | Value::List(_) => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("is not a number from {least} to {most}"))
    }

    /// A file mode creation mask. Only a string is octal beyond doubt.
    pub(super) fn mask(&self) -> Result<u32, String> {
        let Value::Text(text) = self else {
            return Err("is not a string of octal digits, such as \"027\"".into());
        };
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mask = digits.then(|| u32::from_str_radix(text, 8).ok()).flatten();
        mask.filter(|&mask| mask <= 0o777)
            .ok_or_else(|| "is not an octal number from 000 to 777".into())
    }

    /// A resource limit: `N`, `SOFT:HARD`, `infinity`; sizes may end in K, M, G or T.
    pub(super) fn limit(&self, resource: Resource) -> Result<Limit, String> {
        let text = match self {
            Value::Number(number) => number.to_string(),
            other => other.word()?.to_owned(),
        };
        let (soft, hard) = text.split_once(':').unwrap_or((&text, &text));
        let (soft, hard) = (amount(soft, resource)?, amount(hard, resource)?);
        if soft > hard {
            Err("has a soft limit above the hard one".into())
        } else {
            Ok(Limit { soft, hard })
        }
    }
}

fn amount(text: &str, resource: Resource) -> Result<u64, String> {
    if text == "infinity" {
        return Ok(u64::MAX);
    }
    let shift = match text.as_bytes().last() {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        Some(b'T') => 40,
        _ => 0,
    };
    let in_bytes = !matches!(
        resource,
        Resource::Cpu | Resource::Processes | Resource::OpenFiles
    );
    if shift > 0 && !in_bytes {
        return Err(format!(
            "has the size `{text}` where a plain number is needed"
        ));
    }
    let digits = if shift > 0 {
        text.trim_end_matches(['K', 'M', 'G', 'T'])
    } else {
        text
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| digits.parse::<u64>().ok()).flatten();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| format!("has `{text}`, which is neither a number nor `infinity`"))
}
