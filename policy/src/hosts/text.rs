//! The logical lines of a table.
//!
//! A line feed preceded by a backslash continues the line; the buffer of tcp_wrappers has
//! room for 2047 bytes; bytes after a NUL are lost up to and including the line feed, so
//! that the next line is glued on. Source: hosts_access(5) and runs of Debian's binaries.

use std::borrow::Cow;

/// Longest logical line, its line feed included, that tcp_wrappers can read.
pub const LINE_LIMIT: usize = 2047;

/// How a logical line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a line feed, as it should.
    Newline,
    /// With the file.
    EndOfFile,
    /// With the file, after a backslash that promised more.
    Continuation,
    /// Nowhere within [`LINE_LIMIT`].
    TooLong,
}

/// One logical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes, continuations joined and the line feed kept, cut at [`LINE_LIMIT`]. Empty
    /// only for NUL bytes at the end of the file, which tcp_wrappers does not see at all.
    pub text: Cow<'a, [u8]>,
    /// The bytes of the file it was made from.
    pub raw: &'a [u8],
    /// Line feeds counted so far: the number of its last physical line, from 1. One less,
    /// as tcp_wrappers has it, if the line has no line feed.
    pub number: u32,
    /// How it ends.
    pub ending: Ending,
    /// Whether NUL bytes hide a part of it.
    pub nul: bool,
}

/// The logical lines of a table, in order.
///
/// tcp_wrappers stops at the first line that does not end in [`Ending::Newline`]; this
/// iterator goes on after one that is too long.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: u32,
    has_nul: bool,
}

/// The logical lines of `text`.
#[must_use]
pub fn lines(text: &[u8]) -> Lines<'_> {
    Lines {
        rest: text,
        number: 0,
        has_nul: text.contains(&0),
    }
}

/// Length of the first physical line of `text` with its line feed, or of all of it.
fn physical(text: &[u8]) -> usize {
    text.iter()
        .position(|&b| b == b'\n')
        .map_or(text.len(), |at| at + 1)
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.rest;
        let (first, rest) = start.split_at_checked(physical(start))?;
        let plain = first.ends_with(b"\n") && !first.ends_with(b"\\\n");
        if self.has_nul || !plain || first.len() > LINE_LIMIT {
            return self.assemble();
        }
        self.rest = rest;
        self.number += 1;
        Some(Line {
            text: Cow::Borrowed(first),
            raw: first,
            number: self.number,
            ending: Ending::Newline,
            nul: false,
        })
    }
}

impl<'a> Lines<'a> {
    /// Joins a line the way tcp_wrappers fills its buffer.
    fn assemble(&mut self) -> Option<Line<'a>> {
        let start = self.rest;
        let mut text = Vec::new();
        let mut nul = false;
        let mut continued = false;
        let ending = loop {
            let room = LINE_LIMIT.saturating_sub(text.len());
            let chunk_length = physical(self.rest).min(room);
            if room == 0 {
                break Ending::TooLong;
            }
            let (chunk, rest) = self.rest.split_at_checked(chunk_length)?;
            if chunk.is_empty() {
                if text.is_empty() && !nul {
                    return None;
                }
                break match continued {
                    true => Ending::Continuation,
                    false => Ending::EndOfFile,
                };
            }
            self.rest = rest;
            let kept = chunk.split(|&b| b == 0).next().unwrap_or(chunk);
            nul |= kept.len() < chunk.len();
            text.extend_from_slice(kept);
            continued = false;
            if kept.ends_with(b"\n") {
                self.number += 1;
                if !kept.ends_with(b"\\\n") {
                    break Ending::Newline;
                }
                text.truncate(text.len().saturating_sub(2));
                continued = true;
            }
        };
        let number = self.number;
        if ending == Ending::TooLong {
            self.skip_rest_of_line();
        }
        let length = start.len().saturating_sub(self.rest.len());
        Some(Line {
            text: Cow::Owned(text),
            raw: start.get(..length).unwrap_or(start),
            number,
            ending,
            nul,
        })
    }

    fn skip_rest_of_line(&mut self) {
        while let Some((line, rest)) = self.rest.split_at_checked(physical(self.rest)) {
            if line.is_empty() {
                return;
            }
            self.rest = rest;
            self.number += u32::from(line.ends_with(b"\n"));
            if !line.ends_with(b"\\\n") {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(String, u32, Ending)> {
        lines(text)
            .map(|l| {
                (
                    String::from_utf8_lossy(&l.text).into_owned(),
                    l.number,
                    l.ending,
                )
            })
            .collect()
    }

    #[test]
    fn a_backslash_joins_and_the_last_line_counts() {
        assert_eq!(
            all(b"a: \\\n  b\nc\\\\\nd\n"),
            [
                ("a:   b\n".into(), 2, Ending::Newline),
                ("c\\d\n".into(), 4, Ending::Newline)
            ]
        );
    }

    #[test]
    fn a_backslash_before_cr_lf_joins_nothing() {
        assert_eq!(all(b"a\\\r\n").len(), 1);
        assert_eq!(all(b"a\\\r\nb\n").len(), 2);
    }

    #[test]
    fn a_line_without_line_feed_has_the_number_before() {
        assert_eq!(all(b"a"), [("a".into(), 0, Ending::EndOfFile)]);
        assert_eq!(
            all(b"a\nb\\\n"),
            [
                ("a\n".into(), 1, Ending::Newline),
                ("b".into(), 2, Ending::Continuation)
            ]
        );
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\\\n"), []);
    }

    #[test]
    fn the_limit_is_2047_bytes() {
        let line = |n: usize| [vec![b'a'; n - 1], vec![b'\n']].concat();
        assert_eq!(all(&line(2047))[0].2, Ending::Newline);
        let long = [line(2048), b"b\n".to_vec()].concat();
        assert_eq!(all(&long)[0].2, Ending::TooLong);
        assert_eq!(all(&long)[0].1, 0);
        assert_eq!(all(&long)[1], ("b\n".into(), 2, Ending::Newline));
    }

    #[test]
    fn nul_hides_the_rest_and_glues() {
        let found = all(b"a\0bc\nd\n\0\ne\n");
        assert_eq!(found[0], ("ad\n".into(), 1, Ending::Newline));
        assert_eq!(found[1], ("e\n".into(), 2, Ending::Newline));
        assert!(lines(b"a\0\nb\n").next().unwrap().nul);
        let rest = lines(b"a\n\0\0").nth(1).unwrap();
        assert!(rest.nul && rest.text.is_empty());
    }
}
