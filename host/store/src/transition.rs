//! What a decision wants written.

use crate::limits::{
    MAX_BLOB_BYTES, MAX_EFFECT_BYTES, MAX_LEAF_BYTES, MAX_STATE_BYTES, MAX_TRANSITION_ITEMS,
    check_name, check_size,
};
use crate::{Keep, NewBlob, NewEffect, StoreError};

/// One step of a subject, written whole or not at all. Each list holds at most
/// [`MAX_TRANSITION_ITEMS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The subject's new state, at most [`MAX_STATE_BYTES`].
    pub state: Vec<u8>,
    /// What is to be carried out now.
    pub effects: Vec<NewEffect>,
    /// What is to be logged, in order, each at most [`MAX_LEAF_BYTES`].
    pub leaves: Vec<Vec<u8>>,
    /// Ids of this subject's effects that are no longer wanted. Those that wait never run; those
    /// that a runner has at hand are marked for it (see [`crate::Reader::cancelled`]), and stay
    /// its own until it ends them. Unknown and ended ones are passed over.
    pub cancel: Vec<String>,
    /// Blobs to store, and to keep for this subject.
    pub blobs: Vec<NewBlob>,
    /// For how long this subject needs which blobs that are stored already.
    pub keep: Vec<Keep>,
}

impl Transition {
    /// A step to `state` that does nothing else.
    pub fn to(state: impl Into<Vec<u8>>) -> Self {
        Self {
            state: state.into(),
            effects: Vec::new(),
            leaves: Vec::new(),
            cancel: Vec::new(),
            blobs: Vec::new(),
            keep: Vec::new(),
        }
    }

    /// Refuses what is over a limit.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let counts = [
            ("list of effects", self.effects.len()),
            ("list of leaves", self.leaves.len()),
            ("list of cancelled effects", self.cancel.len()),
            ("list of blobs", self.blobs.len()),
            ("list of kept blobs", self.keep.len()),
        ];
        for (what, count) in counts {
            check_size(what, count, MAX_TRANSITION_ITEMS)?;
        }
        check_size("state", self.state.len(), MAX_STATE_BYTES)?;
        for effect in &self.effects {
            check_name("effect id", &effect.id)?;
            check_name("effect kind", &effect.kind)?;
            if let Some(lane) = &effect.lane {
                check_name("lane", lane)?;
            }
            check_size("effect", effect.body.len(), MAX_EFFECT_BYTES)?;
        }
        for leaf in &self.leaves {
            check_size("leaf", leaf.len(), MAX_LEAF_BYTES)?;
        }
        for blob in &self.blobs {
            check_size("blob", blob.bytes.len(), MAX_BLOB_BYTES)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use rstest::rstest;

    use super::*;

    fn effect(body: usize) -> NewEffect {
        NewEffect {
            id: "a/1".into(),
            kind: "preview".into(),
            body: vec![b' '; body],
            priority: 0,
            not_before_ms: 0,
            lane: None,
        }
    }

    fn with(change: impl FnOnce(&mut Transition)) -> Transition {
        let mut transition = Transition::to(b"{}");
        change(&mut transition);
        transition
    }

    #[rstest]
    #[case::state(with(|t| t.state = vec![b' '; MAX_STATE_BYTES + 1]), "state")]
    #[case::effect(with(|t| t.effects = vec![effect(MAX_EFFECT_BYTES + 1)]), "effect")]
    #[case::leaf(with(|t| t.leaves = vec![vec![b' '; MAX_LEAF_BYTES + 1]]), "leaf")]
    #[case::leaves(with(|t| t.leaves = vec![Vec::new(); MAX_TRANSITION_ITEMS + 1]), "list of leaves")]
    #[case::effects(with(|t| t.effects = vec![effect(0); MAX_TRANSITION_ITEMS + 1]), "list of effects")]
    #[case::cancel(
        with(|t| t.cancel = vec![String::new(); MAX_TRANSITION_ITEMS + 1]),
        "list of cancelled effects"
    )]
    #[case::blob(
        with(|t| t.blobs = vec![NewBlob {
            bytes: vec![0; MAX_BLOB_BYTES + 1],
            secret: false,
            until_ms: None,
        }]),
        "blob"
    )]
    fn what_is_over_a_limit_is_refused(#[case] transition: Transition, #[case] named: &str) {
        let error = transition.check().unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { what, .. } if what == named));
    }

    #[test]
    fn what_is_at_its_limit_is_taken() {
        let transition = with(|t| {
            t.state = vec![b' '; MAX_STATE_BYTES];
            t.effects = vec![effect(MAX_EFFECT_BYTES)];
            t.leaves = vec![vec![b' '; MAX_LEAF_BYTES]];
        });
        transition.check().unwrap();
    }

    #[test]
    fn an_effect_needs_an_id() {
        let mut nameless = effect(0);
        nameless.id.clear();
        let error = with(|t| t.effects = vec![nameless]).check().unwrap_err();
        assert!(matches!(error, StoreError::BadName { what: "effect id" }));
    }
}
