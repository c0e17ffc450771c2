//! Carries an approved plan out: `pulumi up --plan` behind the gate.

mod answer;
mod end;
mod held;
mod log;
mod run;

use crate::gate::{Gate, Held, Verdict};
use crate::{
    Backend, Cancel, Cli, Environment, Failure, HmacKey, Limits, LocalState, Progress, Resolved,
    Scratch, StackId, Versions,
};
use run::{Place, Run};
use serde_json::Value;
use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// An update to be made, or tried.
pub struct UpdateRequest<'a> {
    /// The CLI.
    pub cli: &'a Cli,
    /// Where the run's own files go.
    pub scratch: &'a Scratch,
    /// The project's folder, in a checkout of the approved revision that is thrown away afterwards.
    pub folder: &'a Path,
    /// Where the stack's state is. The run gets the backend's credentials.
    pub backend: &'a Backend,
    /// The stack.
    pub stack: &'a StackId,
    /// The stack's passphrase, and what else the program and its providers may have.
    pub environment: &'a Environment,
    /// The stack's key for hashes of secrets, the one of its previews.
    pub key: &'a HmacKey,
    /// The approved plan as [`crate::Previewed::plan_file`] holds it; `None` runs without one, and
    /// then the gate alone tells what is approved.
    pub plan: Option<&'a [u8]>,
    /// The program that acts as the gate's policy pack: one that calls [`crate::relay`] if
    /// [`crate::is_relay`], which is this host's own program.
    pub gate_program: &'a Path,
    /// How many resources are worked on at once; the CLI's default if not given.
    pub parallel: Option<NonZeroU32>,
    /// What the run may take ([`Limits::for_update`]).
    pub limits: Limits,
    /// How long [`Gate::hold`] may take. Without an answer by then it is a no.
    pub hold_time: Duration,
    /// Asks to stop early: nothing is begun any more, and what is under way is finished.
    pub cancel: Cancel,
    /// Gets how far the run is, first in its own preview, then in the update.
    pub progress: Option<watch::Sender<Progress>>,
}

/// A look at what a plan would do now, on a copy of the state.
pub struct DryRunRequest<'a> {
    /// The CLI.
    pub cli: &'a Cli,
    /// Where the run's own files go.
    pub scratch: &'a Scratch,
    /// The project's folder, as for a preview.
    pub folder: &'a Path,
    /// A copy of the state. The CLI locks it, so no other dry run may use it at the same time.
    pub state: &'a LocalState,
    /// The stack's passphrase, and what else the program and its providers may have.
    pub environment: &'a Environment,
    /// The stack's key for hashes of secrets.
    pub key: &'a HmacKey,
    /// The plan; `None` looks without one.
    pub plan: Option<&'a [u8]>,
    /// As [`UpdateRequest::gate_program`].
    pub gate_program: &'a Path,
    /// How many resources are worked on at once; the CLI's default if not given.
    pub parallel: Option<NonZeroU32>,
    /// What the run may take.
    pub limits: Limits,
    /// Asks to stop early.
    pub cancel: Cancel,
    /// Gets how far the run is.
    pub progress: Option<watch::Sender<Progress>>,
}

/// How an update ended. Texts and values are without known secrets, as in a preview.
#[derive(Debug)]
pub enum Outcome {
    /// Every step was carried out.
    Applied(Box<Applied>),
    /// The gate was asked and did not say yes. Nothing was done.
    Refused(Refused),
    /// The plan is violated, told by an engine that never asked the gate. Nothing was done, and why
    /// it is violated stays with the engine, which prints values.
    Violated {
        /// What the run left at the backend.
        left: Left,
    },
    /// The engine did not come as far as asking the gate, for a reason that has nothing to do with
    /// the plan. Nothing was done.
    NotStarted {
        /// Why.
        failure: Failure,
        /// What the run left at the backend; unknown where it was not even looked for.
        left: Left,
    },
    /// The gate said yes, and then not all was carried out. What was is told by `events` and
    /// `state_after`.
    Failed(Box<Failed>),
    /// Nobody can say what was done: somebody has to look.
    Uncertain(Box<Uncertain>),
}

/// An update that was carried out.
#[derive(Debug)]
pub struct Applied {
    /// The events of the update, one JSON object a line, complete and in order.
    pub events: String,
    /// SHA-256 of the state's bytes while the gate held.
    pub state_before: String,
    /// The same after the update.
    pub state_after: String,
    /// The deployment after the update.
    pub state: Value,
    /// The stack's outputs after the update, an object.
    pub outputs: Value,
    /// What the CLI said to people.
    pub output: String,
    /// What made it.
    pub versions: Versions,
    /// How long the CLI ran, the time at the gate included.
    pub duration: Duration,
}

/// An update that the gate did not let pass.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// What the run left at the backend.
    pub left: Left,
}

/// Why the gate did not let an update pass.
#[derive(Debug)]
pub enum Refusal {
    /// [`Gate::hold`] said no.
    Verdict,
    /// There was no answer in time.
    NoAnswer,
    /// The run was cancelled while it was held.
    Cancelled,
    /// What the gate saw was not the usual course of a run.
    Unexpected(&'static str),
    /// What had to be decided on could not be had.
    NotReadable(Failure),
    /// The engine ended while it was held.
    Ended,
}

/// An update that was not carried out whole.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub what: FailedWhat,
    /// What the engine said of it: messages of severity `error`, but for those about violated plans.
    pub errors: Vec<String>,
    /// The events of the update as far as there are any, one JSON object a line.
    pub events: String,
    /// Operations that failed, by what the events tell. A run that failed without one may be made
    /// again with its operations listed anew.
    pub failed_operations: u64,
    /// SHA-256 of the state's bytes while the gate held.
    pub state_before: String,
    /// The same after the update.
    pub state_after: String,
    /// The deployment after the update.
    pub state: Value,
    /// What the CLI said to people; withheld where the engine prints values.
    pub output: String,
    /// What the run left at the backend.
    pub left: Left,
    /// What made it.
    pub versions: Versions,
    /// How long the CLI ran.
    pub duration: Duration,
}

/// Why an update was not carried out whole.
#[derive(Debug)]
pub enum FailedWhat {
    /// [`Gate::step`] refused a step, and the run was stopped.
    StepRefused,
    /// Something unexpected came to the gate during the update, and the run was stopped.
    Unexpected(&'static str),
    /// The engine or a provider failed, or the run was stopped from our side and ended in order.
    Engine(Failure),
}

/// An update of which it is not known what it did.
#[derive(Debug)]
pub struct Uncertain {
    /// What is known.
    pub what: String,
    /// The events of the update as far as there are any.
    pub events: String,
    /// SHA-256 of the state's bytes while the gate held, if it did.
    pub state_before: Option<String>,
    /// The deployment now, if it can be read.
    pub state: Option<Value>,
    /// What the run left at the backend.
    pub left: Left,
    /// How long the CLI ran.
    pub duration: Duration,
}

/// What a run left at the backend, if somebody could look.
#[derive(Debug)]
pub enum Left {
    /// What is there now.
    Found(Resolved),
    /// It can't be read.
    Unreadable(Failure),
    /// The run was never begun.
    Untouched,
}

/// What a dry run gave.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// What the gate would have had to decide on.
    pub held: Held,
    /// What made it.
    pub versions: Versions,
    /// How long the CLI ran.
    pub duration: Duration,
}

/// The gate of a dry run: keeps what it is asked, and says no.
#[derive(Default)]
struct Keep(Mutex<Option<Held>>);

impl Gate for Keep {
    async fn hold(&self, held: Held) -> Verdict {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Verdict::No
    }

    async fn step(&self, _: Value) -> Verdict {
        Verdict::No
    }
}

/// Runs `pulumi up` on the stack itself, held by `gate` between the engine's preview and its update.
///
/// To be awaited to its end: dropped, the run is killed in the middle.
pub async fn update<G: Gate>(request: UpdateRequest<'_>, gate: &G) -> Outcome {
    let access = match request.backend.access() {
        Ok(access) => access,
        Err(error) => {
            return Outcome::NotStarted { failure: error.into(), left: Left::Untouched };
        }
    };
    let (url, credentials) = access;
    let variables = match request.environment.joined(&credentials) {
        Ok(variables) => variables,
        Err(error) => {
            return Outcome::NotStarted { failure: error.into(), left: Left::Untouched };
        }
    };
    let run = Run {
        cli: request.cli,
        scratch: request.scratch,
        folder: request.folder,
        stack: request.stack,
        place: Place::Backend(request.backend),
        url,
        variables,
        environment: request.environment,
        key: request.key,
        plan: request.plan,
        gate_program: request.gate_program,
        parallel: request.parallel,
        limits: request.limits,
        hold_time: request.hold_time,
        cancel: request.cancel,
        progress: request.progress,
    };
    match run.start(gate).await {
        Ok(ran) => run.outcome(ran).await,
        Err(failure) => Outcome::NotStarted { failure, left: Left::Untouched },
    }
}

/// Runs `pulumi up` under a plan on a copy of the state, with a gate that says no: what the plan
/// would do now. The copy's state stays as it is.
///
/// # Errors
/// [`Failure::PlanViolated`] if the engine doesn't come to the gate because of the plan; else as a
/// preview.
pub async fn dry_run(request: DryRunRequest<'_>) -> Result<DryRun, Failure> {
    let run = Run {
        cli: request.cli,
        scratch: request.scratch,
        folder: request.folder,
        stack: request.state.stack(),
        place: Place::Copy(request.state),
        url: request.state.url().clone(),
        variables: request.environment.clone(),
        environment: request.environment,
        key: request.key,
        plan: request.plan,
        gate_program: request.gate_program,
        parallel: request.parallel,
        limits: request.limits,
        hold_time: request.limits.time,
        cancel: request.cancel,
        progress: request.progress,
    };
    let keep = Keep::default();
    let ran = run.start(&keep).await?;
    run.dry(ran, keep.0.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl fmt::Debug for UpdateRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateRequest").field("stack", &self.stack).finish_non_exhaustive()
    }
}
