//! A log that was damaged is not opened, and the file is named by writer and verifier.

use crate::support::{ORIGIN, key, leaf, make, open, verify};
use rstest::rstest;
use std::error::Error as _;
use std::fs;
use std::path::Path;
use tidegate_ledger::Log;
use tidegate_verify::Kind;

fn flip(dir: &Path, file: &str, at: usize) {
    let path = dir.join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
}

/// The messages of an error and of all that caused it.
fn refusal(dir: &Path) -> String {
    let error = Log::open(dir, ORIGIN, key()).err().unwrap();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[rstest]
#[case::inner_tile("tile/0/001", 40, "tile/0/001 is damaged")]
#[case::edge_of_level_0("tile/0/002.p/88", 40, "tile/0/002.p/88 is damaged")]
#[case::edge_of_level_1("tile/1/000.p/2", 40, "tile/1/000.p/2 is damaged")]
#[case::edge_of_the_entries("tile/entries/002.p/88", 40, "entry 512 hashes to")]
#[case::checkpoint("checkpoint", 40, "signature")]
fn a_changed_byte_is_found_when_the_log_is_opened(
    #[case] file: &str,
    #[case] at: usize,
    #[case] part: &str,
) {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[600]));
    flip(temp.path(), file, at);
    let error = refusal(temp.path());
    assert!(error.contains(part), "{error}");

    let report = verify(temp.path());
    assert_eq!(report.findings[0].path.as_deref(), Some(file), "{report:?}");
    assert_eq!(report.findings.len(), if file.contains("entries") { 2 } else { 1 }, "{report:?}");
}

#[rstest]
#[case("tile/0/001")]
#[case("tile/0/002.p/88")]
#[case("tile/1/000.p/2")]
#[case("tile/entries/002.p/88")]
fn a_missing_or_short_file_is_found_when_the_log_is_opened(#[case] file: &str) {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[600]));
    let path = temp.path().join(file);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(refusal(temp.path()).contains(file));
    assert!(!verify(temp.path()).verified);
    fs::remove_file(&path).unwrap();
    assert!(refusal(temp.path()).contains(file));
    assert!(!verify(temp.path()).verified);
}

#[test]
fn an_entry_changed_after_opening_gives_no_proof() {
    let temp = tempfile::tempdir().unwrap();
    let log = make(temp.path(), &[600]);
    flip(temp.path(), "tile/entries/000", 40);
    let error = log.inclusion_proof(0).unwrap_err().to_string();
    assert!(error.contains("tile/entries/000 is damaged: entry 0"), "{error}");
    assert!(log.inclusion_proof(1).is_ok(), "its neighbour is whole");

    flip(temp.path(), "tile/0/001", 40);
    let error = log.inclusion_proof(258).unwrap_err().to_string();
    assert!(error.contains("tile/0/001 is damaged"), "{error}");
}

#[test]
fn a_changed_entry_is_named_by_its_index() {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[600]));
    let path = temp.path().join("tile/entries/001");
    let text = fs::read(&path).unwrap();
    let changed =
        String::from_utf8_lossy(&text).replacen("\"number\":\"300\"", "\"number\":\"301\"", 1);
    // The lengths are below 128, so that the lossy text has every byte.
    fs::write(&path, changed).unwrap();
    let report = verify(temp.path());
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.index)).collect();
    assert_eq!(found, [(Kind::EntryChanged, Some(300))], "{report:?}");
    assert!(open(temp.path()).entry(300).is_err());
}

#[test]
fn an_entry_changed_together_with_its_hash_is_found_by_the_tile_above() {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[600]));
    // Entry and tile from a log with another story: each fits the other.
    let other = tempfile::tempdir().unwrap();
    let mut log = make(other.path(), &[256]);
    let leaves: Vec<_> = (256..512).map(|i| leaf("other", i)).collect();
    log.append(&leaves).unwrap();
    for file in ["tile/entries/001", "tile/0/001"] {
        fs::copy(other.path().join(file), temp.path().join(file)).unwrap();
    }
    let report = verify(temp.path());
    let found: Vec<_> =
        report.findings.iter().map(|f| (f.kind, f.path.as_deref(), f.index)).collect();
    assert_eq!(
        found,
        [
            (Kind::TileChanged, Some("tile/0/001"), None),
            (Kind::RangeChanged, Some("tile/0/001"), Some(256)),
        ],
        "{report:?}"
    );
    assert!(refusal(temp.path()).contains("tile/0/001 is damaged"));
}

#[test]
fn a_checkpoint_over_another_tree_is_refused() {
    let (temp, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(make(temp.path(), &[600]));
    let mut log = make(other.path(), &[599]);
    log.append(&[leaf("other", 0)]).unwrap();
    fs::write(temp.path().join("checkpoint"), log.checkpoint()).unwrap();
    assert!(refusal(temp.path()).contains("checkpoint does not belong to its tiles"));
    let report = verify(temp.path());
    assert_eq!(report.findings[0].kind, Kind::RootDiffers, "{report:?}");
}
