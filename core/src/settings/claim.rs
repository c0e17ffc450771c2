//! A claimed stack: what the protected branch's settings say about it, with defaults filled in.

use super::{Backend, EnvironmentName, LabelName, PulumiProject, PulumiStack, RepoPath, apart};
use crate::ids::{GroupUuid, RefName, StackId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One claim, effective: nothing in it is left to look up elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The stack's id, never reused.
    pub id: StackId,
    /// The `name` that `Pulumi.yaml` must have.
    #[serde(serialize_with = "apart")]
    pub project: PulumiProject,
    /// The stack's own name.
    #[serde(serialize_with = "apart")]
    pub stack: PulumiStack,
    /// The folder of `Pulumi.yaml`.
    pub path: RepoPath,
    /// The branch that is rolled out to the stack.
    #[serde(serialize_with = "apart")]
    pub branch: RefName,
    /// Where the state is kept.
    #[serde(serialize_with = "apart")]
    pub backend: Backend,
    /// The environment; absent only when no environments are declared.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "apart")]
    pub environment: Option<EnvironmentName>,
    /// Folders and files outside `path` that the program is made from.
    #[serde(serialize_with = "apart")]
    pub inputs: BTreeSet<RepoPath>,
    /// Stacks whose outputs the program reads.
    #[serde(serialize_with = "apart")]
    pub reads: BTreeSet<StackId>,
    /// Who approves.
    #[serde(serialize_with = "apart")]
    pub approve: Approve,
    /// How an approved plan is carried out.
    pub apply: Apply,
}

/// Whose approval a stack's plan needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The label whose vote speaks for an approval.
    pub label: LabelName,
    /// The least vote that counts; absent: the label's highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// How many people must approve, at least 1.
    pub count: u32,
    /// The group that approvers belong to; absent: whoever may vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupUuid>,
}

/// How an approved plan is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// With the approved plan file, behind the gate.
    Plan,
    /// Without a plan file, behind the gate: for programs whose resources appear inside `apply` of
    /// an unknown. Weaker, and shown as such.
    Guarded,
}
