//! How many events, transitions and leases one store takes in a second, on the disk of the
//! temporary folder. Prints numbers and judges none:
//! `cargo bench -p tidegate-store --profile dev`.

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use tidegate_store::{Cause, NewEffect, RawEvent, Store, Transition};

/// About the size of a `patchset-created` event.
const EVENT_BYTES: usize = 1_500;
/// About the size of a review's state with a few stacks.
const STATE_BYTES: usize = 8_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("store.db"))?;
    for batch in [1, 100, 1_000] {
        let count = if batch == 1 { 2_000 } else { 50_000 };
        let took = append(&store, batch, count)?;
        report(&format!("events, {batch} in a transaction"), count, took);
    }
    report("transitions by an event", 5_000, advance(&store, 5_000)?);
    report("leases with their completion", 5_000, carry_out(&store)?);
    Ok(())
}

fn append(store: &Store, batch: u64, count: u64) -> Result<Duration, Box<dyn Error>> {
    let source = format!("journal-{batch}");
    let started = Instant::now();
    for first in (0..count).step_by(batch.try_into()?) {
        let events: Vec<_> = (first..first + batch)
            .map(|position| RawEvent { position: Some(position), body: vec![b'e'; EVENT_BYTES] })
            .collect();
        store.append_events(&source, &events, 1)?;
    }
    Ok(started.elapsed())
}

fn advance(store: &Store, count: usize) -> Result<Duration, Box<dyn Error>> {
    let mut took = Duration::ZERO;
    let mut done = 0;
    while done < count {
        let events = store.pending_events(count - done)?;
        let started = Instant::now();
        for event in events {
            let mut transition = Transition::to(vec![b's'; STATE_BYTES]);
            transition.leaves.push(vec![b'l'; 300]);
            transition.effects.push(NewEffect {
                id: format!("effect/{}", event.id),
                kind: "preview".into(),
                body: vec![b'b'; 500],
                priority: 0,
                not_before_ms: 0,
                lane: None,
            });
            let key = "subject";
            store.advance(Cause::Event(event.id), key, "review", 1, |_| {
                Ok::<_, Infallible>(transition)
            })?;
            done += 1;
        }
        took += started.elapsed();
    }
    Ok(took)
}

fn carry_out(store: &Store) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    while let Some(leased) = store.lease(&["preview"], "worker", 1, 1_000)? {
        let cause = Cause::Effect { id: &leased.id, fence: leased.fence };
        store.advance(cause, "subject", "review", 1, |_| {
            Ok::<_, Infallible>(Transition::to(vec![b's'; STATE_BYTES]))
        })?;
    }
    Ok(started.elapsed())
}

fn report(what: &str, count: u64, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what}: {rate:.0}/s ({count} in {took:.2?})");
}
