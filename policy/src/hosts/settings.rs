//! tcpd.conf(5): lines of `key = value`, `#` begins a comment line.
//!
//! It has one key so far, `compat`, which holds for tcpd and the launcher alike.

use super::verdict::Compat;

/// Where the settings are. Without the file everything is strict.
pub const PATH: &str = "/etc/portreeve/tcpd.conf";

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, one line, no full stop.
    pub what: String,
}

/// How rules are to be taken.
///
/// # Errors
/// The first thing that is wrong. The caller takes rules strictly then, and says so.
pub fn parse(text: &[u8]) -> Result<Compat, Wrong> {
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
