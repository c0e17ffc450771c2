//! Following `gerrit stream-events` over SSH, where there is no plugin.
//!
//! The stream has no numbers and no memory. Gerrit queues 128 events for a slow reader, then drops
//! some and says so once; a connection may also fall silent without being closed. So lines are read
//! on a task of their own, however long it takes to make the earlier ones durable, and a silence is
//! ended by a new connection.

use crate::Backoff;
use crate::git::process::{Group, tail};
use crate::intake::journal::stopped;
use crate::intake::{Batch, Gap, RawEvent, Source};
use crate::text::said;
use serde::Deserialize;
use std::future::Future;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tidegate_core::limits::EVENT_BYTES;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Lines that wait while earlier ones are made durable. A few kilobytes each at most, usually.
const WAITING: usize = 4096;

/// Most events of one batch.
const TOGETHER: usize = 500;

/// How long `ssh` may go on after it closed its output.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where the stream comes from.
#[derive(Clone, Debug)]
pub struct SshConfig {
    /// The `ssh` program.
    pub program: PathBuf,
    /// Gerrit's SSH host.
    pub host: String,
    /// Its SSH port, 29418 by default.
    pub port: u16,
    /// The service account's username.
    pub user: String,
    /// Its private key, without a passphrase.
    pub key: PathBuf,
    /// A file with the server's host key; an unknown or changed one is refused.
    pub known_hosts: PathBuf,
    /// A silence of this length is taken for a dead connection.
    pub silence: Duration,
    /// How long after the start of `ssh` the stream is taken to run, if nothing came yet: SSH
    /// doesn't say when the remote command has started.
    pub settle: Duration,
    /// The waits after failures.
    pub backoff: Backoff,
}

impl SshConfig {
    /// The usual patience: ten minutes of silence, five seconds to settle.
    #[must_use]
    pub fn new(
        host: impl Into<String>,
        user: impl Into<String>,
        key: PathBuf,
        known_hosts: PathBuf,
    ) -> Self {
        Self {
            program: "ssh".into(),
            host: host.into(),
            port: 29418,
            user: user.into(),
            key,
            known_hosts,
            silence: Duration::from_secs(600),
            settle: Duration::from_secs(5),
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let known_hosts = format!("UserKnownHostsFile={}", self.known_hosts.display());
        command
            .env_clear()
            .env("LC_ALL", "C")
            // No configuration of the user or the machine: what counts is said here.
            .args(["-F", "none", "-T", "-p", &self.port.to_string(), "-i"])
            .arg(&self.key)
            .args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"])
            .args(["-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-o"])
            .arg(known_hosts)
            .args(["-o", "ClearAllForwardings=yes", "-o", "ConnectTimeout=20"])
            .args(["-o", "ServerAliveInterval=30", "-o", "ServerAliveCountMax=3", "-l", &self.user])
            .args(["--", &self.host, "gerrit", "stream-events"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// One thing that the reading task tells.
#[derive(Debug)]
enum Heard {
    /// The stream runs.
    Connected,
    /// A line, without its end.
    Line(Vec<u8>),
    /// A line that was too long to be kept.
    TooLong,
}

/// Follows the stream until `stop` becomes true or its sender is gone. It connects again after every
/// end, failure and silence.
///
/// `sink` makes a batch durable. Each connection begins with a batch that has a gap.
///
/// # Errors
/// Only what `sink` gives: who can't keep events must not go on.
pub async fn follow<S, F, E>(
    config: &SshConfig,
    mut stop: watch::Receiver<bool>,
    mut sink: S,
) -> Result<(), E>
where
    S: FnMut(Batch) -> F,
    F: Future<Output = Result<(), E>>,
{
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let reading = connect_forever(config, sender);
    let handing_over = async {
        let mut heard = Vec::new();
        while receiver.recv_many(&mut heard, TOGETHER).await > 0 {
            sink(batch(heard.drain(..))).await?;
        }
        Ok(())
    };
    tokio::select! {
        () = stopped(&mut stop) => Ok(()),
        handed = handing_over => handed,
        () = reading => Ok(()),
    }
}

/// Connects again and again, until nobody listens any more.
async fn connect_forever(config: &SshConfig, sender: mpsc::Sender<Heard>) {
    let mut backoff = config.backoff.clone();
    while !sender.is_closed() {
        let mut connected = false;
        let end = listen(config, &sender, &mut connected).await;
        if connected {
            backoff.reset();
        }
        let wait = backoff.wait();
        tracing::warn!(host = %config.host, reason = %end, ?wait, "the event stream ended; connecting again");
        sleep(wait).await;
    }
}

/// One connection. Gives the reason of its end.
async fn listen(config: &SshConfig, sender: &mpsc::Sender<Heard>, connected: &mut bool) -> String {
    let mut group = match Group::spawn(&mut config.command()) {
        Ok(group) => group,
        Err(error) => return format!("{} can't be started: {error}", config.program.display()),
    };
    let (Some(stdout), stderr) = (group.child.stdout.take(), group.child.stderr.take()) else {
        return "ssh has no output".to_owned();
    };
    let read = read_lines(config, stdout, sender, connected);
    let (end, last_words) = tokio::join!(
        async {
            let end = read.await;
            // Ends the reading of its last words too.
            let status = match end {
                Some(_) => None,
                None => timeout(LAST_WORDS, group.wait()).await.ok().and_then(Result::ok),
            };
            drop(group);
            (end, status)
        },
        tail(stderr)
    );
    let last_words = said(&last_words.unwrap_or_default());
    match end {
        (Some(reason), _) => reason,
        (None, Some(status)) => format!("ssh ended with {status}: {last_words}"),
        (None, None) => format!("ssh ended: {last_words}"),
    }
}

/// Reads until the stream ends (none) or has to be ended (why).
async fn read_lines(
    config: &SshConfig,
    stdout: impl AsyncRead + Unpin,
    sender: &mpsc::Sender<Heard>,
    connected: &mut bool,
) -> Option<String> {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let patience = if *connected { config.silence } else { config.settle };
        let chunk = match timeout(patience, reader.fill_buf()).await {
            Err(_) if *connected => {
                return Some(format!("silent for {} s", patience.as_secs_f32()));
            }
            Err(_) => {
                *connected = true;
                sender.send(Heard::Connected).await.ok()?;
                continue;
            }
            Ok(Err(error)) => return Some(format!("its output can't be read: {error}")),
            Ok(Ok([])) => return None,
            Ok(Ok(chunk)) => chunk,
        };
        let end = chunk.iter().position(|b| *b == b'\n');
        let taken = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        if line.len() + taken.len() > EVENT_BYTES {
            too_long = true;
            line.clear();
        }
        if !too_long {
            line.extend_from_slice(taken);
        }
        let used = taken.len() + usize::from(end.is_some());
        reader.consume(used);
        if !*connected {
            *connected = true;
            sender.send(Heard::Connected).await.ok()?;
        }
        if end.is_some() {
            let heard =
                if too_long { Heard::TooLong } else { Heard::Line(std::mem::take(&mut line)) };
            too_long = false;
            sender.send(heard).await.ok()?;
        }
    }
}

/// Makes a batch of what was heard. The gravest gap is told.
fn batch(heard: impl Iterator<Item = Heard>) -> Batch {
    let mut batch = Batch { source: Source::Ssh, events: Vec::new(), gap: None, position: None };
    for heard in heard {
        match heard {
            Heard::Connected => batch.gap = Some(Gap::Connected),
            Heard::TooLong => batch.gap = batch.gap.or(Some(Gap::TooLarge)),
            Heard::Line(bytes) if bytes.is_empty() => {}
            Heard::Line(bytes) => {
                if is_dropped_output(&bytes) {
                    batch.gap = batch.gap.or(Some(Gap::Dropped));
                }
                batch.events.push(RawEvent { seq: None, bytes });
            }
        }
    }
    batch
}

fn is_dropped_output(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_slice(line).is_ok_and(|typed: Typed| typed.r#type == "dropped-output")
}
