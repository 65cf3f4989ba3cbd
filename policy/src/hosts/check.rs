//! What is wrong with an access table, as far as the table alone shows it.
use crate::diagnostic::Diagnostic;
/// Checks a table. `file` is its number in diagnostics.
#[must_use]
pub fn check(_file: usize, _text: &[u8]) -> Vec<Diagnostic> {
    Vec::new()
}
