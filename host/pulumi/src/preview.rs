//! Previews a project on a copy of its stack's state.

use crate::assemble::{Learnt, Raw, assemble};
use crate::decrypt::Decrypt;
use crate::ending::{self, Ended};
use crate::events::follow;
use crate::job::Job;
use crate::process::{Allowance, End, Finished};
use crate::{
    Cancel, Cli, Environment, Executable, Failure, HmacKey, LocalState, Progress, ProjectFile,
    Scratch, StackFile, StackId, limits,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
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

impl Limits {
    /// What an update may take: two hours, as databases and clusters need most of one to be made;
    /// and a quarter of an hour from the interrupt to the kill, because a step that is killed leaves
    /// a lock, and something that no state knows.
    #[must_use]
    pub fn for_update() -> Self {
        Self {
            time: Duration::from_secs(2 * 60 * 60),
            patience: Duration::from_secs(15 * 60),
            ..Self::default()
        }
    }
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

impl Versions {
    pub(crate) fn of(cli: &Cli) -> Self {
        Self {
            cli: cli.version().to_string(),
            digest: cli.digest(),
            executables: cli.executables().to_vec(),
        }
    }
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
    let decrypt = Decrypt {
        cli: request.cli,
        job: &job,
        environment: request.environment,
        stack,
        limits: &request.limits,
        cancel: &request.cancel,
    };
    let (finished, config, state) = tokio::join!(
        run.preview(),
        decrypt.config(request.folder, request.state.url(), stack_file.as_ref()),
        decrypt.state(request.state)
    );
    let finished = finished?;
    job.report_end(EVENTS, request.limits.event_log_bytes, request.progress.as_ref());

    let mut learnt = Learnt::new(request.key.clone());
    learnt.redactor.expect_markers(request.state.markers());
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
            // A run that failed early has no log.
            let log = job.read(EVENTS, request.limits.event_log_bytes).unwrap_or_default();
            let redactor = known.is_ok().then_some(&mut learnt.redactor);
            let ended = Ended { cli: request.cli, stack, job: &job };
            return Err(ended.failed(code, &finished, &log, redactor));
        }
        End::Signalled(signal) => return Err(Failure::Killed(signal)),
        End::Stopped(stop) => return Err(ending::stopped(stop, &request.limits)),
    }
    let raw = Raw {
        events: job.read(EVENTS, request.limits.event_log_bytes)?,
        plan: job.read(PLAN, limits::PLAN_BYTES)?,
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
        versions: Versions::of(request.cli),
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
        let config = self.job.config_copy("preview.yaml", self.stack_file)?;
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

    fn allowance(&self, output: usize) -> Allowance {
        let limits = &self.request.limits;
        Allowance { time: limits.time, patience: limits.patience, output }
    }
}
