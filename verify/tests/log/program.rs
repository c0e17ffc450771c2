//! The program: what it prints and how it ends.

use crate::builder::{bundle, entries, key, put, write};
use crate::golden::path;
use rstest::rstest;
use serde_json::Value;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate-verify")).args(args).output().unwrap()
}

fn golden(name: &str) -> String {
    path(name).to_str().unwrap().to_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_good_log_ends_with_0_and_one_line() {
    let output = run(&[&golden("log"), "--key", &golden("vkey")]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stdout(&output),
        "verified  golden.example.com/log, 5 entries, root 6IQtjTWPHzwIqKVZFfy9iFpSgRdasl1vbUEsXMmvSR8=\n"
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn the_key_may_be_given_as_text() {
    let line = std::fs::read_to_string(path("vkey")).unwrap();
    let output = run(&["--key", line.trim(), "--proof", &golden("entry-3.tlog-proof")]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("entry 3 is in the log of 5 entries"), "{}", stdout(&output));
}

#[test]
fn a_bad_log_ends_with_1_and_names_the_entry() {
    let temp = tempfile::tempdir().unwrap();
    let mut list = entries(300);
    write(temp.path(), &list);
    list.swap(4, 5);
    put(temp.path(), "tile/entries/000", &bundle(&list[..256]));
    let dir = temp.path().to_str().unwrap();
    let output = run(&[dir, "--key", &key().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.starts_with("NOT VERIFIED  built.example.com/log, 300 entries"), "{text}");
    assert!(
        text.contains("tile/entries/000: entry 4 is not the one that was logged (expected "),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colour beside a terminal");

    let output = run(&[dir, "--key", &key().to_string(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verified"], false);
    assert_eq!(report["log"]["size"].to_string(), "300");
    assert_eq!(report["findings"][0]["kind"], "entry-changed");
    assert_eq!(report["findings"][1]["index"].to_string(), "5");
}

#[rstest]
#[case::no_arguments(&[], "required")]
#[case::no_folder(&["--key", "GOLDEN/vkey"], "required")]
#[case::since_alone(&["--key", "GOLDEN/vkey", "--proof", "GOLDEN/entry-3.tlog-proof", "--since", "GOLDEN/checkpoint-of-3"], "required")]
#[case::missing_folder(&["GOLDEN/none", "--key", "GOLDEN/vkey"], "can't read")]
#[case::no_log(&["GOLDEN", "--key", "GOLDEN/vkey"], "is not a log")]
#[case::no_key_in_file(&["GOLDEN/log", "--key", "GOLDEN/checkpoint-of-3"], "has no verifier key")]
#[case::changed_key(&["GOLDEN/log", "--key", "golden.example.com/log+00000000+AAAA"], "--key")]
#[case::missing_key(&["GOLDEN/log", "--key", "none"], "can't read none")]
#[case::proof_without_entry(&["--key", "GOLDEN/vkey", "--proof", "GOLDEN/entry-3-alone.tlog-proof"], "give the log's folder too")]
#[case::missing_since(&["GOLDEN/log", "--key", "GOLDEN/vkey", "--since", "none"], "can't read none")]
fn what_can_t_be_looked_at_ends_with_2_and_a_reason(#[case] args: &[&str], #[case] part: &str) {
    let golden = golden("");
    let args: Vec<_> =
        args.iter().map(|arg| arg.replace("GOLDEN", golden.trim_end_matches('/'))).collect();
    let output = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(part), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_wrong_key_ends_with_1() {
    let output = run(&[&golden("log"), "--key", &key().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("it has no signature of the key"));
}

#[test]
fn help_has_examples_and_exit_codes() {
    let text = stdout(&run(&["--help"]));
    for part in ["Examples:", "Exit codes:", "--since", "0  verified"] {
        assert!(text.contains(part), "{part}");
    }
}
