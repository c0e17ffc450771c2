//! `tidegate`: turns Gerrit review into governed Pulumi deployments.

mod cli;
mod commands;
mod config;
mod executor;
mod exit;
mod output;
mod seal;
mod serve;

use clap::Parser as _;
use cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The Pulumi CLI starts this program by another name, with arguments of its own.
    if tidegate_pulumi::is_relay() {
        return tidegate_pulumi::relay();
    }
    let cli = Cli::parse();
    output::start_logging(cli.verbose, cli.json);
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", output::failure(&error));
            exit::code_of(&error)
        }
    }
}
