//! What happens to a change under review.

use crate::advance::EffectId;
use crate::facts::ChangeFacts;
use crate::ids::{AccountId, ChangeNumber, Digest, Project, Revision, ServerId, StackId};
use crate::policy::Judgement;
use crate::settings::{Floor, PolicyName};
use crate::steps::Steps;
use crate::steps::marker::Marker;
use crate::verdict::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ReviewInput {
    /// The change may have changed.
    Hint {
        /// The server.
        server: ServerId,
        /// The change's project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
    },
    /// Its facts were read.
    Read {
        /// The effect that read them.
        effect: EffectId,
        /// The facts.
        facts: Box<ReviewFacts>,
    },
    /// It does not exist, or can't be seen any more.
    Gone {
        /// The effect that tried to read it.
        effect: EffectId,
    },
    /// A preview ended.
    Previewed {
        /// The effect.
        effect: EffectId,
        /// How it ended.
        outcome: Box<PreviewOutcome>,
    },
    /// A record was written, or not.
    RecordWritten {
        /// The effect.
        effect: EffectId,
        /// How it ended.
        outcome: RecordOutcome,
    },
    /// A post was made, or can't be made any more.
    Posted {
        /// The effect.
        effect: EffectId,
        /// Whether the change has it now.
        done: bool,
    },
    /// Somebody who may asks for previews to be made again.
    Rerun {
        /// The stacks; none means all.
        stacks: Vec<StackId>,
    },
}

/// The facts of a change, and those of the installation that look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReviewFacts {
    /// The change.
    pub change: ChangeFacts,
    /// Its current patch set merged with its branch; absent if nothing is claimed there.
    pub merge: Option<MergeFacts>,
    /// The account that publishes.
    pub publisher: AccountId,
    /// Whether Gerrit has the plugin, which keeps records.
    pub plugin: bool,
    /// The vote to give.
    pub vote: Option<VoteRule>,
    /// The least that the installation asks for.
    #[serde(default)]
    pub floor: Floor,
}

/// A merge of a patch set with its branch, made as the project's submit type would make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MergeFacts {
    /// The tip of the branch; absent if the branch doesn't exist yet.
    pub target: Option<Revision>,
    /// How it went.
    pub outcome: MergeOutcome,
}

/// How a merge went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum MergeOutcome {
    /// It merged.
    Clean {
        /// The merged commit.
        commit: Revision,
        /// For each claimed stack of the branch that may be previewed: the digest of the tree
        /// entries under its path and its inputs in the merged tree.
        inputs: BTreeMap<StackId, Digest>,
    },
    /// It did not.
    Conflict {
        /// The paths in conflict.
        paths: Vec<String>,
    },
}

/// A vote of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VoteRule {
    /// The label, whose values are −1, 0 and +1.
    pub label: String,
    /// What +1 says.
    pub meaning: VoteMeaning,
}

/// What the host's vote says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VoteMeaning {
    /// All previews ended well. The plugin decides about the submit.
    Previewed,
    /// The verdict is *ready*: what a server without the plugin decides by.
    Ready,
}

/// How a preview ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum PreviewOutcome {
    /// Well.
    Planned(Box<Previewed>),
    /// Not well.
    Failed {
        /// Why.
        reason: Reason,
        /// The digest of its output, if there is any.
        output: Option<Digest>,
    },
    /// It was cancelled, since nobody wants it any more.
    Cancelled,
}

/// What a preview came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Previewed {
    /// The canonical steps.
    pub steps: Steps,
    /// The digest of the state that it started from.
    pub state: Digest,
    /// The plan file, by the digest under which the store keeps it.
    pub plan_file: Digest,
    /// The canonical steps, by the digest under which the store keeps them.
    pub steps_blob: Digest,
    /// Its output, likewise.
    pub output: Digest,
    /// The markers that were planted for it.
    #[serde(default)]
    pub markers: Vec<Marker>,
    /// What the policy modules said of the plan.
    #[serde(default)]
    pub policies: BTreeMap<PolicyName, Judgement>,
    /// The versions of CLI and plugins.
    pub versions: BTreeMap<String, String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// How the write of a record ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum RecordOutcome {
    /// It is there.
    Written {
        /// Its commit.
        commit: Revision,
    },
    /// Another record was there.
    Conflict {
        /// Its commit; absent if there is none at all.
        found: Option<Revision>,
    },
    /// The change can't take one any more.
    Impossible,
}
