use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::finished::{Finished, finish};
use crate::pulumi_release::PulumiRelease;
use crate::tools::Tools;

/// The passphrase of every stack of the harness; the sample programs' stack files carry salts for it.
pub const PASSPHRASE: &str = "tidegate-tests";

/// The sample programs need a second; a busy machine gets much more.
const TIMEOUT: Duration = Duration::from_secs(180);

/// The real CLI with a `file://` backend of its own, as a person would use it by hand.
///
/// Its environment is empty but for what is named here.
#[derive(Clone, Debug)]
pub struct Pulumi {
    release: PulumiRelease,
    home: PathBuf,
    state: PathBuf,
}

impl Pulumi {
    /// A CLI whose home and state lie in `folder`.
    ///
    /// # Errors
    /// The CLI can't be had, or the folders can't be made.
    pub fn new(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        let (home, state) = (folder.join("pulumi-home"), folder.join("state"));
        fs::create_dir_all(&home)?;
        fs::create_dir_all(&state)?;
        Ok(Self { release: Tools::shared()?.pulumi()?, home, state })
    }

    /// Which CLI it is.
    #[must_use]
    pub fn release(&self) -> &PulumiRelease {
        &self.release
    }

    /// The folder of the state backend.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The URL of the state backend.
    #[must_use]
    pub fn backend(&self) -> String {
        format!("file://{}", self.state.display())
    }

    /// The CLI in a project's folder; the caller adds arguments.
    #[must_use]
    pub fn command(&self, project: &Path) -> Command {
        let system = std::env::var_os("PATH").unwrap_or_default();
        let mut path = self.release.folder.clone().into_os_string();
        path.push(":");
        path.push(system);
        let mut command = Command::new(self.release.folder.join("pulumi"));
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.home)
            // The backend's lock names the user, and the system may know no name for the number.
            .env("USER", "tests")
            .env("LANG", "C.UTF-8")
            .env("PULUMI_HOME", &self.home)
            .env("PULUMI_BACKEND_URL", self.backend())
            .env("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
            .env("PULUMI_SKIP_UPDATE_CHECK", "true")
            .env("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
            // Turns on --event-log.
            .env("PULUMI_DEBUG_COMMANDS", "true")
            .args(["--non-interactive", "--color", "never", "--cwd"])
            .arg(project);
        command
    }

    /// Runs the CLI in a project's folder, whatever its code.
    ///
    /// # Errors
    /// It doesn't start or end.
    pub fn run(&self, project: &Path, arguments: &[&str]) -> Result<Finished> {
        let mut command = self.command(project);
        command.args(arguments);
        finish(&mut command, TIMEOUT)
    }

    /// Creates a stack.
    ///
    /// # Errors
    /// The CLI fails, e.g. because it exists.
    pub fn init(&self, project: &Path, stack: &str) -> Result<()> {
        self.run(project, &["stack", "init", stack])?.ok()?;
        Ok(())
    }

    /// Sets a value of the stack's configuration.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn configure(&self, project: &Path, stack: &str, key: &str, value: &str) -> Result<()> {
        let arguments = ["config", "set", "--stack", stack, "--plaintext", key, value];
        self.run(project, &arguments)?.ok()?;
        Ok(())
    }

    /// Sets a secret of the stack's configuration.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn configure_secret(
        &self,
        project: &Path,
        stack: &str,
        key: &str,
        value: &str,
    ) -> Result<()> {
        let arguments = ["config", "set", "--stack", stack, "--secret", key, value];
        self.run(project, &arguments)?.ok()?;
        Ok(())
    }

    /// Previews, into a plan file and an event log, and returns what was printed.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn preview(
        &self,
        project: &Path,
        stack: &str,
        plan: &Path,
        events: &Path,
    ) -> Result<String> {
        let mut command = self.command(project);
        command
            .args(["preview", "--stack", stack, "--save-plan"])
            .arg(plan)
            .arg("--event-log")
            .arg(events);
        finish(&mut command, TIMEOUT)?.ok()
    }

    /// Updates the stack by hand, around any review.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn up(&self, project: &Path, stack: &str) -> Result<String> {
        self.run(project, &["up", "--stack", stack, "--yes"])?.ok()
    }

    /// Destroys the stack's resources by hand.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn destroy(&self, project: &Path, stack: &str) -> Result<String> {
        self.run(project, &["destroy", "--stack", stack, "--yes"])?.ok()
    }

    /// The stack's outputs with secrets in clear; an empty object before the first update.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn outputs(&self, project: &Path, stack: &str) -> Result<Value> {
        let arguments = ["stack", "output", "--stack", stack, "--json", "--show-secrets"];
        parse(&self.run(project, &arguments)?.ok()?)
    }

    /// The stack's state as `pulumi stack export` gives it.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn export(&self, project: &Path, stack: &str) -> Result<Value> {
        parse(&self.run(project, &["stack", "export", "--stack", stack])?.ok()?)
    }

    /// Replaces the stack's state.
    ///
    /// # Errors
    /// The CLI fails.
    pub fn import(&self, project: &Path, stack: &str, state: &Value) -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        serde_json::to_writer(&file, state)?;
        let path = file.path().to_string_lossy();
        self.run(project, &["stack", "import", "--stack", stack, "--file", &path])?.ok()?;
        Ok(())
    }

    /// The bytes of a stack's state file, e.g. to see whether anything was written.
    ///
    /// # Errors
    /// There is no such stack.
    pub fn state_bytes(&self, project_name: &str, stack: &str) -> Result<Vec<u8>> {
        let path =
            self.state.join(".pulumi/stacks").join(project_name).join(format!("{stack}.json"));
        fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
    }

    /// The lock files of a stack: more than none while somebody works on it.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn locks(&self, project_name: &str, stack: &str) -> Result<Vec<PathBuf>> {
        let folder = self.state.join(".pulumi/locks/organization").join(project_name).join(stack);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut locks = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                locks.push(path);
            }
        }
        locks.sort();
        Ok(locks)
    }
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("the CLI printed no JSON: {text}"))
}
