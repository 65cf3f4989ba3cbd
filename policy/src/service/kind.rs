//! Which language a file is written in.

/// A configuration language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Lines of inetd.conf(5).
    Inetd,
    /// portreeve.toml.
    Native,
}

/// The language a file is written in, by its contents: its name does not matter.
///
/// The first line that is neither blank nor a comment decides. TOML begins with a table or
/// with `key =`; an inetd.conf line has a socket type as its second field. A file without
/// any such line says nothing in either language, and is [`FileKind::Inetd`].
#[must_use]
pub fn kind(text: &[u8]) -> FileKind {
    let line = text
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(text)
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty() && !line.starts_with(b"#"));
    line.map_or(FileKind::Inetd, line_kind)
}

/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn line_kind(line: &[u8]) -> FileKind {
    let table = line.first() == Some(&b'[') && !is_address(line);
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let assignment = first.contains(&b'=') || words.next().is_some_and(|w| w.starts_with(b"="));
    if table || assignment {
        FileKind::Native
    } else {
        FileKind::Inetd
    }
}

/// Whether a line begins as `[v6]:service` does, and not as a TOML table.
fn is_address(line: &[u8]) -> bool {
    line.windows(2).any(|pair| pair == b"]:")
        && line.iter().take_while(|&&b| b != b']').any(|&b| b == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_decides() {
        for text in [
            "[service.rsync]\n",
            "\u{feff}[log]\n",
            "# echo stream tcp nowait root internal\n\n[log]\n",
            "include_inetd = [\"/etc/inetd.conf\"]\n",
            "pid_file=\"/run/x\"",
            "log.json = \"a:]:b\"",
        ] {
            assert_eq!(kind(text.as_bytes()), FileKind::Native, "{text}");
        }
        for text in [
            "",
            "#[service.rsync]\n",
            "ftp stream tcp nowait root /usr/sbin/ftpd ftpd a=b\n",
            "[::1]:comsat dgram udp6 wait root /usr/libexec/comsat comsat\n",
            "\tftp\tstream\ttcp\tnowait\troot\t/x\tx\n",
            "\u{feff}garbage",
        ] {
            assert_eq!(kind(text.as_bytes()), FileKind::Inetd, "{text}");
        }
    }
}
