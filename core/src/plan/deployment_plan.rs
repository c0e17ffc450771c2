//! What the verb `plan` answers.

use crate::ids::{RefName, StackId};
use crate::settings::{RepoPath, apart};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a change is any of ours, and the plan for it: what the verb answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Planning {
    /// Stacks are affected.
    Plan(DeploymentPlan),
    /// No claimed stack is affected.
    NoneOfOurs {
        /// How many changed paths there are.
        ignored: u32,
    },
}

/// Which stacks, in which waves, and why each one. Without stacks: none of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeploymentPlan {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The branch that is rolled out.
    pub branch: RefName,
    /// The stacks in the order of the rollout: each wave after the one before it, sorted within.
    pub waves: Vec<Vec<StackId>>,
    /// Why each stack is there.
    #[serde(serialize_with = "apart")]
    pub stacks: BTreeMap<StackId, Planned>,
    /// Stacks of other branches that read a planned one: not rolled out with it, but to be told.
    pub elsewhere: BTreeSet<StackId>,
    /// How many changed paths touch no stack of this branch.
    pub ignored: u32,
}

impl DeploymentPlan {
    /// The plan of a change that affects no claimed stack.
    pub(super) fn none_of_ours(branch: &RefName, ignored: u32) -> Self {
        Self {
            schema: super::SCHEMA,
            branch: branch.clone(),
            waves: Vec::new(),
            stacks: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            ignored,
        }
    }
}

impl From<DeploymentPlan> for Planning {
    fn from(plan: DeploymentPlan) -> Self {
        if plan.stacks.is_empty() {
            Self::NoneOfOurs { ignored: plan.ignored }
        } else {
            Self::Plan(plan)
        }
    }
}

/// One stack's part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// The place of its wave, from 0.
    pub wave: u32,
    /// Why it is there: paths first, then what it reads, at most [`super::REASONS`] of each.
    pub reasons: Vec<Reason>,
    /// How many more changed paths touch it.
    pub more_paths: u32,
    /// How many more planned stacks it reads.
    pub more_reads: u32,
}

/// Why a stack is in a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A path in the folder of its program changed.
    Own {
        /// The path.
        path: String,
    },
    /// Its own stack file changed.
    StackFile {
        /// The path.
        path: String,
    },
    /// A path that its program is made from changed.
    Input {
        /// The path.
        path: String,
        /// The claim's input that holds it.
        prefix: RepoPath,
    },
    /// It reads a stack that is planned.
    Reads {
        /// That stack.
        stack: StackId,
    },
}
