//! Trees of every interesting size.

use crate::disks::{JournalDisk, Op};
use crate::support::{ORIGIN, files, key, leaves, make, open, verify, verify_since, verify_with};
use rstest::rstest;
use std::collections::BTreeSet;
use tidegate_ledger::{Hash, Leaf, Log, Row, TilePath};
use tidegate_verify::{Request, verify_proof};

/// The files that the specification wants of a log that was written in one go.
fn expected_files(size: u64) -> BTreeSet<String> {
    let mut paths = BTreeSet::from(["checkpoint".to_owned()]);
    let rows = (0..8).map(|level| (Row::Level(level), size >> (8 * u32::from(level))));
    for (row, items) in rows.chain([(Row::Entries, size)]) {
        paths.extend((0..items / 256).map(|index| TilePath::full(row, index).to_string()));
        if items % 256 > 0 {
            let tile = TilePath { row, index: items / 256, width: (items % 256) as u16 };
            paths.insert(tile.to_string());
        }
    }
    paths
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(2)]
#[case(255)]
#[case(256)]
#[case(257)]
#[case(511)]
#[case(512)]
#[case(513)]
#[case(65_536)]
#[case(65_539)]
fn a_log_of_any_size_has_its_files_and_verifies(#[case] size: u64) {
    let temp = tempfile::tempdir().unwrap();
    let log = make(temp.path(), &[size]);
    let hashes: Vec<_> = leaves(0, size).iter().map(Leaf::hash).collect();
    assert_eq!(log.root(), Hash::root_of(&hashes));
    assert_eq!(files(temp.path()).into_keys().collect::<BTreeSet<_>>(), expected_files(size));
    let report = verify(temp.path());
    assert!(report.verified && report.warnings.is_empty(), "{report:?}");
    assert_eq!(report.log.unwrap().size, size);

    drop(log);
    let log = open(temp.path());
    assert_eq!(log.root(), Hash::root_of(&hashes), "it is opened as it was left");
    let key = key().verifier().to_string().parse().unwrap();
    for index in [0, 1, size / 2, size.saturating_sub(2), size.saturating_sub(1)] {
        if index < size {
            let proof = log.inclusion_proof(index).unwrap();
            let report = verify_proof("proof", &proof, &key).unwrap();
            assert!(report.verified, "{report:?}");
            let entry = report.proof.unwrap().entry.unwrap();
            assert_eq!(entry.as_bytes(), leaves(index, index + 1)[0].bytes());
            assert_eq!(log.entry(index).unwrap(), entry.as_bytes());
        }
    }
}

#[test]
fn a_log_written_leaf_by_leaf_is_the_one_written_at_once() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sizes: Vec<_> = (1..=520).collect();
    let by_leaf = make(one.path(), &sizes);
    let at_once = make(two.path(), &[520]);
    assert_eq!(by_leaf.checkpoint(), at_once.checkpoint());
    let (by_leaf, at_once) = (files(one.path()), files(two.path()));
    assert!(at_once.iter().all(|(path, bytes)| by_leaf.get(path) == Some(bytes)));
    // Partial tiles of sizes that had a checkpoint stay until the full one is there.
    let partial: Vec<_> = by_leaf.keys().filter(|path| path.contains(".p/")).collect();
    assert_eq!(partial.len(), 8 + 8 + 2, "{partial:?}");
    assert!(verify(one.path()).verified);
}

#[test]
fn every_checkpoint_is_extended_by_every_later_one() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = make(temp.path(), &[]);
    let mut checkpoints = vec![log.checkpoint().to_owned()];
    for size in [1, 2, 3, 255, 256, 257, 300, 512, 700] {
        log.append(&leaves(log.size(), size)).unwrap();
        checkpoints.push(log.checkpoint().to_owned());
    }
    for checkpoint in &checkpoints {
        log.check_extends(checkpoint).unwrap();
        assert!(verify_since(temp.path(), checkpoint).verified);
    }
    let since = checkpoints
        .iter()
        .map(|text| ("saved".to_owned(), format!("Deployed.\n\n  {}", text.replace('\n', "\n  "))))
        .collect();
    let report = verify_with(temp.path(), &Request { since, proof: None });
    assert!(report.verified, "indented in a message: {report:?}");
    assert!(report.since.iter().all(|since| since.extended == Some(true)));
    assert_eq!(log.consistency_proof(0).unwrap(), []);
    assert_eq!(log.consistency_proof(700).unwrap(), []);
    assert_eq!(log.consistency_proof(512).unwrap().len(), 1);
}

#[test]
fn a_batch_writes_each_tile_once() {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[]));
    let disk = JournalDisk::default();
    let mut log = Log::open_on(temp.path(), ORIGIN, key(), Box::new(disk.clone())).unwrap();
    log.append(&leaves(0, 1000)).unwrap();
    let journal = disk.journal();
    let count = |wanted: fn(&Op) -> bool| journal.iter().filter(|op| wanted(op)).count();
    assert_eq!(count(|op| matches!(op, Op::Create(..))), 4 + 4 + 1, "bundles, level 0, level 1");
    assert_eq!(count(|op| matches!(op, Op::Replace(..))), 1, "the checkpoint");
    assert!(journal.len() < 35, "{}", journal.len());
}
