use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tidegate_core_build::{TARGET, has_target};
use tidegate_tests::{Tools, run_logged, workspace};

use crate::doctor::missing;
use crate::terminal::{heading, say};

/// Some 20 MB.
const DOWNLOAD: Duration = Duration::from_secs(10 * 60);

/// Fetches and builds what the real servers and the builds need, and says what it has.
pub(crate) fn setup() -> Result<()> {
    heading("Setting up");
    add_target()?;
    let missing = missing();
    if !missing.is_empty() {
        bail!("this machine lacks something:\n{}", missing.join("\n"));
    }
    let tools = Tools::find()?;
    let jdk = tools.jdk();
    say(&format!("JDK {} in {}", jdk.version, jdk.home.display()));
    say(&tools.gerrit_template()?.release.description());
    say(&tools.pulumi()?.description());
    say(&format!("kept in {}", tools.cache().root().display()));
    Ok(())
}

/// Adds the WebAssembly target to the workspace's toolchain, which rustup does by itself only where
/// it installs the toolchain by itself.
pub(crate) fn add_target() -> Result<()> {
    if has_target(workspace::root())? {
        return Ok(());
    }
    let file = fs::read_to_string(workspace::root().join("rust-toolchain.toml"))?;
    let toolchain = channel(&file)?;
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", "--toolchain", toolchain, TARGET]);
    let log = workspace::target_dir().join("rustup.log");
    run_logged(&format!("adding the target {TARGET}"), &log, DOWNLOAD, &mut rustup)
        .with_context(|| format!("the standard library for {TARGET} is missing"))
}

fn channel(toolchain_file: &str) -> Result<&str> {
    toolchain_file
        .lines()
        .find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'))
        .context("rust-toolchain.toml names no channel")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_toolchain_is_the_one_that_the_workspace_names() {
        let file = fs::read_to_string(workspace::root().join("rust-toolchain.toml")).unwrap();
        assert_eq!(channel(&file).unwrap(), env!("CARGO_PKG_RUST_VERSION").to_owned() + ".0");
    }
}
