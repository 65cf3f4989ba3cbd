//! `/etc/portreeve/tcpd.conf`: lines of `key = value`, `#` starts a comment line.

use crate::log::Log;
use policy::hosts::verdict::Compat;
use portreeve_log::errno_text;
use std::io;

/// Where the settings are. Without the file everything is strict.
const PATH: &str = "/etc/portreeve/tcpd.conf";

/// How rules are to be taken. Whatever is wrong with the file makes them strict and is logged.
pub fn read(log: &mut Log) -> Compat {
    let text = match std::fs::read(PATH) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Compat::Strict,
        Err(error) => {
            let reason = errno_text(&error);
            log.warning(&format!("{PATH}: {reason}; compat = strict is in force"));
            return Compat::Strict;
        }
    };
    parse(&text).unwrap_or_else(|Wrong { line, what }| {
        log.warning(&format!(
            "{PATH}, line {line}: {what}; compat = strict is in force"
        ));
        Compat::Strict
    })
}

/// What is wrong with the file.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    line: usize,
    what: String,
}

fn parse(text: &[u8]) -> Result<Compat, Wrong> {
    let mut compat = Compat::default();
    for (at, line) in text.split(|&b| b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let wrong = |what: String| Wrong { line: at + 1, what };
        let text = String::from_utf8_lossy(line);
        let Some((key, value)) = text.split_once('=') else {
            return Err(wrong(format!("`{text}` is not of the form `key = value`")));
        };
        compat = match (key.trim_ascii(), value.trim_ascii()) {
            ("compat", "strict") => Compat::Strict,
            ("compat", "tcp_wrappers") => Compat::TcpWrappers,
            ("compat", other) => {
                return Err(wrong(format!(
                    "compat is `strict` or `tcp_wrappers`, not `{other}`"
                )));
            }
            (other, _) => return Err(wrong(format!("there is no setting `{other}`"))),
        };
    }
    Ok(compat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch() {
        assert_eq!(parse(b""), Ok(Compat::Strict));
        assert_eq!(
            parse(b"# no\n\n  compat=tcp_wrappers \r\n"),
            Ok(Compat::TcpWrappers)
        );
        assert_eq!(
            parse(b"compat = tcp_wrappers\ncompat = strict"),
            Ok(Compat::Strict)
        );
    }

    #[test]
    fn an_error_has_its_line() {
        for text in [
            "compat = tcp_wrappers\ncompat = lax",
            "compat = tcp_wrappers\ncompat",
            "compat = tcp_wrappers\nCompat = strict",
            "compat = tcp_wrappers\n\u{fffd} = strict",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().line, 2, "{text}");
        }
    }
}
