//! How far a stack of a rollout is.

use crate::advance::EffectId;
use crate::ids::{ChangeNumber, Digest, Revision};
use crate::review::{KeptPlan, Summary};
use crate::verdict::Reason;
use serde::{Deserialize, Serialize};

/// One stack of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StackRollout {
    /// Its wave, from 0.
    pub wave: u32,
    /// What people call it: `project/stack`.
    pub title: String,
    /// The last change of the submission that touches it: its plan is the stack's.
    pub change: ChangeNumber,
    /// The other changes of the submission that touch it: their approvals must hold too.
    pub below: Vec<ChangeNumber>,
    /// The plan that is to be applied, once there is one.
    pub offer: Option<Offer>,
    /// How many applies were begun.
    pub attempts: u32,
    /// How far it is.
    pub progress: Progress,
}

/// A plan that is to be applied if it is approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The plan.
    pub plan: KeptPlan,
    /// The digest of the list under which the rollout itself published it; absent if the review did,
    /// or it is still to be published.
    pub list: Option<Digest>,
    /// What it comes to; only of a plan that the rollout itself had made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// How far a stack is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Progress {
    /// It waits: for its turn, or for what the reasons name.
    Waiting {
        /// What stands against beginning, as of the last read.
        reasons: Vec<Reason>,
    },
    /// It is applied.
    Applying {
        /// The effect.
        effect: EffectId,
    },
    /// Something has to be decided by people.
    Held {
        /// What.
        hold: Hold,
    },
    /// It is deployed.
    Deployed {
        /// How long the apply took, in milliseconds.
        took_ms: u64,
        /// Where the store keeps what the run said.
        output: Option<Digest>,
        /// The checkpoint under which the intent was logged.
        checkpoint: Option<String>,
    },
    /// It is not going to be deployed by this rollout.
    Ended {
        /// How it ended.
        ending: Ending,
    },
}

/// Why a stack is held, and what ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Why.
    pub reason: Reason,
    /// More about it, in lines.
    pub details: Vec<String>,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
    /// What comes next.
    pub next: Next,
}

/// What ends a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Next {
    /// A new plan that is still to be asked for.
    Plan,
    /// A new plan that is being made.
    Preview {
        /// The effect.
        effect: EffectId,
        /// What it is made of.
        making: Making,
    },
    /// An approval of the offered plan.
    Approval,
    /// A word of an operator.
    Operator,
}

/// What a new plan is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Making {
    /// The digest of the settings that govern the stack.
    pub settings: Option<Digest>,
    /// The digest of the stack's inputs.
    pub inputs: Option<Digest>,
    /// When it was asked for, in milliseconds since the epoch.
    pub asked_ms: i64,
}

/// How a stack's part of a rollout ended without being deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Ending {
    /// An operator gave it up.
    Aborted {
        /// Why.
        reason: String,
    },
    /// The stack was adopted as it was.
    Adopted,
    /// A later rollout took it over, with a plan that was approved.
    Absorbed {
        /// That rollout's revision.
        by: Revision,
    },
    /// It is not claimed any more.
    Unclaimed,
}

impl Progress {
    /// Whether nothing is to be done any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Deployed { .. } | Self::Ended { .. } => true,
            Self::Waiting { .. } | Self::Applying { .. } | Self::Held { .. } => false,
        }
    }
}

impl StackRollout {
    /// Ends it, unless it is over or an apply is under way, whose outcome is awaited.
    pub(super) fn end(&mut self, ending: Ending) -> bool {
        let ends = match self.progress {
            Progress::Waiting { .. } | Progress::Held { .. } => true,
            Progress::Applying { .. } | Progress::Deployed { .. } | Progress::Ended { .. } => false,
        };
        if ends {
            self.progress = Progress::Ended { ending };
        }
        ends
    }
}

impl StackRollout {
    /// How the stack stands, in a line.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.progress {
            Progress::Waiting { reasons } => match reasons.first() {
                Some(reason) => format!("waits: {}", reason.text),
                None => "waits".to_owned(),
            },
            Progress::Applying { .. } => "is being applied".to_owned(),
            Progress::Held { hold } => held(hold),
            Progress::Deployed { took_ms, .. } => {
                format!("deployed in {}.{} s", took_ms / 1000, took_ms % 1000 / 100)
            }
            Progress::Ended { ending } => match ending {
                Ending::Aborted { reason } => format!("given up: {reason}"),
                Ending::Adopted => "adopted as it was".to_owned(),
                Ending::Absorbed { by } => format!("goes on with the rollout of {by}"),
                Ending::Unclaimed => "not claimed any more".to_owned(),
            },
        }
    }
}

fn held(hold: &Hold) -> String {
    let cure = hold.reason.cure.as_deref().map(|cure| format!(" ({cure})")).unwrap_or_default();
    let next = match hold.next {
        Next::Operator => {
            "; an operator tries it again with \"Tidegate-Retry: REASON\" or gives it up with \
             \"Tidegate-Abort: REASON\""
        }
        Next::Plan | Next::Preview { .. } => "; a new plan is being made",
        Next::Approval => "; its new plan waits for an approval",
    };
    format!("held: {}{cure}{next}", hold.reason.text)
}
