//! The command line.

use lexopt::prelude::*;
use std::path::{Path, PathBuf};

/// Exit status for a command line that is not understood.
///
/// Source: sysexits(3), EX_USAGE.
pub const USAGE: u8 = 64;

/// What `--help` prints.
pub const HELP: &str = "\
Usage: portreeve run [FILE...]
       portreeve check [FILE...]
       portreeve --help | --version

run    serves what the files describe, in the foreground, until SIGTERM;
       SIGHUP reads them again
check  says what is wrong with the files; exit status 1 if anything is

FILE is a portreeve.toml or an inetd.conf, told apart by content. Without one:
/etc/portreeve/portreeve.toml, or /etc/inetd.conf if there is none.
";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Run(Vec<PathBuf>),
    /// Check configuration files.
    Check(Vec<PathBuf>),
    /// Explain the command line.
    Help,
    /// Tell the version.
    Version,
}

/// Reads the command line.
///
/// # Errors
/// What is wrong with it.
pub fn parse() -> Result<Command, lexopt::Error> {
    parse_from(lexopt::Parser::from_env())
}

fn parse_from(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut verb = None;
    let mut files = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(value) if verb.is_none() => verb = Some(value),
            Value(value) => files.push(PathBuf::from(value)),
            other => return Err(other.unexpected()),
        }
    }
    let files = if files.is_empty() {
        vec![default_file()]
    } else {
        files
    };
    match verb.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("run") => Ok(Command::Run(files)),
        Some("check") => Ok(Command::Check(files)),
        Some(other) => Err(format!("there is no command `{other}`").into()),
        None => Err("a command is missing".into()),
    }
}

fn default_file() -> PathBuf {
    let native = Path::new("/etc/portreeve/portreeve.toml");
    if native.exists() {
        native.to_owned()
    } else {
        PathBuf::from("/etc/inetd.conf")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, lexopt::Error> {
        parse_from(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn commands_and_files() {
        let files = vec![PathBuf::from("a"), PathBuf::from("b")];
        assert_eq!(parse(&["run", "a", "b"]).unwrap(), Command::Run(files));
        assert!(matches!(parse(&["check"]).unwrap(), Command::Check(files) if files.len() == 1));
        assert_eq!(parse(&["--help"]).unwrap(), Command::Help);
        for wrong in [&[][..], &["dance"], &["run", "--loud"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
