//! Logs in every state that a file system can offer.

use crate::builder::{NAME, bundle, checkpoint, entries, entry, key, put, sign, write};
use rstest::rstest;
use std::fs;
use std::path::Path;
use tidegate_verify::{Kind, Report, Request, Unreadable, verify_log};

fn verify(dir: &Path) -> Report {
    verify_log(dir, &key(), &Request::default(), &mut |_, _| ()).unwrap()
}

fn verify_since(dir: &Path, text: &str) -> Report {
    let since = vec![("saved".to_owned(), text.to_owned())];
    verify_log(dir, &key(), &Request { since, proof: None }, &mut |_, _| ()).unwrap()
}

fn kinds(report: &Report) -> Vec<Kind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(255)]
#[case(256)]
#[case(257)]
#[case(513)]
fn logs_of_any_size_verify(#[case] count: u64) {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), &entries(count));
    let report = verify(temp.path());
    assert!(report.verified && report.warnings.is_empty(), "{report:?}");
    assert_eq!(report.log.unwrap().size, count);
}

#[test]
fn an_entry_that_was_signed_against_the_rules_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let mut list = entries(300);
    list[270] = br#"{"code":"event-seen","note":"Bob said yes"}"#.to_vec();
    write(temp.path(), &list);
    let report = verify(temp.path());
    assert_eq!(kinds(&report), [Kind::EntryRule]);
    assert_eq!(report.findings[0].index, Some(270));
    assert_eq!(report.findings[0].path.as_deref(), Some("tile/entries/001.p/44"));
}

#[test]
fn a_clock_that_went_back_far_is_a_warning() {
    let temp = tempfile::tempdir().unwrap();
    let list = [entry(0, 1000), entry(1, 800), entry(2, 699), entry(3, 1001)];
    write(temp.path(), &list);
    let report = verify(temp.path());
    assert!(report.verified);
    let warnings: Vec<_> = report.warnings.iter().map(|w| (w.kind, w.index)).collect();
    assert_eq!(warnings, [(Kind::TimeWentBack, Some(2))], "five minutes are tolerated");
}

#[test]
fn a_changed_entry_is_named_with_both_hashes() {
    let temp = tempfile::tempdir().unwrap();
    let mut list = entries(700);
    write(temp.path(), &list);
    list[600] = entry(601, 600);
    put(temp.path(), "tile/entries/002.p/188", &bundle(&list[512..]));
    let report = verify(temp.path());
    assert_eq!(kinds(&report), [Kind::EntryChanged]);
    let finding = &report.findings[0];
    assert_eq!(
        (finding.index, finding.path.as_deref()),
        (Some(600), Some("tile/entries/002.p/188"))
    );
    assert!(finding.expected.is_some() && finding.found.is_some());
}

#[test]
fn a_log_without_its_bundle_or_tile_says_what_is_missing() {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), &entries(600));
    fs::remove_file(temp.path().join("tile/entries/001")).unwrap();
    assert_eq!(kinds(&verify(temp.path())), [Kind::BundleMissing]);
    fs::remove_file(temp.path().join("tile/0/001")).unwrap();
    let report = verify(temp.path());
    assert!(kinds(&report).starts_with(&[Kind::BundleMissing, Kind::Unfinished]), "{report:?}");
    assert!(
        !kinds(&report).contains(&Kind::RootDiffers),
        "the root is signed by the edge: {report:?}"
    );
}

#[test]
fn a_signed_size_without_the_entries_ends_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let text =
        sign(&format!("{NAME}\n{}\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", u64::MAX));
    put(temp.path(), "checkpoint", text.as_bytes());
    let report = verify(temp.path());
    assert_eq!(kinds(&report), [Kind::BundleMissing, Kind::Unfinished, Kind::RootDiffers]);
}

#[rstest]
#[case::unsigned("built.example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".to_owned())]
#[case::other_log(sign(
    "other.example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
))]
#[case::no_size(sign("built.example.com/log\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"))]
#[case::padded_size(sign(
    "built.example.com/log\n00\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
))]
#[case::no_root(sign("built.example.com/log\n0\nx\n"))]
#[case::wrong_root(sign(
    "built.example.com/log\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
))]
#[case::empty_extension(sign(
    "built.example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nx\n"
))]
#[case::nothing(String::new())]
fn a_checkpoint_of_another_form_does_not_verify(#[case] text: String) {
    let temp = tempfile::tempdir().unwrap();
    put(temp.path(), "checkpoint", text.as_bytes());
    let report = verify(temp.path());
    assert!(
        !report.verified && report.findings[0].path.as_deref() == Some("checkpoint"),
        "{report:?}"
    );
}

#[test]
fn extension_lines_are_allowed_and_signed() {
    let temp = tempfile::tempdir().unwrap();
    let text =
        "built.example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n";
    put(temp.path(), "checkpoint", sign(text).as_bytes());
    assert!(verify(temp.path()).verified);
    put(temp.path(), "checkpoint", sign(text).replace("extension", "Extension").as_bytes());
    assert!(!verify(temp.path()).verified);
}

#[test]
fn a_log_that_grows_while_it_is_read_is_no_fault() {
    let temp = tempfile::tempdir().unwrap();
    let list = entries(260);
    let old = checkpoint(&list[..200]);
    write(temp.path(), &list);
    // The tiles of 260 entries are there, those of 200 are gone, and the checkpoint was read before.
    put(temp.path(), "checkpoint", old.as_bytes());
    let report = verify(temp.path());
    assert!(report.verified, "{report:?}");
    assert!(report.warnings.iter().all(|warning| warning.kind == Kind::BeyondCheckpoint));
    assert!(!report.warnings.is_empty());
}

#[test]
fn files_that_are_none_of_a_log_s_are_said() {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), &entries(3));
    for path in ["notes.txt", "tile/0/README", "tile/0/1", "tile/0/000.p/03"] {
        put(temp.path(), path, b"x");
    }
    put(temp.path(), ".lock", b"");
    let report = verify(temp.path());
    assert!(report.verified);
    assert_eq!(report.warnings.len(), 4, "{report:?}");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_tile_is_a_finding() {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), &entries(3));
    let path = temp.path().join("tile/0/000.p/3");
    let elsewhere = temp.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(kinds(&verify(temp.path())), [Kind::NotAFile]);
}

#[test]
fn a_saved_checkpoint_is_found_in_a_message() {
    let temp = tempfile::tempdir().unwrap();
    let list = entries(300);
    write(temp.path(), &list);
    let saved = checkpoint(&list[..257]);
    let indented = saved.replace('\n', "\r\n    ");
    for text in
        [saved.clone(), format!("Patch Set 3:\n\nDeployed app-prod.\n\n    {indented}\n\nBye\n")]
    {
        let report = verify_since(temp.path(), &text);
        assert!(report.verified && report.since[0].extended == Some(true), "{report:?}");
        assert_eq!(report.since[0].size, 257);
    }
    let report = verify_since(temp.path(), "Deployed app-prod.\n");
    assert_eq!(kinds(&report), [Kind::Since]);
    let report = verify_since(temp.path(), &saved.replace("257", "256"));
    assert_eq!(kinds(&report), [Kind::Since]);
}

#[test]
fn a_saved_checkpoint_of_other_entries_is_a_rewritten_log() {
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), &entries(300));
    let mut other = entries(257);
    other[3] = entry(4, 3);
    let report = verify_since(temp.path(), &checkpoint(&other));
    assert_eq!(kinds(&report), [Kind::Since]);
    assert_eq!(report.since[0].extended, Some(false));
    let report = verify_since(temp.path(), &checkpoint(&entries(301)));
    assert!(report.findings[0].text.contains("rolled back"), "{report:?}");
}

#[test]
fn a_damaged_log_does_not_say_what_it_extends() {
    let temp = tempfile::tempdir().unwrap();
    let mut list = entries(300);
    write(temp.path(), &list);
    list[299] = entry(300, 299);
    put(temp.path(), "tile/entries/001.p/44", &bundle(&list[256..]));
    let report = verify_since(temp.path(), &checkpoint(&list[..257]));
    assert_eq!(kinds(&report), [Kind::EntryChanged]);
    assert_eq!(report.since[0].extended, None);
}

#[test]
fn a_folder_without_a_log_is_unreadable() {
    let temp = tempfile::tempdir().unwrap();
    let verify = |dir: &Path| verify_log(dir, &key(), &Request::default(), &mut |_, _| ());
    assert!(matches!(verify(temp.path()), Err(Unreadable::NotALog(_))));
    assert!(matches!(verify(&temp.path().join("none")), Err(Unreadable::Io { .. })));
}
