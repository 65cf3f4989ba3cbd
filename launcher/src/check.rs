//! Problems in configuration files as text: in full for a person, in one line for a log.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use policy::diagnostic::{Diagnostic, Severity, position};
use std::ops::Range;
use std::path::PathBuf;

/// A file that was read, for its name and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path as the administrator wrote it.
    pub path: PathBuf,
    /// Its contents; empty if it could not be read.
    pub text: Vec<u8>,
}

impl Source {
    fn name(&self) -> String {
        printable(self.path.to_string_lossy().as_bytes())
    }
}

/// The diagnostics in rustc's style: what is wrong, `path:line:column`, the line itself with
/// the place marked, and what happens now. `sources` are the files in the order that
/// [`Diagnostic::file`] counts.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let renderer = Renderer::plain();
    let texts = diagnostics.iter().map(|diagnostic| {
        let mut text = match sources.get(diagnostic.file) {
            Some(source) if !source.text.is_empty() => {
                renderer.render(&[with_lines(diagnostic, source)])
            }
            _ => one_line(diagnostic, sources),
        };
        text.push_str("\n\n");
        text
    });
    texts.collect()
}

/// A diagnostic as `path:line:column: error: what: consequence`. The column counts bytes.
#[must_use]
pub fn one_line(diagnostic: &Diagnostic, sources: &[Source]) -> String {
    let source = sources.get(diagnostic.file);
    let text = source.map_or(&[][..], |source| &source.text);
    let (line, column) = position(text, diagnostic.span.start);
    let path = source.map_or_else(|| "?".to_owned(), Source::name);
    let (severity, what) = (
        diagnostic.severity.name(),
        printable(diagnostic.what.as_bytes()),
    );
    let consequence = printable(diagnostic.consequence.as_bytes());
    format!("{path}:{line}:{column}: {severity}: {what}: {consequence}")
}

fn with_lines<'a>(diagnostic: &Diagnostic, source: &Source) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let (line, _) = position(&source.text, diagnostic.span.start);
    let (lines, marked) = excerpt(&source.text, &diagnostic.span);
    let snippet = Snippet::source(lines)
        .line_start(line)
        .path(source.name())
        .annotation(AnnotationKind::Primary.span(marked));
    level
        .primary_title(printable(diagnostic.what.as_bytes()))
        .element(snippet)
        .element(Level::NOTE.message(printable(diagnostic.consequence.as_bytes())))
}

/// The lines that a span touches, printable, and the span within them. Spans of many lines are
/// cut to the first.
fn excerpt(text: &[u8], span: &Range<usize>) -> (String, Range<usize>) {
    let start = span.start.min(text.len());
    let (before, after) = text.split_at_checked(start).unwrap_or((text, &[]));
    let line_start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    let before = before.get(line_start..).unwrap_or_default();
    let rest_of_line = after
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let length = span.len().min(rest_of_line.len());
    let (marked, after) = rest_of_line
        .split_at_checked(length)
        .unwrap_or((rest_of_line, &[]));
    let (before, marked, after) = (printable(before), printable(marked), printable(after));
    let range = before.len()..before.len() + marked.len();
    (format!("{before}{marked}{after}"), range)
}

/// Text without bytes that a terminal or a log would act on.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let visible = |c: char| {
        if c.is_control() && c != '\t' {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &[u8]) -> Vec<Source> {
        vec![Source {
            path: "/etc/inetd.conf".into(),
            text: text.to_vec(),
        }]
    }

    fn problem(span: Range<usize>) -> Diagnostic {
        let consequence = "this service is not started; the others are";
        Diagnostic::error(
            0,
            span,
            "`waut` is neither `wait` nor `nowait`",
            consequence,
        )
    }

    #[test]
    fn the_place_and_the_consequence_are_shown() {
        let files = source(b"# a\nftp stream tcp waut root /x x\n");
        let text = render(&[problem(19..23)], &files);
        for part in [
            "error: `waut` is neither `wait` nor `nowait`",
            "/etc/inetd.conf:2:16",
            "ftp stream tcp waut root /x x",
            "               ^^^^",
            "note: this service is not started; the others are",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert_eq!(
            one_line(&problem(19..23), &files),
            "/etc/inetd.conf:2:16: error: `waut` is neither `wait` nor `nowait`: \
             this service is not started; the others are"
        );
    }

    #[test]
    fn any_bytes_and_any_span_can_be_shown() {
        let texts: [&[u8]; 5] = [
            b"",
            b"\n",
            b"\xff\x1b[31m\nx",
            b"a\tb\r\n",
            "\u{e9}\u{202e}".as_bytes(),
        ];
        for text in texts {
            for start in 0..=text.len() + 1 {
                for end in start..=text.len() + 2 {
                    let shown = render(&[problem(start..end)], &source(text));
                    assert!(!shown.contains('\x1b'), "{shown:?}");
                    assert!(shown.contains("/etc/inetd.conf:"), "{shown}");
                }
            }
        }
    }

    #[test]
    fn a_problem_of_an_unknown_file_is_still_told() {
        assert!(render(&[problem(0..0)], &[]).contains("neither `wait` nor `nowait`"));
    }

    #[test]
    fn nothing_in_a_file_can_begin_a_new_log_line() {
        let mut problem = problem(0..1);
        problem.what = "a\nb\u{1b}".into();
        assert_eq!(one_line(&problem, &source(b"x")).lines().count(), 1);
    }
}
