//! Random histories of the queue, against a model of it that fits on a page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_store::{
    Advanced, Cause, EventId, Fence, NewEffect, RawEvent, Renewal, Retry, Store, Transition,
};

const KINDS: [&str; 2] = ["preview", "apply"];
const LANES: [Option<&str>; 3] = [None, Some("network"), Some("database")];
const WORKERS: [&str; 2] = ["w1", "w2"];
const SUBJECTS: [&str; 2] = ["a", "b"];

/// Which fence a runner comes with.
#[derive(Debug, Clone, Copy)]
enum Claim {
    Present,
    Before,
    Never,
}

#[derive(Debug, Clone)]
enum Op {
    Append(Vec<u64>),
    Handle { event: usize, subject: usize, make: Vec<Make>, cancel: Vec<usize> },
    Ignore { event: usize },
    Lease { kinds: usize, worker: usize, ttl_ms: u64 },
    Renew { effect: usize, claim: Claim, ttl_ms: u64 },
    Retry { effect: usize, claim: Claim, delay_ms: i64 },
    Complete { effect: usize, claim: Claim, make: Vec<Make>, fail: bool },
    Cancel { effect: usize },
    Release { worker: usize },
    Pass { ms: i64 },
    Reopen,
}

#[derive(Debug, Clone)]
struct Make {
    number: usize,
    kind: usize,
    lane: usize,
    priority: i64,
    delay_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Waiting,
    Leased,
    Done,
    Cancelled,
}

#[derive(Debug, Clone)]
struct Effect {
    order: usize,
    subject: usize,
    kind: &'static str,
    lane: Option<&'static str>,
    priority: i64,
    not_before_ms: i64,
    status: Status,
    unwanted: bool,
    worker: usize,
    until_ms: i64,
    attempt: u64,
    fence: u64,
    leaves_before: u64,
}

/// What the store should hold.
#[derive(Debug, Default)]
struct Model {
    now_ms: i64,
    fence: u64,
    leaves: u64,
    cursor: Option<u64>,
    /// Position and whether it is pending, in the order of ids.
    events: Vec<(u64, bool)>,
    effects: BTreeMap<String, Effect>,
    seqs: [u64; 2],
}

impl Model {
    fn due(&self, kinds: &[&str]) -> Option<String> {
        let fits = |effect: &&Effect| match effect.status {
            Status::Waiting => {
                let busy = |lane| {
                    let mut others = self.effects.values();
                    others.any(|other| other.status == Status::Leased && other.lane == Some(lane))
                };
                effect.not_before_ms <= self.now_ms && !effect.lane.is_some_and(busy)
            }
            Status::Leased => effect.until_ms <= self.now_ms,
            Status::Done | Status::Cancelled => false,
        };
        self.effects
            .iter()
            .filter(|(_, effect)| kinds.contains(&effect.kind) && fits(effect))
            .min_by_key(|(_, effect)| (-effect.priority, effect.order))
            .map(|(id, _)| id.clone())
    }

    fn advance(&mut self, subject: usize, make: &[Make], cancel: &[String]) -> u64 {
        self.seqs[subject] += 1;
        self.leaves += 1;
        for id in cancel {
            self.cancel(id);
        }
        for new in make {
            let effect = Effect {
                order: self.effects.len(),
                subject,
                kind: KINDS[new.kind],
                lane: LANES[new.lane],
                priority: new.priority,
                not_before_ms: self.now_ms + new.delay_ms,
                status: Status::Waiting,
                unwanted: false,
                worker: 0,
                until_ms: 0,
                attempt: 0,
                fence: 0,
                leaves_before: self.leaves,
            };
            self.effects.entry(new.id(subject)).or_insert(effect);
        }
        self.seqs[subject]
    }

    fn cancel(&mut self, id: &str) {
        let Some(effect) = self.effects.get_mut(id) else {
            return;
        };
        match effect.status {
            Status::Waiting => {
                effect.status = Status::Cancelled;
                effect.unwanted = true;
            }
            Status::Leased => effect.unwanted = true,
            Status::Done | Status::Cancelled => {}
        }
    }

    fn next_due_ms(&self) -> Option<i64> {
        let times = self.effects.values().filter_map(|effect| match effect.status {
            Status::Waiting => Some(effect.not_before_ms),
            Status::Leased => Some(effect.until_ms),
            Status::Done | Status::Cancelled => None,
        });
        times.filter(|time| *time > self.now_ms).min()
    }

    /// The id and fence that a runner comes with; `None` while there is no effect at all.
    fn pick(&self, effect: usize, claim: Claim) -> Option<(String, Fence)> {
        let (id, found) = self.effects.iter().nth(effect % self.effects.len().max(1))?;
        let fence = match claim {
            Claim::Present => found.fence,
            Claim::Before => found.fence.saturating_sub(1),
            Claim::Never => self.fence + 1,
        };
        Some((id.clone(), Fence(fence)))
    }

    fn held(&mut self, id: &str, fence: Fence) -> Option<&mut Effect> {
        let effect = self.effects.get_mut(id).unwrap();
        (effect.status == Status::Leased && effect.fence == fence.0).then_some(effect)
    }
}

impl Make {
    fn id(&self, subject: usize) -> String {
        format!("{}/{}", SUBJECTS[subject], self.number)
    }

    fn effect(&self, subject: usize, now_ms: i64) -> NewEffect {
        NewEffect {
            id: self.id(subject),
            kind: KINDS[self.kind].into(),
            body: self.id(subject).into_bytes(),
            priority: self.priority,
            not_before_ms: now_ms + self.delay_ms,
            lane: LANES[self.lane].map(str::to_owned),
        }
    }
}

fn transition(model: &Model, subject: usize, make: &[Make], cancel: &[String]) -> Transition {
    Transition {
        state: (model.seqs[subject] + 1).to_string().into_bytes(),
        effects: make.iter().map(|new| new.effect(subject, model.now_ms)).collect(),
        leaves: vec![(model.leaves + 1).to_string().into_bytes()],
        cancel: cancel.to_vec(),
        blobs: Vec::new(),
        keep: Vec::new(),
    }
}

/// Does the same to both, and compares what they say.
fn step(store: &Store, model: &mut Model, op: &Op) {
    let now_ms = model.now_ms;
    match op {
        Op::Append(positions) => {
            let events: Vec<_> = positions
                .iter()
                .map(|position| RawEvent {
                    position: Some(*position),
                    body: position.to_string().into_bytes(),
                })
                .collect();
            let ids = store.append_events("journal", &events, now_ms).unwrap();
            let mut expected = Vec::new();
            for position in positions {
                model.cursor = model.cursor.max(Some(*position));
                if model.events.iter().all(|(known, _)| known != position) {
                    model.events.push((*position, true));
                    expected.push(EventId(model.events.len() as i64));
                }
            }
            assert_eq!(ids, expected);
        }
        Op::Handle { event, subject, make, cancel } => {
            let Some(index) = event.checked_rem(model.events.len()) else {
                return;
            };
            let cancel: Vec<_> =
                cancel.iter().map(|number| format!("{}/{number}", SUBJECTS[*subject])).collect();
            let wanted = transition(model, *subject, make, &cancel);
            let cause = Cause::Event(EventId(index as i64 + 1));
            let advanced = store
                .advance(cause, SUBJECTS[*subject], "kind", now_ms, |_| Ok::<_, Infallible>(wanted))
                .unwrap();
            if !std::mem::replace(&mut model.events[index].1, false) {
                assert_eq!(advanced, Advanced::AlreadyConsumed);
                return;
            }
            let seq = model.advance(*subject, make, &cancel);
            assert!(matches!(advanced, Advanced::Applied(applied) if applied.seq == seq));
        }
        Op::Ignore { event } => {
            let Some(index) = event.checked_rem(model.events.len()) else {
                return;
            };
            let ignored = store.ignore_event(EventId(index as i64 + 1), "why", now_ms).unwrap();
            assert_eq!(ignored, std::mem::replace(&mut model.events[index].1, false));
        }
        Op::Lease { kinds, worker, ttl_ms } => {
            let kinds = &KINDS[..*kinds];
            let leased = store.lease(kinds, WORKERS[*worker], now_ms, *ttl_ms).unwrap();
            let due = model.due(kinds);
            assert_eq!(leased.as_ref().map(|leased| &leased.id), due.as_ref());
            let (Some(leased), Some(id)) = (leased, due) else {
                return;
            };
            model.fence += 1;
            let effect = model.effects.get_mut(&id).unwrap();
            effect.status = Status::Leased;
            effect.worker = *worker;
            effect.until_ms = now_ms + *ttl_ms as i64;
            effect.attempt += 1;
            effect.fence = model.fence;
            assert_eq!(leased.body, id.into_bytes());
            assert_eq!(
                (leased.attempt, leased.fence, leased.cancelled, leased.leaves_before),
                (effect.attempt, Fence(effect.fence), effect.unwanted, effect.leaves_before)
            );
        }
        Op::Renew { effect, claim, ttl_ms } => {
            let Some((id, fence)) = model.pick(*effect, *claim) else {
                return;
            };
            let renewal = store.renew(&id, fence, now_ms, *ttl_ms).unwrap();
            let expected = match model.held(&id, fence) {
                None => Renewal::Stale,
                Some(effect) => {
                    effect.until_ms = now_ms + *ttl_ms as i64;
                    match effect.unwanted {
                        true => Renewal::RenewedButCancelled,
                        false => Renewal::Renewed,
                    }
                }
            };
            assert_eq!(renewal, expected);
        }
        Op::Retry { effect, claim, delay_ms } => {
            let Some((id, fence)) = model.pick(*effect, *claim) else {
                return;
            };
            let not_before_ms = now_ms + delay_ms;
            let retried = store.retry(&id, fence, not_before_ms, "why", now_ms).unwrap();
            let expected = match model.held(&id, fence) {
                None => Retry::Stale,
                Some(effect) if effect.unwanted => {
                    effect.status = Status::Cancelled;
                    Retry::Cancelled
                }
                Some(effect) => {
                    effect.status = Status::Waiting;
                    effect.not_before_ms = not_before_ms;
                    Retry::Waiting
                }
            };
            assert_eq!(retried, expected);
        }
        Op::Complete { effect, claim, make, fail } => {
            let Some((id, fence)) = model.pick(*effect, *claim) else {
                return;
            };
            let subject = model.effects[&id].subject;
            let wanted = transition(model, subject, make, &[]);
            let decision = if *fail { Err("no") } else { Ok(wanted) };
            let cause = Cause::Effect { id: &id, fence };
            let advanced =
                store.advance(cause, SUBJECTS[subject], "kind", now_ms, |_| decision).ok();
            let known = &model.effects[&id];
            let done_by_this = known.status == Status::Done && known.fence == fence.0;
            match model.held(&id, fence) {
                None if done_by_this => assert_eq!(advanced, Some(Advanced::AlreadyConsumed)),
                None => assert_eq!(advanced, Some(Advanced::Stale)),
                Some(_) if *fail => assert_eq!(advanced, None),
                Some(effect) => {
                    effect.status = Status::Done;
                    let seq = model.advance(subject, make, &[]);
                    let applied = matches!(advanced, Some(Advanced::Applied(it)) if it.seq == seq);
                    assert!(applied);
                }
            }
        }
        Op::Cancel { effect } => {
            let Some((id, _)) = model.pick(*effect, Claim::Never) else {
                return;
            };
            let subject = model.effects[&id].subject;
            let cancel = [id];
            let wanted = transition(model, subject, &[], &cancel);
            store
                .advance(Cause::Other, SUBJECTS[subject], "kind", now_ms, |_| {
                    Ok::<_, Infallible>(wanted)
                })
                .unwrap();
            model.advance(subject, &[], &cancel);
        }
        Op::Release { worker } => {
            let released = store.release_worker(WORKERS[*worker]).unwrap();
            let mut expected = 0;
            for effect in model.effects.values_mut() {
                if effect.status == Status::Leased && effect.worker == *worker {
                    effect.until_ms = i64::MIN;
                    expected += 1;
                }
            }
            assert_eq!(released, expected);
        }
        Op::Pass { ms } => model.now_ms += ms,
        // The caller does it, since it needs the store itself.
        Op::Reopen => {}
    }
}

fn compare(store: &Store, model: &Model) {
    assert_eq!(store.cursor("journal").unwrap(), model.cursor);
    let pending: Vec<_> = store.pending_events(1_000).unwrap();
    let pending: Vec<_> = pending.iter().filter_map(|event| event.position).collect();
    let expected: Vec<_> = model
        .events
        .iter()
        .filter_map(|(position, pending)| pending.then_some(*position))
        .collect();
    assert_eq!(pending, expected);
    for (key, seq) in SUBJECTS.iter().zip(model.seqs) {
        let subject = store.subject(key).unwrap();
        assert_eq!(subject.as_ref().map_or(0, |subject| subject.seq), seq);
        if let Some(subject) = subject {
            assert_eq!(subject.state, seq.to_string().into_bytes());
        }
    }
    let leaves = store.take_leaves(0, 1_000).unwrap();
    let indices: Vec<_> = leaves.iter().map(|leaf| leaf.index).collect();
    assert_eq!(indices, (0..model.leaves).collect::<Vec<_>>());
    assert_eq!(store.next_due_ms(model.now_ms).unwrap(), model.next_due_ms());
    let (mut ready, mut delayed, mut leased, mut expired) = (0, 0, 0, 0);
    for (id, effect) in &model.effects {
        assert_eq!(store.cancelled(id).unwrap(), effect.unwanted, "{id}");
        match effect.status {
            Status::Waiting if effect.not_before_ms <= model.now_ms => ready += 1,
            Status::Waiting => delayed += 1,
            Status::Leased if effect.until_ms > model.now_ms => leased += 1,
            Status::Leased => expired += 1,
            Status::Done | Status::Cancelled => {}
        }
    }
    let queues = store.queues(model.now_ms).unwrap();
    let sum = queues.iter().fold((0, 0, 0, 0), |sum, queue| {
        (sum.0 + queue.ready, sum.1 + queue.delayed, sum.2 + queue.leased, sum.3 + queue.expired)
    });
    assert_eq!(sum, (ready, delayed, leased, expired));
}

fn make() -> impl Strategy<Value = Make> {
    (0..12_usize, 0..KINDS.len(), 0..LANES.len(), 0..3_i64, 0..2_i64).prop_map(
        |(number, kind, lane, priority, delay)| Make {
            number,
            kind,
            lane,
            priority,
            delay_ms: delay * 15,
        },
    )
}

fn claim() -> impl Strategy<Value = Claim> {
    prop_oneof![
        8 => Just(Claim::Present),
        1 => Just(Claim::Before),
        1 => Just(Claim::Never),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let any_effect = 0..24_usize;
    let any_event = 0..12_usize;
    let makes = || vec(make(), 0..4);
    prop_oneof![
        3 => vec(0..20_u64, 0..5).prop_map(Op::Append),
        5 => (any_event.clone(), 0..SUBJECTS.len(), makes(), vec(0..14_usize, 0..2)).prop_map(
            |(event, subject, make, cancel)| Op::Handle { event, subject, make, cancel }
        ),
        1 => any_event.prop_map(|event| Op::Ignore { event }),
        7 => (1..=KINDS.len(), 0..WORKERS.len(), 0..30_u64)
            .prop_map(|(kinds, worker, ttl_ms)| Op::Lease { kinds, worker, ttl_ms }),
        2 => (any_effect.clone(), claim(), 0..30_u64)
            .prop_map(|(effect, claim, ttl_ms)| Op::Renew { effect, claim, ttl_ms }),
        2 => (any_effect.clone(), claim(), 0..20_i64)
            .prop_map(|(effect, claim, delay_ms)| Op::Retry { effect, claim, delay_ms }),
        4 => (any_effect.clone(), claim(), makes(), prop::bool::weighted(0.1)).prop_map(
            |(effect, claim, make, fail)| Op::Complete { effect, claim, make, fail }
        ),
        2 => any_effect.prop_map(|effect| Op::Cancel { effect }),
        1 => (0..WORKERS.len()).prop_map(|worker| Op::Release { worker }),
        4 => (1..20_i64).prop_map(|ms| Op::Pass { ms }),
        1 => Just(Op::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_store_does_what_the_model_does(ops in vec(op(), 1..80)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut store = Store::open(&path).unwrap();
        let mut model = Model::default();
        for op in &ops {
            if matches!(op, Op::Reopen) {
                drop(store);
                store = Store::open(&path).unwrap();
            }
            step(&store, &mut model, op);
            compare(&store, &model);
        }
        store.check().unwrap();
    }
}
