//! Any change of any byte is found.

use crate::support::{files, make, verify};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A log with partial tiles of several checkpoints, old and present ones.
static LOG: LazyLock<(TempDir, BTreeMap<String, Vec<u8>>)> = LazyLock::new(|| {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[255, 257, 258, 300, 512, 514, 600]));
    let files = files(temp.path());
    assert_eq!(files.len(), 1 + 2 + 2 + 2 + 2 + 2, "{:?}", files.keys());
    (temp, files)
});

/// A copy of [`LOG`] with one file changed.
fn with_change(path: &str, bytes: Option<&[u8]>) -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (other, original) in &LOG.1 {
        let bytes = if other == path { bytes } else { Some(original.as_slice()) };
        if let Some(bytes) = bytes {
            put(temp.path(), other, bytes);
        }
    }
    temp
}

fn put(dir: &Path, path: &str, bytes: &[u8]) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn file() -> impl Strategy<Value = (String, Vec<u8>)> {
    let files: Vec<_> = LOG.1.clone().into_iter().collect();
    prop::sample::select(files)
}

#[test]
fn every_byte_of_a_small_log_counts() {
    let temp = tempfile::tempdir().unwrap();
    drop(make(temp.path(), &[1, 3]));
    for (path, bytes) in files(temp.path()) {
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            put(temp.path(), &path, &changed);
            let report = verify(temp.path());
            assert!(!report.verified, "{path}, byte {at}");
            assert!(
                report.findings.iter().any(|f| f.path.as_deref() == Some(&path)),
                "{path}, byte {at}: {report:?}"
            );
        }
        put(temp.path(), &path, &bytes);
    }
    assert!(verify(temp.path()).verified);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn a_flipped_bit_anywhere_is_found_in_its_file((path, bytes) in file(), at: prop::sample::Index, bit in 0..8_u8) {
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        let temp = with_change(&path, Some(&changed));
        let report = verify(temp.path());
        prop_assert!(!report.verified);
        prop_assert!(report.findings.iter().any(|f| f.path.as_deref() == Some(&path)), "{:?}", report);
    }

    #[test]
    fn a_file_cut_or_made_longer_is_found((path, bytes) in file(), at: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 1..40)) {
        let cut = with_change(&path, Some(&bytes[..at.index(bytes.len())]));
        prop_assert!(!verify(cut.path()).verified);
        let longer = with_change(&path, Some(&[bytes, more].concat()));
        prop_assert!(!verify(longer.path()).verified);
    }

    #[test]
    fn a_file_in_the_place_of_another_is_found((path, bytes) in file(), (other, other_bytes) in file()) {
        prop_assume!(bytes != other_bytes);
        let temp = with_change(&path, Some(&other_bytes));
        prop_assert!(!verify(temp.path()).verified, "{} in the place of {}", other, path);
    }
}

#[test]
fn only_tiles_that_no_checkpoint_needs_can_be_missing() {
    for path in LOG.1.keys().filter(|path| *path != "checkpoint") {
        let temp = with_change(path, None);
        let needed = ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"];
        let is_needed = needed.contains(&path.as_str())
            || ["000", "001", "002.p/88"].iter().any(|n| *path == format!("tile/entries/{n}"));
        assert_eq!(verify(temp.path()).verified, !is_needed, "{path}");
    }
}
