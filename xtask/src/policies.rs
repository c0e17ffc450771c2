use std::fs;

use anyhow::Result;
use tidegate_core_build::{TARGET, build_policy};
use tidegate_tests::{Progress, workspace};

use crate::build::{cargo, run};
use crate::tally::Tally;
use crate::terminal::{heading, say};

/// Builds the bundled policy modules into `target/dist`.
pub(crate) fn build() -> Result<()> {
    for name in bundled()? {
        let what = format!("building the policy module {name} for WebAssembly");
        let progress = Progress::start(&what, None);
        let policy = build_policy(workspace::root(), &workspace::target_dir(), &name)?;
        drop(progress);
        say(&format!("policy {name} {}", policy.digest));
        say(&format!("       {}", policy.component.display()));
    }
    Ok(())
}

/// Runs the modules' own tests, natively.
pub(crate) fn test(tally: &mut Tally) -> Result<()> {
    for name in bundled()? {
        heading(&format!("Testing the policy module {name}"));
        tally.run(within(&mut cargo(), "test", &name).arg("--no-fail-fast"))?;
    }
    Ok(())
}

/// Checks format and lints of the modules, natively with their tests and for WebAssembly.
pub(crate) fn lint() -> Result<()> {
    for name in bundled()? {
        heading(&format!("Checking the policy module {name}"));
        let manifest = manifest(&name);
        run(cargo().args(["fmt", "--check", "--manifest-path", &manifest]))?;
        for more in [&["--all-targets"][..], &["--target", TARGET][..]] {
            let mut clippy = cargo();
            within(&mut clippy, "clippy", &name).args(more).args(["--", "--deny", "warnings"]);
            run(&mut clippy)?;
        }
    }
    Ok(())
}

/// The modules: folders of `policies` with a package in them, sorted.
fn bundled() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::root().join("policies"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A module has a workspace and a lock file of its own, and shares only a target folder with others.
fn within<'a>(
    cargo: &'a mut std::process::Command,
    subcommand: &str,
    name: &str,
) -> &'a mut std::process::Command {
    cargo
        .args([subcommand, "--locked", "--manifest-path", &manifest(name), "--target-dir"])
        .arg(workspace::target_dir().join("policies-native"))
}

fn manifest(name: &str) -> String {
    let path = workspace::root().join("policies").join(name).join("Cargo.toml");
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_bundled_modules_are_found() {
        assert_eq!(bundled().unwrap(), ["guardrails"]);
    }
}
