//! Lines to words: comments, continuation, quotes.

use super::Trouble;
use std::ops::Range;

/// A word of an entry, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its bytes; never a NUL.
    pub(super) bytes: Vec<u8>,
    /// Where it is in the file, with its quotes.
    pub(super) span: Range<usize>,
}

impl Word {
    /// Its text, for messages.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The fields before the arguments, in which quotes mean nothing.
const PLAIN_FIELDS: usize = 6;

/// The entries of a file, each with at least one word.
///
/// `#` begins a comment line, also after blanks. A line that begins with a blank belongs to the
/// entry right before it (BSD); so does one after a `\` at the end of a line (HP-UX). Without
/// an entry before it, a line that begins with a blank is one of its own.
pub(super) fn entries(text: &[u8]) -> Vec<Result<Vec<Word>, Trouble>> {
    let mut entries: Vec<Vec<Range<usize>>> = Vec::new();
    let mut open = false;
    let mut joined = false;
    for line in lines(text) {
        let content = text.get(line.clone()).unwrap_or_default();
        let blank = content.trim_ascii().is_empty();
        let comment = content.trim_ascii_start().first() == Some(&b'#');
        if blank || (comment && !joined) {
            (open, joined) = (false, false);
            continue;
        }
        let indented = content.first().is_some_and(u8::is_ascii_whitespace);
        let continued = content.last() == Some(&b'\\');
        let segment = line.start..line.end - usize::from(continued);
        match entries.last_mut() {
            Some(entry) if joined || (indented && open) => entry.push(segment),
            _ => entries.push(vec![segment]),
        }
        (open, joined) = (true, continued);
    }
    let words = entries.into_iter().map(|segments| words(text, &segments));
    words
        .filter(|words| !words.as_ref().is_ok_and(Vec::is_empty))
        .collect()
}

/// The ranges of the lines, without LF and CR LF.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split(|&byte| byte == b'\n').map(move |line| {
        let range = start..start + line.strip_suffix(b"\r").unwrap_or(line).len();
        start += line.len() + 1;
        range
    })
}

fn words(text: &[u8], segments: &[Range<usize>]) -> Result<Vec<Word>, Trouble> {
    let mut words = Vec::new();
    for segment in segments {
        let mut at = segment.start;
        while let Some(word) = next_word(text, at..segment.end, words.len() >= PLAIN_FIELDS)? {
            at = word.span.end;
            if word.bytes.contains(&0) {
                return Err(Trouble::new(
                    &word,
                    "a NUL byte, which no argument can hold",
                ));
            }
            words.push(word);
        }
    }
    Ok(words)
}

/// The first word in the range. Within quotes of either kind, blanks are part of the word.
fn next_word(text: &[u8], range: Range<usize>, quotes: bool) -> Result<Option<Word>, Trouble> {
    let line = text.get(range.clone()).unwrap_or_default();
    let blanks = line
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let start = range.start + blanks;
    let mut word = Word {
        bytes: Vec::new(),
        span: start..start,
    };
    let mut quote = None;
    for &byte in line.get(blanks..).unwrap_or_default() {
        match quote {
            None if byte.is_ascii_whitespace() => break,
            None if quotes && (byte == b'"' || byte == b'\'') => {
                quote = Some((byte, word.span.end))
            }
            Some((open, _)) if byte == open => quote = None,
            _ => word.bytes.push(byte),
        }
        word.span.end += 1;
    }
    match quote {
        Some((_, at)) => Err(Trouble {
            span: at..at + 1,
            what: "a quote that is not closed on its line".into(),
        }),
        None => Ok((!word.span.is_empty()).then_some(word)),
    }
}
