//! The verb over real previews, committed in `tests/corpus/steps`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::sample::{cases, folder, gate, json, preview, text};
use super::{Steps, StepsInput, verb};
use rstest::rstest;
use serde_json::Value;

/// Set to write the results of this core over the committed ones, to be looked at in the diff.
const UPDATE: &str = "TIDEGATE_UPDATE_CORPUS";

fn told(input: &StepsInput) -> Result<String, String> {
    let steps = verb(&serde_json::to_vec(input).unwrap())?;
    let value: Value = serde_json::from_slice(&steps).unwrap();
    Ok(serde_json::to_string_pretty(&value).unwrap() + "\n")
}

#[test]
fn every_look_gives_its_committed_steps_by_plan_and_by_gate() {
    let cases = cases();
    assert!(cases.len() > 30, "only {} cases", cases.len());
    for case in cases {
        let looks: Vec<_> = [preview(&case), gate(&case)].into_iter().flatten().collect();
        assert!(!looks.is_empty(), "{case} has no events");
        for input in looks {
            let (file, found) = match told(&input) {
                Ok(steps) => ("steps.json", steps),
                Err(reason) => ("refused.txt", reason + "\n"),
            };
            if std::env::var_os(UPDATE).is_some() {
                std::fs::write(folder(&case).join(file), &found).unwrap();
            }
            let by = if input.plan.is_some() { "its plan" } else { "the gate" };
            assert_eq!(text(&case, file).as_deref(), Some(&*found), "{case}, by {by}");
        }
    }
}

#[test]
fn committed_steps_can_be_read_and_have_the_digest_that_they_carry() {
    for case in cases() {
        let Some(steps) = json(&case, "steps.json") else { continue };
        let steps: Steps = serde_json::from_value(steps).expect(&case);
        assert_eq!(super::digest::digest(&steps.steps), steps.digest, "{case}");
    }
}

#[test]
fn no_committed_file_holds_a_secret() {
    for case in cases() {
        for file in ["events.jsonl", "gate.jsonl", "plan.json", "state.json", "resources.json"] {
            let text = text(&case, file).unwrap_or_default();
            assert!(!text.contains("plaintext"), "{case}/{file}");
        }
    }
}

/// The lines of `log` that don't hold `part`.
fn without(log: &str, part: &str) -> String {
    let kept: Vec<_> = log.lines().filter(|line| !line.contains(part)).collect();
    assert!(kept.len() < log.lines().count(), "nothing to leave out");
    kept.join("\n")
}

fn refused(input: &StepsInput) -> String {
    match super::steps(input) {
        Ok(steps) => panic!("told {} steps", steps.steps.len()),
        Err(e) => e.to_string(),
    }
}

#[test]
fn a_log_that_lacks_a_delete_is_refused() {
    let mut input = gate("delete").unwrap();
    input.events = without(&input.events, "\"op\":\"delete\"");
    assert!(refused(&input).contains("is the event log complete?"), "{}", refused(&input));
}

#[test]
fn a_log_that_lacks_a_create_is_refused() {
    let mut input = gate("create").unwrap();
    input.events = without(&input.events, "Thing::b\"");
    assert!(refused(&input).contains("is the event log complete?"), "{}", refused(&input));
}

#[test]
fn a_log_whose_stack_outputs_lag_behind_is_refused() {
    let mut input = gate("outputs").unwrap();
    input.events = without(&input.events, "\"a\":\"z\"");
    assert!(refused(&input).contains("what the gate was shown differ"), "{}", refused(&input));
}

#[test]
fn a_log_that_is_cut_inside_a_line_is_refused() {
    let mut input = gate("update").unwrap();
    input.events.truncate(input.events.len() / 2);
    assert!(refused(&input).contains("was the log cut off?"), "{}", refused(&input));
}

#[test]
fn the_plan_of_another_look_is_refused() {
    let mut input = preview("create").unwrap();
    input.plan = preview("markers").unwrap().plan;
    assert!(refused(&input).contains("differ in the operations"), "{}", refused(&input));
}

#[rstest]
#[case::another_value("12345678901234", "12345678901235")]
#[case::another_text("\"two\"", "\"too\"")]
fn a_plan_whose_values_are_others_is_refused(#[case] from: &str, #[case] to: &str) {
    let mut input = preview("update").unwrap();
    let plan = input.plan.unwrap().to_string();
    assert!(plan.contains(from));
    input.plan = Some(serde_json::from_str(&plan.replace(from, to)).unwrap());
    assert!(refused(&input).contains("the event log and the saved plan differ in"));
}

#[rstest]
#[case("an unknown field in a goal", "\"customTimeouts\":{}", "\"spell\":1")]
#[case("another type of value", "\"protect\":false", "\"protect\":\"no\"")]
fn a_plan_in_words_unknown_to_us_is_refused(
    #[case] what: &str,
    #[case] from: &str,
    #[case] to: &str,
) {
    let mut input = preview("update").unwrap();
    let plan = input.plan.unwrap().to_string();
    assert!(plan.contains(from), "{what}");
    input.plan = Some(serde_json::from_str(&plan.replacen(from, to, 1)).unwrap());
    assert!(refused(&input).contains("field"), "{what}: {}", refused(&input));
}

#[test]
fn the_state_of_another_moment_is_refused() {
    let mut input = preview("update").unwrap();
    let state = input.state.unwrap().to_string();
    input.state = Some(serde_json::from_str(&state.replace("\"one\"", "\"won\"")).unwrap());
    assert!(refused(&input).contains("the event log and the state differ in value"));
}

#[test]
fn a_secret_in_clear_is_refused_and_not_repeated() {
    let mut input = preview("update").unwrap();
    let plan = input.plan.unwrap().to_string().replace("\"hmac\":\"", "\"plaintext\":\"open");
    input.plan = Some(serde_json::from_str(&plan).unwrap());
    let reason = refused(&input);
    assert!(reason.contains("in clear") && !reason.contains("open"), "{reason}");
}

#[test]
fn the_log_of_an_update_is_refused() {
    let mut input = gate("retry-create-deploy").unwrap();
    input.events = text("retry-create-deploy", "update.jsonl").unwrap();
    assert!(refused(&input).contains("found one of an update"), "{}", refused(&input));
}

#[test]
fn a_preview_with_a_failed_step_is_refused() {
    let mut input = preview("update").unwrap();
    input.events = input.events.replacen("resOutputsEvent", "resOpFailedEvent", 1);
    assert!(refused(&input).contains("failed; nothing can be told"), "{}", refused(&input));
}

#[test]
fn the_log_of_another_stack_is_refused() {
    let mut input = preview("update").unwrap();
    input.stack.stack = "prod".into();
    assert!(refused(&input).contains("expected the stack prod"), "{}", refused(&input));
}

#[test]
fn two_logs_in_one_are_refused() {
    let mut input = preview("update").unwrap();
    input.events = format!("{0}{0}", input.events);
    assert!(refused(&input).contains("above the last one"), "{}", refused(&input));
}

#[test]
fn a_deploy_without_the_state_is_refused() {
    let mut input = gate("update").unwrap();
    input.state = None;
    assert!(refused(&input).contains("without the state"), "{}", refused(&input));
}

#[test]
fn without_the_state_a_preview_says_what_it_cannot_see() {
    let mut input = preview("update").unwrap();
    let with = super::steps(&input).unwrap();
    input.state = None;
    let without = super::steps(&input).unwrap();
    assert_eq!(with.opaque, 0);
    assert!(without.opaque > 0);
    assert_eq!(with.counts, without.counts);
}

#[test]
fn the_worst_comes_first() {
    let worst = |case| {
        let lines = super::sample::steps(case).worst();
        let line = |line: super::headline::Headline| format!("{} {}", line.op, line.name);
        lines.into_iter().map(line).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(worst("update"), "delete d, update a, update b, create n, outputs p-dev");
    assert_eq!(worst("replace-create-first"), "replace x, replace z, update y");
    assert_eq!(worst("delete"), "delete q, forget r");
    assert!(worst("options").starts_with("unprotect p1, create pq, options i"));
}

#[rstest]
#[case("replace-create-first", false)]
#[case("replace-delete-first", true)]
fn a_replacement_says_whether_the_old_one_goes_first(#[case] case: &str, #[case] first: bool) {
    let steps = super::sample::steps(case).steps;
    let halves: Vec<_> = steps.iter().filter(|step| !step.replace_keys.is_empty()).collect();
    assert!(halves.iter().all(|step| step.deletes_first == first), "{halves:?}");
    let deletes =
        steps.iter().filter(|s| s.operation == super::operation::Operation::DeleteReplaced);
    assert!(deletes.into_iter().all(|step| step.deletes_first == first));
}
