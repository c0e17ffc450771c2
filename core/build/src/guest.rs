use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo_environment::disturbs;
use crate::rustc::{Rustc, RustcError};

/// The bare target: no operating system, so nothing to import.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The profile in the `Cargo.toml` of the guest's workspace.
const PROFILE: &str = "guest";

/// Lines of a failed build that are repeated in the error.
const LAST_LINES: usize = 60;

/// Why a guest's module could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The compiler could not be asked about itself.
    #[error(transparent)]
    Rustc(#[from] RustcError),
    /// The standard library for the target is missing.
    #[error("the target {TARGET} is not installed; run `rustup target add {TARGET}`")]
    TargetMissing,
    /// Cargo could not be started.
    #[error("failed to start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Cargo ended with an error.
    #[error("`cargo {subcommand}` of {package} failed ({status}):\n{stderr}")]
    Cargo {
        /// What was to be built.
        package: String,
        /// `fetch` or `build`.
        subcommand: &'static str,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// Its last lines.
        stderr: String,
    },
    /// The built module is not where cargo should have put it.
    #[error("failed to read the built module {}", path.display())]
    Read {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// SHA-256 in loops instead of unrolled rounds: unrolled, it is a function that HotSpot never
/// compiles, and took about half the time of a decision about a published plan.
const COMPACT_SHA2: &str = "--cfg=sha2_backend_soft=\"compact\"";

/// One build of a guest package for the bare WebAssembly target.
pub(crate) struct Guest<'a> {
    /// The folder that holds all sources: its name stays out of the bytes.
    pub(crate) sources: &'a Path,
    /// The folder of the package's workspace, at or below `sources`.
    pub(crate) workspace: &'a Path,
    /// Cargo's target folder, which no other cargo uses at the same time.
    pub(crate) target_dir: PathBuf,
    /// The package.
    pub(crate) package: &'a str,
}

impl Guest<'_> {
    /// Compiles the package and returns the module's bytes.
    pub(crate) fn build(&self) -> Result<Vec<u8>, GuestError> {
        let rustc = Rustc::ask(self.workspace)?;
        if !rustc.has_target(TARGET) {
            return Err(GuestError::TargetMissing);
        }
        // First, so that the folders of the registries exist and can be named below.
        self.cargo("fetch", &["--target", TARGET], None)?;
        let target_dir = self.target_dir.to_string_lossy();
        let arguments = [
            "--package",
            self.package,
            "--lib",
            "--profile",
            PROFILE,
            "--target",
            TARGET,
            "--target-dir",
            &target_dir,
        ];
        self.cargo("build", &arguments, Some(self.flags(&rustc)))?;
        let path = self
            .target_dir
            .join(TARGET)
            .join(PROFILE)
            .join(format!("{}.wasm", self.package.replace('-', "_")));
        fs::read(&path).map_err(|source| GuestError::Read { path, source })
    }

    fn cargo(
        &self,
        subcommand: &'static str,
        arguments: &[&str],
        encoded_flags: Option<OsString>,
    ) -> Result<(), GuestError> {
        // A build script is told which cargo runs it; by itself it may not be on PATH.
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&program);
        command.arg(subcommand).arg("--locked").args(arguments).current_dir(self.workspace);
        for (name, _) in env::vars_os().filter(|(name, _)| disturbs(name)) {
            command.env_remove(name);
        }
        if let Some(flags) = encoded_flags {
            command.env("CARGO_ENCODED_RUSTFLAGS", flags);
        }
        let output = command.output().map_err(|source| GuestError::Start {
            program: program.to_string_lossy().into_owned(),
            source,
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(GuestError::Cargo {
            package: self.package.to_owned(),
            subcommand,
            status: output.status,
            stderr: last_lines(&String::from_utf8_lossy(&output.stderr)),
        })
    }

    /// Flags, in cargo's encoding, that choose the compact SHA-256 and take this machine's folders
    /// out of the bytes.
    ///
    /// Panic messages name source files. Where two prefixes fit, rustc takes the last one, so they
    /// go from the general to the particular.
    fn flags(&self, rustc: &Rustc) -> OsString {
        let cargo_home = cargo_home();
        let mut remaps = vec![
            (self.sources.to_path_buf(), "/tidegate".to_owned()),
            (cargo_home.clone(), "/cargo".to_owned()),
            (rustc.sysroot.clone(), "/rust".to_owned()),
            // The library's paths already have this form where its sources are not installed.
            (rustc.sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{}", rustc.commit)),
        ];
        // A registry's folder carries a hash of its address, which a mirror changes.
        let registries = fs::read_dir(cargo_home.join("registry/src"));
        for registry in registries.into_iter().flatten().flatten() {
            remaps.push((registry.path(), "/cargo/registry".to_owned()));
        }
        let mut flags = OsString::from(COMPACT_SHA2);
        for (from, to) in remaps {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        }
        flags
    }
}

fn cargo_home() -> PathBuf {
    env::var_os("CARGO_HOME")
        .map_or_else(|| env::home_dir().unwrap_or_default().join(".cargo"), PathBuf::from)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A guest whose panics name its own source file, the likeliest leak of a folder's name.
    const SOURCE: &str = "
        #[unsafe(no_mangle)]
        pub extern \"C\" fn third(first: u32) -> u32 {
            let bytes: Vec<u32> = (0..first).collect();
            bytes[2] + bytes.iter().map(ToString::to_string).map(|text| text.len() as u32).sum::<u32>()
        }
    ";
    const MANIFEST: &str = "
        [package]
        name = \"a-guest\"
        version = \"0.1.0\"
        edition = \"2024\"
        [lib]
        crate-type = [\"cdylib\"]
        [profile.guest]
        inherits = \"release\"
        lto = true
        codegen-units = 1
        panic = \"abort\"
        strip = true
    ";
    const LOCK: &str = "version = 4\n[[package]]\nname = \"a-guest\"\nversion = \"0.1.0\"\n";

    fn guest_in(folder: &Path, source: &str) {
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(folder.join("Cargo.lock"), LOCK).unwrap();
        fs::write(folder.join("src/lib.rs"), source).unwrap();
    }

    fn guest(folder: &Path) -> Guest<'_> {
        let target_dir = folder.join("target");
        Guest { sources: folder, workspace: folder, target_dir, package: "a-guest" }
    }

    #[test]
    fn two_folders_give_the_same_bytes() {
        let scratch = tempfile::tempdir().unwrap();
        let modules = ["here", "far/away/from/there"].map(|name| {
            let folder = scratch.path().join(name);
            guest_in(&folder, SOURCE);
            guest(&folder).build().unwrap()
        });
        assert_eq!(modules[0], modules[1]);
        let text = String::from_utf8_lossy(&modules[0]);
        assert!(text.contains("src/lib.rs"), "nothing to leak");
        assert!(!text.contains(&*scratch.path().to_string_lossy()));
    }

    #[test]
    fn a_failed_build_repeats_what_the_compiler_said() {
        let scratch = tempfile::tempdir().unwrap();
        guest_in(scratch.path(), "fn broken( {}");
        let error = guest(scratch.path()).build().unwrap_err();
        assert!(error.to_string().contains("`cargo build` of a-guest"), "{error}");
        assert!(error.to_string().contains("unclosed delimiter"), "{error}");
    }
}
