use std::fs;
use std::io::{self, IsTerminal};

use anyhow::{Result, bail};
use clap::Args;
use tidegate_tests::{Tools, workspace};

use crate::build::{Built, WORKSPACE, build, cargo, core};
use crate::plugin::Plugin;
use crate::policies;
use crate::setup::setup;
use crate::tally::Tally;
use crate::terminal::{heading, say};

/// Names the folder of the Pulumi CLI for the tests that run it.
const PULUMI_BIN: &str = "TIDEGATE_PULUMI_BIN";

/// Which tests to run.
#[derive(Args)]
pub(crate) struct Selection {
    /// Only those that need no server.
    #[arg(long, conflicts_with = "e2e")]
    unit: bool,
    /// Only those against the real Gerrit and Pulumi.
    #[arg(long)]
    e2e: bool,
    /// Only the host's tests whose name contains this; those of policy modules and plugin are left
    /// out.
    filter: Option<String>,
}

/// Sets up, builds, runs the selected tests and closes with the runners' last lines.
pub(crate) fn test(selection: &Selection) -> Result<()> {
    if !selection.unit {
        setup()?;
    }
    let built = build()?;
    let mut tally = Tally::default();
    heading("Testing");
    run_rust(selection, &built, &mut tally)?;
    if !selection.e2e && selection.filter.is_none() {
        policies::test(&mut tally)?;
    }
    if let Some(plugin) = Plugin::find().filter(|_| !selection.e2e && selection.filter.is_none()) {
        heading("Testing the Gerrit plugin");
        tally.run(&mut plugin.test(&Tools::find()?, &core()?)?)?;
    }
    close(&tally)
}

fn run_rust(selection: &Selection, built: &Built, tally: &mut Tally) -> Result<()> {
    let mut cargo = cargo();
    cargo.args(["test", "--no-fail-fast"]);
    cargo.args(WORKSPACE);
    if selection.e2e {
        for name in end_to_end()? {
            cargo.args(["--test", &name]);
        }
    }
    if selection.unit {
        cargo.args(["--exclude", "tidegate-tests"]);
    }
    cargo.args(&selection.filter);
    if io::stdout().is_terminal() {
        cargo.args(["--", "--color", "always"]);
    }
    cargo.env(workspace::BIN_DIR, &built.programs);
    cargo.env(PULUMI_BIN, &Tools::find()?.pulumi()?.folder);
    if let Some(plugin) = &built.plugin {
        cargo.env(workspace::PLUGIN_JAR, plugin);
    }
    tally.run(&mut cargo)
}

/// The test targets of `tests`. By name: its package alone would unite features otherwise.
fn end_to_end() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::root().join("tests/tests"))? {
        let path = entry?.path();
        let target = path.extension().is_some_and(|extension| extension == "rs")
            || path.join("main.rs").is_file();
        if let Some(name) = path.file_stem().filter(|_| target) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn close(tally: &Tally) -> Result<()> {
    heading("The runners' closing lines");
    for line in &tally.lines {
        say(line);
    }
    say(&format!("{} passed, {} failed", tally.passed, tally.failed));
    if !tally.errors.is_empty() || tally.failed > 0 {
        bail!("tests failed: {}", tally.errors.join(", "));
    }
    if tally.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}
