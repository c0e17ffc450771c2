//! Where the workspace lies and where cargo puts what it builds.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::finished::run_logged;

/// Says that the workspace's programs are already built, and in which folder.
pub const BIN_DIR: &str = "TIDEGATE_BIN_DIR";

/// Names the Gerrit plugin's jar.
pub const PLUGIN_JAR: &str = "TIDEGATE_PLUGIN_JAR";

/// A cold build of the host compiles wasmtime and SQLite: minutes on two cores.
const BUILD_TIMEOUT: Duration = Duration::from_secs(40 * 60);

/// The folder of programs that this process has built itself.
static BUILT_HERE: OnceLock<PathBuf> = OnceLock::new();

/// Says that the workspace's programs lie in `folder` by now. The first word counts.
pub fn use_built(folder: &Path) {
    BUILT_HERE.get_or_init(|| folder.to_owned());
}

/// The workspace's root folder.
#[must_use]
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the workspace.
#[must_use]
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The path of a program of the workspace, built if need be.
///
/// With [`BIN_DIR`] set (as `cargo xtask` does) nothing is built. Otherwise cargo is asked once in
/// each process, so that a test never runs a program older than its source.
///
/// # Errors
/// The build's last lines.
pub fn program(package: &str, name: &str) -> Result<PathBuf> {
    static BUILT: LazyLock<Mutex<BTreeMap<String, PathBuf>>> = LazyLock::new(Mutex::default);
    if let Some(folder) = BUILT_HERE.get().cloned().or_else(|| env::var_os(BIN_DIR).map(Into::into))
    {
        return Ok(folder.join(name));
    }
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = built.get(name) {
        return Ok(path.clone());
    }
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--package", package, "--bin", name]).current_dir(root());
    let log = target_dir().join(format!("{name}-build.log"));
    run_logged(&format!("building {name}"), &log, BUILD_TIMEOUT, &mut command)
        .with_context(|| format!("failed to build the program {name}"))?;
    let path = target_dir().join("debug").join(name);
    built.insert(name.to_owned(), path.clone());
    Ok(path)
}

/// The Gerrit plugin's jar: the one named by [`PLUGIN_JAR`], or the one that
/// `cargo xtask build` made.
///
/// # Errors
/// There is none yet.
pub fn plugin_jar() -> Result<PathBuf> {
    let path = env::var_os(PLUGIN_JAR)
        .map_or_else(|| root().join("plugin-shim/target/tidegate.jar"), PathBuf::from);
    anyhow::ensure!(
        path.is_file(),
        "the plugin {} is not built; run `cargo xtask build`",
        path.display(),
    );
    Ok(path)
}
