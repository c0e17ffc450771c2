//! `cargo xtask`: everything that is done with this workspace beside plain cargo.

mod build;
mod demo;
mod doctor;
mod lint;
mod plugin;
mod policies;
mod schemas;
mod screenshots;
mod setup;
mod tally;
mod terminal;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::terminal::complain;

/// Builds, checks and tests Tidegate. What is missing is fetched or built by itself and kept in
/// ~/.cache/tidegate (or TIDEGATE_CACHE); what can't be is named by `doctor`.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fetch and build all that the other tasks need: the WebAssembly target, Gerrit, Pulumi.
    Setup,
    /// Build the core's component, the policy modules, the Gerrit plugin and the programs.
    Build,
    /// Set up, build, and walk one change through a real Gerrit and a real Pulumi.
    Demo(demo::Ending),
    /// Set up, build, and keep a Gerrit with Tidegate running to try things by hand.
    Playground(demo::Playground),
    /// Set up, build, and run the tests.
    Test(test::Selection),
    /// Check formatting, lints and generated files.
    Lint,
    /// Write the JSON Schemas of the core's inputs and outputs to docs/schemas.
    Schemas,
    /// Set up, build, deploy one change, and take pictures of the pages with a real browser.
    Screenshots,
    /// Say what is on this machine, what is missing, and how to get it.
    ///
    /// Exit code 1 if something is missing that the other tasks need.
    Doctor {
        /// Print a JSON list of {name, state, found, get} instead of text.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Setup => setup::setup()?,
        Task::Build => drop(build::build()?),
        Task::Demo(ending) => demo::demo(&ending)?,
        Task::Playground(playground) => demo::playground(&playground)?,
        Task::Test(selection) => test::test(&selection)?,
        Task::Lint => lint::lint()?,
        Task::Schemas => schemas::schemas()?,
        Task::Screenshots => screenshots::screenshots()?,
        Task::Doctor { json } => return doctor::doctor(json),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
