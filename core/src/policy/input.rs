//! What a module is shown of one stack's plan.

use crate::ids::{ChangeNumber, PatchSetNumber, Project, RefName, Revision, StackId};
use crate::settings::{Claim, EnvironmentName, PolicySetting, PulumiProject, PulumiStack};
use crate::steps::Steps;
use crate::steps::operation::Operation;
use crate::steps::step::{OptionName, Step};
use crate::steps::val::Val;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All that a module is shown: kept by its parts' digests, it can be shown again years later. It
/// names no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyInput {
    /// [`PolicyInput::SCHEMA`].
    pub schema: u32,
    /// The change whose plan it is; none where a plan belongs to no change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PolicyChange>,
    /// The stack.
    pub stack: PolicyStack,
    /// What the engine would do.
    pub steps: Steps,
    /// What the module is told by the project's settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, PolicySetting>,
}

impl PolicyInput {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;
}

/// A change, without who made it and in which words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// The Gerrit project.
    pub project: Project,
    /// The branch that it is for.
    pub branch: RefName,
    /// Its number.
    pub number: ChangeNumber,
    /// The patch set that was looked at.
    pub patch_set: PatchSetNumber,
    /// Its commit.
    pub revision: Revision,
}

/// A stack by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyStack {
    /// The id of its claim.
    pub id: StackId,
    /// The Pulumi project.
    pub project: PulumiProject,
    /// The Pulumi stack.
    pub stack: PulumiStack,
    /// Its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
}

impl From<&Claim> for PolicyStack {
    fn from(claim: &Claim) -> Self {
        Self {
            id: claim.id.clone(),
            project: claim.project.clone(),
            stack: claim.stack.clone(),
            environment: claim.environment.clone(),
        }
    }
}

/// The inputs of a step's resource once the step is done; none after a delete. Stack outputs are no
/// inputs.
#[must_use]
pub fn after(step: &Step) -> BTreeMap<&str, &Val> {
    if !leaves_a_resource(step.operation) || step.operation == Operation::Outputs {
        return BTreeMap::new();
    }
    let before = step.old.iter().flat_map(|old| &old.inputs);
    let mut inputs: BTreeMap<_, _> = before.map(|(name, val)| (name.as_str(), val)).collect();
    for (name, change) in &step.changes {
        match &change.new {
            Some(new) => inputs.insert(name, new),
            // A drifted output that the program doesn't set is no input.
            None => inputs.remove(name.as_str()),
        };
    }
    inputs
}

/// Whether Pulumi's `protect` is set on the resource once the step is done; of a delete, before it.
#[must_use]
pub fn is_protected(step: &Step) -> bool {
    let Some(protect) = step.options.get(&OptionName::Protect) else { return false };
    let side = if leaves_a_resource(step.operation) { &protect.new } else { &protect.old };
    *side == Some(Val::Bool(true))
}

fn leaves_a_resource(operation: Operation) -> bool {
    match operation {
        Operation::Delete | Operation::DeleteReplaced => false,
        Operation::Import
        | Operation::Create
        | Operation::Update
        | Operation::CreateReplacement
        | Operation::Options
        | Operation::Outputs => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn step(operation: &str, more: Value) -> Step {
        let mut step = json!({
            "urn": "urn:pulumi:dev::shop::aws:s3:Bucket::logs",
            "operation": operation,
            "type": "aws:s3:Bucket",
            "custom": true,
        });
        let fields = step.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        serde_json::from_value(step).unwrap()
    }

    #[test]
    fn an_update_shows_the_inputs_as_they_will_be() {
        let update = step(
            "update",
            json!({
                "old": { "inputs": { "acl": "private", "name": "logs", "days": {"number": "3"} } },
                "changes": {
                    "acl": { "old": "private", "new": "public" },
                    "days": { "old": {"number": "3"} },
                    "tags": { "new": {} },
                },
            }),
        );
        let after: BTreeMap<_, _> =
            after(&update).into_iter().map(|(k, v)| (k, v.to_json())).collect();
        let expected: BTreeMap<_, _> =
            [("acl", json!("public")), ("name", json!("logs")), ("tags", json!({}))].into();
        assert_eq!(after, expected);
    }

    #[test]
    fn nothing_is_left_after_a_delete() {
        let delete = step(
            "delete",
            json!({
                "old": { "inputs": { "acl": "private" } },
                "options": { "protect": { "old": true } },
            }),
        );
        assert_eq!(after(&delete), BTreeMap::new());
        assert!(is_protected(&delete));
    }

    #[test]
    fn a_resource_whose_protection_goes_is_not_protected() {
        let update = step("options", json!({ "options": { "protect": { "old": true } } }));
        assert!(!is_protected(&update));
        let set = step("create", json!({ "options": { "protect": { "new": true } } }));
        assert!(is_protected(&set));
        assert!(!is_protected(&step("create", json!({}))));
    }
}
