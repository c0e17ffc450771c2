//! The gate of one apply: asks the core, and keeps what it said.

use super::SandboxedRules;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_core::Verb;
use tidegate_core::advance::ApplyRequest;
use tidegate_core::coverage::admit::{Admitted, Circumstances};
use tidegate_core::coverage::allow::Allowed;
use tidegate_core::coverage::{Coverage, Difference, SCHEMA};
use tidegate_core::ids::{Digest, StackId};
use tidegate_core::steps::{StackName, Steps};
use tidegate_engine::Rules as _;
use tidegate_pulumi::{Gate, Held, Verdict};

/// What the store keeps of an approved plan and of what happened since.
pub(super) struct Evidence {
    /// The approved steps, as JSON.
    pub(super) approved: Box<RawValue>,
    /// What our own runs carried out since, as JSON.
    pub(super) runs: Vec<RunThen>,
    /// Each upstream stack's recorded outputs, as JSON.
    pub(super) outputs: BTreeMap<StackId, Box<RawValue>>,
}

/// One of our own runs, as the core reads it.
#[derive(Serialize)]
pub(super) struct RunThen {
    pub(super) own: bool,
    pub(super) ran: Box<RawValue>,
}

/// The gate.
pub(super) struct CoreGate<'a> {
    rules: Arc<SandboxedRules>,
    request: &'a ApplyRequest,
    versions: BTreeMap<String, String>,
    evidence: &'a Evidence,
    said: Mutex<Said>,
}

/// What was said at the gate.
#[derive(Default)]
pub(super) struct Said {
    /// The steps that were let pass.
    pub(super) admitted: Option<Steps>,
    /// What was found beside the approved steps, if it was not covered.
    pub(super) differences: Option<(Vec<Difference>, u32)>,
    /// Why the core could not tell, or which step it refused.
    pub(super) why: Option<String>,
    /// What was shown of each resource while the engine was held.
    held: BTreeMap<String, Value>,
}

/// The core's `AdmitInput`, with what the store keeps as it is.
#[derive(Serialize)]
struct AdmitInput<'a> {
    schema: u32,
    approved: &'a RawValue,
    fresh: Fresh<'a>,
    runs: &'a [RunThen],
    outputs: &'a BTreeMap<StackId, Box<RawValue>>,
    look: &'a Circumstances,
    now: Circumstances,
}

/// The core's `StepsInput`.
#[derive(Serialize)]
struct Fresh<'a> {
    schema: u32,
    stack: StackName,
    events: &'a str,
    state: &'a Value,
    resources: &'a Value,
}

impl<'a> CoreGate<'a> {
    pub(super) fn new(
        rules: Arc<SandboxedRules>,
        request: &'a ApplyRequest,
        versions: BTreeMap<String, String>,
        evidence: &'a Evidence,
    ) -> Self {
        Self { rules, request, versions, evidence, said: Mutex::default() }
    }

    /// What was said.
    pub(super) fn said(self) -> Said {
        self.said.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, held: &Held) -> Result<Admitted, String> {
        let state: Digest =
            held.state_digest.parse().map_err(|error| format!("the state's digest: {error}"))?;
        let input = AdmitInput {
            schema: SCHEMA,
            approved: &self.evidence.approved,
            fresh: Fresh {
                schema: tidegate_core::steps::SCHEMA,
                stack: stack_name(self.request),
                events: &held.events,
                state: &held.state,
                resources: &held.resources,
            },
            runs: &self.evidence.runs,
            outputs: &self.evidence.outputs,
            look: &self.request.look,
            now: Circumstances {
                state,
                inputs: self.request.inputs.clone(),
                versions: self.versions.clone(),
            },
        };
        let input = serde_json::to_vec(&input).map_err(|error| error.to_string())?;
        let answer = self.rules.call(Verb::Admit, &input).map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    }

    fn allow(&self, shown: &Value) -> Result<Allowed, String> {
        let held = {
            let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let urn = shown.get("urn").and_then(Value::as_str).unwrap_or_default();
            said.held.get(urn).cloned()
        };
        let input = serde_json::json!({ "schema": SCHEMA, "held": held, "now": shown });
        let input = serde_json::to_vec(&input).map_err(|error| error.to_string())?;
        let answer = self.rules.call(Verb::Allow, &input).map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    }
}

impl Gate for CoreGate<'_> {
    async fn hold(&self, held: Held) -> Verdict {
        let admitted = self.admit(&held);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match admitted {
            Ok(Admitted { admit: true, steps, .. }) => {
                said.admitted = Some(steps);
                said.held = by_urn(held.resources);
                Verdict::Yes
            }
            Ok(Admitted { coverage: Coverage::Uncovered { differences, omitted }, .. }) => {
                said.differences = Some((differences, omitted));
                Verdict::No
            }
            Ok(_) => Verdict::No,
            Err(why) => {
                said.why = Some(why);
                Verdict::No
            }
        }
    }

    async fn step(&self, shown: Value) -> Verdict {
        let why = match self.allow(&shown) {
            Ok(Allowed { allow: true, .. }) => return Verdict::Yes,
            Ok(Allowed { why, .. }) => why.unwrap_or_default(),
            Err(why) => why,
        };
        tracing::warn!(stack = %self.request.claim.id, why, "a step of an update was refused");
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.why.get_or_insert(why);
        Verdict::No
    }
}

/// The names that the engine uses of the stack.
pub(super) fn stack_name(request: &ApplyRequest) -> StackName {
    StackName { project: request.claim.project.to_string(), stack: request.claim.stack.to_string() }
}

fn by_urn(resources: Value) -> BTreeMap<String, Value> {
    let Value::Array(resources) = resources else { return BTreeMap::new() };
    let one = |resource: Value| {
        let urn = resource.get("urn").and_then(Value::as_str)?.to_owned();
        Some((urn, resource))
    };
    resources.into_iter().filter_map(one).collect()
}
