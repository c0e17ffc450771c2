//! One job: a scratch folder, and the CLI started in it as often as the job needs.

use crate::process::{Allowance, Finished, Invocation, ProcessError, Stop, run};
use crate::{
    Cancel, Cli, Environment, EventLogReader, Failure, Progress, Scratch, ScratchError, Secret,
    StackFile,
};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::future::{Future, pending};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// What every run is told, and why: no look for updates, plugins installed by hand only, the event
/// log's flag switched on, no listing of the bucket for an old layout, no advertisement.
const ALWAYS: [(&str, &str); 5] = [
    ("PULUMI_SKIP_UPDATE_CHECK", "true"),
    ("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true"),
    ("PULUMI_DEBUG_COMMANDS", "true"),
    ("PULUMI_DIY_BACKEND_NO_LEGACY_WARNING", "true"),
    ("PULUMI_SUPPRESS_NEO_LINK", "true"),
];

/// A job's folder. Removed when dropped.
pub(crate) struct Job {
    folder: TempDir,
    runs: AtomicU32,
    tools: Option<PathBuf>,
}

/// Why a run of the CLI could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("cannot make the folders of a run in {folder}")]
    Folders {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl Job {
    pub(crate) fn new(scratch: &Scratch) -> Result<Self, ScratchError> {
        Ok(Self { folder: scratch.folder()?, runs: AtomicU32::new(0), tools: None })
    }

    /// Puts the programs in `folder` on the PATH of the job's runs, behind all others.
    pub(crate) fn with_tools(mut self, folder: PathBuf) -> Self {
        self.tools = Some(folder);
        self
    }

    /// A path in the job's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The job's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the CLI until it ends by itself, is cancelled, or uses up its allowance.
    pub(crate) async fn run<A: AsRef<OsStr>>(
        &self,
        cli: &Cli,
        environment: &Environment,
        backend: Option<&Secret>,
        arguments: impl IntoIterator<Item = A>,
        allowance: Allowance,
        cancel: Cancel,
    ) -> Result<Finished, JobError> {
        self.run_watched(cli, environment, backend, arguments, allowance, cancel, pending()).await
    }

    /// As [`Job::run`], and stops also when `watch` resolves.
    #[expect(clippy::too_many_arguments, reason = "each is a different kind of thing")]
    pub(crate) async fn run_watched<A: AsRef<OsStr>>(
        &self,
        cli: &Cli,
        environment: &Environment,
        backend: Option<&Secret>,
        arguments: impl IntoIterator<Item = A>,
        allowance: Allowance,
        cancel: Cancel,
        watch: impl Future<Output = Stop>,
    ) -> Result<Finished, JobError> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        // The home's path marks the run's processes, so each run has its own.
        let home = self.path(&format!("home-{number}"));
        self.make_home(&home, cli)?;
        let mut variables: Vec<(OsString, OsString)> =
            environment.variables().map(|(name, value)| (name.into(), value.into())).collect();
        variables.extend(ALWAYS.map(|(name, value)| (name.into(), value.into())));
        variables.extend([
            ("PATH".into(), self.search_path(cli)?),
            ("HOME".into(), home.clone().into()),
            ("TMPDIR".into(), home.join("tmp").into()),
            // The CLI asks who it is for its lock, and without a passwd entry it asks here.
            ("USER".into(), "tidegate".into()),
        ]);
        if let Some(backend) = backend {
            variables.push(("PULUMI_BACKEND_URL".into(), backend.expose().into()));
        }
        let all = ["--non-interactive", "--color", "never"];
        let invocation = Invocation {
            program: cli.program().to_owned(),
            arguments: all
                .into_iter()
                .map(OsString::from)
                .chain(arguments.into_iter().map(|argument| argument.as_ref().to_owned()))
                .collect(),
            variables,
            // Empty and ours: no project file is found from here upwards but by `-C`.
            directory: home.join("tmp"),
            home,
        };
        Ok(run(invocation, allowance, cancel, watch).await?)
    }

    /// Reports the whole event log, whose end the follower at its intervals may not have seen.
    pub(crate) fn report_end(
        &self,
        name: &str,
        limit: u64,
        report: Option<&watch::Sender<Progress>>,
    ) {
        let Some(report) = report else { return };
        let mut reader = EventLogReader::new();
        // A log that can't be read makes an error later, if the run needed it.
        if self.read(name, limit).is_ok_and(|log| reader.feed(&log).is_ok()) {
            report.send_replace(reader.progress().clone());
        }
    }

    fn search_path(&self, cli: &Cli) -> Result<OsString, JobError> {
        let Some(tools) = &self.tools else { return Ok(cli.path().clone()) };
        let folders = std::env::split_paths(cli.path()).chain([tools.clone()]);
        std::env::join_paths(folders).map_err(|error| JobError::Folders {
            folder: tools.clone(),
            source: io::Error::other(error),
        })
    }

    /// A copy of the stack file for one run; a path without a file if there is none. The CLI
    /// writes a salt into a stack file that has none.
    pub(crate) fn config_copy(
        &self,
        name: &str,
        stack_file: Option<&StackFile>,
    ) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        if let Some(file) = stack_file {
            std::fs::write(&path, file.bytes()).map_err(|error| {
                Failure::Machine(format!("cannot copy the stack file: {error}"))
            })?;
        }
        Ok(path)
    }

    /// The bytes of a file that the CLI wrote, at most `limit` of them.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let broken = |what: String| Failure::ResultBroken(format!("{name} {what}"));
        let mut bytes = Zeroizing::new(Vec::new());
        File::open(self.path(name))
            .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| broken(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > limit {
            return Err(broken(format!("is larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    fn make_home(&self, home: &Path, cli: &Cli) -> Result<(), JobError> {
        let make = || {
            std::fs::create_dir(home)?;
            std::fs::create_dir(home.join("tmp"))?;
            match cli.plugin_cache() {
                Some(cache) => std::os::unix::fs::symlink(cache, home.join("plugins")),
                None => Ok(()),
            }
        };
        make().map_err(|source| JobError::Folders { folder: self.folder().to_owned(), source })
    }
}
