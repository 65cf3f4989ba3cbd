//! `portreeve`: the super-server's monitor, and the operator's command.
#![forbid(unsafe_code)]

mod account;
mod bind;
mod command;
mod config;
mod job;
mod load;
mod monitor;
mod permit;
mod pool;
mod prepare;
mod rules;
mod run;
mod session;
mod state;
mod supervise;
mod verify;
mod worker;

use command::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    match command::parse() {
        Ok(Command::Help) => {
            print!("{}", command::HELP);
            ExitCode::SUCCESS
        }
        Ok(Command::Version) => {
            println!("portreeve {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Ok(Command::Run(files)) => run::run(files),
        Ok(Command::Check(files)) => verify::verify(&files),
        Err(error) => {
            eprintln!("portreeve: {error}\n\n{}", command::HELP);
            ExitCode::from(command::USAGE)
        }
    }
}
