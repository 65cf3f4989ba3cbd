//! `profile` and `sandbox`: what a server may do.

use super::reader::{Reader, Table};
use crate::profile::{Directive, Profile, suggestion};

/// Reads `profile`, `baseline` if there is none, and applies the directives in `sandbox`.
/// `None`, with the reason told, if any of it cannot be carried out.
pub(super) fn profile(reader: &mut Reader, table: &mut Table) -> Option<Profile> {
    let name = table.take("profile").map(|item| item.string(reader));
    let sandbox = table.table(reader, "sandbox");
    let mut profile = match name {
        None => Profile::baseline(),
        Some(name) => {
            let name = name?;
            let known = Profile::by_name(&name.text);
            if known.is_none() {
                let hint = suggestion(&name.text, Profile::names());
                reader.fail(
                    name.span,
                    format!("there is no profile `{}`{hint}", name.text),
                );
            }
            known?
        }
    };
    let (names, directives): (Vec<_>, Vec<_>) = sandbox
        .map_or_else(Vec::new, |sandbox| sandbox.values(reader))
        .into_iter()
        .map(|(key, value)| {
            (
                key.span,
                Directive {
                    name: key.text,
                    value,
                },
            )
        })
        .unzip();
    let problems = profile.apply(&directives);
    for problem in &problems {
        let span = names.get(problem.directive).cloned().unwrap_or_default();
        reader.fail(span, problem.what.clone());
    }
    problems.is_empty().then_some(profile)
}
