//! Running one child process within bounds, and leaving nothing of it behind.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// Most bytes of standard error that are kept: enough for git's own sentence at its end.
const STDERR_BYTES: usize = 16 << 10;

/// What a child left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// The last of what it said.
    pub(crate) stderr: Vec<u8>,
}

/// How a child didn't finish.
#[derive(Debug)]
pub(crate) enum Unfinished {
    Start(io::Error),
    Pipe(io::Error),
    TooMuch,
}

/// A child in a process group of its own, which is killed as a whole when this is dropped: git's
/// transport is a grandchild that would live on.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) child: Child,
    group: Option<Pid>,
}

impl Group {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group })
    }

    /// Waits for the leader; then the group is over for us.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.kill();
        Ok(status)
    }

    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            // Usually nobody is left to be killed, which is an error that means success.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` with `input`, and reads at most `limit` bytes of its output.
pub(crate) async fn run(
    command: &mut Command,
    input: &[u8],
    limit: usize,
) -> Result<Finished, Unfinished> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command).map_err(Unfinished::Start)?;
    let stdin = group.child.stdin.take();
    let stdout = group.child.stdout.take();
    let stderr = group.child.stderr.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            // A child that ends without reading everything says why by its exit code.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        }
        Ok(())
    };
    let ((), stdout, stderr) = tokio::try_join!(write, head(stdout, limit), tail(stderr))?;
    let status = group.wait().await.map_err(Unfinished::Pipe)?;
    Ok(Finished { status, stdout, stderr })
}

async fn head(pipe: Option<impl AsyncRead + Unpin>, limit: usize) -> Result<Vec<u8>, Unfinished> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        pipe.take(most).read_to_end(&mut bytes).await.map_err(Unfinished::Pipe)?;
    }
    if bytes.len() > limit { Err(Unfinished::TooMuch) } else { Ok(bytes) }
}

/// Reads everything, so that the child never waits for us, and keeps the end.
pub(crate) async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Unfinished> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(kept) };
    let mut buffer = vec![0; 4096];
    loop {
        let count = pipe.read(&mut buffer).await.map_err(Unfinished::Pipe)?;
        if count == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let surplus = kept.len().saturating_sub(STDERR_BYTES);
        kept.drain(..surplus);
    }
}
