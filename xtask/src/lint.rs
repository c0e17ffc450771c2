use anyhow::Result;
use tidegate_core_build::TARGET;
use tidegate_tests::workspace;

use crate::build::{WORKSPACE, cargo, run};
use crate::policies;
use crate::schemas;
use crate::setup::add_target;
use crate::terminal::heading;

/// Checks formatting and lints of everything, the component for its own target, and the schemas.
pub(crate) fn lint() -> Result<()> {
    heading("Checking the format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    heading("Checking the lints");
    add_target()?;
    let mut clippy = cargo();
    clippy.args(["clippy", "--all-targets"]).args(WORKSPACE).args(["--", "--deny", "warnings"]);
    run(&mut clippy)?;
    let mut component = cargo();
    component
        .args(["clippy", "--package", "tidegate-component", "--target", TARGET])
        .arg("--target-dir")
        .arg(workspace::target_dir().join("core-wasm"))
        .args(["--", "--deny", "warnings"]);
    run(&mut component)?;
    schemas::check()?;
    policies::lint()
}
