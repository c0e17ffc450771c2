//! A writer is killed while it writes; what it acknowledged must be there, and nothing by halves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rstest::rstest;
use tidegate_store::{
    Cause, EffectStatus, Leased, NewEffect, RawEvent, Store, StoreError, Transition,
};

/// Set for the child process only: where its store is.
const STORE: &str = "TIDEGATE_TEST_CRASH_STORE";

/// What the child prints when a step is acknowledged, before the step's number. The test harness
/// prints to the same pipe.
const ACKNOWLEDGED: &str = "acknowledged ";

const SUBJECT: &str = "subject";

/// Not a test by itself: the other tests run it in a process of its own, and kill that.
#[test]
fn writer_to_be_killed() {
    let Some(path) = env::var_os(STORE) else {
        return;
    };
    let store = Store::open(path).unwrap();
    let first = store.subject(SUBJECT).unwrap().map_or(0, |subject| subject.seq);
    for step in first.. {
        write_step(&store, step);
        // A killed parent closes the pipe, and that ends this process.
        let mut out = std::io::stdout().lock();
        writeln!(out, "{ACKNOWLEDGED}{step}").unwrap();
        out.flush().unwrap();
    }
}

/// One event in, handled by a transition with a state, an effect, a leaf; then the effect leased
/// and done, by a transition of another subject.
fn write_step(store: &Store, step: u64) {
    let event = RawEvent { position: Some(step), body: step.to_string().into_bytes() };
    // Skipped if the process was killed between storing and handling it.
    store.append_events("journal", &[event], 1).unwrap();
    let pending = store.pending_events(1).unwrap().remove(0);
    assert_eq!(pending.position, Some(step));
    let mut transition = Transition::to(step.to_string());
    transition.leaves.push(step.to_string().into_bytes());
    transition.effects.push(NewEffect {
        id: format!("{SUBJECT}/{step}"),
        kind: "count".into(),
        body: step.to_string().into_bytes(),
        priority: 0,
        not_before_ms: 0,
        lane: Some("lane".into()),
    });
    store
        .advance(Cause::Event(pending.id), SUBJECT, "counter", 1, |_| {
            Ok::<_, Infallible>(transition)
        })
        .unwrap();
    // This step's effect, and the one before it if the process was killed in between.
    for _ in 0..2 {
        if let Some(leased) = store.lease(&["count"], "worker", 1, 0).unwrap() {
            complete(store, &leased);
        }
    }
    assert_eq!(store.lease(&["count"], "worker", 1, 0).unwrap(), None);
}

fn complete(store: &Store, leased: &Leased) {
    let cause = Cause::Effect { id: &leased.id, fence: leased.fence };
    store
        .advance(cause, "results", "results", 1, |_| {
            Ok::<_, Infallible>(Transition::to(leased.body.clone()))
        })
        .unwrap();
}

/// The process to be killed; killed at the latest when this is dropped.
struct Writer {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "writer_to_be_killed", "--nocapture", "--test-threads=1"])
            .env(STORE, path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Reads acknowledgements until there are `count`, or to the end.
    fn read(&mut self, count: usize) -> Vec<u64> {
        let mut acknowledged = Vec::new();
        let mut line = String::new();
        while acknowledged.len() < count && self.out.read_line(&mut line).unwrap() > 0 {
            // A line that the kill cut short has no end, and no number that could be trusted.
            // The test harness leaves its own words before the first.
            let number = line.split_once(ACKNOWLEDGED).and_then(|(_, it)| it.strip_suffix('\n'));
            if let Some(step) = number {
                acknowledged.push(step.parse().unwrap());
            }
            line.clear();
        }
        acknowledged
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Fails only where it was killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything in the store belongs to whole steps; returns how many steps there are.
fn check_whole(store: &Store) -> u64 {
    store.check().unwrap();
    let subject = store.subject(SUBJECT).unwrap();
    let steps = subject.as_ref().map_or(0, |subject| subject.seq);
    if let Some(subject) = subject {
        assert_eq!(subject.state, (steps - 1).to_string().into_bytes());
    }
    assert_eq!(store.leaves_count().unwrap(), steps);
    let results = store.subject("results").unwrap().map_or(0, |subject| subject.seq);
    assert!(results == steps || results + 1 == steps, "{results} results of {steps} steps");
    for step in steps.saturating_sub(500)..steps {
        let effect = store.effect(&format!("{SUBJECT}/{step}")).unwrap().unwrap();
        let done = matches!(effect.status, EffectStatus::Done { .. });
        assert_eq!(done, step < results, "effect {step} of {results} results");
    }
    assert_eq!(store.effect(&format!("{SUBJECT}/{steps}")).unwrap(), None);
    // An event may be stored and not handled yet, never the other way round.
    let pending = store.pending_events(10).unwrap();
    let positions: Vec<_> = pending.iter().filter_map(|event| event.position).collect();
    assert!(positions.is_empty() || positions == [steps], "{positions:?} of {steps} steps");
    steps
}

#[rstest]
#[case::at_the_first_steps(&[1, 1, 1, 1, 1, 1, 1, 1])]
#[case::here_and_there(&[3, 7, 20, 41, 97])]
#[case::in_full_run(&[400, 300])]
fn a_killed_writer_loses_nothing_that_it_acknowledged(#[case] kills: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut expected = 0;
    for count in kills {
        let mut writer = Writer::start(&path);
        let mut acknowledged = writer.read(*count);
        // It writes on until the signal comes, so it is killed anywhere in a step.
        writer.kill();
        acknowledged.extend(writer.read(usize::MAX));
        assert!(acknowledged.len() >= *count, "the writer ended by itself");
        let last = *acknowledged.last().unwrap();
        assert_eq!(acknowledged[0], expected);

        let store = Store::open(&path).unwrap();
        let steps = check_whole(&store);
        assert!(steps > last, "step {last} was acknowledged, {steps} are there");
        expected = steps;
    }
}

#[test]
fn another_processs_store_is_refused_with_its_pid_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut writer = Writer::start(&path);
    writer.read(1);
    let error = Store::open(&path).unwrap_err();
    let pid = writer.child.id();
    let reader = Store::open_read_only(&path).unwrap();
    let seen = reader.subject(SUBJECT).unwrap();
    writer.kill();
    assert!(matches!(error, StoreError::Locked { holder: Some(holder), .. } if holder == pid));
    assert!(error.to_string().contains(&format!("process {pid} has it open")), "{error}");
    assert!(seen.is_some());
    Store::open(&path).unwrap();
}
