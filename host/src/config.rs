//! The host's own file: where Gerrit, Pulumi, the store, the log and the keys are, and the floor
//! below which no project may go.

use crate::exit::Coded;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tidegate_core::ids::{Project, ServerId, StackId};
use tidegate_core::settings::Floor;

/// Largest secret file: passphrases, passwords and keys are short.
const SECRET_BYTES: u64 = 64 << 10;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Gerrit.
    pub(crate) gerrit: Gerrit,
    /// Pulumi.
    #[serde(default)]
    pub(crate) pulumi: Pulumi,
    /// Where Tidegate keeps its store and works.
    pub(crate) state: PathBuf,
    /// The log.
    pub(crate) log: Log,
    /// The policy modules.
    #[serde(default)]
    pub(crate) policies: Policies,
    /// The pages.
    #[serde(default)]
    pub(crate) web: Web,
    /// State backends, by the name or URL that claims use.
    #[serde(default)]
    pub(crate) backend: BTreeMap<String, Backend>,
    /// Credentials, by stack.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<StackId, Credentials>,
    /// The floor.
    #[serde(default)]
    pub(crate) floor: Option<Floor>,
}

/// How Gerrit is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gerrit {
    /// Its canonical URL.
    pub(crate) url: String,
    /// The service account's name.
    pub(crate) user: String,
    /// A file (mode 0600) with its password or token.
    pub(crate) password_file: PathBuf,
    /// The projects that are watched.
    pub(crate) projects: BTreeSet<Project>,
    /// Whether Gerrit has the plugin.
    #[serde(default = "yes")]
    pub(crate) plugin: bool,
    /// SSH, for the event stream of a server without the plugin.
    #[serde(default)]
    pub(crate) ssh: Option<Ssh>,
    /// The label to vote on, −1 to +1; none unless given.
    #[serde(default)]
    pub(crate) vote: Option<String>,
    /// The secret half of the key that records are signed with.
    #[serde(default)]
    pub(crate) record_key_file: Option<PathBuf>,
    /// Its `gerrit.serverId`. Needed only where neither the plugin nor a change can tell it.
    #[serde(default)]
    pub(crate) server_id: Option<ServerId>,
    /// How often every project is read without being asked to, in seconds.
    #[serde(default = "reconcile_seconds")]
    pub(crate) reconcile_seconds: u64,
    /// How many requests are under way at once.
    #[serde(default = "requests")]
    pub(crate) requests: usize,
}

/// The event stream over SSH.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ssh {
    /// The host.
    pub(crate) host: String,
    /// The port.
    #[serde(default = "ssh_port")]
    pub(crate) port: u16,
    /// The private key's file.
    pub(crate) key_file: PathBuf,
    /// The file that the server's host key must stand in.
    pub(crate) known_hosts_file: PathBuf,
}

/// How Pulumi is run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pulumi {
    /// The folder of the CLI and its language hosts; PATH unless given.
    #[serde(default)]
    pub(crate) bin: Option<PathBuf>,
    /// How many previews run at once; 2 unless given.
    #[serde(default)]
    pub(crate) previews: Option<usize>,
    /// How many applies run at once; 2 unless given.
    #[serde(default)]
    pub(crate) applies: Option<usize>,
    /// The longest time of a preview, in seconds; 1800 unless given.
    #[serde(default)]
    pub(crate) preview_seconds: Option<u64>,
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The secret half of its key.
    pub(crate) key_file: PathBuf,
}

/// The policy modules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policies {
    /// The folder with the modules that settings name by digest; `policies` unless given.
    #[serde(default)]
    folder: Option<PathBuf>,
}

impl Policies {
    /// Where the modules are.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| PathBuf::from("policies"))
    }
}

/// The pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    /// The address to listen on.
    #[serde(default = "listen")]
    pub(crate) listen: SocketAddr,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: listen() }
    }
}

/// A state backend.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backend {
    /// Its URL, such as `file:///var/lib/pulumi` or `s3://states`.
    pub(crate) url: String,
    /// A file (mode 0600) with the passphrase of its stacks.
    #[serde(default)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// The credentials of a stack, one set for each phase.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// For previews.
    #[serde(default)]
    pub(crate) preview: Option<PathBuf>,
    /// For applies.
    #[serde(default)]
    pub(crate) apply: Option<PathBuf>,
}

impl Config {
    /// Reads and checks the file. Relative paths in it are below its own folder.
    ///
    /// # Errors
    /// What is wrong, where, and what was expected.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Coded::Config(format!("{} can't be read: {error}", path.display())))?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|error| Coded::Config(format!("{}: {error}", path.display())))?;
        let folder = std::path::absolute(path)?.parent().map(Path::to_owned).unwrap_or_default();
        config.resolve(&folder);
        if config.gerrit.projects.is_empty() {
            let text = format!("{}: gerrit.projects names no project to watch", path.display());
            return Err(Coded::Config(text).into());
        }
        if config.gerrit.plugin && config.gerrit.record_key_file.is_none() {
            let text = format!(
                "{}: gerrit.record_key_file is missing: make one with `tidegate keys new`, and give \
                 its verifier line to the plugin",
                path.display()
            );
            return Err(Coded::Config(text).into());
        }
        if !config.gerrit.plugin && config.gerrit.ssh.is_none() {
            let text = format!(
                "{}: without the plugin, [gerrit.ssh] must say where the event stream is",
                path.display()
            );
            return Err(Coded::Config(text).into());
        }
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let below = |path: &mut PathBuf| *path = folder.join(&*path);
        below(&mut self.gerrit.password_file);
        below(&mut self.state);
        below(&mut self.log.folder);
        below(&mut self.log.key_file);
        let mut modules = self.policies.folder();
        below(&mut modules);
        self.policies.folder = Some(modules);
        self.gerrit.record_key_file.iter_mut().for_each(below);
        self.pulumi.bin.iter_mut().for_each(below);
        if let Some(ssh) = &mut self.gerrit.ssh {
            below(&mut ssh.key_file);
            below(&mut ssh.known_hosts_file);
        }
        self.backend.values_mut().flat_map(|b| &mut b.passphrase_file).for_each(below);
        self.credentials.values_mut().flat_map(|c| &mut c.preview).for_each(below);
        self.credentials.values_mut().flat_map(|c| &mut c.apply).for_each(below);
    }

    /// The backend that a claim names: by its name here, or by its URL.
    pub(crate) fn backend(&self, name: &str) -> Option<&Backend> {
        self.backend.get(name).or_else(|| self.backend.values().find(|b| b.url == name))
    }

    /// How often every project is read.
    pub(crate) fn reconcile_every(&self) -> Duration {
        Duration::from_secs(self.gerrit.reconcile_seconds.max(1))
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.state.join("tidegate.db")
    }
}

/// Reads a file that only its owner may read; the last line break is no part of the secret.
///
/// # Errors
/// The file can't be read, others may read it, or it is too long.
pub(crate) fn secret(path: &Path) -> Result<String> {
    let about = |what: &str| Coded::Config(format!("{}: {what}", path.display()));
    let meta = std::fs::metadata(path)
        .map_err(|error| about(&format!("the secret can't be read: {error}")))?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(about("others than its owner may open it; run chmod 600 on it").into());
    }
    if meta.len() > SECRET_BYTES {
        return Err(about("it is too long to be a secret").into());
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} can't be read", path.display()))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn yes() -> bool {
    true
}

/// A gap that no event told of is found within this time.
fn reconcile_seconds() -> u64 {
    60
}

/// Enough for a burst, and few enough not to be noticed by people.
fn requests() -> usize {
    8
}

/// Gerrit's own default.
fn ssh_port() -> u16 {
    29418
}

/// Loopback: who wants the pages seen puts a proxy with a login before them.
fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8490))
}
