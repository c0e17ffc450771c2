//! What every type of event means, over the committed corpus and over broken ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/events")
}

fn told(classified: &Classified) -> String {
    let hints = match classified {
        Classified::Ignored { why, .. } => return format!("ignored: {why:?}"),
        Classified::Hints { hints } => hints,
    };
    let told = hints.iter().map(|hint| {
        let subject = match &hint.subject {
            Subject::Change { project, number } => format!("change {project}~{number}"),
            Subject::Branch { project, r#ref } => format!("branch {project} {}", r#ref),
            Subject::Settings { project } => format!("settings {project}"),
            Subject::Server => "everything".to_owned(),
        };
        format!("{subject} {:?}", hint.urgency)
    });
    told.collect::<Vec<_>>().join(", ")
}

fn classified(event: &Value) -> Result<String, String> {
    classify(event.to_string().as_bytes()).map(|c| told(&c)).map_err(|error| error.to_string())
}

#[rstest]
#[case(
    "batch-ref-updated",
    "branch infra refs/heads/develop Now, branch infra refs/heads/master Now, settings infra Now"
)]
#[case("batch-ref-updated-meta-only", "ignored: ChangeMeta")]
#[case("cache-eviction", "ignored: OtherPlugin")]
#[case("change-abandoned", "change infra~2 Soon")]
#[case("change-deleted", "change infra~2 Soon")]
#[case("change-merged", "change infra~1 Now, branch infra refs/heads/master Now")]
#[case("change-merged-settings", "change infra~7 Now, settings infra Now")]
#[case("change-restored", "change infra~2 Now")]
#[case("comment-added-vote", "change infra~1 Now")]
#[case("comment-added-vote-only", "change infra~1 Now")]
#[case("commit-received", "ignored: BeforeTheFact")]
#[case("custom-keyed-values-changed", "change infra~1 Later")]
#[case("dropped-output", "everything Now")]
#[case("fetch-ref-replicated", "ignored: Replication")]
#[case("fetch-ref-replication-done", "ignored: Replication")]
#[case("fetch-ref-replication-scheduled", "ignored: Replication")]
#[case("hashtags-changed", "change infra~1 Later")]
#[case("patchset-created", "change infra~1 Now")]
#[case("patchset-created-second", "change infra~1 Now")]
#[case("patchset-created-wip", "change infra~2 Now")]
#[case("pending-check", "ignored: OtherPlugin")]
#[case("private-state-changed-off", "change infra~1 Now")]
#[case("private-state-changed-on", "change infra~1 Now")]
#[case("project-created", "settings platform/infra Soon")]
#[case("project-deleted", "settings platform/infra Soon")]
#[case("project-head-updated", "ignored: NoEffect")]
#[case("ref-received", "ignored: BeforeTheFact")]
#[case("ref-replicated", "ignored: Replication")]
#[case("ref-replication-done", "ignored: Replication")]
#[case("ref-replication-scheduled", "ignored: Replication")]
#[case("ref-updated-branch", "branch infra refs/heads/master Now")]
#[case("ref-updated-branch-by-server", "branch infra refs/heads/release/2026.1 Now")]
#[case("ref-updated-branch-deleted", "branch infra refs/heads/old Now")]
#[case("ref-updated-change-meta", "ignored: ChangeMeta")]
#[case("ref-updated-patch-set", "ignored: ChangeRef")]
#[case("ref-updated-record", "ignored: OtherRef")]
#[case("ref-updated-settings", "settings All-Projects Now")]
#[case("ref-updated-tag", "ignored: OtherRef")]
#[case("rerun-check", "ignored: OtherPlugin")]
#[case("reviewer-added", "change infra~1 Later")]
#[case("reviewer-deleted", "change infra~1 Soon")]
#[case("tidegate-gap", "everything Now")]
#[case("topic-changed", "change infra~1 Soon")]
#[case("topic-changed-removed", "change infra~1 Soon")]
#[case("unknown-type", "ignored: Unknown")]
#[case("vote-deleted", "change infra~1 Now")]
#[case("wip-state-changed-off", "change infra~1 Now")]
#[case("wip-state-changed-on", "change infra~1 Now")]
fn every_type_of_event_means_something_or_is_ignored(#[case] name: &str, #[case] expected: &str) {
    let event = std::fs::read(corpus().join(format!("{name}.json"))).unwrap();
    assert_eq!(told(&classify(&event).unwrap()), expected);
    let answer = verb(&event).unwrap();
    assert_eq!(serde_json::from_slice::<Classified>(&answer).unwrap(), classify(&event).unwrap());
}

#[test]
fn the_corpus_has_every_known_type_and_is_all_expected_above() {
    let mut kinds = BTreeSet::new();
    let mut files = 0;
    for file in std::fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "json") {
            let event: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            kinds.insert(event["type"].as_str().unwrap().to_owned());
            files += 1;
        }
    }
    assert_eq!(files, 48, "give a new file a line in the table above");
    let known = kinds.iter().filter(|kind| EventKind::named(kind).is_some()).count();
    // All but `RerunCheck` come before it.
    assert_eq!(known, EventKind::RerunCheck as usize + 1);
}

#[test]
fn answers_have_stable_json() {
    let event = std::fs::read(corpus().join("change-merged.json")).unwrap();
    let ignored = std::fs::read(corpus().join("unknown-type.json")).unwrap();
    let text = |event: &[u8]| String::from_utf8(verb(event).unwrap()).unwrap();
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}",
        text(&event),
        text(&ignored),
        text(br#"{"type":"dropped-output"}"#)
    ));
}

#[rstest]
#[case::number_from_the_patch_sets_ref(
    json!({"type": "comment-added", "project": "p", "patchSet": {"ref": "refs/changes/34/1234/5"}}),
    "change p~1234 Now"
)]
#[case::project_from_the_envelope(
    json!({"type": "comment-added", "project": "p", "change": {"number": 3}}),
    "change p~3 Now"
)]
#[case::null_is_absent(
    json!({"type": "comment-added", "project": "p", "change": {"number": 3, "project": null}}),
    "change p~3 Now"
)]
#[case::merged_without_a_ref(
    json!({"type": "change-merged", "change": {"project": "p", "number": 3, "branch": "main"}}),
    "change p~3 Now, branch p refs/heads/main Now"
)]
#[case::merged_without_a_branch(
    json!({"type": "change-merged", "change": {"project": "p", "number": 3}}),
    "change p~3 Now"
)]
#[case::merged_with_a_strange_branch(
    json!({"type": "change-merged", "change": {"project": "p", "number": 3, "branch": "a b"}}),
    "change p~3 Now"
)]
#[case::short_ref(
    json!({"type": "ref-updated", "refUpdate": {"project": "p", "refName": "main"}}),
    "branch p refs/heads/main Now"
)]
#[case::head(
    json!({"type": "ref-updated", "refUpdate": {"project": "p", "refName": "HEAD"}}),
    "ignored: OtherRef"
)]
#[case::batch_with_the_project_outside(
    json!({"type": "batch-ref-updated", "project": "p", "refUpdates": [{"refName": "refs/heads/a"}]}),
    "branch p refs/heads/a Now"
)]
#[case::batch_with_something_unreadable(
    json!({"type": "batch-ref-updated", "refUpdates": [{"refName": "refs/heads/a", "project": "p"}, 7, {"x": 1}]}),
    "branch p refs/heads/a Now, everything Now"
)]
#[case::empty_batch(json!({"type": "batch-ref-updated", "refUpdates": []}), "ignored: NoRefs")]
#[case::same_branch_twice(
    json!({"type": "batch-ref-updated", "project": "p", "refUpdates": [{"refName": "refs/heads/a"}, {"refName": "refs/heads/a"}]}),
    "branch p refs/heads/a Now"
)]
fn a_missing_field_is_made_up_for_by_another(#[case] event: Value, #[case] expected: &str) {
    assert_eq!(classified(&event).as_deref(), Ok(expected));
}

#[rstest]
#[case::no_type(json!({"change": {}}), "event untyped: `type` is absent; expected the name of the event's type")]
#[case::type_is_a_number(json!({"type": 1}), "event untyped: `type` is a number; expected a text")]
#[case::list(json!([1]), "event: found a list; expected an object")]
#[case::no_change(
    json!({"type": "comment-added", "project": "p"}),
    "event comment-added: `change.number` is absent; expected the change's number"
)]
#[case::no_project(
    json!({"type": "comment-added", "change": {"number": 1}}),
    "event comment-added: `change.project` is absent; expected the project's name"
)]
#[case::change_is_a_text(
    json!({"type": "comment-added", "change": "1"}),
    "event comment-added: `change` is a text; expected an object"
)]
#[case::number_is_a_text(
    json!({"type": "comment-added", "change": {"project": "p", "number": "1"}}),
    "event comment-added: `change.number` is a text; expected a whole number from 1"
)]
#[case::number_is_negative(
    json!({"type": "comment-added", "change": {"project": "p", "number": -1}}),
    "event comment-added: `change.number` is -1; expected a whole number from 1"
)]
#[case::number_is_zero(
    json!({"type": "comment-added", "change": {"project": "p", "number": 0}}),
    "event comment-added: `change.number` is 0; expected a whole number from 1"
)]
#[case::number_is_huge(
    json!({"type": "comment-added", "change": {"project": "p", "number": 4_294_967_296_u64}}),
    "event comment-added: `change.number` is 4294967296; expected a whole number from 1"
)]
#[case::bad_project(
    json!({"type": "comment-added", "change": {"project": "a\nb", "number": 1}}),
    "event comment-added: `change.project` is \"a\\nb\"; expected 1 to 512 bytes without control characters, not starting with '/'"
)]
#[case::no_ref(
    json!({"type": "ref-updated", "refUpdate": {"project": "p"}}),
    "event ref-updated: `refUpdate.refName` is absent; expected the ref's name"
)]
#[case::bad_ref(
    json!({"type": "ref-updated", "refUpdate": {"project": "p", "refName": "refs/heads/a b"}}),
    "event ref-updated: `refUpdate.refName` is \"refs/heads/a b\"; expected a full ref name such as refs/heads/main"
)]
#[case::no_list(
    json!({"type": "batch-ref-updated"}),
    "event batch-ref-updated: `refUpdates` is absent; expected a list of ref updates"
)]
#[case::list_is_an_object(
    json!({"type": "batch-ref-updated", "refUpdates": {}}),
    "event batch-ref-updated: `refUpdates` is an object; expected a list of ref updates"
)]
#[case::no_project_name(
    json!({"type": "project-created", "headName": "x"}),
    "event project-created: `projectName` is absent; expected the project's name"
)]
fn an_event_that_does_not_tell_its_subject_is_an_error(
    #[case] event: Value,
    #[case] expected: &str,
) {
    assert_eq!(classified(&event), Err(expected.to_owned()));
}

#[rstest]
#[case::empty(b"".to_vec(), "EOF while parsing a value")]
#[case::not_json(b"<html>".to_vec(), "expected value")]
#[case::cut_short(br#"{"type":"comment-added","change":{"proj"#.to_vec(), "EOF while parsing a string")]
#[case::not_utf_8(b"{\"type\":\"\xff\"}".to_vec(), "invalid unicode code point")]
#[case::two_lines(b"{\"type\":\"a\"}\n{\"type\":\"b\"}".to_vec(), "trailing characters")]
#[case::too_deep(
    format!("{{\"type\":\"a\",\"x\":{}{}}}", "[".repeat(limits::JSON_DEPTH), "]".repeat(limits::JSON_DEPTH)).into_bytes(),
    "recursion limit exceeded"
)]
#[case::very_deep(vec![b'['; limits::EVENT_BYTES], "recursion limit exceeded")]
#[case::too_large(vec![b' '; limits::EVENT_BYTES + 1], "more than the 4194304 that are read")]
fn bytes_that_are_no_event_are_an_error(#[case] event: Vec<u8>, #[case] expected: &str) {
    let error = verb(&event).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn an_unknown_types_name_is_shortened_and_made_plain() {
    let event = json!({"type": format!("a\u{1b}[31m\n<b>{}", "x".repeat(100))});
    let Ok(Classified::Ignored { kind, why }) = classify(event.to_string().as_bytes()) else {
        panic!("not ignored");
    };
    assert_eq!(kind, format!("a??31m??b?{}…", "x".repeat(54)));
    assert_eq!(why, Why::Unknown);
    assert_eq!(why.to_string(), "its type isn't known");
}

#[test]
fn a_batch_of_too_many_branches_means_everything() {
    let updates = |count: usize| {
        let updates =
            (0..count).map(|i| json!({"refName": format!("refs/heads/{i}"), "project": "p"}));
        json!({"type": "batch-ref-updated", "refUpdates": updates.collect::<Vec<_>>()}).to_string()
    };
    let Ok(Classified::Hints { hints }) = classify(updates(SUBJECTS).as_bytes()) else {
        panic!("no hints")
    };
    assert_eq!(hints.len(), SUBJECTS);
    assert_eq!(told(&classify(updates(SUBJECTS + 1).as_bytes()).unwrap()), "everything Now");
}

/// Any JSON, of the names that events use.
fn any_json() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "type",
        "project",
        "change",
        "number",
        "patchSet",
        "ref",
        "refName",
        "refUpdate",
        "refUpdates",
        "branch",
        "projectName",
        "comment-added",
        "change-merged",
        "ref-updated",
        "batch-ref-updated",
        "project-created",
        "refs/heads/main",
        "refs/meta/config",
        "refs/changes/01/1/2",
        "p",
    ];
    let name = prop::sample::select(NAMES).prop_map(str::to_owned);
    let leaf = prop_oneof![
        4 => name.clone().prop_map(Value::from),
        1 => ".{0,4}".prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::from(1)),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_classify_panic(event in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = verb(&event);
    }

    #[test]
    fn no_json_makes_classify_panic(kind in "[a-z-]{0,20}|comment-added|change-merged|ref-updated|batch-ref-updated", event in any_json()) {
        let mut event = event;
        if let Value::Object(fields) = &mut event {
            fields.insert("type".to_owned(), kind.into());
        }
        if let Ok(answer) = verb(event.to_string().as_bytes()) {
            prop_assert!(serde_json::from_slice::<Classified>(&answer).is_ok());
        }
    }

    #[test]
    fn fields_that_nobody_reads_do_not_matter(value in any_json(), name in "[a-z]{1,3}") {
        let event = std::fs::read(corpus().join("change-merged.json")).unwrap();
        let mut with: Value = serde_json::from_slice(&event).unwrap();
        with.as_object_mut().unwrap().insert(name, value);
        prop_assert_eq!(classified(&with), Ok(told(&classify(&event).unwrap())));
    }

    #[test]
    fn a_captured_event_cut_short_is_an_error(cut in any::<prop::sample::Index>()) {
        let event = std::fs::read(corpus().join("comment-added-vote.json")).unwrap();
        let event = event.trim_ascii_end();
        prop_assert!(classify(&event[..cut.index(event.len())]).is_err());
    }
}
