//! Previews a stack on what its upstreams will be, and carries such a plan out.
//!
//! The outputs that an upstream's own plan foresees are written into the copy of its state, so that
//! a program that reads them sees them. What the upstream doesn't know yet becomes a marker: an
//! engine's own unknown makes all outputs of the upstream unknown in most languages. Once the
//! upstream is deployed, markers in the plan become unknowns ([`lift_markers`]), and the engine then
//! takes any value there, and no other than the foreseen ones elsewhere.

use crate::{LocalState, StackId, unknown};
use serde_json::{Map, Value, json};
use std::io;
use zeroize::Zeroizing;

const STACK_TYPE: &str = "pulumi:pulumi:Stack";

/// Why outputs can't be put into a copy, or markers not be lifted out of a plan.
#[derive(Debug, thiserror::Error)]
pub enum GraftError {
    /// It is not a state that the preview reads.
    #[error(
        "cannot preview on the outputs to come of {0}: it is not among the stacks that are read"
    )]
    NotCopied(StackId),
    /// The copy is compressed.
    #[error(
        "cannot preview on the outputs to come of {0}: its state is compressed; deploy it first, or \
         set PULUMI_SELF_MANAGED_STATE_GZIP to false for it"
    )]
    Compressed(StackId),
    /// The copy can't be read or written.
    #[error("cannot preview on the outputs to come of {stack}")]
    Files {
        /// The upstream.
        stack: StackId,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The copy is no state.
    #[error("cannot preview on the outputs to come of {0}: its copy is no state")]
    NotAState(StackId),
    /// What should be a saved plan is none.
    #[error("cannot read the saved plan: {0}")]
    NotAPlan(String),
    /// Something is called after an unknown.
    #[error(
        "the plan calls something after an output that isn't known yet: preview the stack again \
         after its upstream is deployed"
    )]
    NamedByUnknown,
}

impl LocalState {
    /// Writes the outputs that `plan`, the saved plan of `upstream`
    /// ([`crate::Previewed::plan_file`]), foresees into the copy of its state. `marker` gives the
    /// text that stands for an output that isn't known yet, by the output's name. Returns the names
    /// of these outputs, sorted.
    ///
    /// The plan's secrets lie in the copy in clear afterwards. [`LocalState::reference_digests`]
    /// still tells the state that was copied.
    ///
    /// # Errors
    /// If the upstream's state was not copied, or is compressed; or the plan foresees no outputs.
    pub fn graft(
        &mut self,
        upstream: &StackId,
        plan: &[u8],
        marker: &dyn Fn(&str) -> String,
    ) -> Result<Vec<String>, GraftError> {
        let files = |source| GraftError::Files { stack: upstream.clone(), source };
        let copied =
            self.reference(upstream).ok_or_else(|| GraftError::NotCopied(upstream.clone()))?;
        if !copied.is_plain {
            return Err(GraftError::Compressed(upstream.clone()));
        }
        let (urn, mut outputs) = foreseen(plan, upstream)?;
        let mut marked = Vec::new();
        for (name, value) in &mut outputs {
            if unknown::mark(value, &marker(name)) {
                marked.push(name.clone());
            }
        }
        marked.sort();
        let bytes = Zeroizing::new(std::fs::read(&copied.path).map_err(files)?);
        let no_state = || GraftError::NotAState(upstream.clone());
        let mut checkpoint: Value = serde_json::from_slice(&bytes).map_err(|_| no_state())?;
        put(&mut checkpoint, &urn, outputs).ok_or_else(no_state)?;
        let text = Zeroizing::new(checkpoint.to_string());
        std::fs::write(&copied.path, text.as_bytes()).map_err(files)?;
        marked.iter().for_each(|name| self.plant(marker(name)));
        Ok(marked)
    }
}

/// `plan` with each text that holds one of `markers` ([`LocalState::markers`] of its preview)
/// replaced by the engine's unknown.
///
/// # Errors
/// If it is no plan, or something in it is called after an unknown.
pub fn lift_markers(plan: &[u8], markers: &[String]) -> Result<Zeroizing<Vec<u8>>, GraftError> {
    let mut plan = read(plan)?;
    unknown::lift(&mut plan, markers).map_err(|_| GraftError::NamedByUnknown)?;
    Ok(Zeroizing::new(plan.to_string().into_bytes()))
}

fn read(plan: &[u8]) -> Result<Value, GraftError> {
    let plan: Value = serde_json::from_slice(plan).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        GraftError::NotAPlan(format!("no JSON at line {line}, column {column}"))
    })?;
    if !plan.get("resourcePlans").is_some_and(Value::is_object) {
        return Err(GraftError::NotAPlan("it has no \"resourcePlans\"".to_owned()));
    }
    Ok(plan)
}

/// The URN of the stack itself, and all its outputs after its plan.
fn foreseen(plan: &[u8], stack: &StackId) -> Result<(String, Map<String, Value>), GraftError> {
    let mut plan = read(plan)?;
    let (project, name) = (stack.project(), stack.stack());
    let urn = format!("urn:pulumi:{name}::{project}::{STACK_TYPE}::{project}-{name}");
    let state = plan
        .get_mut("resourcePlans")
        .and_then(|plans| plans.get_mut(&urn))
        .ok_or_else(|| GraftError::NotAPlan(format!("it is none of {stack}")))?
        .get_mut("state")
        .map(Value::take);
    match state {
        Some(Value::Object(outputs)) => Ok((urn, outputs)),
        // The engine leaves the member out where there are none.
        None | Some(Value::Null) => Ok((urn, Map::new())),
        Some(_) => Err(GraftError::NotAPlan(format!("the outputs of {stack} are no object"))),
    }
}

/// Makes `outputs` those of the stack itself, which has no row before its first deploy.
fn put(checkpoint: &mut Value, urn: &str, outputs: Map<String, Value>) -> Option<()> {
    let latest = checkpoint.get_mut("checkpoint")?.get_mut("latest")?.as_object_mut()?;
    let rows = latest.entry("resources").or_insert_with(|| json!([]));
    if rows.is_null() {
        *rows = json!([]);
    }
    let rows = rows.as_array_mut()?;
    let row = rows.iter_mut().find(|row| row.get("urn").is_some_and(|found| found == urn));
    match row {
        Some(row) => {
            drop(row.as_object_mut()?.insert("outputs".to_owned(), Value::Object(outputs)))
        }
        None => {
            let row = json!({"urn": urn, "custom": false, "type": STACK_TYPE, "outputs": outputs});
            rows.insert(0, row);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    const URN: &str = "urn:pulumi:dev::network::pulumi:pulumi:Stack::network-dev";

    fn network() -> StackId {
        StackId::new("network", "dev").unwrap()
    }

    #[rstest]
    #[case::deployed(json!([{"urn": "u::other"}, {"urn": URN, "outputs": {"a": 1}, "type": "t"}]))]
    #[case::never_deployed(json!([]))]
    #[case::without_resources(Value::Null)]
    fn outputs_are_put_into_the_row_of_the_stack(#[case] resources: Value) {
        let mut state = json!({"checkpoint": {"latest": {"resources": resources}}});
        let outputs = json!({"b": 2}).as_object().unwrap().clone();
        put(&mut state, URN, outputs).unwrap();
        let rows = state["checkpoint"]["latest"]["resources"].as_array().unwrap();
        let row = rows.iter().find(|row| row["urn"] == URN).unwrap();
        assert_eq!(row["outputs"], json!({"b": 2}));
    }

    #[rstest]
    #[case::another_stack(json!({"resourcePlans": {}}), "none of organization/network/dev")]
    #[case::no_plan(json!({}), "resourcePlans")]
    #[case::no_outputs(json!({"resourcePlans": {URN: {"state": 1}}}), "no object")]
    fn what_foresees_no_outputs_is_refused(#[case] plan: Value, #[case] expected: &str) {
        let error = foreseen(plan.to_string().as_bytes(), &network()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_plan_that_names_a_resource_after_a_marker_is_not_lifted() {
        let plan = json!({"resourcePlans": {"urn::bucket-m1": {}}}).to_string();
        let error = lift_markers(plan.as_bytes(), &["m1".to_owned()]).unwrap_err();
        assert!(matches!(error, GraftError::NamedByUnknown));
    }
}
