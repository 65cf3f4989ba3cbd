//! The documents tell the truth about the tree: tests, files and flags that they name exist.

use portreeve_tests::paths::{launcher, repository};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn document(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap_or_else(|error| format!("{name}: {error}"))
}

/// Every word between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `PATH::TEST` as a file and a name: `tests/privsep.rs::three_uids`, `privsep::three_uids`
/// and `policy/src/hosts/tests.rs::empty_tables_admit` are all understood.
fn named_test(word: &str) -> Option<(Vec<PathBuf>, &str)> {
    let (path, test) = word.rsplit_once("::")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if test.is_empty()
        || !test.chars().all(plain)
        || !test.starts_with(|c: char| c.is_ascii_lowercase())
    {
        return None;
    }
    if !path
        .chars()
        .all(|c| plain(c) || matches!(c, '/' | '.' | '-'))
    {
        return None;
    }
    let file = if path.ends_with(".rs") {
        path.to_owned()
    } else {
        format!("{path}.rs")
    };
    let places = ["", "tests", "tests/tests"].map(|base| repository().join(base).join(&file));
    Some((places.to_vec(), test))
}

fn is_there(places: &[PathBuf], test: &str) -> bool {
    places.iter().any(|place| {
        fs::read_to_string(place).is_ok_and(|source| source.contains(&format!("fn {test}(")))
    })
}

/// A row of a table whose first cell is a number, with or without a letter before it.
fn is_promise(line: &str) -> bool {
    let cell = line
        .strip_prefix('|')
        .and_then(|rest| rest.split('|').next())
        .unwrap_or_default();
    let number = cell
        .trim()
        .trim_start_matches(|c: char| c.is_ascii_uppercase());
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
}

#[test]
fn every_promise_in_security_md_names_a_test_that_exists() {
    let text = document("SECURITY.md");
    let promises: Vec<&str> = text.lines().filter(|line| is_promise(line)).collect();
    assert!(
        !promises.is_empty(),
        "no table of numbered promises in SECURITY.md"
    );
    for promise in promises {
        let tests: Vec<_> = quoted(promise).filter_map(named_test).collect();
        assert!(!tests.is_empty(), "a promise that names no test: {promise}");
        for (places, test) in tests {
            assert!(is_there(&places, test), "{test} does not exist: {promise}");
        }
    }
}

#[test]
fn every_test_named_in_a_document_exists() {
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        "docs/differences.md",
    ] {
        let text = document(name);
        for (places, test) in quoted(&text).filter_map(named_test) {
            // Only what looks like a test of ours; paths of items are written the same way.
            if places.iter().any(|place| place.exists()) {
                assert!(
                    is_there(&places, test),
                    "{name} names {test}, which does not exist"
                );
            }
        }
    }
}

#[test]
fn files_named_in_the_readme_exist() {
    let text = document("README.md");
    let words: BTreeSet<&str> = text
        .split(|c: char| c.is_whitespace() || "`()[]\"'<>|,;".contains(c))
        .filter_map(|word| word.strip_prefix("./"))
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| !word.is_empty() && !word.starts_with("target/"))
        .collect();
    assert!(
        words.contains("tests/run"),
        "README.md shows how to run the tests: ./tests/run"
    );
    for word in words {
        assert!(
            repository().join(word).exists(),
            "README.md names ./{word}, which does not exist"
        );
    }
}

#[test]
fn manual_names_every_flag_of_help() {
    let output = Command::new(launcher("portreeve"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "portreeve --help: {}",
        output.status
    );
    let flags: BTreeSet<&str> = help
        .split(|c: char| c.is_whitespace() || "[]|,=".contains(c))
        .filter(|word| word.starts_with('-') && word.len() > 1 && *word != "--")
        .collect();
    assert!(!flags.is_empty(), "no flag in: {help}");
    let manual = document("docs/man/portreeve.8").replace("\\-", "-");
    for flag in flags {
        assert!(
            manual.contains(flag),
            "docs/man/portreeve.8 does not mention {flag}"
        );
    }
}
