//! The log stopped at any instruction, by the end of the process or of the power.

use crate::disks::{JournalDisk, Op};
use crate::support::{ORIGIN, key, leaf, leaves, make, open, verify, verify_since};
use crate::world::World;
use proptest::prelude::*;
use rstest::rstest;
use std::fs;
use std::path::Path;
use tidegate_ledger::{Log, LogError};

/// What survives of that which was not made durable.
#[derive(Clone, Copy, Debug)]
enum Luck {
    /// All of it: the process ended, the machine went on.
    All,
    /// Nothing.
    Nothing,
    /// Some of it, by these bits.
    Some(u64),
}

impl Luck {
    fn saves(self, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            // A step of a 64-bit linear generator mixes place and seed well enough.
            Self::Some(seed) => {
                (seed ^ at as u64).wrapping_mul(6_364_136_223_846_793_005) >> 63 == 1
            }
        }
    }
}

/// Opens the log with a journal and appends `more` leaves.
fn append_with_journal(dir: &Path, more: u64) -> Vec<Op> {
    let disk = JournalDisk::default();
    let mut log = Log::open_on(dir, ORIGIN, key(), Box::new(disk.clone())).unwrap();
    log.append(&leaves(log.size(), log.size() + more)).unwrap();
    disk.journal()
}

/// The number of operations after which the append's checkpoint is durable.
fn committed_after(journal: &[Op], dir: &Path) -> usize {
    let replaced = journal.iter().position(|op| matches!(op, Op::Replace(..))).unwrap();
    let synced = journal[replaced..].iter().position(|op| *op == Op::SyncDir(dir.to_owned()));
    replaced + synced.unwrap() + 1
}

#[rstest]
#[case::first(&[], 1)]
#[case::some(&[1, 3], 2)]
#[case::over_a_border(&[100, 250], 10)]
#[case::filling_a_tile(&[254, 255], 1)]
#[case::after_a_full_tile(&[256], 1)]
#[case::several_tiles(&[3, 250], 600)]
fn after_a_crash_the_log_is_at_its_last_checkpoint_or_the_next(
    #[case] sizes: &[u64],
    #[case] more: u64,
) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let log = make(dir, sizes);
    let (old_size, old_checkpoint) = (log.size(), log.checkpoint().to_owned());
    drop(log);
    let before = World::of(dir);
    let journal = append_with_journal(dir, more);
    let committed = committed_after(&journal, dir);

    for stop in 0..=journal.len() {
        for luck in [Luck::All, Luck::Nothing, Luck::Some(stop as u64), Luck::Some(!0)] {
            before.after(&journal[..stop], |at| luck.saves(at)).restore(dir);
            leave_file_in_the_making(dir, journal.get(stop));
            check_recovery(dir, old_size, more, &old_checkpoint, stop >= committed);
        }
    }
}

/// A stop while a file is written leaves a temporary one.
fn leave_file_in_the_making(dir: &Path, stopped_in: Option<&Op>) {
    if let Some(Op::Create(path, bytes) | Op::Replace(path, bytes)) = stopped_in
        && let Some(parent) = path.parent().filter(|parent| parent.starts_with(dir))
        && parent.is_dir()
    {
        fs::write(parent.join(".tmp-Xy12Z3"), &bytes[..bytes.len() / 2]).unwrap();
    }
}

fn check_recovery(dir: &Path, old: u64, more: u64, old_checkpoint: &str, is_committed: bool) {
    let mut log = open(dir);
    let size = log.size();
    assert!(size == old + more || (size == old && !is_committed), "size {size}");
    log.check_extends(old_checkpoint).unwrap();
    assert!(verify_since(dir, old_checkpoint).verified);

    let appended = log.append_from(old, &leaves(old, old + more)).unwrap();
    assert_eq!(appended.skipped, size - old);
    assert_eq!(log.size(), old + more);
    // One more, so that what was left over is cleared away in any case.
    log.append(&leaves(old + more, old + more + 1)).unwrap();
    let report = verify_since(dir, old_checkpoint);
    assert!(report.verified && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn leaves_that_got_no_checkpoint_can_be_replaced_by_others() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    drop(make(dir, &[250]));
    let before = World::of(dir);
    let journal = append_with_journal(dir, 300);
    let replace = journal.iter().position(|op| matches!(op, Op::Replace(..))).unwrap();
    before.after(&journal[..replace], |_| true).restore(dir);

    let mut log = open(dir);
    assert_eq!(log.size(), 250);
    assert_eq!(verify(dir).warnings.len(), 7, "the leftovers are said");
    let other: Vec<_> = (0..4).map(|i| leaf("other", i)).collect();
    log.append(&other).unwrap();
    let report = verify(dir);
    assert!(report.verified && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn an_append_that_fails_leaves_the_log_as_it_was_or_unsure() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    drop(make(dir, &[250]));
    let before = World::of(dir);
    let journal = append_with_journal(dir, 300);
    let replace = journal.iter().position(|op| matches!(op, Op::Replace(..))).unwrap();

    // The first thing that is done is done by opening.
    for step in 1..journal.len() {
        before.restore(dir);
        let disk = JournalDisk::default();
        let mut log = Log::open_on(dir, ORIGIN, key(), Box::new(disk.clone())).unwrap();
        disk.refuse(step - 1);
        let first = log.append(&leaves(250, 550));
        let again = log.append_from(250, &leaves(250, 550));
        // Whether the checkpoint got to the disk is not known from its own write to its sync.
        if (replace..=replace + 1).contains(&step) {
            assert!(matches!(again, Err(LogError::Unsure)), "step {step}: {again:?}");
            drop(log);
            log = open(dir);
            log.append_from(250, &leaves(250, 550)).unwrap();
        } else {
            assert_eq!(again.unwrap().skipped, if first.is_ok() { 300 } else { 0 });
        }
        log.append(&leaves(550, 551)).unwrap();
        let report = verify(dir);
        assert!(report.verified && report.warnings.is_empty(), "step {step}: {report:?}");
    }
}

/// One life of a process: how much it appends, how often, and how it ends.
#[derive(Clone, Debug)]
struct Life {
    batches: Vec<u64>,
    /// Where in the journal of the last batch it stops, of 1000.
    stop: usize,
    power: Option<u64>,
}

fn life() -> impl Strategy<Value = Life> {
    let batches = prop::collection::vec(prop_oneof![1_u64..5, 200_u64..300], 1..4);
    (batches, 0..=1000_usize, prop::option::of(any::<u64>()))
        .prop_map(|(batches, stop, power)| Life { batches, stop, power })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn no_row_of_crashes_loses_a_checkpoint_that_was_given_out(lives in prop::collection::vec(life(), 1..6)) {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path();
        let mut given_out = make(dir, &[]).checkpoint().to_owned();
        // What is not durable stays so over the end of a process, until the power goes.
        let (mut base, mut journal) = (World::of(dir), Vec::new());
        for life in lives {
            let disk = JournalDisk::default();
            let mut log = Log::open_on(dir, ORIGIN, key(), Box::new(disk.clone())).unwrap();
            log.check_extends(&given_out).unwrap();
            given_out = log.checkpoint().to_owned();
            let mut last = 0;
            for (number, batch) in life.batches.iter().enumerate() {
                last = disk.journal().len();
                log.append(&leaves(log.size(), log.size() + batch)).unwrap();
                if number + 1 < life.batches.len() {
                    given_out = log.checkpoint().to_owned();
                }
            }
            drop(log);
            let all = disk.journal();
            let stop = last + (all.len() - last) * life.stop / 1000;
            journal.extend_from_slice(&all[..stop]);
            let luck = life.power.map_or(Luck::All, Luck::Some);
            let world = base.after(&journal, |at| luck.saves(at));
            world.restore(dir);
            if life.power.is_some() {
                base = world;
                journal.clear();
            }
        }
        let mut log = open(dir);
        log.check_extends(&given_out).unwrap();
        log.append(&leaves(log.size(), log.size() + 1)).unwrap();
        let report = verify_since(dir, &given_out);
        prop_assert!(report.verified && report.warnings.is_empty(), "{:?}", report);
    }
}
