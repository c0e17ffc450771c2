//! One git command, hardened.

use crate::git::process::{self, Finished, Unfinished};
use crate::git::{GitError, Remote};
use crate::text::said;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a command may take that stays on this machine.
const LOCAL: Duration = Duration::from_secs(120);

/// Most bytes of output, unless a command says otherwise.
const OUTPUT_BYTES: usize = 64 << 20;

/// Configuration for every command. Later entries win, and no file is read but the mirror's own.
const SETTINGS: &[(&str, &str)] = &[
    // Nothing is ever executed that a repository or a server names.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    // Tidying up is our own call, never a background process that outlives us.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // A redirect would carry the credential to who knows where.
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    // What was fetched is kept as a pack, which appears whole or not at all: a commit that is there
    // has its trees and files too.
    ("fetch.unpackLimit", "1"),
    // Malformed objects are refused at the door, except what old repositories are full of and what
    // does no harm.
    ("fetch.fsckObjects", "true"),
    ("fetch.fsck.zeroPaddedFilemode", "ignore"),
    ("fetch.fsck.badTimezone", "ignore"),
    ("fetch.fsck.missingSpaceBeforeDate", "ignore"),
    ("fetch.fsck.missingNameBeforeEmail", "ignore"),
    ("fetch.fsck.missingSpaceBeforeEmail", "ignore"),
    ("fetch.fsck.badEmail", "ignore"),
    ("fetch.fsck.nulInCommit", "ignore"),
];

/// The program, and what little of the host's environment it gets.
#[derive(Clone, Debug)]
pub struct GitProgram {
    program: PathBuf,
    path: OsString,
}

impl GitProgram {
    /// `program`, which finds its own helpers on `path`, the value of `PATH`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, path: impl Into<OsString>) -> Self {
        Self { program: program.into(), path: path.into() }
    }

    /// The git on the host's own `PATH`.
    #[must_use]
    pub fn on_path() -> Self {
        Self::new("git", std::env::var_os("PATH").unwrap_or_default())
    }

    /// A command `asked` with its arguments, for the bare repository `dir`.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        dir: &Path,
        asked: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> GitCommand {
        let mut arguments: Vec<OsString> =
            arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        arguments.insert(0, asked.into());
        GitCommand {
            program: self.clone(),
            dir: dir.to_owned(),
            asked: asked.to_owned(),
            arguments,
            environment: Vec::new(),
            settings: Vec::new(),
            input: Vec::new(),
            patience: LOCAL,
            bound: OUTPUT_BYTES,
            good_codes: &[0],
        }
    }
}

/// A command before it is run.
#[derive(Debug)]
pub(crate) struct GitCommand {
    program: GitProgram,
    dir: PathBuf,
    asked: String,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    settings: Vec<(String, String)>,
    input: Vec<u8>,
    patience: Duration,
    bound: usize,
    good_codes: &'static [i32],
}

impl GitCommand {
    /// Feeds `input` to it.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Lets it use this index file.
    pub(crate) fn index(self, index: &Path) -> Self {
        self.environment("GIT_INDEX_FILE", index)
    }

    pub(crate) fn environment(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// Bounds its output.
    pub(crate) fn bound(mut self, bytes: usize) -> Self {
        self.bound = bytes;
        self
    }

    /// Bounds its time.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Says which exit codes are answers and not failures.
    pub(crate) fn good_codes(mut self, codes: &'static [i32]) -> Self {
        self.good_codes = codes;
        self
    }

    /// Lets it speak to the server.
    pub(crate) fn remote(mut self, remote: &Remote) -> Self {
        self.settings.extend(remote.settings());
        self.environment("GIT_ALLOW_PROTOCOL", remote.protocol())
    }

    /// Runs it and gives its output.
    pub(crate) async fn output(self) -> Result<Vec<u8>, GitError> {
        Ok(self.run().await?.stdout)
    }

    /// Runs it and gives its output as one line of text.
    pub(crate) async fn line(self) -> Result<String, GitError> {
        let asked = self.asked.clone();
        let text = String::from_utf8(self.output().await?).map_err(|_| GitError::Unexpected {
            asked,
            found: "its output is not UTF-8".to_owned(),
        })?;
        Ok(text.trim_end().to_owned())
    }

    /// Runs it; a code that isn't good is an error.
    pub(crate) async fn run(self) -> Result<Finished, GitError> {
        let mut command = self.prepared();
        let asked = self.asked;
        let run = process::run(&mut command, &self.input, self.bound);
        let finished = match timeout(self.patience, run).await {
            Ok(Ok(finished)) => finished,
            Ok(Err(Unfinished::Start(source))) => {
                return Err(GitError::Start { program: self.program.program, source });
            }
            Ok(Err(Unfinished::Pipe(source))) => return Err(GitError::Pipe { asked, source }),
            Ok(Err(Unfinished::TooMuch)) => {
                return Err(GitError::TooMuch { asked, limit: self.bound });
            }
            Err(_) => return Err(GitError::TimedOut { asked, after: self.patience }),
        };
        let code = finished.status.code();
        if code.is_some_and(|code| self.good_codes.contains(&code)) {
            return Ok(finished);
        }
        Err(GitError::Failed { asked, code, said: said(&finished.stderr) })
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(&self.program.program);
        command
            .env_clear()
            .env("PATH", &self.program.path)
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_DIR", &self.dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_ALLOW_PROTOCOL", "")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .args(&self.arguments);
        let own = self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let settings: Vec<(&str, &str)> = SETTINGS.iter().copied().chain(own).collect();
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        command
    }
}
