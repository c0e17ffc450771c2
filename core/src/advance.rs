//! The verb `advance`: a subject's state and one input, to the next state and the effects to carry
//! out. The host stores state and effects in one transaction and carries the effects out at least
//! once; each result is the next input. So no step is lost and none is decided outside.

mod action;
mod log_entry;

use crate::ids::Digest;
use crate::review::{Review, ReviewInput};
use crate::rollout::{Branch, BranchInput};
use crate::watch::{Watch, WatchInput};
use serde::{Deserialize, Serialize};

pub use action::{Action, ApplyRequest, Effect, EffectId, Post, PreviewRequest, RunRef, Upstream};
pub use log_entry::LogEntry;

/// What `advance` takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdvanceInput {
    /// The number of this form: [`AdvanceInput::SCHEMA`].
    pub schema: u32,
    /// The time, in milliseconds since the epoch.
    pub now_ms: i64,
    /// The state that the subject was left in, and what happened.
    pub subject: Subject,
}

impl AdvanceInput {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;
}

/// A kind of subject, with its state (absent the first time) and its input.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Subject {
    /// A change under review.
    Review {
        /// Its state.
        state: Option<Box<Review>>,
        /// What happened.
        input: Box<ReviewInput>,
    },
    /// A branch, with the rollouts of what was submitted to it.
    Branch {
        /// Its state.
        state: Option<Box<Branch>>,
        /// What happened.
        input: Box<BranchInput>,
    },
    /// A project that is watched for what events missed.
    Watch {
        /// Its state.
        state: Option<Box<Watch>>,
        /// What happened.
        input: Box<WatchInput>,
    },
}

/// What `advance` gives back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Advanced {
    /// The number of this form: [`AdvanceInput::SCHEMA`].
    pub schema: u32,
    /// The subject's next state.
    pub state: serde_json::Value,
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// Effects that are no longer wanted.
    pub cancel: Vec<EffectId>,
    /// What goes into the log.
    pub log: Vec<LogEntry>,
    /// Blobs that are kept from now on, since a decision refers to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<Digest>,
}

/// What a state machine wants done; it fills one of these while it takes an input.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) effects: Vec<Effect>,
    pub(crate) cancel: Vec<EffectId>,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) keep: Vec<Digest>,
    /// The time of the input, in milliseconds since the epoch.
    pub(crate) now_ms: i64,
}

/// The verb `advance`.
///
/// # Errors
/// A sentence, if `input` is not an [`AdvanceInput`], or the input doesn't fit the state.
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: AdvanceInput = crate::json::read("advance", input)?;
    crate::json::schema("advance", input.schema, AdvanceInput::SCHEMA)?;
    crate::json::write(&advance(input)?)
}

/// Takes one input.
///
/// # Errors
/// A sentence, if the input doesn't fit the state.
pub fn advance(input: AdvanceInput) -> Result<Advanced, String> {
    let mut wishes = Wishes { now_ms: input.now_ms, ..Wishes::default() };
    let state = match input.subject {
        Subject::Review { state, input } => {
            value(&crate::review::advance(state.map(|s| *s), *input, &mut wishes)?)?
        }
        Subject::Branch { state, input } => {
            value(&crate::rollout::advance(state.map(|s| *s), *input, &mut wishes)?)?
        }
        Subject::Watch { state, input } => {
            value(&crate::watch::advance(state.map(|s| *s), *input, &mut wishes)?)?
        }
    };
    let Wishes { effects, cancel, log, keep, now_ms: _ } = wishes;
    Ok(Advanced { schema: AdvanceInput::SCHEMA, state, effects, cancel, log, keep })
}

fn value<T: Serialize>(state: &T) -> Result<serde_json::Value, String> {
    serde_json::to_value(state).map_err(|error| format!("the state can't be written: {error}"))
}
