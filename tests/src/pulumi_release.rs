use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cache::{Cache, Key};
use crate::finished::{finish, run_logged};
use crate::workspace;

/// The oldest CLI that Tidegate drives: the first with everything that its gate needs.
pub const MINIMUM_PULUMI: (u32, u32) = (3, 227);

/// Changes when the entry in the cache is made otherwise, so that old ones are not used.
const RECIPE: &str = "1";

/// Six minutes of processor time from cold caches.
const BUILD: Duration = Duration::from_secs(45 * 60);

/// A start of the CLI takes a fraction of a second.
const ASK: Duration = Duration::from_secs(60);

/// A Pulumi CLI with its YAML language host.
#[derive(Clone, Debug)]
pub struct PulumiRelease {
    /// The folder with `pulumi` and `pulumi-language-yaml`.
    pub folder: PathBuf,
    /// Its version, e.g. `3.259.0`.
    pub version: String,
    /// Whether it was built here, from Go modules.
    pub built: bool,
}

impl PulumiRelease {
    /// The installed one if it is new enough and has the YAML host beside it; or else one built from
    /// the Go modules that `tests/pulumi-cli` pins.
    ///
    /// # Errors
    /// Go is missing or fails.
    pub fn get(cache: &Cache) -> Result<Self> {
        match Self::installed() {
            Some(release) => Ok(release),
            None => Self::build(cache),
        }
    }

    /// The one on PATH, if it will do.
    #[must_use]
    pub fn installed() -> Option<Self> {
        let path = env::var_os("PATH")?;
        let folder = env::split_paths(&path).find(|folder| folder.join("pulumi").is_file())?;
        if !folder.join("pulumi-language-yaml").is_file() {
            return None;
        }
        let version = version_of(&folder).ok()?;
        is_new_enough(&version).then_some(Self { folder, version, built: false })
    }

    /// Which Pulumi this is, for people.
    #[must_use]
    pub fn description(&self) -> String {
        let origin = if self.built { "built from Go modules" } else { "installed" };
        format!("Pulumi {}, {origin}, in {}", self.version, self.folder.display())
    }

    fn build(cache: &Cache) -> Result<Self> {
        let sources = workspace::root().join("tests/pulumi-cli");
        let manifest = fs::read_to_string(sources.join("go.mod"))?;
        let pulumi = required(&manifest, "github.com/pulumi/pulumi/pkg/v3")?;
        let yaml = required(&manifest, "github.com/pulumi/pulumi-yaml")?;
        let key =
            Key::new().text(RECIPE).folder(&sources)?.text(env::consts::OS).text(env::consts::ARCH);
        let log = cache.log("pulumi", &key);
        let folder = cache.entry("pulumi", &key, |folder| {
            // Without a version the CLI calls itself 0.0 and skips its checks.
            let version =
                format!("-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{pulumi}");
            go_build(&sources, folder, "pulumi", &log, &version)?;
            let version = format!("-X github.com/pulumi/pulumi-yaml/pkg/version.Version=v{yaml}");
            go_build(&sources, folder, "pulumi-language-yaml", &log, &version)?;
            let built = version_of(folder)?;
            anyhow::ensure!(built == pulumi, "built Pulumi {pulumi}, but it says {built}");
            Ok(())
        })?;
        Ok(Self { folder, version: pulumi, built: true })
    }
}

fn go_build(sources: &Path, folder: &Path, name: &str, log: &Path, version: &str) -> Result<()> {
    let package = match name {
        "pulumi" => "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        _ => "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    };
    let mut go = Command::new("go");
    go.args(["build", "-mod=readonly", "-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags"])
        .arg(format!("-w -s {version}"))
        .arg("-o")
        .arg(folder.join(name))
        .arg(package)
        .current_dir(sources)
        // A program that runs in any sandbox, whatever C library is in there.
        .env("CGO_ENABLED", "0")
        .env_remove("GOFLAGS");
    run_logged(&format!("building {name} from Go modules"), log, BUILD, &mut go).context(
        "Go (the version in tests/pulumi-cli/go.mod or newer) builds the Pulumi CLI; \
                  an installed Pulumi with its YAML host would do as well",
    )
}

/// The version of a required module, without its `v`.
fn required(manifest: &str, module: &str) -> Result<String> {
    let version = manifest
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .find(|(name, _)| *name == module)
        .and_then(|(_, version)| version.strip_prefix('v'));
    let version = version.with_context(|| format!("go.mod doesn't require {module}"))?;
    Ok(version.to_owned())
}

fn version_of(folder: &Path) -> Result<String> {
    let home = tempfile::tempdir()?;
    let mut command = Command::new(folder.join("pulumi"));
    command
        .arg("version")
        .env_clear()
        .env("PATH", folder)
        .env("HOME", home.path())
        .env("PULUMI_HOME", home.path())
        .env("PULUMI_SKIP_UPDATE_CHECK", "true");
    let text = finish(&mut command, ASK)?.ok()?;
    match text.trim().strip_prefix('v') {
        Some(version) => Ok(version.to_owned()),
        None => bail!("`pulumi version` printed {text:?}"),
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => (major, minor) >= MINIMUM_PULUMI,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_oldest("3.227.0", true)]
    #[case::newer("3.259.1", true)]
    #[case::a_later_line("4.0.0-alpha.1", true)]
    #[case::too_old("3.226.9", false)]
    #[case::nonsense("", false)]
    fn an_old_cli_is_not_used(#[case] version: &str, #[case] expected: bool) {
        assert_eq!(is_new_enough(version), expected);
    }

    #[test]
    fn the_pinned_versions_are_read_from_the_manifest() {
        let manifest = "require (\n\tgithub.com/pulumi/pulumi-yaml v1.38.1\n)\n";
        assert_eq!(required(manifest, "github.com/pulumi/pulumi-yaml").unwrap(), "1.38.1");
        assert!(required(manifest, "github.com/pulumi/pulumi").is_err());
    }
}
