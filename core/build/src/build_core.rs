use std::io;
use std::path::{Path, PathBuf};

use wit_component::ComponentEncoder;

use crate::artifacts::{Artifacts, PolicyArtifact};
use crate::guest::{Guest, GuestError, TARGET};
use crate::module_check::{CheckError, Kind, check};
use crate::rustc::{Rustc, RustcError};

/// The package that exports the core as the component's world.
const PACKAGE: &str = "tidegate-component";

/// Why the core or a policy module could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The nested cargo build failed.
    #[error("failed to build for {}", TARGET)]
    Guest(#[from] GuestError),
    /// Module or component is not what both hosts can run.
    #[error("failed to check what was built")]
    Check(#[from] CheckError),
    /// The module has no valid component type.
    #[error("failed to wrap the module into a component: {reason}")]
    Wrap {
        /// The encoder's message with its causes.
        reason: String,
    },
    /// The results could not be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Builds the core of the workspace at `workspace_root` and returns where the results are.
///
/// The nested cargo uses `<target_dir>/core-wasm` as its own target folder, so that it never waits
/// for the lock of an outer cargo. Results go to `<target_dir>/dist`: `core.wasm`,
/// `core.component.wasm`, and a `.sha256` beside each. A file is written only when its bytes
/// change, so that nothing that depends on it is built again for nothing.
///
/// # Errors
/// A missing target, a failed build, a module that uses a newer feature or imports anything, or a
/// file that can't be written.
pub fn build_core(workspace_root: &Path, target_dir: &Path) -> Result<Artifacts, BuildError> {
    build_package(workspace_root, target_dir, PACKAGE)
}

/// The paths whose change makes a new core, for `cargo::rerun-if-changed` lines.
#[must_use]
pub fn sources(workspace_root: &Path) -> Vec<PathBuf> {
    [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "core/Cargo.toml",
        "core/src",
        "core/component",
    ]
    .iter()
    .map(|path| workspace_root.join(path))
    .collect()
}

/// Whether the standard library for [`TARGET`](crate::TARGET) is installed for the workspace's
/// toolchain.
///
/// # Errors
/// The compiler can't be asked.
pub fn has_target(workspace_root: &Path) -> Result<bool, RustcError> {
    Ok(Rustc::ask(workspace_root)?.has_target(TARGET))
}

/// The target folder that a build script's `OUT_DIR` lies in.
///
/// Cargo tells a build script only its own `OUT_DIR`; the target folder is the nearest folder above
/// it with cargo's `CACHEDIR.TAG`. `None` if there is no such folder.
#[must_use]
pub fn target_dir_of(out_dir: &Path) -> Option<PathBuf> {
    out_dir.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_path_buf)
}

/// Builds the policy module in `policies/<name>`, a package `name` with a workspace of its own.
///
/// The nested cargo uses `<target_dir>/policies-wasm`. The component goes to
/// `<target_dir>/dist/<name>.wasm` with its `.sha256` beside it, each only if it changes.
///
/// # Errors
/// As for [`build_core`].
pub fn build_policy(
    workspace_root: &Path,
    target_dir: &Path,
    name: &str,
) -> Result<PolicyArtifact, BuildError> {
    let guest = Guest {
        sources: workspace_root,
        workspace: &workspace_root.join("policies").join(name),
        target_dir: target_dir.join("policies-wasm"),
        package: name,
    };
    let component = wrap(&guest.build()?)?;
    PolicyArtifact::write(&target_dir.join("dist"), name, &component)
}

pub(crate) fn build_package(
    workspace_root: &Path,
    target_dir: &Path,
    package: &str,
) -> Result<Artifacts, BuildError> {
    let guest = Guest {
        sources: workspace_root,
        workspace: workspace_root,
        target_dir: target_dir.join("core-wasm"),
        package,
    };
    let module = guest.build()?;
    let component = wrap(&module)?;
    Artifacts::write(&target_dir.join("dist"), &module, &component)
}

/// Checks a module and makes a component of it.
fn wrap(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    check(module, Kind::Module)?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| BuildError::Wrap { reason: format!("{error:#}") })?;
    check(&component, Kind::Component)?;
    Ok(component)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn the_target_folder_is_found_from_a_build_scripts_out_dir() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("target");
        let out = target.join("debug/build/tidegate-sandbox-0123/out");
        fs::create_dir_all(&out).unwrap();
        assert_eq!(target_dir_of(&out), None);
        fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(target_dir_of(&out), Some(target));
    }
}
