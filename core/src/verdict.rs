//! What a decision says, and why.

use crate::ids::{Digest, StackId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The outcome of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The number of this form: [`Verdict::SCHEMA`].
    pub schema: u32,
    /// Whether Gerrit may go on.
    pub submittable: bool,
    /// What it comes to.
    pub outcome: Outcome,
    /// One line for people.
    pub summary: String,
    /// Every reason that was found, in a stable order.
    pub reasons: Vec<Reason>,
    /// Each planned stack.
    pub stacks: BTreeMap<StackId, StackVerdict>,
}

impl Verdict {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;

    /// A verdict whose outcome follows from its reasons.
    #[must_use]
    pub fn from_reasons(mut reasons: Vec<Reason>, stacks: BTreeMap<StackId, StackVerdict>) -> Self {
        reasons.sort_by(|a, b| {
            (a.code.waits(), &a.stack, a.code, &a.text).cmp(&(
                b.code.waits(),
                &b.stack,
                b.code,
                &b.text,
            ))
        });
        reasons.dedup();
        let outcome = match reasons.first() {
            None => Outcome::Ready,
            Some(reason) if reason.code.waits() => Outcome::Waiting,
            Some(_) => Outcome::Refused,
        };
        let summary = match reasons.as_slice() {
            [] => "ready: what was reviewed is what would be applied".to_owned(),
            [only] => only.text.clone(),
            [first, rest @ ..] => format!("{} (and {} more)", first.text, rest.len()),
        };
        Self {
            schema: Self::SCHEMA,
            submittable: outcome == Outcome::Ready,
            outcome,
            summary,
            reasons,
            stacks,
        }
    }

    /// A verdict on something that is none of ours.
    #[must_use]
    pub fn not_ours(summary: String) -> Self {
        Self {
            schema: Self::SCHEMA,
            submittable: true,
            outcome: Outcome::NotOurs,
            summary,
            reasons: Vec::new(),
            stacks: BTreeMap::new(),
        }
    }
}

/// What a verdict comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing stands against it.
    Ready,
    /// It touches nothing that Tidegate guards.
    NotOurs,
    /// Somebody or something has still to act.
    Waiting,
    /// It can't go on as it is.
    Refused,
}

/// How one stack stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StackVerdict {
    /// The binding that would be deployed, if there is one.
    pub binding: Option<Digest>,
    /// How many approvals of it count.
    pub approvals: u32,
    /// How many are needed.
    pub needed: u32,
}

/// One thing that stands against going on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Its stable name.
    pub code: Code,
    /// The stack that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stack: Option<StackId>,
    /// A sentence for people.
    pub text: String,
    /// What would change it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cure: Option<String>,
}

impl Reason {
    /// A reason about the change as a whole.
    #[must_use]
    pub fn new(code: Code, text: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { code, stack: None, text: text.into(), cure: Some(cure.into()) }
    }

    /// The same, about one stack.
    #[must_use]
    pub fn on(mut self, stack: &StackId) -> Self {
        self.stack = Some(stack.clone());
        self
    }
}

/// The stable names of reasons. Names are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The change is abandoned.
    Abandoned,
    /// The change is already merged.
    Merged,
    /// The change is work in progress.
    WorkInProgress,
    /// The change is private.
    Private,
    /// The history of the change can't be read.
    HistoryUnreadable,
    /// The settings of the branch can't be used.
    SettingsError,
    /// The claimed stacks can't be put in an order.
    PlanError,
    /// A fact that the decision needs is missing.
    FactMissing,
    /// The host has not written a record of this patch set.
    RecordMissing,
    /// The record can't be understood, or is about something else.
    RecordUnusable,
    /// The record is of another patch set.
    RecordOutdated,
    /// The settings changed since the plan was made.
    SettingsChanged,
    /// The uploader is in no group whose previews are trusted.
    UploaderUntrusted,
    /// The change can't be merged with its branch.
    MergeConflict,
    /// A preview has not ended.
    PreviewRunning,
    /// A preview failed.
    PreviewFailed,
    /// A planned stack was not looked at.
    StackNotPreviewed,
    /// A policy module objects.
    PolicyFinding,
    /// A policy module could not be asked.
    PolicyFailed,
    /// Approvals of the present plan are missing.
    ApprovalMissing,
    /// An approval names more than one published plan.
    ApprovalAmbiguous,
    /// The project is not in mode `deploy`.
    NotDeployed,
    /// Nobody has taken the stack over.
    NotAdopted,
    /// Another stack or rollout goes first.
    NotItsTurn,
    /// A stack of an earlier wave was not deployed.
    WaveNotDeployed,
    /// A commit came past review.
    ShadowChange,
    /// The branch was rewritten.
    BranchRewritten,
    /// What would run is not what was approved.
    PlanNotCovered,
    /// The program asks for something else than the approved plan.
    PlanViolated,
    /// An apply could not begin.
    ApplyNotBegun,
    /// An apply failed.
    ApplyFailed,
    /// Nobody knows what an apply did.
    ApplyUncertain,
    /// A push past review.
    DirectPush,
    /// A ref that belongs to Tidegate.
    ReservedRef,
    /// Settings pushed past review.
    SettingsPush,
}

impl Code {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            // A unit variant is always written as a text.
            Ok(_) | Err(_) => String::new(),
        }
    }

    /// Whether it goes away by itself or by a vote, with no new patch set.
    #[must_use]
    pub fn waits(self) -> bool {
        match self {
            Self::WorkInProgress
            | Self::RecordMissing
            | Self::RecordOutdated
            | Self::SettingsChanged
            | Self::PreviewRunning
            | Self::StackNotPreviewed
            | Self::ApprovalMissing
            | Self::NotAdopted
            | Self::NotItsTurn => true,
            Self::Abandoned
            | Self::Merged
            | Self::Private
            | Self::HistoryUnreadable
            | Self::SettingsError
            | Self::PlanError
            | Self::FactMissing
            | Self::RecordUnusable
            | Self::UploaderUntrusted
            | Self::MergeConflict
            | Self::PreviewFailed
            | Self::PolicyFinding
            | Self::PolicyFailed
            | Self::ApprovalAmbiguous
            | Self::NotDeployed
            | Self::WaveNotDeployed
            | Self::ShadowChange
            | Self::BranchRewritten
            | Self::PlanNotCovered
            | Self::PlanViolated
            | Self::ApplyNotBegun
            | Self::ApplyFailed
            | Self::ApplyUncertain
            | Self::DirectPush
            | Self::ReservedRef
            | Self::SettingsPush => false,
        }
    }
}
