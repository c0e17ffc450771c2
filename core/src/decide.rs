//! The verb `decide`: facts in, verdict out. Gerrit's plugin and the host ask the same question with
//! the same facts and get the same bytes.
//!
//! It is monotone where people would expect it: a vote less, a finding more or a fact less never
//! turns a refusal into a pass.

pub(crate) mod approvals;
mod change_case;
mod push_case;

use crate::facts::ChangeFacts;
use crate::settings::Floor;
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};

pub use approvals::{APPROVE_LINE, PLAN_LINE, PUBLISH_TAG, WITHDRAW_LINE};
pub use change_case::decide_change;
pub use push_case::{PushFacts, PushKind, decide_push};

/// What is to be decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DecideInput {
    /// The number of this form: [`DecideInput::SCHEMA`].
    pub schema: u32,
    /// The time of the decision, in milliseconds since the epoch.
    pub now_ms: i64,
    /// The case.
    pub case: Case,
    /// The least that the installation asks for. Only the host has one.
    #[serde(default)]
    pub floor: Option<Floor>,
}

impl DecideInput {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;
}

/// A case to decide.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Case {
    /// May this change be submitted?
    Change(Box<ChangeFacts>),
    /// May this push go through?
    Push(Box<PushFacts>),
}

/// The verb `decide`.
///
/// # Errors
/// A sentence, if `input` is not a [`DecideInput`].
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: DecideInput = crate::json::read("decide", input)?;
    crate::json::schema("decide", input.schema, DecideInput::SCHEMA)?;
    crate::json::write(&decide(&input))
}

/// Decides a case.
#[must_use]
pub fn decide(input: &DecideInput) -> Verdict {
    match &input.case {
        Case::Change(facts) => decide_change(facts, input.floor.as_ref()),
        Case::Push(push) => decide_push(push),
    }
}
