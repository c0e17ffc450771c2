use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::eventually::eventually;
use crate::finished::{Finished, finish, last_lines};
use crate::ports::listens;
use crate::progress::Progress;
use crate::rest::Rest;
use crate::warded::{Ended, Warded};
use crate::workspace;

/// A fraction of a second on an idle machine.
const START: Duration = Duration::from_secs(60);

/// A run of the command line may wait for a preview.
const COMMAND: Duration = Duration::from_secs(180);

/// The `tidegate` program: its server and its command line. Ends when dropped.
pub struct Tidegate {
    binary: PathBuf,
    config: PathBuf,
    port: u16,
    log: PathBuf,
    environment: Vec<(OsString, OsString)>,
    server: Option<Warded>,
}

impl Tidegate {
    /// The program with its own settings file, whose web address is `port` on 127.0.0.1, not yet
    /// running. The server's output goes to `log`.
    ///
    /// # Errors
    /// The program can't be built.
    pub fn new(config: &Path, port: u16, log: &Path) -> Result<Self> {
        Ok(Self {
            binary: workspace::program("tidegate", "tidegate")?,
            config: std::path::absolute(config)?,
            port,
            log: std::path::absolute(log)?,
            environment: vec![
                ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
                ("HOME".into(), std::env::var_os("HOME").unwrap_or_default()),
                ("LANG".into(), "C.UTF-8".into()),
            ],
            server: None,
        })
    }

    /// Adds a variable to the otherwise nearly empty environment (PATH, HOME, LANG).
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts `serve` and waits until our own process answers `/healthz` with 200.
    ///
    /// # Errors
    /// It runs already, ends early or doesn't answer in time; with the log's end.
    pub fn start(&mut self) -> Result<()> {
        ensure!(self.server.is_none(), "tidegate runs already");
        let mut command = self.command();
        command.arg("serve").arg("--config").arg(&self.config);
        let _progress = Progress::start("starting tidegate", Some(&self.log));
        let mut server = Warded::start("tidegate", &command, &self.log)?;
        let (rest, pid, port) = (self.rest(), server.pid(), self.port);
        let healthy = eventually("tidegate answers /healthz with 200", START, || {
            // An early end is an answer as well, and ends the wait.
            if server.ended().is_some() {
                return Ok(Some(()));
            }
            let answer = rest.call("GET", "healthz", None)?;
            ensure!(answer.is_ok(), "it answers {}: {}", answer.status, answer.body);
            ensure!(listens(pid, port) != Some(false), "port {port} is another's");
            Ok(Some(()))
        });
        server.check_runs()?;
        healthy?;
        self.server = Some(server);
        Ok(())
    }

    /// Ends the server as a service manager does, with SIGTERM, and waits.
    ///
    /// # Errors
    /// It doesn't end within `patience`.
    pub fn stop(&mut self, patience: Duration) -> Result<Option<Ended>> {
        let Some(mut server) = self.server.take() else {
            return Ok(None);
        };
        server.signal(Signal::TERM)?;
        Ok(Some(server.wait(patience)?))
    }

    /// Kills the server's process alone (`kill -9`) and returns what is left of it: the processes
    /// that it had started run on until that value is dropped.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<Option<Warded>> {
        let Some(mut server) = self.server.take() else {
            return Ok(None);
        };
        server.kill()?;
        Ok(Some(server))
    }

    /// Sends the server a signal.
    ///
    /// # Errors
    /// The system refuses.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        match &mut self.server {
            Some(server) => server.signal(signal),
            None => Ok(()),
        }
    }

    /// An error with the log's end if the server has ended by itself.
    ///
    /// # Errors
    /// It has.
    pub fn check_runs(&mut self) -> Result<()> {
        match &mut self.server {
            Some(server) => server.check_runs(),
            None => anyhow::bail!("tidegate isn't started"),
        }
    }

    /// The server's process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Warded::pid)
    }

    /// The base URL of the web pages.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client for the web pages and the API.
    #[must_use]
    pub fn rest(&self) -> Rest {
        Rest::anonymous(&self.url())
    }

    /// The server's log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        last_lines(&self.log, lines)
    }

    /// The settings file.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The program with the server's environment; the caller adds arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a subcommand to its end, whatever its code. `--config` is for the caller to give.
    ///
    /// # Errors
    /// It doesn't start or end.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        let mut command = self.command();
        command.args(arguments);
        finish(&mut command, COMMAND)
    }
}
