//! Effects: what the host is asked to do. Each is plain data, idempotent by its id, and its result
//! comes back as an input.

use crate::ids::{ChangeNumber, PatchSetNumber, Project, Revision};
use crate::settings::Claim;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// Preview one stack.
    Preview(Box<PreviewRequest>),
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
    /// The action's kind, as the queue and its metrics name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ReadChange { .. } => "read-change",
            Self::ReadProject { .. } => "read-project",
            Self::Nudge { .. } => "nudge",
            Self::Preview(_) => "preview",
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
}
