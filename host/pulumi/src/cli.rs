//! Finds the Pulumi CLI and what it starts.

use crate::digest::sha256;
use crate::executable::{is_executable, list};
use crate::job::Job;
use crate::process::{Allowance, End};
use crate::{Cancel, CliVersion, Environment, Executable, Scratch, ScratchError, limits};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names of what the CLI starts by itself: language hosts, providers, and policy analyzers.
const PLUGINS: [&str; 3] = ["pulumi-language-", "pulumi-resource-", "pulumi-analyzer-"];

/// Most bytes that `pulumi version` may print.
const VERSION_OUTPUT: usize = 4 << 10;

/// The Pulumi CLI of this host, checked once at its start.
#[derive(Clone, Debug)]
pub struct Cli {
    program: PathBuf,
    version: CliVersion,
    path: OsString,
    plugin_cache: Option<PathBuf>,
    executables: Vec<Executable>,
}

/// Why there is no CLI to work with.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// No executable of that name.
    #[error(
        "cannot find an executable `pulumi` in {searched}: install the Pulumi CLI {} or newer, or \
         name its folder in the settings",
        limits::OLDEST_CLI
    )]
    Missing {
        /// The folders that were looked at.
        searched: String,
    },
    /// It could not be started, or did not end.
    #[error("cannot ask {program} for its version: {what}")]
    NoVersion {
        /// The program that was asked.
        program: PathBuf,
        /// What happened instead.
        what: String,
    },
    /// It answered something that is no version.
    #[error(
        "cannot read the version of {program}: expected something like v3.259.0, found {found:?}; \
         a CLI built without its version must not be used, as it skips its own checks"
    )]
    NotAVersion {
        /// The program that was asked.
        program: PathBuf,
        /// The first characters of its answer.
        found: String,
    },
    /// It is older than what is supported.
    #[error(
        "{program} is version {found}, and {} is the oldest that is supported: update the Pulumi CLI",
        limits::OLDEST_CLI
    )]
    TooOld {
        /// The program that was asked.
        program: PathBuf,
        /// Its version.
        found: CliVersion,
    },
    /// There are more plugins than are digested.
    #[error(
        "found more than {} Pulumi plugins beside {program}: name a folder that holds only what is \
         needed",
        limits::EXECUTABLES
    )]
    TooMany {
        /// The program beside which they were found.
        program: PathBuf,
    },
    /// A program can't be read.
    #[error("cannot read {path} for its digest")]
    Unreadable {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No scratch space.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
}

impl Cli {
    /// Finds `pulumi` in `search`, or else in the folders of this process's PATH, and checks that
    /// it is new enough. `tools` are folders with what projects need beside it, such as providers
    /// and `node`: together with the CLI's own folder they are the whole PATH of every run.
    ///
    /// # Errors
    /// If there is none, or it is too old or doesn't say how old it is.
    pub async fn find(
        search: Option<&Path>,
        tools: &[PathBuf],
        scratch: &Scratch,
    ) -> Result<Self, CliError> {
        let folders = match search {
            Some(folder) => vec![folder.to_owned()],
            None => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect(),
        };
        let program = folders
            .iter()
            .map(|folder| std::path::absolute(folder.join("pulumi")))
            .find_map(|path| path.ok().filter(|path| is_executable(path)))
            .ok_or_else(|| CliError::Missing {
                searched: folders
                    .iter()
                    .map(|folder| folder.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            })?;
        let own = program.parent().unwrap_or(Path::new("/")).to_owned();
        let path = std::iter::once(own).chain(tools.iter().cloned()).collect::<Vec<_>>();
        let mut cli = Self {
            program,
            version: CliVersion::new(0, 0, 0),
            path: std::env::join_paths(&path).map_err(|error| CliError::Missing {
                searched: format!("{} ({error})", path[0].display()),
            })?,
            plugin_cache: None,
            executables: Vec::new(),
        };
        cli.version = cli.ask_version(scratch).await?;
        if cli.version < limits::OLDEST_CLI {
            return Err(CliError::TooOld { program: cli.program, found: cli.version });
        }
        cli.executables = digest_all(cli.program.clone(), path).await?;
        Ok(cli)
    }

    /// Lets runs use the plugins in `folder`, laid out as in `$PULUMI_HOME/plugins`. Nothing is
    /// ever installed there; its files are not digested.
    #[must_use]
    pub fn with_plugin_cache(mut self, folder: PathBuf) -> Self {
        self.plugin_cache = Some(folder);
        self
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> CliVersion {
        self.version
    }

    /// Where it is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The CLI, and the language hosts, providers and analyzers that it finds on its PATH, as they
    /// were when the host started.
    #[must_use]
    pub fn executables(&self) -> &[Executable] {
        &self.executables
    }

    /// The languages whose hosts were found, such as `yaml`.
    #[must_use]
    pub fn languages(&self) -> Vec<&str> {
        self.executables
            .iter()
            .filter_map(|executable| executable.name.strip_prefix(PLUGINS[0]))
            .collect()
    }

    /// SHA-256 over names and digests of all executables: changes when one of them does.
    #[must_use]
    pub fn digest(&self) -> String {
        let lines: String =
            self.executables.iter().map(|e| format!("{} {}\n", e.digest, e.name)).collect();
        sha256(lines.as_bytes())
    }

    /// The PATH of every run.
    pub(crate) fn path(&self) -> &OsString {
        &self.path
    }

    pub(crate) fn plugin_cache(&self) -> Option<&Path> {
        self.plugin_cache.as_deref()
    }

    async fn ask_version(&self, scratch: &Scratch) -> Result<CliVersion, CliError> {
        let no_version = |what: String| CliError::NoVersion { program: self.program.clone(), what };
        let allowance = Allowance {
            time: limits::VERSION_TIME,
            patience: Duration::ZERO,
            output: VERSION_OUTPUT,
        };
        let finished = Job::new(scratch)?
            .run(self, &Environment::new(), None, ["version"], allowance, Cancel::never())
            .await
            .map_err(|error| no_version(crate::errors::chain(&error)))?;
        let printed = String::from_utf8_lossy(&finished.stdout);
        match finished.end {
            End::Exited(0) => CliVersion::parse(&printed).ok_or_else(|| CliError::NotAVersion {
                program: self.program.clone(),
                found: printed.chars().take(40).collect(),
            }),
            End::Exited(code) => Err(no_version(format!("it ended with code {code}"))),
            End::Signalled(signal) => Err(no_version(format!("it was ended by signal {signal}"))),
            End::Stopped(_) => Err(no_version(format!(
                "it did not end within {} seconds, or printed more than a version",
                limits::VERSION_TIME.as_secs()
            ))),
        }
    }
}

/// Digesting hundreds of megabytes takes a while, so it is done where it holds nothing up.
async fn digest_all(program: PathBuf, folders: Vec<PathBuf>) -> Result<Vec<Executable>, CliError> {
    let is_plugin = |name: &str| PLUGINS.iter().any(|prefix| name.starts_with(prefix));
    let mut paths = vec![program.clone()];
    for path in folders.iter().flat_map(|folder| list(folder, is_plugin)) {
        // The first one on PATH is the one that is used.
        if paths.iter().all(|known| known.file_name() != path.file_name()) {
            paths.push(path);
        }
    }
    if paths.len() > limits::EXECUTABLES {
        return Err(CliError::TooMany { program });
    }
    let read = move || {
        let read_one = |path: PathBuf| {
            Executable::read(&path).map_err(|source| CliError::Unreadable { path, source })
        };
        paths.into_iter().map(read_one).collect()
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
        Err(CliError::Unreadable { path: program, source: io::Error::other(error) })
    })
}
