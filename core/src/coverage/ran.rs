//! What one of our own runs carried out, for [`super::Context`].

use super::context::Ran;
use crate::limits::INPUT_BYTES;
use crate::steps::operation::Operation;
use crate::steps::step::Step;
use crate::steps::val::Val;
use crate::steps::{StackName, Steps, StepsError, done};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known after a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RanInput {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The stack.
    pub stack: StackName,
    /// The steps that the gate let pass.
    pub steps: Steps,
    /// The event log of the update, as far as it came.
    pub events: String,
    /// The state after it, with its secrets hidden.
    pub state: Value,
    /// What [`Ran::own`] becomes; the host sets it for each approval that it judges.
    pub own: bool,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RanOutput {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// What was carried out, in order.
    pub ran: Vec<Ran>,
    /// The stack's outputs, as the state has them.
    pub outputs: BTreeMap<String, Val>,
}

/// The verb over JSON bytes; its output is a [`RanOutput`].
///
/// # Errors
/// As [`ran`].
#[inline(never)]
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    if input.len() > INPUT_BYTES {
        return Err(format!("reading what a run did: more than {INPUT_BYTES} bytes"));
    }
    let input: RanInput = serde_json::from_slice(input).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        format!("reading what a run did: not the JSON of a RanInput ({place})")
    })?;
    let outputs = done::stack_outputs(&input.state).map_err(|e| e.to_string())?;
    let ran = ran(&input).map_err(|e| e.to_string())?;
    crate::json::write(&RanOutput { schema: super::SCHEMA, ran, outputs })
}

/// Which of the steps that the gate let pass were carried out, and what they left; and what the
/// engine rewrote in the state without a step. A step that failed, or that the log doesn't tell of,
/// was not carried out.
///
/// # Errors
/// A log or a state that can't be read, or that don't belong together.
#[inline(never)]
pub fn ran(input: &RanInput) -> Result<Vec<Ran>, StepsError> {
    if input.schema != super::SCHEMA {
        return Err(StepsError::Schema(input.schema));
    }
    let done = done::Done::read(&input.events, &input.stack, &input.state)?;
    let one = |step: &Step| {
        let left = done.of(step)?;
        Ok(left.map(|left| Ran {
            own: input.own,
            urn: step.urn.clone(),
            operation: step.operation,
            id: left.id,
            values: left.values,
            options: left.options,
        }))
    };
    let steps = input.steps.steps.iter();
    let mut ran: Vec<_> =
        steps.filter_map(|step| one(step).transpose()).collect::<Result<_, _>>()?;
    let rewritten = done.rewritten()?.into_iter().map(|(urn, left)| Ran {
        // No approval is spent by what needs none.
        own: false,
        urn,
        operation: Operation::Options,
        id: left.id,
        values: left.values,
        options: left.options,
    });
    ran.extend(rewritten);
    Ok(ran)
}
