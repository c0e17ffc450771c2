//! A log, a checkpoint and proofs that were written in Go.

use std::fs;
use std::path::{Path, PathBuf};
use tidegate_verify::{Kind, Request, Unreadable, verify_log, verify_proof};

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

fn named(name: &str) -> (String, String) {
    (name.to_owned(), text(name))
}

#[test]
fn a_log_written_in_go_verifies_with_all_that_belongs_to_it() {
    let key = text("vkey").parse().unwrap();
    for proof in ["entry-3.tlog-proof", "entry-3-alone.tlog-proof"] {
        let request = Request { since: vec![named("checkpoint-of-3")], proof: Some(named(proof)) };
        let report = verify_log(&path("log"), &key, &request, &mut |_, _| ()).unwrap();
        assert!(report.verified && report.warnings.is_empty(), "{report:?}");
        assert_eq!(report.since[0].extended, Some(true));
        let proof = report.proof.unwrap();
        assert_eq!((proof.index, proof.size), (3, 5));
        assert!(proof.entry.unwrap().contains(r#""code":"intent""#));
    }
}

#[test]
fn a_proof_needs_no_log_if_it_has_its_entry() {
    let key = text("vkey").parse().unwrap();
    let proof = text("entry-3.tlog-proof");
    assert!(verify_proof("proof", &proof, &key).unwrap().verified);
    let alone = verify_proof("proof", &text("entry-3-alone.tlog-proof"), &key);
    assert!(matches!(alone, Err(Unreadable::NoEntry(_))));
}

#[test]
fn no_bit_of_a_proof_can_be_changed() {
    let key = text("vkey").parse().unwrap();
    let proof = text("entry-3.tlog-proof").into_bytes();
    for at in 0..proof.len() {
        let mut changed = proof.clone();
        changed[at] ^= 1 << (at % 8);
        let changed = String::from_utf8_lossy(&changed);
        let verified = verify_proof("proof", &changed, &key).is_ok_and(|report| report.verified);
        assert!(!verified, "byte {at}");
    }
}

#[test]
fn a_proof_of_a_longer_log_is_not_of_this_one() {
    let key = text("vkey").parse().unwrap();
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("checkpoint"), text("checkpoint-of-3")).unwrap();
    for row in ["0", "entries"] {
        let dir = temp.path().join(format!("tile/{row}/000.p"));
        fs::create_dir_all(&dir).unwrap();
        let bytes = fs::read(path(&format!("log/tile/{row}/000.p/5"))).unwrap();
        let bytes = if row == "0" { &bytes[..96] } else { &bytes[..first_three(&bytes)] };
        fs::write(dir.join("3"), bytes).unwrap();
    }
    let request = Request { since: vec![], proof: Some(named("entry-3.tlog-proof")) };
    let report = verify_log(temp.path(), &key, &request, &mut |_, _| ()).unwrap();
    let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::Proof], "{report:?}");
    assert!(report.findings[0].text.contains("rolled back"), "{report:?}");
}

/// The length of the first three entries in a bundle.
fn first_three(bundle: &[u8]) -> usize {
    (0..3).fold(0, |at, _| at + 2 + usize::from(bundle[at]) * 256 + usize::from(bundle[at + 1]))
}
