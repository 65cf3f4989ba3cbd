//! Problems in configuration files, each with its place and its consequence.

use std::ops::Range;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is switched off.
    Warning,
    /// Something that was written is not done.
    Error,
}

impl Severity {
    /// `warning` or `error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One problem: where, what, why, and what happens now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Index of the file in the order the reader was given them.
    pub file: usize,
    /// Byte range within the file's text; never beyond its end.
    pub span: Range<usize>,
    /// What is wrong, one line, no full stop.
    pub what: String,
    /// What happens now because of it, one line, no full stop.
    pub consequence: String,
}

impl Diagnostic {
    /// Something that was written is not done.
    pub fn error(
        file: usize,
        span: Range<usize>,
        what: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        let (what, consequence) = (what.into(), consequence.into());
        Diagnostic {
            severity: Severity::Error,
            file,
            span,
            what,
            consequence,
        }
    }

    /// Something worth knowing.
    pub fn warning(
        file: usize,
        span: Range<usize>,
        what: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        let severity = Severity::Warning;
        Diagnostic {
            severity,
            ..Diagnostic::error(file, span, what, consequence)
        }
    }
}

/// Line and column, both from 1, of a byte offset; the column counts bytes.
#[must_use]
pub fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |i| i + 1);
    (line, before.len() - start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_and_stop_at_the_end() {
        assert_eq!(position(b"", 0), (1, 1));
        assert_eq!(position(b"ab\ncd", 1), (1, 2));
        assert_eq!(position(b"ab\ncd", 3), (2, 1));
        assert_eq!(position(b"ab\ncd\n", 99), (3, 1));
    }
}
