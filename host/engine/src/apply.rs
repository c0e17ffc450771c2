//! One step: a cause and an input, in one transaction.

use crate::{Engine, Executor, SubjectInput};
use serde::Serialize;
use tidegate_core::Verb;
use tidegate_core::advance::{Advanced, LogEntry};
use tidegate_store::{AdvanceError, Cause, Keep, NewBlob, NewEffect, StoreError, Transition};

/// Why a step was not taken; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The core gave no answer.
    #[error("no step was taken: {0}")]
    Core(String),
}

/// A leaf before the log has given it a place: the core's entry and the time.
#[derive(Serialize)]
struct Leaf<'a> {
    time: i64,
    #[serde(flatten)]
    entry: &'a LogEntry,
}

impl<E: Executor> Engine<E> {
    /// Lets the subject of `input` advance, and uses up `cause`, in one transaction.
    ///
    /// # Errors
    /// [`ApplyError`]; the cause can be used again.
    pub fn apply(
        &self,
        cause: Cause<'_>,
        input: &SubjectInput,
        blobs: Vec<NewBlob>,
    ) -> Result<tidegate_store::Advanced, ApplyError> {
        let now_ms = self.clock().now_ms();
        let key = input.key(self.server());
        self.store()
            .advance(cause, &key, input.kind(), now_ms, |state| {
                let question = input.advance_input(state, now_ms).map_err(|e| e.to_string())?;
                let answer =
                    self.rules().call(Verb::Advance, &question).map_err(|e| e.to_string())?;
                let advanced: Advanced =
                    serde_json::from_slice(&answer).map_err(|e| e.to_string())?;
                transition(&advanced, blobs, now_ms).map_err(|e| e.to_string())
            })
            .map_err(|error| match error {
                AdvanceError::Store(error) => ApplyError::Store(error),
                AdvanceError::Decision(text) => ApplyError::Core(text),
            })
    }
}

fn transition(
    advanced: &Advanced,
    blobs: Vec<NewBlob>,
    now_ms: i64,
) -> Result<Transition, serde_json::Error> {
    let mut effects = Vec::new();
    for effect in &advanced.effects {
        effects.push(NewEffect {
            id: effect.id.to_string(),
            kind: effect.action.kind().to_owned(),
            body: serde_json::to_vec(effect)?,
            priority: effect.priority,
            not_before_ms: now_ms,
            lane: effect.lane.clone(),
        });
    }
    let keep = |digest: &tidegate_core::ids::Digest| {
        // Both are the 64 hex digits of a SHA-256.
        let digest = digest.as_str().parse().map_err(serde::de::Error::custom)?;
        Ok::<_, serde_json::Error>(Keep { digest, until_ms: None })
    };
    let leaves = advanced
        .log
        .iter()
        .map(|entry| serde_json::to_vec(&Leaf { time: now_ms, entry }))
        .collect::<Result<_, _>>()?;
    Ok(Transition {
        state: serde_json::to_vec(&advanced.state)?,
        effects,
        leaves,
        cancel: advanced.cancel.iter().map(ToString::to_string).collect(),
        blobs,
        keep: advanced.keep.iter().map(keep).collect::<Result<_, _>>()?,
    })
}
