//! The verb `steps`: what the engine said it would do, in one canonical form.
//!
//! An approval names the digest of these steps, so they hold everything that a reviewer has to
//! agree with and nothing that two looks at one change differ in. `docs/steps.md` is their
//! specification. What the core doesn't know it refuses: a step that it can't read is a step that
//! nobody can approve.

mod build;
mod complete;
mod counts;
mod deployment;
pub mod digest;
pub(crate) mod done;
mod error;
mod events;
mod fields;
pub mod headline;
pub mod hide;
pub mod limits;
pub mod marker;
mod number;
pub mod operation;
mod options;
mod plan;
pub(crate) mod reader;
pub mod shown;
mod signature;
mod sources;
pub mod step;
pub mod urn;
pub mod val;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod vectors;

pub use counts::Counts;
pub use error::StepsError;
pub use shown::{Shown, ShownOptions};

use crate::ids::Digest;
use deployment::Deployment;
use events::{Log, Pass};
use marker::{Marker, Markers};
use plan::Plan;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sources::{Gated, New, Sources};
use step::{Read, Step};
use urn::Urn;

/// The schema of input and output.
pub const SCHEMA: u32 = 1;

/// What steps are told from. Secrets are hidden before ([`hide::hide`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepsInput {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The stack that the look is of.
    pub stack: StackName,
    /// The event log of one preview, one JSON object a line; its summary may be missing.
    pub events: String,
    /// A preview: the plan that it saved. No plan and no `resources` means that it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// The state that the look began with. Old secrets and options come from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Value>,
    /// A dry run or a deploy: what the gate was shown. Needs `state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<Shown>>,
    /// The markers that were planted for this look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<Marker>,
}

/// A stack by the names that the engine uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StackName {
    /// The project's name.
    pub project: String,
    /// The stack's name, without project and organisation.
    pub stack: String,
}

/// What the engine would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Sorted by URN, then operation, then id.
    pub steps: Vec<Step>,
    /// What is only looked at; not part of the digest.
    pub reads: Vec<Read>,
    /// SHA-256 over a version line and the canonical bytes of `steps` ([`digest`]).
    pub digest: Digest,
    /// How many of each kind.
    pub counts: Counts,
    /// Values that can't be seen, over all steps.
    pub opaque: u32,
    /// Values that are known only later, over all steps.
    pub unknown: u32,
    /// Secrets, shown by their keyed hashes, over all steps.
    pub secrets: u32,
}

/// The verb over JSON bytes.
///
/// # Errors
/// Why no steps can be told, in words that hold no value of a property.
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let steps = read(input).and_then(|input| steps(&input)).map_err(|e| e.to_string())?;
    serde_json::to_vec(&steps).map_err(|e| e.to_string())
}

#[inline(never)]
fn read(input: &[u8]) -> Result<StepsInput, StepsError> {
    if input.len() > crate::limits::INPUT_BYTES {
        let limit = crate::limits::INPUT_BYTES;
        return Err(StepsError::TooMany { what: "bytes of the input", limit });
    }
    // serde_json's messages may quote a value; its place is enough.
    serde_json::from_slice(input).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        StepsError::Input(format!("not the JSON of a StepsInput (line {line}, column {column})"))
    })
}

/// Tells the steps of one look at a stack.
///
/// # Errors
/// A failed look, an operation or field that the core doesn't know, sources that don't belong
/// together, and anything past a limit.
#[inline(never)]
pub fn steps(input: &StepsInput) -> Result<Steps, StepsError> {
    if input.schema != SCHEMA {
        return Err(StepsError::Schema(input.schema));
    }
    if input.markers.len() > limits::MARKERS {
        return Err(StepsError::TooMany { what: "markers", limit: limits::MARKERS });
    }
    let log = Log::read(&input.events, Pass::Preview, &input.stack)?;
    succeeded(input, &log)?;
    let mut sources = gather(input, &log)?;
    let told = tell(&log, &mut sources)?;
    let reads = looked_at(&log, &mut sources)?;
    let same = counts::same(&told, &log);
    Ok(Steps::of(told, reads, same))
}

/// The look was finished, and nothing in it failed.
#[inline(never)]
fn succeeded(input: &StepsInput, log: &Log) -> Result<(), StepsError> {
    if let Some(event) = log.failed.first() {
        let (urn, operation) = (event.urn.clone(), event.op_name.clone());
        return Err(StepsError::Failed { urn, operation });
    }
    let reason = match (&input.plan, &input.resources) {
        (None, None) => "it failed: there is no saved plan, and the gate was not asked",
        (Some(_), Some(_)) => {
            "a saved plan (preview) and what the gate was shown (dry run, \
                               deploy) are of two looks; give the one that the events are of"
        }
        (None, Some(_)) if input.state.is_none() => {
            "without the state it can't be proved that the log has every delete"
        }
        // A dry run is answered with no, and its summary then says that it failed.
        (Some(_), None) if log.succeeded == Some(false) => "its summary says that it failed",
        _ => return Ok(()),
    };
    Err(StepsError::Preview(reason.to_owned()))
}

#[inline(never)]
fn gather<'a>(input: &'a StepsInput, log: &Log) -> Result<Sources<'a>, StepsError> {
    let deployment = input.state.as_ref().map(Deployment::read).transpose()?;
    complete::once(log)?;
    if let Some(deployment) = &deployment {
        complete::rows(log, deployment)?;
    }
    let shown = input.resources.as_deref().unwrap_or_default();
    if shown.len() > limits::RESOURCES {
        return Err(StepsError::TooMany {
            what: "resources that the gate was shown",
            limit: limits::RESOURCES,
        });
    }
    complete::shown(log, shown)?;
    let new = match &input.plan {
        Some(plan) => {
            let plan = Plan::read(plan)?;
            complete::planned(log, &plan)?;
            New::Plan(plan)
        }
        None => New::Gate(shown.iter().map(|shown| (&shown.urn, Gated::new(shown))).collect()),
    };
    Ok(Sources::new(new, deployment, log, Markers::new(&input.markers)))
}

#[inline(never)]
fn tell(log: &Log, sources: &mut Sources<'_>) -> Result<Vec<Step>, StepsError> {
    let imports: std::collections::BTreeMap<&Urn, _> = log
        .finished
        .iter()
        .filter(|event| event.is(operation::Operation::Import))
        .map(|event| (&event.urn, event))
        .collect();
    let mut told = Vec::new();
    for event in &log.announced {
        // What an import found is known only after it.
        let event = if event.is(operation::Operation::Import) {
            imports.get(&event.urn).copied().ok_or_else(|| StepsError::Missing {
                urn: event.urn.clone(),
                what: "what the import read",
            })?
        } else {
            event
        };
        told.extend(build::step(event, sources)?);
    }
    let stack = log.finished.iter().rfind(|event| event.urn.is_stack());
    if let Some(event) = stack {
        told.extend(build::outputs(event, sources)?);
    }
    if told.len() > limits::STEPS {
        return Err(StepsError::TooMany { what: "steps", limit: limits::STEPS });
    }
    build::mark_deletes_first(&mut told, &log.announced);
    Ok(told)
}

#[inline(never)]
fn looked_at(log: &Log, sources: &mut Sources<'_>) -> Result<Vec<Read>, StepsError> {
    let mut reads = Vec::new();
    for event in &log.announced {
        reads.extend(build::read(event, sources)?);
    }
    reads.sort_by(|a, b| (&a.urn, a.operation).cmp(&(&b.urn, b.operation)));
    Ok(reads)
}

impl Steps {
    /// Sorts, counts and hashes.
    #[inline(never)]
    pub(crate) fn of(mut steps: Vec<Step>, reads: Vec<Read>, same: u32) -> Self {
        steps.sort_by_cached_key(|step| {
            (step.urn.clone(), step.operation, step.old_id().to_owned())
        });
        let sum = |part: fn(&Step) -> u32| steps.iter().map(part).fold(0, u32::saturating_add);
        Self {
            schema: SCHEMA,
            digest: digest::digest(&steps),
            opaque: sum(|step| step.opaque),
            unknown: sum(|step| step.unknown),
            secrets: sum(|step| step.secrets),
            counts: Counts::of(&steps, same),
            steps,
            reads,
        }
    }
}

impl StackName {
    /// Refuses a URN of another stack.
    pub(crate) fn check(&self, urn: &Urn) -> Result<(), StepsError> {
        if urn.project() == self.project && urn.stack() == self.stack {
            return Ok(());
        }
        Err(StepsError::OtherStack {
            urn: urn.clone(),
            project: self.project.clone(),
            stack: self.stack.clone(),
        })
    }
}
