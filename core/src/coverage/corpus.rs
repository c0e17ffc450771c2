//! The rule over real retries, predecessors and strangers, committed in `tests/corpus/steps`.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::ran::{RanInput, ran};
use super::{Code, Context, Coverage, Ran, covers};
use crate::steps::sample::{folder, gate, json, look, steps, text};
use crate::steps::urn::Urn;
use rstest::rstest;

/// What the update that followed the look `case` did.
fn run(case: &str, own: bool) -> Vec<Ran> {
    let input = RanInput {
        schema: 1,
        stack: look(case).0,
        steps: steps(case),
        events: text(case, "update.jsonl").unwrap(),
        state: json(case, "after.json").unwrap(),
        own,
    };
    ran(&input).unwrap()
}

/// The half replaced resources of the state before the look `case`.
fn pending(case: &str) -> Vec<Urn> {
    let state = gate(case).unwrap().state.unwrap();
    let rows = state["deployment"]["resources"].as_array().unwrap();
    let half = rows.iter().filter(|row| row["pendingReplacement"] == true);
    half.map(|row| row["urn"].as_str().unwrap().parse().unwrap()).collect()
}

fn context(ran: Vec<Ran>, fresh: &str) -> Context {
    let pending_replacement = pending(fresh).into_iter().collect();
    Context { ran, pending_replacement, ..Context::default() }
}

/// The codes of a coverage, each with the name of its resource and its property.
fn codes(coverage: Coverage) -> Vec<String> {
    let Coverage::Uncovered { differences, .. } = coverage else { return Vec::new() };
    let line = |d: super::Difference| {
        let code = serde_json::to_value(d.code).unwrap();
        let property = d.property.map(|p| format!(".{p}")).unwrap_or_default();
        format!("{} {}{property}", code.as_str().unwrap(), d.urn.name())
    };
    differences.into_iter().map(line).collect()
}

#[rstest]
#[case("retry-create")]
#[case("retry-create-first")]
#[case("retry-delete-first")]
#[case("retry-delete-first-main")]
#[case("unknown-came-out-equal")]
#[case("below")]
fn the_steps_at_the_gate_are_those_of_the_preview(#[case] case: &str) {
    let deploy = steps(&format!("{case}-deploy"));
    let coverage = covers(&steps(case), &deploy, &Context::default());
    assert_eq!(coverage, Coverage::Covered { equal: true });
}

#[rstest]
#[case::a_chain_whose_second_create_failed("retry-create", &[
    "step-missing default", "step-missing p-dev", "step-missing a"])]
#[case::a_dependent_failed_after_a_create("retry-create-first", &[
    "step-missing k", "step-missing x"])]
#[case::a_dependent_failed_after_a_delete("retry-delete-first", &[
    "step-missing x", "step-missing x", "step-missing z"])]
#[case::both_deleted_and_the_create_failed("retry-delete-first-main", &["step-missing x"])]
#[case::a_replacement_came_out_as_none("unknown-came-out-equal", &[
    "step-missing w", "step-missing x"])]
fn a_retry_is_covered_by_what_the_failed_run_did(#[case] case: &str, #[case] without: &[&str]) {
    let (approved, retry) = (steps(case), format!("{case}-retry"));
    let ran = run(&format!("{case}-deploy"), true);
    let coverage = covers(&approved, &steps(&retry), &context(ran, &retry));
    assert_eq!(coverage, Coverage::Covered { equal: false });
    let unrecorded = covers(&approved, &steps(&retry), &context(Vec::new(), &retry));
    assert_eq!(codes(unrecorded), without);
}

#[rstest]
#[case("retry-create")]
#[case("retry-create-first")]
#[case("retry-delete-first")]
#[case("retry-delete-first-main")]
fn after_a_retry_nothing_is_left_to_do(#[case] case: &str) {
    let mut ran = run(&format!("{case}-deploy"), true);
    ran.extend(run(&format!("{case}-retry"), true));
    let nothing = crate::steps::Steps::of(Vec::new(), Vec::new(), 0);
    let coverage = covers(&steps(case), &nothing, &Context { ran, ..Context::default() });
    assert_eq!(coverage, Coverage::Covered { equal: false });
}

#[test]
fn a_delete_comes_again_only_while_the_engine_lists_the_old_row() {
    let (approved, fresh) =
        (steps("retry-delete-first-main"), steps("retry-delete-first-main-retry"));
    let ran = run("retry-delete-first-main-deploy", true);
    let coverage = covers(&approved, &fresh, &Context { ran, ..Context::default() });
    assert_eq!(codes(coverage), ["step-repeated z"]);
}

#[test]
fn what_was_carried_out_is_not_carried_out_again() {
    let approved = steps("retry-create");
    let ran = run("retry-create-deploy", true);
    let coverage = covers(&approved, &approved, &Context { ran, ..Context::default() });
    assert_eq!(
        codes(coverage),
        ["step-repeated default", "step-repeated p-dev", "step-repeated a"]
    );
}

#[test]
fn a_change_below_that_was_deployed_meanwhile_needs_no_second_approval() {
    let (approved, fresh) = (steps("above"), steps("above-deploy"));
    let ran = run("below-deploy", false);
    let coverage = covers(&approved, &fresh, &context(ran, "above-deploy"));
    assert_eq!(coverage, Coverage::Covered { equal: false });
    let unrecorded = covers(&approved, &fresh, &Context::default());
    let expected = ["step-missing a", "step-missing r", "old-value-moved k.value"];
    assert_eq!(codes(unrecorded), expected);
}

#[test]
fn inputs_that_a_run_of_ours_rewrote_without_a_step_need_no_second_approval() {
    let (approved, fresh) = (steps("rewritten"), steps("rewritten-deploy"));
    let context = Context { ran: run("rewritten-below", false), ..Context::default() };
    assert_eq!(covers(&approved, &fresh, &context), Coverage::Covered { equal: false });
    let unrecorded = covers(&approved, &fresh, &Context::default());
    assert_eq!(codes(unrecorded), ["old-value-moved x.value"]);
}

#[test]
fn a_value_that_a_stranger_changed_needs_a_second_approval() {
    let coverage = covers(&steps("stranger"), &steps("stranger-moved"), &Context::default());
    let Coverage::Uncovered { differences, omitted: 0 } = &coverage else { panic!("{coverage:?}") };
    let moved = serde_json::to_value(differences).unwrap();
    assert_eq!(moved[0]["approved"], serde_json::json!({"number": "2"}));
    assert_eq!(moved[0]["found"], serde_json::json!({"number": "9"}));
    assert_eq!(codes(coverage), ["old-value-moved k.value"]);
}

#[test]
fn an_upstream_output_takes_the_place_of_its_marker() {
    let (approved, fresh) = (steps("markers"), steps("markers-deploy"));
    let outputs = serde_json::from_value(json("markers-deploy", "upstream.json").unwrap()).unwrap();
    let mut context = Context { outputs, ..Context::default() };
    let covered = Coverage::Covered { equal: false };
    assert_eq!(covers(&approved, &fresh, &context), covered);
    let network = context.outputs.values_mut().next().unwrap();
    network.insert("tag".into(), crate::steps::val::Val::Text("three".into()));
    let changed = ["value-changed app-dev.url", "value-changed web.value"];
    assert_eq!(codes(covers(&approved, &fresh, &context)), changed);
    let unresolved = [
        "marker-unresolved app-dev.url",
        "marker-unresolved other.value",
        "marker-unresolved web.value",
    ];
    assert_eq!(codes(covers(&approved, &fresh, &Context::default())), unresolved);
}

#[rstest]
#[case::extra("delete", &["extra-delete q", "extra-delete r"])]
#[case::step("outputs", &["extra-step p-dev"])]
fn a_step_that_nobody_approved_is_named(#[case] case: &str, #[case] expected: &[&str]) {
    let nothing = crate::steps::Steps::of(Vec::new(), Vec::new(), 0);
    assert_eq!(codes(covers(&nothing, &steps(case), &Context::default())), expected);
}

#[test]
fn an_unknown_that_turned_into_a_replacement_is_named() {
    let approved = steps("pending-replacement");
    let replaced = steps("replace-create-first");
    let y = |steps: &crate::steps::Steps, from: &str| {
        let only = steps.steps.iter().filter(|step| step.urn.name() == from).cloned();
        crate::steps::Steps::of(only.collect(), Vec::new(), 0)
    };
    let (approved, mut fresh) = (y(&approved, "y"), y(&replaced, "z"));
    for step in &mut fresh.steps {
        step.urn = approved.steps[0].urn.clone();
    }
    let codes = codes(covers(&approved, &fresh, &Context::default()));
    assert!(codes.contains(&"unknown-became-replace y".to_owned()), "{codes:?}");
}

#[test]
fn every_recorded_run_is_as_committed() {
    for case in crate::steps::sample::cases() {
        if text(&case, "update.jsonl").is_none() {
            continue;
        }
        let ran = serde_json::to_value(run(&case, true)).unwrap();
        let found = serde_json::to_string_pretty(&ran).unwrap() + "\n";
        if std::env::var_os("TIDEGATE_UPDATE_CORPUS").is_some() {
            std::fs::write(folder(&case).join("ran.json"), &found).unwrap();
        }
        assert_eq!(text(&case, "ran.json").as_deref(), Some(&*found), "{case}");
    }
}

#[test]
fn only_the_first_differences_are_listed() {
    let one = steps("outputs").steps.remove(0);
    let many = (0..super::DIFFERENCES + 3).map(|i| {
        let mut step = one.clone();
        step.urn = format!("urn:pulumi:dev::p::pulumi:pulumi:Stack::s{i}").parse().unwrap();
        step
    });
    let fresh = crate::steps::Steps::of(many.collect(), Vec::new(), 0);
    let nothing = crate::steps::Steps::of(Vec::new(), Vec::new(), 0);
    let coverage = covers(&nothing, &fresh, &Context::default());
    let Coverage::Uncovered { differences, omitted } = coverage else { panic!("covered") };
    assert_eq!((differences.len(), omitted), (super::DIFFERENCES, 3));
}

#[test]
fn codes_are_written_as_they_are_documented() {
    assert_eq!(serde_json::to_value(Code::UnknownBecameReplace).unwrap(), "unknown-became-replace");
}
