//! Effects: what the host is asked to do. Each is plain data, idempotent by its id, and its result
//! comes back as an input.

use crate::coverage::admit::Circumstances;
use crate::ids::{ChangeNumber, Digest, PatchSetNumber, Project, RefName, Revision, StackId};
use crate::policy::PolicyChange;
use crate::settings::{Claim, Policy, PolicyName};
use crate::steps::marker::Marker;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The id of an effect, unique over the installation: the subject's key and a running number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct EffectId(pub String);

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Its id.
    pub id: EffectId,
    /// Higher goes first.
    pub priority: i64,
    /// At most one effect of a lane is carried out at a time.
    #[serde(default)]
    pub lane: Option<String>,
    /// What to do.
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Action {
    /// Read a change's facts.
    ReadChange {
        /// Its project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
    },
    /// Read a project: its settings, the tips of its branches, its open changes.
    ReadProject {
        /// The project.
        project: Project,
    },
    /// Look at a change again: a hint to its subject.
    Nudge {
        /// Its project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
    },
    /// Look at a branch again: a hint to its subject.
    NudgeBranch {
        /// Its project.
        project: Project,
        /// The branch.
        branch: RefName,
    },
    /// Read a branch: what was submitted to it, and what is known of the changes.
    ReadBranch {
        /// Its project.
        project: Project,
        /// The branch.
        branch: RefName,
        /// The commit up to which its history is known; absent at the first read.
        walked: Option<Revision>,
        /// Changes whose facts are needed, whatever was submitted since.
        changes: Vec<ChangeNumber>,
        /// Revisions for which the digests of stacks' inputs are needed.
        revisions: BTreeMap<Revision, BTreeSet<StackId>>,
    },
    /// Preview one stack.
    Preview(Box<PreviewRequest>),
    /// Apply one stack's approved plan. The only action that changes the world: it may begin only
    /// when everything that was logged with it is under a signed checkpoint.
    Apply(Box<ApplyRequest>),
    /// Sign a record and write it beside the change, if the one before is `expect`.
    WriteRecord {
        /// The change's project.
        project: Project,
        /// The change's number.
        number: ChangeNumber,
        /// The commit of the record that this one follows.
        expect: Option<Revision>,
        /// The record.
        text: String,
    },
    /// Post a message, a vote, or both.
    Post(Box<Post>),
}

impl Action {
    /// Whether it acts on more than Gerrit and our own files.
    #[must_use]
    pub fn changes_the_world(&self) -> bool {
        match self {
            Self::Apply(_) => true,
            Self::ReadChange { .. }
            | Self::ReadProject { .. }
            | Self::ReadBranch { .. }
            | Self::Nudge { .. }
            | Self::NudgeBranch { .. }
            | Self::Preview(_)
            | Self::WriteRecord { .. }
            | Self::Post(_) => false,
        }
    }

    /// The action's kind, as the queue and its metrics name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ReadChange { .. } => "read-change",
            Self::ReadProject { .. } => "read-project",
            Self::Nudge { .. } => "nudge",
            Self::NudgeBranch { .. } => "nudge-branch",
            Self::ReadBranch { .. } => "read-branch",
            Self::Preview(_) => "preview",
            Self::Apply(_) => "apply",
            Self::WriteRecord { .. } => "write-record",
            Self::Post(_) => "post",
        }
    }
}

/// A preview to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// The change's project.
    pub project: Project,
    /// Its number.
    pub number: ChangeNumber,
    /// The patch set.
    pub patch_set: PatchSetNumber,
    /// Its revision.
    pub revision: Revision,
    /// The commit that is previewed: the merge of the patch set with its branch.
    pub commit: Revision,
    /// The stack, as it is claimed.
    pub claim: Claim,
    /// The claims of the stacks whose outputs it reads.
    pub reads: Vec<Claim>,
    /// Of these, the ones that are planned together with it: it is to see the outputs that their
    /// plans give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<Upstream>,
    /// The branch whose rollout asks for it; absent for a change under review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_of: Option<RefName>,
    /// The policy modules that are to be asked about its plan.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<PolicyName, Policy>,
    /// What these are shown of the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<PolicyChange>,
}

/// A stack whose planned outputs another one is previewed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The stack.
    pub stack: StackId,
    /// Where the store keeps its plan file.
    pub plan_file: Digest,
    /// The markers in that plan.
    pub markers: Vec<Marker>,
}

/// An apply to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// The project.
    pub project: Project,
    /// The branch.
    pub branch: RefName,
    /// The change whose plan it is.
    pub number: ChangeNumber,
    /// The commit that is checked out: the rollout's own revision.
    pub revision: Revision,
    /// The stack, as it is claimed.
    pub claim: Claim,
    /// The claims of the stacks whose outputs it reads.
    pub reads: Vec<Claim>,
    /// The name of the approved binding.
    pub binding: Digest,
    /// Where the store keeps its plan file.
    pub plan_file: Digest,
    /// Where the store keeps its canonical steps.
    pub steps_blob: Digest,
    /// The markers in the plan.
    pub markers: Vec<Marker>,
    /// What the approved look was made of.
    pub look: Circumstances,
    /// The digest of the stack's inputs at `revision`, if it is known.
    pub inputs: Option<Digest>,
    /// Our own runs of the stack since that look, oldest first.
    pub runs: Vec<RunRef>,
    /// Where the store keeps the outputs that each stack was left with.
    pub outputs: BTreeMap<StackId, Digest>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// A run of ours, by what it carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// Whether it ran under the same approval.
    pub own: bool,
    /// Where the store keeps what it carried out.
    pub ran: Digest,
}

/// A message, a vote, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// The change's project.
    pub project: Project,
    /// Its number.
    pub number: ChangeNumber,
    /// The revision that it is about.
    pub revision: Revision,
    /// The message; empty for a vote alone.
    pub message: String,
    /// Its last line: a message that has it already is this one.
    pub marker: String,
    /// Its tag.
    pub tag: String,
    /// The votes.
    pub labels: BTreeMap<String, i32>,
    /// The branch whose rollout says it; absent for a change under review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_of: Option<RefName>,
}
