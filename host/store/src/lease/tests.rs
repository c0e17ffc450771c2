#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;

use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::{Advanced, Cause, EffectStatus, NewEffect, Transition};

const KINDS: &[&str] = &["preview", "apply"];

/// Id, kind, priority, not before, lane.
type Row = (&'static str, &'static str, i64, i64, Option<&'static str>);

fn store_with(rows: &[Row]) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db")).unwrap();
    let mut transition = Transition::to("{}");
    for (id, kind, priority, not_before_ms, lane) in rows {
        transition.effects.push(NewEffect {
            id: (*id).into(),
            kind: (*kind).into(),
            body: b"{}".to_vec(),
            priority: *priority,
            not_before_ms: *not_before_ms,
            lane: lane.map(str::to_owned),
        });
    }
    write(&store, transition);
    (folder, store)
}

fn write(store: &Store, transition: Transition) {
    store.advance(Cause::Other, "a", "review", 0, |_| Ok::<_, Infallible>(transition)).unwrap();
}

fn cancel(store: &Store, id: &str) {
    let mut transition = Transition::to("{}");
    transition.cancel.push(id.into());
    write(store, transition);
}

fn take(store: &Store, now_ms: i64) -> Leased {
    store.lease(KINDS, "w", now_ms, 10).unwrap().unwrap()
}

fn order(store: &Store, kinds: &[&str], now_ms: i64) -> Vec<String> {
    std::iter::from_fn(|| store.lease(kinds, "w", now_ms, 1_000).unwrap())
        .map(|leased| leased.id)
        .collect()
}

#[rstest]
#[case::oldest_first(
    &[("x", "preview", 0, 0, None), ("y", "apply", 0, 0, None), ("z", "preview", 0, 0, None)],
    &["x", "y", "z"]
)]
#[case::highest_priority_first(
    &[("x", "preview", 1, 0, None), ("y", "apply", 5, 0, None), ("z", "preview", 3, 0, None)],
    &["y", "z", "x"]
)]
#[case::not_before_its_time(
    &[("x", "preview", 9, 101, None), ("y", "preview", 0, 100, None)],
    &["y"]
)]
#[case::only_kinds_asked_for(
    &[("x", "vote", 9, 0, None), ("y", "preview", 0, 0, None)],
    &["y"]
)]
#[case::one_of_each_lane(
    &[
        ("x", "preview", 0, 0, Some("network")),
        ("y", "apply", 5, 0, Some("network")),
        ("z", "preview", 0, 0, Some("database")),
        ("free", "preview", 0, 0, None),
    ],
    &["y", "z", "free"]
)]
fn effects_are_leased(#[case] rows: &[Row], #[case] expected: &[&str]) {
    let (_folder, store) = store_with(rows);
    assert_eq!(order(&store, KINDS, 100), expected);
}

#[test]
fn no_kinds_means_no_effect() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    assert_eq!(store.lease(&[], "w", 1, 10).unwrap(), None);
    assert!(store.lease(KINDS, "", 1, 10).is_err());
}

#[test]
fn a_lease_is_taken_over_when_it_ends_and_not_before() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    let first = take(&store, 100);
    assert_eq!((first.attempt, first.cancelled), (1, false));
    assert_eq!(store.lease(KINDS, "w2", 109, 10).unwrap(), None);
    let second = store.lease(KINDS, "w2", 110, 10).unwrap().unwrap();
    assert_eq!((&second.id[..], second.attempt), ("x", 2));
    assert!(second.fence > first.fence);
    assert_eq!(store.renew("x", first.fence, 111, 10).unwrap(), Renewal::Stale);
    assert_eq!(store.retry("x", first.fence, 0, "late", 111).unwrap(), Retry::Stale);
}

#[test]
fn a_renewed_lease_lasts() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    let leased = take(&store, 100);
    assert_eq!(store.renew("x", leased.fence, 109, 10).unwrap(), Renewal::Renewed);
    assert_eq!(store.lease(KINDS, "w2", 118, 10).unwrap(), None);
    assert_eq!(store.next_due_ms(100).unwrap(), Some(119));
}

#[test]
fn a_lease_that_ran_out_can_be_renewed_until_another_has_it() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    let leased = take(&store, 100);
    assert_eq!(store.renew("x", leased.fence, 500, 10).unwrap(), Renewal::Renewed);
    assert_eq!(store.lease(KINDS, "w2", 509, 10).unwrap(), None);
}

#[test]
fn the_longest_lease_never_ends() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    store.lease(KINDS, "w", 100, u64::MAX).unwrap().unwrap();
    assert_eq!(store.lease(KINDS, "w2", i64::MAX - 1, 10).unwrap(), None);
}

#[test]
fn a_lease_that_ran_out_keeps_its_lane_closed() {
    let (_folder, store) = store_with(&[
        ("x", "preview", 0, 0, Some("network")),
        ("y", "apply", 9, 200, Some("network")),
    ]);
    assert_eq!(take(&store, 100).id, "x");
    assert_eq!(store.lease(&["apply"], "w2", 500, 10).unwrap(), None);
    let again = take(&store, 500);
    assert_eq!((&again.id[..], again.attempt), ("x", 2));
    store.retry("x", again.fence, 900, "busy", 501).unwrap();
    assert_eq!(take(&store, 501).id, "y");
}

#[test]
fn a_retried_effect_waits_and_tells_why() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    let leased = take(&store, 100);
    let retried = store.retry("x", leased.fence, 150, "no route to host", 101).unwrap();
    assert_eq!(retried, Retry::Waiting);
    assert_eq!(store.lease(KINDS, "w", 149, 10).unwrap(), None);
    let info = store.effect("x").unwrap().unwrap();
    assert_eq!(info.error.as_deref(), Some("no route to host"));
    assert_eq!((info.status, info.attempt), (EffectStatus::Waiting, 1));
    assert_eq!(take(&store, 150).attempt, 2);
    assert_eq!(store.retry("x", leased.fence, 0, "", 151).unwrap(), Retry::Stale);
}

#[test]
fn a_waiting_effect_that_is_cancelled_never_runs() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    assert!(!store.cancelled("x").unwrap());
    cancel(&store, "x");
    assert!(store.cancelled("x").unwrap());
    assert_eq!(order(&store, KINDS, 100), [""; 0]);
}

#[test]
fn a_leased_effect_that_is_cancelled_is_its_runners_to_end() {
    let (_folder, store) = store_with(&[
        ("x", "preview", 0, 0, Some("network")),
        ("y", "preview", 0, 0, Some("network")),
    ]);
    let leased = take(&store, 100);
    cancel(&store, "x");
    assert!(store.cancelled("x").unwrap());
    let renewal = store.renew("x", leased.fence, 101, 10).unwrap();
    assert_eq!(renewal, Renewal::RenewedButCancelled);
    assert_eq!(store.lease(KINDS, "w2", 102, 10).unwrap(), None);
    let retried = store.retry("x", leased.fence, 0, "stopped", 103).unwrap();
    assert_eq!(retried, Retry::Cancelled);
    let status = store.effect("x").unwrap().unwrap().status;
    assert_eq!(status, EffectStatus::Cancelled { ended_ms: 103 });
    assert_eq!(order(&store, KINDS, 104), ["y"]);
}

#[test]
fn the_result_of_a_cancelled_effect_is_still_taken() {
    let (_folder, store) = store_with(&[("x", "apply", 0, 0, None)]);
    let fence = take(&store, 100).fence;
    cancel(&store, "x");
    let cause = Cause::Effect { id: "x", fence };
    let advanced = store
        .advance(cause, "a", "review", 105, |_| Ok::<_, Infallible>(Transition::to("{}")))
        .unwrap();
    assert!(matches!(advanced, Advanced::Applied(_)));
}

#[test]
fn a_cancelled_effect_whose_runner_vanished_is_offered_to_find_out() {
    let (_folder, store) = store_with(&[("x", "apply", 0, 0, None)]);
    take(&store, 100);
    cancel(&store, "x");
    let again = take(&store, 110);
    assert_eq!((&again.id[..], again.attempt, again.cancelled), ("x", 2, true));
}

#[test]
fn cancelling_what_is_unknown_or_over_does_nothing() {
    let (_folder, store) = store_with(&[("x", "preview", 0, 0, None)]);
    cancel(&store, "never");
    cancel(&store, "x");
    cancel(&store, "x");
    let error = store.cancelled("never").unwrap_err();
    assert!(matches!(error, StoreError::UnknownEffect(id) if id == "never"));
}

#[test]
fn a_released_workers_leases_go_to_others_at_once() {
    let (_folder, store) = store_with(&[
        ("x", "preview", 0, 0, Some("network")),
        ("y", "preview", 0, 0, None),
        ("z", "preview", 0, 0, None),
    ]);
    let first = store.lease(KINDS, "w1", 100, 1_000).unwrap().unwrap();
    store.lease(KINDS, "w1", 100, 1_000).unwrap().unwrap();
    store.lease(KINDS, "w2", 100, 1_000).unwrap().unwrap();
    assert_eq!(store.release_worker("w1").unwrap(), 2);
    assert_eq!(order(&store, KINDS, 101), ["x", "y"]);
    assert_eq!(store.renew("x", first.fence, 102, 10).unwrap(), Renewal::Stale);
    assert_eq!(store.release_worker("nobody").unwrap(), 0);
}

#[test]
fn fences_grow_over_all_effects() {
    let (_folder, store) =
        store_with(&[("x", "preview", 0, 0, None), ("y", "preview", 0, 0, None)]);
    let fences: Vec<_> = (0..4).map(|round| take(&store, round * 5).fence).collect();
    assert!(fences.is_sorted_by(|before, after| before < after), "{fences:?}");
}

#[test]
fn the_next_due_time_is_of_waiting_effects_and_of_leases() {
    let (_folder, store) = store_with(&[
        ("x", "preview", 0, 0, None),
        ("y", "preview", 0, 300, None),
        ("z", "preview", 0, 200, None),
    ]);
    assert_eq!(store.next_due_ms(0).unwrap(), Some(200));
    assert_eq!(store.next_due_ms(200).unwrap(), Some(300));
    store.lease(KINDS, "w", 100, 50).unwrap().unwrap();
    assert_eq!(store.next_due_ms(0).unwrap(), Some(150));
    assert_eq!(store.next_due_ms(300).unwrap(), None);
}

#[test]
fn finding_the_next_effect_walks_an_index_and_sorts_nothing() {
    let (_folder, store) = store_with(&[]);
    let plan = store
        .read("test", |connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {CANDIDATE}"))?;
            let rows = statement.query_map(params!["preview", 0], |row| row.get(3))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?.join("\n"))
        })
        .unwrap();
    assert!(plan.contains("candidate USING INDEX effects_open"), "{plan}");
    assert!(plan.contains("INDEX effects_lane"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}
