use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tidegate_core_build::{Artifacts, build_core};
use tidegate_tests::{Progress, Tools, workspace};

use crate::plugin::Plugin;
use crate::policies;
use crate::setup::add_target;
use crate::terminal::{heading, say};

/// What was built.
pub(crate) struct Built {
    /// The folder of the workspace's programs.
    pub(crate) programs: PathBuf,
    /// The plugin's jar; `None` in a source tree without plugin.
    pub(crate) plugin: Option<PathBuf>,
}

/// Builds core, policy modules, plugin and programs.
pub(crate) fn build() -> Result<Built> {
    heading("Building");
    add_target()?;
    let core = core()?;
    policies::build()?;
    let plugin = match Plugin::find() {
        Some(plugin) => Some(plugin.package(&Tools::find()?, &core)?),
        None => None,
    };
    let mut cargo = cargo();
    cargo.args(["build", "--bins"]).args(WORKSPACE);
    run(&mut cargo)?;
    Ok(Built { programs: workspace::target_dir().join("debug"), plugin })
}

/// The packages of the host. The component is built for WebAssembly only.
///
/// The same selection in builds, tests and lints, because cargo unites the features of what it
/// builds together: another selection would build heavy dependencies again.
pub(crate) const WORKSPACE: [&str; 3] = ["--workspace", "--exclude", "tidegate-component"];

/// Builds the core's module and component.
pub(crate) fn core() -> Result<Artifacts> {
    let progress = Progress::start("building the core for WebAssembly", None);
    let core = build_core(workspace::root(), &workspace::target_dir())?;
    drop(progress);
    say(&format!("core {}", core.digest));
    say(&format!("     {}", core.module.display()));
    say(&format!("     {}", core.component.display()));
    Ok(core)
}

/// Cargo in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root());
    cargo
}

/// Runs a program on this terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("failed to start {program}"))?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}
