//! The one transaction that everything else is for.

use std::ops::Range;

use rusqlite::{Transaction as Tx, params};
use thiserror::Error;

use crate::effect::{self, Hold};
use crate::error::Failure;
use crate::event::{self, Handling};
use crate::limits::{check_name, to_column};
use crate::store::Ending;
use crate::{Digest, EventId, Fence, Keep, Store, StoreError, Transition, blob, leaf, subject};

/// What makes a subject advance. It is used up by the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A raw event, which is handled by this.
    Event(EventId),
    /// The result of a leased effect, which is done by this.
    Effect {
        /// Which effect.
        id: &'a str,
        /// The lease under which it was carried out.
        fence: Fence,
    },
    /// Anything that the store keeps no count of (a person's command, a reconcile).
    Other,
}

/// What became of a call to [`Store::advance`] that didn't fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advanced {
    /// It was written.
    Applied(Applied),
    /// The cause was used up before: the event is handled, or this very lease ended its effect.
    /// Nothing was asked or written.
    AlreadyConsumed,
    /// The lease isn't the present one: another runner has the effect or ended it. Nothing was
    /// asked or written.
    Stale,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The number of the subject's transition, from 1.
    pub seq: u64,
    /// The indices of the new leaves. An effect on the world waits until [`crate::Reader::logged`]
    /// is at their end.
    pub leaves: Range<u64>,
    /// How many effects are new.
    pub effects: usize,
}

/// Why a subject didn't advance; nothing was written.
#[derive(Debug, Error)]
pub enum AdvanceError<E> {
    /// The store failed, or refused the transition.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The decision failed.
    #[error("the decision failed, so nothing was written")]
    Decision(#[source] E),
}

impl Store {
    /// Lets a subject advance, in one transaction: reads its state (`None` the first time), asks
    /// `decide`, and writes the new state, effects, cancellations, leaves and blobs, and that the
    /// cause is used up. If `decide` or anything else fails, nothing is written, and the cause
    /// can be used again.
    ///
    /// `decide` runs while the writer is held: it must be quick, and must not call the store's
    /// writing methods, which would wait for ever.
    ///
    /// # Errors
    /// The decision's own error; a transition over a limit, of another kind than the subject's,
    /// that names another subject's effects, or that keeps a blob that isn't there; a cause that
    /// never was; the file's own errors.
    pub fn advance<E>(
        &self,
        cause: Cause<'_>,
        subject_key: &str,
        kind: &str,
        now_ms: i64,
        decide: impl FnOnce(Option<&[u8]>) -> Result<Transition, E>,
    ) -> Result<Advanced, AdvanceError<E>> {
        check_name("subject's key", subject_key)?;
        check_name("subject's kind", kind)?;
        let advanced = self.write("advance a subject", |tx| {
            if let Some(spent) = spent(tx, cause)? {
                return Ok(Ending::Abandon(Ok(spent)));
            }
            let present = subject::find(tx, subject_key)?;
            if let Some(present) = &present
                && present.kind != kind
            {
                return Err(StoreError::KindDiffers {
                    key: present.key.clone(),
                    stored: present.kind.clone(),
                    given: kind.to_owned(),
                }
                .into());
            }
            let state = present.as_ref().map(|subject| &subject.state[..]);
            let transition = match decide(state) {
                Ok(transition) => transition,
                Err(error) => return Ok(Ending::Abandon(Err(error))),
            };
            transition.check()?;
            consume(tx, cause, now_ms)?;
            let seq = present.map_or(1, |subject| subject.seq + 1);
            write_state(tx, subject_key, kind, seq, &transition.state, now_ms)?;
            let applied = write_rest(tx, subject_key, seq, &transition, now_ms)?;
            Ok(Ending::Commit(Ok(Advanced::Applied(applied))))
        })?;
        let advanced = advanced.map_err(AdvanceError::Decision)?;
        if matches!(advanced, Advanced::Applied(_)) {
            self.changes.announce();
        }
        Ok(advanced)
    }
}

fn spent(tx: &Tx<'_>, cause: Cause<'_>) -> Result<Option<Advanced>, Failure> {
    Ok(match cause {
        Cause::Event(id) => match event::handling(tx, id)? {
            Handling::Pending => None,
            Handling::Handled => Some(Advanced::AlreadyConsumed),
        },
        Cause::Effect { id, fence } => match effect::hold(tx, id, fence)? {
            Hold::Held => None,
            Hold::Ended => Some(Advanced::AlreadyConsumed),
            Hold::Lost => Some(Advanced::Stale),
        },
        Cause::Other => None,
    })
}

fn consume(tx: &Tx<'_>, cause: Cause<'_>, now_ms: i64) -> Result<(), Failure> {
    match cause {
        Cause::Event(id) => event::mark_handled(tx, id, None, now_ms),
        Cause::Effect { id, .. } => effect::finish(tx, id, now_ms),
        Cause::Other => Ok(()),
    }
}

fn write_state(
    tx: &Tx<'_>,
    key: &str,
    kind: &str,
    seq: u64,
    state: &[u8],
    now_ms: i64,
) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT INTO subjects (key, kind, seq, updated_ms, state) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (key) DO UPDATE SET
             seq = excluded.seq, updated_ms = excluded.updated_ms, state = excluded.state",
    )?
    .execute(params![key, kind, to_column("seq", seq)?, now_ms, state])?;
    Ok(())
}

fn write_rest(
    tx: &Tx<'_>,
    key: &str,
    seq: u64,
    transition: &Transition,
    now_ms: i64,
) -> Result<Applied, Failure> {
    let leaves = leaf::append(tx, &transition.leaves, now_ms)?;
    // What is cancelled are effects of earlier transitions, so this comes before the new ones.
    for id in &transition.cancel {
        effect::cancel(tx, key, id, now_ms)?;
    }
    let mut effects = 0;
    for new in &transition.effects {
        effects += usize::from(effect::insert(tx, key, new, leaves.end, now_ms)?);
    }
    for new in &transition.blobs {
        let digest = Digest::of(&new.bytes);
        blob::insert(tx, &digest, &new.bytes, new.secret, now_ms)?;
        let until_ms = new.until_ms;
        blob::keep(tx, key, &Keep { digest, until_ms })?;
    }
    for keep in &transition.keep {
        blob::keep(tx, key, keep)?;
    }
    Ok(Applied { seq, leaves, effects })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::convert::Infallible;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;
    use crate::{EffectStatus, NewEffect, PrunePolicy, RawEvent};

    fn open() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        (folder, store)
    }

    fn effect(id: &str) -> NewEffect {
        NewEffect {
            id: id.into(),
            kind: "preview".into(),
            body: b"{}".to_vec(),
            priority: 0,
            not_before_ms: 0,
            lane: None,
        }
    }

    fn full(state: &str, effect_id: &str) -> Transition {
        let mut transition = Transition::to(state);
        transition.effects.push(effect(effect_id));
        transition.leaves.push(state.into());
        transition
    }

    fn advance(store: &Store, cause: Cause<'_>, key: &str, transition: Transition) -> Advanced {
        store.advance(cause, key, "review", 10, |_| Ok::<_, Infallible>(transition)).unwrap()
    }

    fn refused(store: &Store, cause: Cause<'_>, key: &str, transition: Transition) -> StoreError {
        let result = store.advance(cause, key, "review", 10, |_| Ok::<_, Infallible>(transition));
        match result {
            Err(AdvanceError::Store(error)) => error,
            other => panic!("expected the store to refuse, got {other:?}"),
        }
    }

    /// Must not be asked where the cause is spent.
    fn unasked(_: Option<&[u8]>) -> Result<Transition, Infallible> {
        panic!("the decision was asked")
    }

    fn one_event(store: &Store) -> EventId {
        let event = RawEvent { position: None, body: b"{}".to_vec() };
        store.append_events("journal", &[event], 1).unwrap()[0]
    }

    #[test]
    fn the_first_advance_sees_no_state_and_the_next_sees_the_last() {
        let (_folder, store) = open();
        for (seq, expected) in [None, Some("1"), Some("2")].into_iter().enumerate() {
            let advanced = store
                .advance(Cause::Other, "a", "review", 7, |state| {
                    assert_eq!(state, expected.map(str::as_bytes));
                    Ok::<_, Infallible>(full(&(seq + 1).to_string(), &format!("a/{seq}")))
                })
                .unwrap();
            let index = seq as u64;
            let applied = Applied { seq: index + 1, leaves: index..index + 1, effects: 1 };
            assert_eq!(advanced, Advanced::Applied(applied));
        }
        let subject = store.subject("a").unwrap().unwrap();
        assert_eq!((subject.seq, subject.updated_ms, &subject.state[..]), (3, 7, &b"3"[..]));
    }

    #[test]
    fn an_event_is_consumed_once() {
        let (_folder, store) = open();
        let id = one_event(&store);
        let first = advance(&store, Cause::Event(id), "a", full("1", "a/1"));
        assert!(matches!(first, Advanced::Applied(_)));
        assert_eq!(store.pending_events(10).unwrap(), []);
        let again = store.advance(Cause::Event(id), "a", "review", 11, unasked).unwrap();
        assert_eq!(again, Advanced::AlreadyConsumed);
        let other = store.advance(Cause::Event(id), "b", "review", 11, unasked).unwrap();
        assert_eq!(other, Advanced::AlreadyConsumed);
        assert_eq!(store.subject("a").unwrap().unwrap().seq, 1);
    }

    #[test]
    fn an_ignored_or_pruned_event_is_consumed_too() {
        let (_folder, store) = open();
        let id = one_event(&store);
        store.ignore_event(id, "no guarded branch", 2).unwrap();
        let advanced = store.advance(Cause::Event(id), "a", "review", 3, unasked).unwrap();
        assert_eq!(advanced, Advanced::AlreadyConsumed);
        let policy = PrunePolicy {
            handled_events_ms: 0,
            handled_events_bytes: None,
            loose_blobs_ms: 0,
            loose_blobs_bytes: None,
        };
        assert_eq!(store.prune(4, &policy).unwrap().events, 1);
        let advanced = store.advance(Cause::Event(id), "a", "review", 5, unasked).unwrap();
        assert_eq!(advanced, Advanced::AlreadyConsumed);
    }

    #[test]
    fn an_effect_is_completed_under_its_lease_and_only_once() {
        let (_folder, store) = open();
        advance(&store, Cause::Other, "a", full("1", "a/1"));
        let leased = store.lease(&["preview"], "w", 20, 10).unwrap().unwrap();
        let (id, fence) = (&leased.id[..], leased.fence);
        let wrong = Cause::Effect { id, fence: Fence(fence.0 + 1) };
        assert_eq!(store.advance(wrong, "a", "review", 21, unasked).unwrap(), Advanced::Stale);
        let cause = Cause::Effect { id, fence };
        let done = advance(&store, cause, "a", Transition::to("2"));
        assert!(matches!(done, Advanced::Applied(Applied { seq: 2, .. })));
        let again = store.advance(cause, "a", "review", 22, unasked).unwrap();
        assert_eq!(again, Advanced::AlreadyConsumed);
        let status = store.effect("a/1").unwrap().unwrap().status;
        assert_eq!(status, EffectStatus::Done { ended_ms: 10 });
    }

    #[test]
    fn a_runner_that_was_overtaken_is_stale_and_its_successor_is_not() {
        let (_folder, store) = open();
        advance(&store, Cause::Other, "a", full("1", "a/1"));
        let first = store.lease(&["preview"], "w1", 20, 10).unwrap().unwrap();
        let second = store.lease(&["preview"], "w2", 30, 10).unwrap().unwrap();
        assert!(second.fence > first.fence);
        let cause = |fence| Cause::Effect { id: "a/1", fence };
        let stale = store.advance(cause(first.fence), "a", "review", 31, unasked).unwrap();
        assert_eq!(stale, Advanced::Stale);
        let applied = advance(&store, cause(second.fence), "a", Transition::to("2"));
        assert!(matches!(applied, Advanced::Applied(_)));
        let stale = store.advance(cause(first.fence), "a", "review", 32, unasked).unwrap();
        assert_eq!(stale, Advanced::Stale);
    }

    #[test]
    fn causes_that_never_were_are_errors() {
        let (_folder, store) = open();
        let error = refused(&store, Cause::Event(EventId(1)), "a", Transition::to("1"));
        assert!(matches!(error, StoreError::UnknownEvent(EventId(1))));
        let (id, fence) = ("a/1", Fence(1));
        let error = refused(&store, Cause::Effect { id, fence }, "a", Transition::to("1"));
        assert!(matches!(error, StoreError::UnknownEffect(id) if id == "a/1"));
    }

    #[test]
    fn a_decision_that_fails_leaves_everything_as_it_was() {
        let (_folder, store) = open();
        let id = one_event(&store);
        let changes = store.changes();
        let error = store.advance(Cause::Event(id), "a", "review", 10, |_| Err("no")).unwrap_err();
        assert!(matches!(error, AdvanceError::Decision("no")));
        assert_eq!(store.subject("a").unwrap(), None);
        assert_eq!(store.pending_events(10).unwrap().len(), 1);
        assert_eq!(store.changes(), changes);
    }

    #[test]
    fn a_decision_that_panics_leaves_everything_as_it_was_and_the_store_usable() {
        let (_folder, store) = open();
        let id = one_event(&store);
        let result = catch_unwind(AssertUnwindSafe(|| {
            store.advance(Cause::Event(id), "a", "review", 10, unasked)
        }));
        assert!(result.is_err());
        assert_eq!(store.pending_events(10).unwrap().len(), 1);
        let advanced = advance(&store, Cause::Event(id), "a", full("1", "a/1"));
        assert!(matches!(advanced, Advanced::Applied(_)));
    }

    #[test]
    fn a_known_effect_id_is_passed_over_even_when_it_is_done() {
        let (_folder, store) = open();
        let mut twice = full("1", "a/1");
        twice.effects.push(effect("a/1"));
        let Advanced::Applied(applied) = advance(&store, Cause::Other, "a", twice) else {
            panic!("expected it to be applied");
        };
        assert_eq!(applied.effects, 1);
        let fence = store.lease(&["preview"], "w", 20, 10).unwrap().unwrap().fence;
        let cause = Cause::Effect { id: "a/1", fence };
        advance(&store, cause, "a", full("2", "a/1"));
        assert_eq!(store.lease(&["preview"], "w", 99, 10).unwrap(), None);
    }

    #[rstest]
    #[case::make(full("2", "a/1"))]
    #[case::cancel({
        let mut transition = Transition::to("2");
        transition.cancel.push("a/1".into());
        transition
    })]
    fn no_subject_touches_anothers_effect(#[case] transition: Transition) {
        let (_folder, store) = open();
        advance(&store, Cause::Other, "a", full("1", "a/1"));
        let error = refused(&store, Cause::Other, "b", transition);
        assert!(matches!(error, StoreError::ForeignEffect { owner, .. } if owner == "a"));
        assert_eq!(store.subject("b").unwrap(), None);
        assert_eq!(store.leaves_count().unwrap(), 1);
        assert!(!store.cancelled("a/1").unwrap());
    }

    #[test]
    fn a_subject_keeps_its_kind() {
        let (_folder, store) = open();
        advance(&store, Cause::Other, "a", Transition::to("1"));
        let result = store.advance(Cause::Other, "a", "rollout", 10, unasked);
        let Err(AdvanceError::Store(StoreError::KindDiffers { stored, given, .. })) = result else {
            panic!("expected another kind to be refused");
        };
        assert_eq!((&stored[..], &given[..]), ("review", "rollout"));
    }

    #[test]
    fn a_transition_over_a_limit_leaves_its_cause_pending() {
        let (_folder, store) = open();
        let id = one_event(&store);
        let mut large = Transition::to("1");
        large.leaves.push(vec![0; crate::MAX_LEAF_BYTES + 1]);
        let error = refused(&store, Cause::Event(id), "a", large);
        assert!(matches!(error, StoreError::TooLarge { what: "leaf", .. }));
        assert_eq!(store.pending_events(10).unwrap().len(), 1);
    }

    #[test]
    fn an_effect_knows_the_leaves_up_to_its_decision() {
        let (_folder, store) = open();
        advance(&store, Cause::Other, "a", full("1", "a/1"));
        advance(&store, Cause::Other, "b", full("1", "b/1"));
        let first = store.lease(&["preview"], "w", 20, 10).unwrap().unwrap();
        let second = store.lease(&["preview"], "w", 20, 10).unwrap().unwrap();
        assert_eq!((first.leaves_before, second.leaves_before), (1, 2));
    }
}
