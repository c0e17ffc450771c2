//! What a caller sees.

use crate::support::{ORIGIN, files, key, leaf, leaves, make, open, verify, verify_since};
use std::fs;
use tidegate_ledger::{Appended, Checkpoint, KeyName, Log, LogError, LogKey};

#[test]
fn giving_leaves_again_does_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = make(temp.path(), &[10]);
    let before = files(temp.path());
    let again = log.append_from(4, &leaves(4, 10)).unwrap();
    assert_eq!(again, Appended { first: 4, skipped: 6, added: 0 });
    assert_eq!(log.append_from(10, &[]).unwrap(), Appended { first: 10, skipped: 0, added: 0 });
    assert_eq!(files(temp.path()), before);

    let more = log.append_from(4, &leaves(4, 300)).unwrap();
    assert_eq!(more, Appended { first: 4, skipped: 6, added: 290 });
    assert_eq!(log.append(&leaves(300, 301)).unwrap(), 300);
    assert!(verify(temp.path()).verified);
}

#[test]
fn another_leaf_in_the_place_of_one_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = make(temp.path(), &[300]);
    let before = files(temp.path());
    for index in [3, 299] {
        let error = log.append_from(index, &[leaf("other", 0), leaf("other", 1)]).unwrap_err();
        assert!(matches!(error, LogError::Conflict { index: i, .. } if i == index), "{error}");
    }
    assert_eq!(files(temp.path()), before);
}

#[test]
fn a_gap_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = make(temp.path(), &[3]);
    let error = log.append_from(4, &leaves(4, 5)).unwrap_err();
    assert!(matches!(error, LogError::Gap { first: 4, size: 3 }), "{error}");
}

#[test]
fn there_is_one_writer_at_a_time() {
    let temp = tempfile::tempdir().unwrap();
    let log = make(temp.path(), &[3]);
    assert!(matches!(Log::open(temp.path(), ORIGIN, key()), Err(LogError::Locked(_))));
    assert!(verify(temp.path()).verified, "who reads needs no lock");
    drop(log);
    assert!(Log::open(temp.path(), ORIGIN, key()).is_ok());
}

#[test]
fn a_log_is_created_once_and_not_by_opening_it() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("deep/log");
    assert!(!Log::exists(&dir));
    assert!(matches!(Log::open(&dir, ORIGIN, key()), Err(LogError::NoLog(_))));
    let log = Log::create(&dir, ORIGIN, key()).unwrap();
    assert_eq!(log.size(), 0);
    drop(log);
    assert!(Log::exists(&dir));
    assert!(matches!(Log::create(&dir, ORIGIN, key()), Err(LogError::NotEmpty(_))));
}

#[test]
fn tiles_without_a_checkpoint_are_neither_opened_nor_overwritten() {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[3]));
    fs::remove_file(temp.path().join("checkpoint")).unwrap();
    assert!(matches!(Log::open(temp.path(), ORIGIN, key()), Err(LogError::NoLog(_))));
    assert!(matches!(Log::create(temp.path(), ORIGIN, key()), Err(LogError::NotEmpty(_))));
}

#[test]
fn the_real_file_system_does_as_well() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = Log::create(temp.path(), ORIGIN, key()).unwrap();
    log.append(&leaves(0, 250)).unwrap();
    log.append(&leaves(250, 260)).unwrap();
    drop(log);
    let mut log = Log::open(temp.path(), ORIGIN, key()).unwrap();
    log.append(&leaves(260, 261)).unwrap();
    let report = verify(temp.path());
    assert!(report.verified && report.warnings.is_empty(), "{report:?}");
    assert!(
        !files(temp.path()).keys().any(|path| path.contains("000.p") && !path.contains("tile/1/"))
    );
}

#[test]
fn another_key_or_name_does_not_open_a_log() {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[3]));
    let name: KeyName = ORIGIN.parse().unwrap();
    let error = Log::open(temp.path(), ORIGIN, LogKey::generate(&name).unwrap()).err().unwrap();
    assert!(matches!(error, LogError::Checkpoint { what: "stored", .. }), "{error}");
    let error = Log::open(temp.path(), "example.com/other", key()).err().unwrap();
    assert!(matches!(error, LogError::Origin { .. }), "{error}");
}

#[test]
fn a_log_that_was_rolled_back_is_noticed_by_a_saved_checkpoint() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = make(temp.path(), &[3]);
    let old = log.checkpoint().to_owned();
    log.append(&leaves(3, 5)).unwrap();
    let new = log.checkpoint().to_owned();
    drop(log);
    fs::write(temp.path().join("checkpoint"), old).unwrap();
    let before = files(temp.path());

    let log = open(temp.path());
    let error = log.check_extends(&new).unwrap_err();
    assert!(matches!(error, LogError::RolledBack { saved: 5, size: 3 }), "{error}");
    assert_eq!(files(temp.path()), before, "opening and asking remove nothing");
    let report = verify_since(temp.path(), &new);
    assert!(!report.verified);
    assert!(report.findings[0].text.contains("rolled back"), "{report:?}");
}

#[test]
fn a_log_that_was_rewritten_is_noticed_by_a_saved_checkpoint() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let saved = make(one.path(), &[3]).checkpoint().to_owned();
    let mut log = make(two.path(), &[]);
    log.append(&[leaf("main", 0), leaf("other", 1), leaf("main", 2), leaf("main", 3)]).unwrap();
    let error = log.check_extends(&saved).unwrap_err();
    assert!(matches!(error, LogError::Rewritten { size: 3, .. }), "{error}");
    let report = verify_since(two.path(), &saved);
    assert!(!report.verified && report.findings[0].text.contains("rewritten"), "{report:?}");
    assert!(verify(two.path()).verified, "only a witness can tell");
}

#[test]
fn a_saved_checkpoint_of_another_log_says_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let log = make(temp.path(), &[3]);
    let other = LogKey::generate(&"example.com/other".parse().unwrap()).unwrap();
    let note = Checkpoint { origin: other.name().clone(), size: 3, root: log.root() }.sign(&other);
    let error = log.check_extends(note.unwrap().as_str()).unwrap_err();
    assert!(matches!(error, LogError::Checkpoint { what: "saved", .. }), "{error}");
}

#[test]
fn there_is_no_proof_of_an_entry_to_come() {
    let temp = tempfile::tempdir().unwrap();
    let log = make(temp.path(), &[3]);
    assert!(matches!(log.inclusion_proof(3), Err(LogError::NoEntry { index: 3, size: 3 })));
    assert!(matches!(log.entry(3), Err(LogError::NoEntry { .. })));
    assert!(matches!(log.consistency_proof(4), Err(LogError::RolledBack { .. })));
}
