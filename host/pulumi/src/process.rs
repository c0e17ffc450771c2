//! Runs one process under supervision: bounded in time and output, and never left behind.

use crate::pipes::Pipes;
use crate::{Cancel, limits, signals, strays};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use zeroize::Zeroizing;

/// What to start. The environment is `variables` and `PULUMI_HOME`, nothing else.
pub(crate) struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) directory: PathBuf,
    /// `PULUMI_HOME`, and the mark by which this run's processes are known. Unique to the run.
    pub(crate) home: PathBuf,
}

/// What a process may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// From start to the interrupt.
    pub(crate) time: Duration,
    /// From the interrupt to the kill.
    pub(crate) patience: Duration,
    /// Bytes on each of standard output and standard error.
    pub(crate) output: usize,
}

/// Why a run was stopped from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Cancelled,
    TimedOut,
    OutputTooLarge,
    EventLogTooLarge,
    /// The gate refused a step of an update that had begun.
    Refused,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// Because we asked it to, whatever its code was then.
    Stopped(Stop),
}

/// An ended process.
pub(crate) struct Finished {
    pub(crate) end: End,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    pub(crate) stderr: Zeroizing<Vec<u8>>,
    pub(crate) time: Duration,
    /// Whether it did not end after the interrupt, and was killed.
    pub(crate) was_killed: bool,
}

/// Why a process could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("cannot start {program}: is it an executable file that this user may run?")]
    Start {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot watch the process of {program}")]
    Watch {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{program} did not end after it was killed: it hangs in the kernel")]
    Stuck { program: PathBuf },
}

/// Starts the process in a group of its own and waits for its end. It is interrupted when
/// `allowance` is used up, `cancel` asks for it, or `watch` resolves; and killed, with all that it
/// started, when its patience is over or this future is dropped.
pub(crate) async fn run(
    invocation: Invocation,
    allowance: Allowance,
    mut cancel: Cancel,
    watch: impl Future<Output = Stop>,
) -> Result<Finished, ProcessError> {
    let Invocation { program, arguments, variables, directory, home } = invocation;
    let watching = |source| ProcessError::Watch { program: program.clone(), source };
    signals::hand_on_defaults().map_err(watching)?;
    // From before the start, so that no end is missed.
    let children = signal(SignalKind::child()).map_err(watching)?;
    let started = Instant::now();
    let mut child = Command::new(&program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .env("PULUMI_HOME", &home)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ProcessError::Start { program: program.clone(), source })?;
    let missing = || watching(io::Error::other("no process id or pipe"));
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut group = Group::new(pid.ok_or_else(missing)?, home);
    let mut exit = Exit { pid: group.pid, children };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut pipes =
        Pipes::start(stdout.ok_or_else(missing)?, stderr.ok_or_else(missing)?, allowance.output);

    let stop = tokio::select! {
        biased;
        result = exit.wait() => result.map(|()| None).map_err(watching)?,
        () = cancel.cancelled() => Some(Stop::Cancelled),
        () = pipes.exceeded() => Some(Stop::OutputTooLarge),
        stop = watch => Some(stop),
        () = tokio::time::sleep(allowance.time) => Some(Stop::TimedOut),
    };
    let mut was_killed = false;
    if stop.is_some() {
        group.send(Signal::INT);
        if tokio::time::timeout(allowance.patience, exit.wait()).await.is_err() {
            was_killed = true;
            group.send(Signal::KILL);
            let killed = tokio::time::timeout(limits::KILL_TIME, exit.wait()).await;
            killed
                .map_err(|_| ProcessError::Stuck { program: program.clone() })?
                .map_err(watching)?;
        }
    }
    // Before it is reaped, its number can't belong to anybody else's group.
    group.end().await;
    let status = child.wait().await.map_err(watching)?;
    group.reaped = true;
    // What holds the pipes longer hides from us; what was printed so far is what counts.
    let _ = tokio::time::timeout(limits::DRAIN_TIME, pipes.closed()).await;
    // The limit may be exceeded by the very last bytes.
    let stop = stop.or_else(|| pipes.is_exceeded().then_some(Stop::OutputTooLarge));
    let (stdout, stderr) = pipes.take();
    Ok(Finished { end: end(status, stop), stdout, stderr, time: started.elapsed(), was_killed })
}

fn end(status: ExitStatus, stop: Option<Stop>) -> End {
    match (stop, status.code(), status.signal()) {
        (Some(stop), _, _) => End::Stopped(stop),
        (None, Some(code), _) => End::Exited(code),
        (None, None, signal) => End::Signalled(signal.unwrap_or_default()),
    }
}

/// The process group of a run, and the processes outside of it that carry its mark.
struct Group {
    pid: Pid,
    home: PathBuf,
    started: u64,
    reaped: bool,
}

impl Group {
    fn new(pid: Pid, home: PathBuf) -> Self {
        Self { pid, home, started: strays::start_of(pid), reaped: false }
    }

    fn send(&self, signal: Signal) {
        // A group that has just ended is no error.
        let _ = kill_process_group(self.pid, signal);
    }

    /// Kills all that is left, where it holds nothing up.
    async fn end(&self) {
        self.send(Signal::KILL);
        let (home, started) = (self.home.clone(), self.started);
        let kill = move || strays::kill_marked(&home, started);
        // Should the task be lost, `drop` does the same.
        warn_of(tokio::task::spawn_blocking(kill).await.unwrap_or_default());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.send(Signal::KILL);
            warn_of(strays::kill_marked(&self.home, self.started));
        }
    }
}

fn warn_of(left: usize) {
    if left > 0 {
        tracing::warn!(left, "processes of a run could not be killed");
    }
}

/// Tells when a process has ended, without reaping it.
struct Exit {
    pid: Pid,
    /// Comes with the end of any child of this process.
    children: SignalStream,
}

impl Exit {
    /// Resolves at the end of the process, and at once when called again after it.
    async fn wait(&mut self) -> io::Result<()> {
        let flags = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.pid), flags)?.is_none() {
            self.children.recv().await;
        }
        Ok(())
    }
}
