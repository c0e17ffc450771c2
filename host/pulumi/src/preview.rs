//! Previews a project on a copy of its stack's state.

use crate::assemble::{Learnt, Raw, assemble};
use crate::errors::classify;
use crate::events::{EventLogReader, Told, follow};
use crate::job::Job;
use crate::process::{Allowance, End, Finished, Stop};
use crate::{
    Cancel, Cli, Environment, Evidence, Executable, Failure, HmacKey, LocalState, Progress,
    ProjectFile, Redactor, Scratch, StackFile, StackId, limits, output,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// What one run of the CLI may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From its start until it is interrupted.
    pub time: Duration,
    /// From the interrupt until it and all that it started are killed.
    pub patience: Duration,
    /// Bytes on each of standard output and standard error; more stops the run.
    pub output_bytes: usize,
    /// Bytes of the event log; more stops the run.
    pub event_log_bytes: u64,
}

impl Default for Limits {
    /// Half an hour, as slow providers need minutes for hundreds of resources; ten seconds of
    /// patience, as a preview has nothing to put in order; 16 MiB of output, a thousand times of
    /// what people read; 32 MiB of events, the largest input of the core.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30 * 60),
            patience: Duration::from_secs(10),
            output_bytes: 16 << 20,
            event_log_bytes: 32 << 20,
        }
    }
}

/// A preview to be made.
pub struct Request<'a> {
    /// The CLI.
    pub cli: &'a Cli,
    /// Where the job's own files go.
    pub scratch: &'a Scratch,
    /// The project's folder, in a checkout that is thrown away afterwards: nothing is written there
    /// by us or by the CLI, but the program runs in it and may write.
    pub folder: &'a Path,
    /// A copy of the state of the claimed stack, and of those that it reads.
    pub state: &'a LocalState,
    /// The stack's passphrase, and what else the program and its providers may have.
    pub environment: &'a Environment,
    /// The stack's key for hashes of secrets.
    pub key: &'a HmacKey,
    /// How many resources are worked on at once; the CLI's default if not given.
    pub parallel: Option<NonZeroU32>,
    /// What each run of the CLI may take.
    pub limits: Limits,
    /// Asks to stop early.
    pub cancel: Cancel,
    /// Gets how far the preview is.
    pub progress: Option<watch::Sender<Progress>>,
}

/// What made a preview, for its circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The CLI's version, such as `3.259.0`.
    pub cli: String,
    /// SHA-256 over all executables' names and digests.
    pub digest: String,
    /// The CLI, and the plugins on its PATH.
    pub executables: Vec<Executable>,
}

/// A preview that succeeded. Everything but [`Previewed::plan_file`] is free of known secrets.
pub struct Previewed {
    /// The engine's events, one JSON object a line, complete and in order.
    pub events: String,
    /// The saved plan, each secret replaced by `{signature, "hmac"}`.
    pub plan: Value,
    /// The saved plan as the CLI wrote it, **with secrets in clear**, for `up --plan`.
    pub plan_file: Zeroizing<Vec<u8>>,
    /// The deployment that it was previewed on, each secret replaced by `{signature, "hmac"}`.
    pub state: Value,
    /// SHA-256 of the state's bytes as the backend gave them.
    pub state_digest: String,
    /// The same of the stacks that the program could read.
    pub reference_digests: BTreeMap<StackId, String>,
    /// What the CLI said to people: plain text, at most [`limits::OUTPUT_LINES`] lines.
    pub output: String,
    /// How many values of resources hold a known secret without being marked as one. They are
    /// struck out; somebody should correct the program.
    pub unmarked_secrets: usize,
    /// The project's settings, to be judged.
    pub project: ProjectFile,
    /// The stack's settings, to be judged; `None` if there is no stack file.
    pub stack_file: Option<StackFile>,
    /// What made it.
    pub versions: Versions,
    /// How long the CLI ran.
    pub duration: Duration,
}

impl fmt::Debug for Previewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previewed")
            .field("state_digest", &self.state_digest)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

/// Runs `pulumi preview` and checks, reads and cleans what it gives.
///
/// Beside the preview, and at the same time, the CLI decrypts configuration and state if they hold
/// secrets, so that these can be told from other text.
///
/// # Errors
/// Everything but a code of 0 with a complete event log and a readable plan.
pub async fn preview(request: Request<'_>) -> Result<Previewed, Failure> {
    let project = ProjectFile::read(request.folder)?;
    let stack = request.state.stack();
    if project.name() != stack.project() {
        return Err(Failure::ProjectMismatch {
            claimed: stack.project().to_owned(),
            found: project.name().chars().take(100).collect(),
        });
    }
    let stack_file = StackFile::read(request.folder, &project, stack)?;
    let job = Job::new(request.scratch)?;
    let run = Run { request: &request, job: &job, stack_file: stack_file.as_ref() };
    let (finished, config, state) = tokio::join!(run.preview(), run.config(), run.state());
    let finished = finished?;
    run.report_end();

    let mut learnt = Learnt::new(request.key.clone());
    request.environment.secrets().for_each(|secret| learnt.redactor.add(secret));
    let known = match (config, state) {
        (Ok(config), Ok(state)) => {
            learnt.config(config, stack_file.as_ref());
            learnt.state(state);
            Ok(())
        }
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    };
    match finished.end {
        End::Exited(0) => known?,
        End::Exited(code) => {
            return Err(run.failed(code, &finished, known.is_ok().then_some(&mut learnt.redactor)));
        }
        End::Signalled(signal) => return Err(Failure::Killed(signal)),
        End::Stopped(stop) => return Err(run.stopped(stop)),
    }
    let raw = Raw {
        events: read(&job.path(EVENTS), request.limits.event_log_bytes)?,
        plan: read(&job.path(PLAN), limits::PLAN_BYTES)?,
        scratch: job.folder().to_owned(),
        finished,
    };
    let references = request.state.reference_digests();
    let reference_digests =
        references.into_iter().map(|(id, digest)| (id.clone(), digest.to_owned())).collect();
    let previewed = Previewed {
        events: String::new(),
        plan: Value::Null,
        plan_file: Zeroizing::new(Vec::new()),
        state: Value::Null,
        state_digest: request.state.digest().to_owned(),
        reference_digests,
        output: String::new(),
        unmarked_secrets: 0,
        project,
        stack_file,
        versions: Versions {
            cli: request.cli.version().to_string(),
            digest: request.cli.digest(),
            executables: request.cli.executables().to_vec(),
        },
        duration: raw.finished.time,
    };
    // Large plans take a while, in which other runs are to go on.
    tokio::task::spawn_blocking(move || assemble(raw, learnt, previewed))
        .await
        .unwrap_or_else(|error| Err(Failure::Machine(error.to_string())))
}

const PLAN: &str = "plan.json";
const EVENTS: &str = "events.jsonl";

/// The runs of the CLI that make up one preview.
struct Run<'a> {
    request: &'a Request<'a>,
    job: &'a Job,
    stack_file: Option<&'a StackFile>,
}

impl Run<'_> {
    async fn preview(&self) -> Result<Finished, Failure> {
        let (plan, events) = (self.job.path(PLAN), self.job.path(EVENTS));
        let config = self.config_copy("preview.yaml")?;
        let name = self.request.state.stack().to_string();
        let parallel = self.request.parallel.map(|count| count.to_string());
        let mut arguments: Vec<&OsStr> = vec![
            OsStr::new("-C"),
            self.request.folder.as_os_str(),
            OsStr::new("preview"),
            OsStr::new("--stack"),
            OsStr::new(&name),
            // The CLI writes a salt into a stack file that has none, so it gets a copy.
            OsStr::new("--config-file"),
            config.as_os_str(),
            OsStr::new("--save-plan"),
            plan.as_os_str(),
            // Else the plan has ciphertexts, which differ from run to run.
            OsStr::new("--show-secrets"),
            OsStr::new("--event-log"),
            events.as_os_str(),
            OsStr::new("--suppress-progress"),
            // Outputs are in events and plan; as text they would be cut, and half a secret stay.
            OsStr::new("--suppress-outputs"),
            OsStr::new("--suppress-permalink=true"),
        ];
        if let Some(parallel) = &parallel {
            arguments.extend([OsStr::new("--parallel"), OsStr::new(parallel)]);
        }
        let limit = self.request.limits.event_log_bytes;
        let watch = follow(&events, limit, self.request.progress.clone());
        let finished = self
            .job
            .run_watched(
                self.request.cli,
                self.request.environment,
                Some(self.request.state.url()),
                arguments,
                self.allowance(self.request.limits.output_bytes),
                self.request.cancel.clone(),
                watch,
            )
            .await?;
        Ok(finished)
    }

    /// The configuration in clear, by key; nothing if it has no secrets.
    async fn config(&self) -> Result<Value, Failure> {
        if !self.stack_file.is_some_and(StackFile::has_secrets) {
            return Ok(Value::Null);
        }
        let config = self.config_copy("config.yaml")?;
        let name = self.request.state.stack().to_string();
        let arguments = [
            OsStr::new("-C"),
            self.request.folder.as_os_str(),
            OsStr::new("config"),
            OsStr::new("--stack"),
            OsStr::new(&name),
            OsStr::new("--config-file"),
            config.as_os_str(),
            OsStr::new("--show-secrets"),
            OsStr::new("--json"),
        ];
        self.decrypted(&arguments, limits::CONFIG_BYTES).await
    }

    /// The deployment in clear.
    async fn state(&self) -> Result<Value, Failure> {
        if let Some(deployment) = self.request.state.plain_deployment() {
            return Ok(deployment.clone());
        }
        let name = self.request.state.stack().to_string();
        let arguments = ["stack", "export", "--stack", &name, "--show-secrets"].map(OsStr::new);
        let limit = usize::try_from(limits::STATE_BYTES).unwrap_or(usize::MAX);
        let mut exported = self.decrypted(&arguments, limit).await?;
        exported.get_mut("deployment").map(Value::take).ok_or_else(|| {
            Failure::ResultBroken("the CLI's export of the state has no deployment".to_owned())
        })
    }

    /// What the CLI prints as JSON. None of it, nor what it says when it fails, may be shown.
    async fn decrypted(&self, arguments: &[&OsStr], limit: usize) -> Result<Value, Failure> {
        let request = self.request;
        let finished = self
            .job
            .run(
                request.cli,
                request.environment,
                Some(request.state.url()),
                arguments,
                self.allowance(limit),
                request.cancel.clone(),
            )
            .await?;
        match finished.end {
            End::Exited(0) => serde_json::from_slice(&finished.stdout).map_err(|error| {
                let place = format!("line {}, column {}", error.line(), error.column());
                Failure::ResultBroken(format!("the CLI's answer is no JSON at {place}"))
            }),
            End::Exited(code) => Err(self.failed(code, &finished, None)),
            End::Signalled(signal) => Err(Failure::Killed(signal)),
            End::Stopped(stop) => Err(self.stopped(stop)),
        }
    }

    /// Tells why a run failed. Without a redactor that knows the stack's secrets, nothing of what
    /// it said is shown.
    fn failed(&self, code: i32, finished: &Finished, redactor: Option<&mut Redactor>) -> Failure {
        let limit = self.request.limits.event_log_bytes;
        // A run that failed early has no log.
        let told = match (&redactor, read(&self.job.path(EVENTS), limit)) {
            (Some(_), Ok(log)) => Told::read(&log),
            _ => Told::default(),
        };
        let evidence = Evidence {
            version: self.request.cli.version(),
            code,
            stdout: &output::plain(&finished.stdout),
            stderr: &output::plain(&finished.stderr),
            diagnostics: &told.errors,
            result: told.result.as_deref(),
        };
        let tail = match redactor {
            Some(redactor) => {
                let (stdout, stderr) = (&finished.stdout, &finished.stderr);
                output::tail(&output::shown(stdout, stderr, self.job.folder(), redactor))
            }
            None => "[not shown, because the stack's secrets are not known]".to_owned(),
        };
        classify(&evidence, self.request.state.stack(), tail)
    }

    /// Reports the whole log, whose end the follower at its intervals may not have seen.
    fn report_end(&self) {
        let Some(report) = &self.request.progress else { return };
        let log = read(&self.job.path(EVENTS), self.request.limits.event_log_bytes);
        let mut reader = EventLogReader::new();
        // A log that can't be read makes an error later, if the run needed it.
        if log.is_ok_and(|log| reader.feed(&log).is_ok()) {
            report.send_replace(reader.progress().clone());
        }
    }

    fn stopped(&self, stop: Stop) -> Failure {
        let limits = &self.request.limits;
        match stop {
            Stop::Cancelled => Failure::Cancelled,
            Stop::TimedOut => Failure::TimedOut { seconds: limits.time.as_secs() },
            Stop::OutputTooLarge => Failure::OutputTooLarge { limit: limits.output_bytes },
            Stop::EventLogTooLarge => Failure::EventLogTooLarge { limit: limits.event_log_bytes },
        }
    }

    fn allowance(&self, output: usize) -> Allowance {
        let limits = &self.request.limits;
        Allowance { time: limits.time, patience: limits.patience, output }
    }

    /// A copy of the stack file for one run; a path without a file if there is none.
    fn config_copy(&self, name: &str) -> Result<std::path::PathBuf, Failure> {
        let path = self.job.path(name);
        if let Some(file) = self.stack_file {
            std::fs::write(&path, file.bytes()).map_err(|error| {
                Failure::Machine(format!("cannot copy the stack file: {error}"))
            })?;
        }
        Ok(path)
    }
}

fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let broken = |what: String| Failure::ResultBroken(format!("{name} {what}"));
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| broken(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(broken(format!("is larger than {limit} bytes")));
    }
    Ok(bytes)
}
