//! `portreeve check`: what is wrong with the configuration, without taking any effect.

use crate::config::Configuration;
use crate::prepare::{Surroundings, prepare};
use launcher::check::{Source, render};
use policy::diagnostic::Severity;
use policy::hosts::check::check;
use policy::hosts::verdict::TableKind;
use policy::service::Server;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks the files; exit status 1 if anything is wrong that switches something off.
pub fn verify(files: &[PathBuf]) -> ExitCode {
    let mut configuration = Configuration::read(files);
    check_servers(&mut configuration);
    let (allow, deny) = configuration.tables();
    let tables = [
        (allow.to_owned(), TableKind::Allow),
        (deny.to_owned(), TableKind::Deny),
    ];
    for (path, table) in &tables {
        check_table(path, *table, &mut configuration);
    }
    print!(
        "{}",
        render(&configuration.diagnostics, &configuration.sources)
    );
    let count = configuration.services.len();
    if configuration.has_errors() {
        println!("{count} services understood; there are errors");
        ExitCode::FAILURE
    } else {
        println!("{count} services understood");
        ExitCode::SUCCESS
    }
}

/// Prepares every service as `run` would: users, paths, profiles.
fn check_servers(configuration: &mut Configuration) {
    let surroundings = Surroundings {
        privileged: nix::unistd::geteuid().is_root(),
        open_files: (1024, 1024),
        tcpd: None,
    };
    for service in configuration.services.clone() {
        if let Server::External(program) = &service.server
            && let Err(what) = prepare(&service, program, &surroundings)
        {
            configuration.complain(&service, Severity::Error, what);
        }
    }
}

/// Checks an access table; one that is not there says nothing.
fn check_table(path: &Path, table: TableKind, configuration: &mut Configuration) {
    let Ok(text) = std::fs::read(path) else {
        return;
    };
    let file = configuration.sources.len();
    configuration.diagnostics.extend(check(file, &text, table));
    configuration.sources.push(Source {
        path: path.to_owned(),
        text,
    });
}
