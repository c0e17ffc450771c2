use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo_environment::disturbs;

/// Why the compiler could not be asked about itself.
#[derive(Debug, thiserror::Error)]
pub enum RustcError {
    /// No compiler could be started.
    #[error("failed to start rustc; install Rust with rustup")]
    Start(#[source] io::Error),
    /// It did not answer as a compiler does.
    #[error("failed to read the answer of `rustc {arguments}`: {stderr}")]
    Answer {
        /// What it was asked.
        arguments: String,
        /// What it printed instead.
        stderr: String,
    },
}

/// What is known of the compiler that builds the core.
pub(crate) struct Rustc {
    /// The toolchain's root folder.
    pub(crate) sysroot: PathBuf,
    /// The commit that the standard library's own paths carry, e.g. `/rustc/<commit>`.
    pub(crate) commit: String,
}

impl Rustc {
    /// Asks the compiler that the nested cargo will use in `workspace_root`.
    pub(crate) fn ask(workspace_root: &Path) -> Result<Self, RustcError> {
        let sysroot = answer(workspace_root, &["--print", "sysroot"])?;
        let version = answer(workspace_root, &["--version", "--verbose"])?;
        let commit = version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "))
            .unwrap_or("unknown");
        Ok(Self { sysroot: PathBuf::from(sysroot.trim_end()), commit: commit.to_owned() })
    }

    /// Whether the standard library of `target` is installed.
    pub(crate) fn has_target(&self, target: &str) -> bool {
        self.sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
    }
}

fn answer(workspace_root: &Path, arguments: &[&str]) -> Result<String, RustcError> {
    let mut command = Command::new("rustc");
    command.args(arguments).current_dir(workspace_root);
    for (name, _) in std::env::vars_os().filter(|(name, _)| disturbs(name)) {
        command.env_remove(name);
    }
    let output = command.output().map_err(RustcError::Start)?;
    if !output.status.success() {
        return Err(RustcError::Answer {
            arguments: arguments.join(" "),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
