//! The verb `admit`: whether the engine, which holds after its own preview, may go on.

use super::context::{Context, Ran};
use super::{Coverage, SCHEMA, covers};
use crate::ids::{Digest, StackId};
use crate::steps::urn::Urn;
use crate::steps::val::Val;
use crate::steps::{Steps, StepsInput, steps};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a look at a stack was made of, apart from its program's revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Circumstances {
    /// The digest of the state that it started from.
    pub state: Digest,
    /// The digest of the tree entries under the stack's path and its inputs, if it is known.
    pub inputs: Option<Digest>,
    /// Versions of CLI and plugins.
    pub versions: BTreeMap<String, String>,
}

/// What one of our own runs carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunThen {
    /// Whether it ran under the approval that is being judged.
    pub own: bool,
    /// What it carried out, in order.
    pub ran: Vec<Ran>,
}

/// The input of the verb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdmitInput {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The steps that the approval names.
    pub approved: Steps,
    /// What the held engine would do, and the state that it started from.
    pub fresh: StepsInput,
    /// Our own runs of the stack since the look that was approved, oldest first.
    pub runs: Vec<RunThen>,
    /// The outputs that upstream stacks were recorded with.
    pub outputs: BTreeMap<StackId, BTreeMap<String, Val>>,
    /// What the approved look was made of.
    pub look: Circumstances,
    /// What the held engine is made of.
    pub now: Circumstances,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Admitted {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Whether the engine may go on.
    pub admit: bool,
    /// The steps that it would run.
    pub steps: Steps,
    /// What they are beside the approved ones.
    pub coverage: Coverage,
}

/// The verb over JSON bytes.
///
/// # Errors
/// An input that isn't an [`AdmitInput`], approved steps that don't have the digest that they carry,
/// and a held engine whose steps can't be told. Nothing is admitted then.
#[inline(never)]
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: AdmitInput = crate::json::read("admit", input)?;
    crate::json::schema("admit", input.schema, SCHEMA)?;
    crate::json::write(&admit(input)?)
}

/// Judges a held engine.
///
/// # Errors
/// As [`verb`].
#[inline(never)]
pub fn admit(input: AdmitInput) -> Result<Admitted, String> {
    let computed = crate::steps::digest::digest(&input.approved.steps);
    if computed != input.approved.digest {
        return Err("admit: the approved steps don't have the digest that they carry".to_owned());
    }
    let fresh = steps(&input.fresh).map_err(|error| format!("admit: {error}"))?;
    let (look, now) = (&input.look, &input.now);
    let same_inputs =
        look.inputs.is_some() && look.inputs == now.inputs && look.versions == now.versions;
    let context = Context {
        ran: ran_since(input.runs),
        outputs: input.outputs,
        pending_replacement: pending(input.fresh.state.as_ref()),
        same_inputs,
        same_state: look.state == now.state,
    };
    let coverage = covers(&input.approved, &fresh, &context);
    let admit = matches!(coverage, Coverage::Covered { .. });
    Ok(Admitted { schema: SCHEMA, admit, steps: fresh, coverage })
}

fn ran_since(runs: Vec<RunThen>) -> Vec<Ran> {
    let one = |run: RunThen| {
        let own = run.own;
        // What a run rewrote without a step is spent by no approval.
        run.ran.into_iter().map(move |ran| Ran { own: own && ran.own, ..ran })
    };
    runs.into_iter().flat_map(one).collect()
}

/// The resources that the state lists as half replaced.
#[inline(never)]
fn pending(state: Option<&Value>) -> BTreeSet<Urn> {
    let deployment = |state: &'_ Value| state.get("deployment").unwrap_or(state).clone();
    let resources = state.map(deployment).and_then(|mut d| d.get_mut("resources").map(Value::take));
    let Some(Value::Array(resources)) = resources else { return BTreeSet::new() };
    resources
        .iter()
        .filter(|row| row.get("pendingReplacement").and_then(Value::as_bool) == Some(true))
        .filter_map(|row| row.get("urn")?.as_str()?.parse().ok())
        .collect()
}
