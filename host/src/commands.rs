//! The commands, one file each.

mod adopt;
mod ask;
mod doctor;
mod explain;
pub(crate) mod init;
mod keys;
mod policy;
mod rollout;
mod status;

use crate::cli::{Cli, Command};
use anyhow::Result;
use clap::CommandFactory as _;
use std::process::ExitCode;

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    if let Some((verb, args)) = cli.command.verb() {
        return ask::run(verb, args);
    }
    match &cli.command {
        Command::Serve(args) => crate::serve::run(&args.config),
        Command::Init(args) => init::run(args, cli.json),
        Command::Doctor(args) => doctor::run(&args.config, cli.json),
        Command::Explain { config, change } => explain::run(&config.config, change, cli.json),
        Command::Adopt { config, project, stacks, reason } => {
            let request = crate::serve::control::AdoptRequest {
                project: project.clone(),
                stacks: stacks.iter().cloned().collect(),
                reason: reason.clone(),
            };
            adopt::run(&config.config, &request, cli.json)
        }
        Command::Status(args) => status::run(&args.config, cli.json),
        Command::Rollout(command) => rollout::run(command, cli.json),
        Command::Keys(command) => keys::run(command),
        Command::Policy(command) => policy::run(command, cli.json),
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(*shell, &mut command, "tidegate", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Classify(_)
        | Command::Settings(_)
        | Command::Needs(_)
        | Command::Plan(_)
        | Command::Steps(_)
        | Command::Covers(_)
        | Command::Admit(_)
        | Command::Allow(_)
        | Command::Ran(_)
        | Command::Decide(_)
        | Command::Advance(_) => anyhow::bail!("a verb was not recognised as one"),
    }
}
