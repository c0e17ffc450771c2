//! What happens to a branch.

use crate::advance::EffectId;
use crate::coverage::Difference;
use crate::facts::ChangeFacts;
use crate::ids::{AccountId, ChangeNumber, Digest, Project, RefName, Revision, ServerId, StackId};
use crate::record::Published;
use crate::review::{KeptPlan, PreviewOutcome};
use crate::settings::{Floor, SettingsLayer};
use crate::verdict::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum BranchInput {
    /// The branch, or a change that was submitted to it, may have changed.
    Hint {
        /// The server.
        server: ServerId,
        /// The project.
        project: Project,
        /// The branch.
        branch: RefName,
    },
    /// It was read.
    Read {
        /// The effect that read it.
        effect: EffectId,
        /// The facts.
        facts: Box<BranchFacts>,
    },
    /// It does not exist, or can't be seen.
    Gone {
        /// The effect that tried.
        effect: EffectId,
    },
    /// Stacks are taken over as they are.
    Adopt(Adoption),
    /// An apply ended.
    Applied {
        /// The effect.
        effect: EffectId,
        /// How it ended.
        outcome: Box<ApplyOutcome>,
    },
    /// A preview of a held stack ended.
    Previewed {
        /// The effect.
        effect: EffectId,
        /// How it ended.
        outcome: Box<PreviewOutcome>,
    },
    /// A message was posted, or can't be posted any more.
    Posted {
        /// The effect.
        effect: EffectId,
    },
}

/// Stacks that are taken over as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Each stack, with the digest of its present state.
    pub stacks: BTreeMap<StackId, Digest>,
    /// Who does it, in words.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The account under which Tidegate acts.
    pub account: AccountId,
}

/// The facts of a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BranchFacts {
    /// The project's settings, from the root of the inheritance down.
    pub settings: Vec<SettingsLayer>,
    /// The least that the installation asks for.
    #[serde(default)]
    pub floor: Floor,
    /// The account that publishes.
    pub publisher: AccountId,
    /// Whether Gerrit has the plugin.
    pub plugin: bool,
    /// The label that we vote on where there is no plugin.
    pub vote: Option<String>,
    /// The tip of the branch.
    pub tip: Revision,
    /// Its first-parent commits from after the walked one up to the tip, oldest first. Absent if the
    /// walked commit is not among the tip's first parents.
    pub commits: Option<Vec<CommitFacts>>,
    /// The changes of these commits, and those that were asked for.
    pub changes: BTreeMap<ChangeNumber, MergedFacts>,
    /// For each revision that was asked for, and each of `commits`: the digest of the tree entries
    /// under the path and inputs of each stack that may matter.
    pub inputs: BTreeMap<Revision, BTreeMap<StackId, Digest>>,
}

/// A first-parent commit of a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommitFacts {
    /// The commit.
    pub revision: Revision,
    /// Paths that differ from its first parent, without rename detection.
    pub paths: Vec<String>,
    /// The merged change that has it as a patch set, if there is one.
    pub change: Option<ChangeNumber>,
    /// A merge that is no patch set: whether its tree is what merging its parents gives.
    pub automatic: Option<bool>,
    /// A merge that is no patch set: the first-parent commits of its later parents that its first
    /// parent does not reach, oldest first.
    pub brought: Vec<Brought>,
}

/// A commit that a merge brought in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// The commit.
    pub revision: Revision,
    /// The merged change that has it as a patch set, if there is one.
    pub change: Option<ChangeNumber>,
}

/// A merged change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MergedFacts {
    /// Its facts.
    pub facts: ChangeFacts,
    /// What Gerrit keeps of its submit requirements.
    pub requirements: Vec<Requirement>,
    /// The submission that merged it.
    pub submission: Option<String>,
    /// What we published on it while it was reviewed.
    pub published: Vec<Published>,
    /// What each published binding was made of, by its name.
    pub plans: BTreeMap<Digest, KeptPlan>,
}

/// A submit requirement, as Gerrit kept it when the change was merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its name.
    pub name: String,
    /// How it came out.
    pub status: RequirementStatus,
    /// What it asks for: its submittability expression.
    pub expression: String,
}

/// How a submit requirement came out, as Gerrit names it
/// (`SubmitRequirementResultInfo.status` of its REST API).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequirementStatus {
    /// It was met.
    Satisfied,
    /// It was not met.
    Unsatisfied,
    /// Its override was met.
    Overridden,
    /// It asked for nothing.
    NotApplicable,
    /// It could not be told.
    Error,
    /// The submit went past it.
    Forced,
    /// Gerrit gave a name that is not known here.
    Other,
}

/// How an apply ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ApplyOutcome {
    /// Well: what was approved was applied.
    Applied(Box<RunFacts>),
    /// The gate was asked, and what would have run is not covered. Nothing was applied.
    NotCovered {
        /// Why.
        differences: Vec<Difference>,
        /// How many more there are.
        omitted: u32,
    },
    /// The engine itself found that the program asks for something else than the plan. Nothing was
    /// applied.
    Violated,
    /// It could not begin. Nothing was applied.
    NotBegun {
        /// Why.
        reason: Reason,
    },
    /// It ended before its end. Some steps may have been carried out: those that the run names.
    Failed {
        /// Why.
        reason: Reason,
        /// What was carried out.
        run: Box<RunFacts>,
    },
    /// The host was cut off while it ran, and looked afterwards: nothing is under way, no operation is
    /// open, no lock is left.
    Interrupted {
        /// The digest of the state that was found.
        state: Digest,
    },
    /// Nobody knows what was carried out.
    Uncertain {
        /// Why.
        reason: Reason,
    },
}

/// What is known of an apply that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunFacts {
    /// The digest of the steps that the gate let pass.
    pub steps: Digest,
    /// Where the store keeps what was carried out.
    pub ran: Digest,
    /// Where the store keeps the outputs that the stack was left with.
    pub outputs: Digest,
    /// The digest of the state before.
    pub state_before: Digest,
    /// The digest of the state after.
    pub state_after: Digest,
    /// Where the store keeps what the run said.
    pub output: Digest,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The checkpoint under which the intent was logged, in one line.
    pub checkpoint: Option<String>,
}
