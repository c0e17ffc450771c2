//! Puts together what the gate decides on.

use crate::assemble::Learnt;
use crate::gate::Held;
use crate::mask::mask_plain;
use crate::update::log::whole_lines;
use crate::{Failure, events, mask_secrets};
use serde_json::Value;
use zeroize::Zeroizing;

/// What the engine and the backend told, secrets in clear.
pub(super) struct Told {
    pub(super) log: Zeroizing<Vec<u8>>,
    pub(super) resources: Value,
    pub(super) deployment: Value,
    pub(super) state_digest: String,
}

/// Learns the secrets of a plan; its values are not needed any more.
pub(super) fn learn_plan(learnt: &mut Learnt, plan: &[u8]) -> Result<(), Failure> {
    let mut plan: Value = serde_json::from_slice(plan).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::ResultBroken(format!("the plan to be carried out is no JSON at {place}"))
    })?;
    mask_secrets(&mut plan, &learnt.key, &mut learnt.redactor);
    Ok(())
}

/// Takes the secrets out, in the way that previews do: what a preview and a gate show of one value
/// has to come out equal.
pub(super) fn held(learnt: &mut Learnt, told: Told) -> Held {
    let Told { log, mut resources, deployment, state_digest } = told;
    // First learn every secret, and only then look for them.
    learnt.state(deployment);
    let mut state = learnt.state.clone();
    let Learnt { key, redactor, .. } = learnt;
    mask_secrets(&mut resources, key, redactor);
    let mut unmarked = mask_plain(&mut resources, key, redactor);
    unmarked += mask_plain(&mut state, key, redactor);
    let (events, in_log) = events::masked(whole_lines(&log), key, redactor);
    Held { events, resources, state, state_digest, unmarked_secrets: unmarked + in_log }
}

/// A deployment as it is after a run, without secrets.
pub(super) fn after(learnt: &mut Learnt, deployment: Value) -> Value {
    learnt.state(deployment);
    let mut state = std::mem::take(&mut learnt.state);
    mask_plain(&mut state, &learnt.key, &mut learnt.redactor);
    state
}

/// The outputs of the stack itself.
pub(super) fn outputs(state: &Value) -> Value {
    let rows = state.get("resources").and_then(Value::as_array);
    let is_stack = |row: &&Value| row.get("type").is_some_and(|t| t == "pulumi:pulumi:Stack");
    let stack = rows.and_then(|rows| rows.iter().find(is_stack));
    let outputs = stack.and_then(|row| row.get("outputs")).filter(|outputs| outputs.is_object());
    outputs.cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}
