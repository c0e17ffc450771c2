use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::finished::{append, quote};
use crate::workspace;

/// Starting a process takes milliseconds; a loaded machine gets much more.
const START: Duration = Duration::from_secs(60);

/// A killed process is gone as soon as the kernel has taken it down.
const KILL: Duration = Duration::from_secs(60);

/// How a program ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// A server of the harness: ends, with everything it started, when this value is dropped or the
/// process that holds it dies in any way.
pub struct Warded {
    what: String,
    pid: Pid,
    log: PathBuf,
    warden: Child,
    ends: Receiver<Ended>,
    ended: Option<Ended>,
}

impl Warded {
    /// Starts `command` with nothing in its environment but what the command sets, and its output
    /// appended to `log`.
    ///
    /// # Errors
    /// The warden can't be built, or the program can't be started.
    pub fn start(what: &str, command: &Command, log: &Path) -> Result<Self> {
        // Makes the folder, and says what is wrong with the log better than the warden could.
        drop(append(log)?);
        let mut warden = Command::new(program()?);
        warden
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .arg(log)
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(append(log)?)
            .process_group(0);
        if let Some(folder) = command.get_current_dir() {
            warden.current_dir(folder);
        }
        let mut warden = warden.spawn().context("failed to start tidegate-warden")?;
        let output = warden.stdout.take().context("the warden has no output")?;
        let (pid_sender, pids) = mpsc::channel();
        let (end_sender, ends) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Some((word, value)) = line.split_once(' ') else {
                    continue;
                };
                let value = number(value);
                // A closed channel means that nobody wants to know.
                let _ = match word {
                    "pid" => pid_sender.send(value).is_ok(),
                    "code" => end_sender.send(Ended::Code(value)).is_ok(),
                    "signal" => end_sender.send(Ended::Signal(value)).is_ok(),
                    _ => false,
                };
            }
        });
        let pid = pids
            .recv_timeout(START)
            .ok()
            .and_then(Pid::from_raw)
            .with_context(|| format!("failed to start {what}; {}", quote(log)))?;
        Ok(Self { what: what.to_owned(), pid, log: log.to_path_buf(), warden, ends, ended: None })
    }

    /// The program's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<Ended> {
        if self.ended.is_none() {
            self.ended = match self.ends.try_recv() {
                Ok(ended) => Some(ended),
                Err(TryRecvError::Empty) => None,
                // Only somebody who kills the warden gets here; its program is lost to us.
                Err(TryRecvError::Disconnected) => Some(Ended::Signal(9)),
            };
        }
        self.ended
    }

    /// An error with the log's end if the program has ended.
    ///
    /// # Errors
    /// It has.
    pub fn check_runs(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(ended) => bail!("{} ended early ({ended:?}); {}", self.what, quote(&self.log)),
        }
    }

    /// Sends a signal to the program alone.
    ///
    /// # Errors
    /// The system refuses.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // The warden has collected an ended program: its number may be another process's by now.
        if self.ended().is_none() {
            kill_process(self.pid, signal)
                .with_context(|| format!("failed to signal {} ({signal:?})", self.what))?;
        }
        Ok(())
    }

    /// Waits for the program's end.
    ///
    /// # Errors
    /// It still runs after `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Result<Ended> {
        if let Some(ended) = self.ended() {
            return Ok(ended);
        }
        let ended = match self.ends.recv_timeout(timeout) {
            Ok(ended) => ended,
            Err(RecvTimeoutError::Disconnected) => Ended::Signal(9),
            Err(RecvTimeoutError::Timeout) => {
                bail!("{} still runs after {timeout:?}; {}", self.what, quote(&self.log))
            }
        };
        self.ended = Some(ended);
        Ok(ended)
    }

    /// Kills the program alone, as a crash would: what it started goes on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<Ended> {
        self.signal(Signal::KILL)?;
        self.wait(KILL)
    }
}

impl Drop for Warded {
    fn drop(&mut self) {
        // Closing its input tells the warden to end everything.
        drop(self.warden.stdin.take());
        // It answers by ending; there is nothing to do about an error here.
        let _ = self.warden.wait();
    }
}

/// The warden's program: beside a test's own program, where cargo has just built it, or built now.
fn program() -> Result<PathBuf> {
    const NAME: &str = "tidegate-warden";
    let own = std::env::current_exe().context("failed to find the running program")?;
    // A test lies in `deps` below the folder of the workspace's programs.
    let beside =
        own.ancestors().skip(1).take(2).map(|folder| folder.join(NAME)).find(|path| path.is_file());
    beside.map_or_else(|| workspace::program("tidegate-tests", NAME), Ok)
}

fn number(text: &str) -> i32 {
    text.trim().parse().unwrap_or_default()
}
