//! Each limit is hit once.
#![allow(clippy::unwrap_used)]

use super::marker::Marker;
use super::{StackName, StepsInput, limits, steps, verb};
use rstest::rstest;
use serde_json::{Value, json};

fn empty() -> StepsInput {
    StepsInput {
        schema: 1,
        stack: StackName { project: "p".into(), stack: "dev".into() },
        events: String::new(),
        plan: None,
        state: Some(json!({})),
        resources: Some(Vec::new()),
        markers: Vec::new(),
    }
}

fn refused(input: &StepsInput) -> String {
    steps(input).unwrap_err().to_string()
}

fn urn(i: usize) -> String {
    format!("urn:pulumi:dev::p::t:t:T::n{i}")
}

/// A log of `count` creates, each with `inputs`.
fn creates(count: usize, inputs: &Value) -> String {
    let line = |i| {
        let urn = urn(i);
        let new = json!({"urn": urn, "type": "t:t:T", "custom": true, "inputs": inputs});
        let meta = json!({"op": "create", "urn": urn, "type": "t:t:T", "old": null, "new": new});
        let body = json!({"metadata": meta, "planning": true});
        json!({"sequence": i, "resourcePreEvent": body}).to_string() + "\n"
    };
    (0..count).map(line).collect()
}

#[test]
fn nothing_to_do_is_an_answer() {
    let steps = steps(&empty()).unwrap();
    assert!(steps.steps.is_empty() && steps.reads.is_empty());
}

#[test]
fn an_input_of_too_many_bytes_is_refused() {
    let bytes = vec![b' '; crate::limits::INPUT_BYTES + 1];
    assert!(verb(&bytes).unwrap_err().contains("more than 33554432"));
}

#[test]
fn another_schema_is_refused() {
    let input = StepsInput { schema: 2, ..empty() };
    assert!(refused(&input).contains("schema 2, expected 1"));
}

#[test]
fn an_unknown_field_of_the_input_is_refused_without_its_value() {
    let mut input = serde_json::to_value(empty()).unwrap();
    input["spell"] = json!("hush");
    let error = verb(input.to_string().as_bytes()).unwrap_err();
    assert!(error.contains("not the JSON of a StepsInput") && !error.contains("hush"), "{error}");
}

#[test]
fn too_many_steps_are_refused() {
    let mut input = empty();
    input.events = creates(limits::STEPS, &json!({}));
    assert_eq!(steps(&input).unwrap().steps.len(), limits::STEPS);
    input.events = creates(limits::STEPS + 1, &json!({}));
    assert!(refused(&input).contains("steps: more than 20000"), "{}", refused(&input));
}

#[test]
fn too_many_lines_are_refused() {
    let line = |i| format!("{{\"sequence\":{i},\"cancelEvent\":{{}}}}\n");
    let input = StepsInput { events: (0..=limits::EVENT_LINES).map(line).collect(), ..empty() };
    assert!(refused(&input).contains("lines of the event log: more than"));
}

#[test]
fn too_many_resources_are_refused() {
    let all = limits::RESOURCES + 1;
    let rows: Vec<_> = (0..all).map(|i| json!({"urn": urn(i)})).collect();
    let state = StepsInput { state: Some(json!({"resources": rows})), ..empty() };
    assert!(refused(&state).contains("resources of the state: more than 40000"));
    let plans: serde_json::Map<_, _> = (0..all).map(|i| (urn(i), json!({}))).collect();
    let plan = Some(json!({"resourcePlans": plans}));
    let plan = StepsInput { plan, resources: None, ..empty() };
    assert!(refused(&plan).contains("resources of the saved plan: more than 40000"));
    let events = StepsInput { events: creates(all, &json!({})), ..empty() };
    assert!(refused(&events).contains("resource events: more than 40000"));
    let shown = serde_json::from_value(json!(rows)).unwrap();
    let gate = StepsInput { resources: Some(shown), ..empty() };
    assert!(refused(&gate).contains("the gate was shown: more than 40000"));
}

fn marker(i: usize) -> Marker {
    Marker { nonce: "n1".into(), stack: "net".parse().unwrap(), output: format!("o{i}") }
}

#[test]
fn too_many_markers_are_refused() {
    let markers: Vec<_> = (0..=limits::MARKERS).map(marker).collect();
    assert!(refused(&StepsInput { markers, ..empty() }).contains("markers: more than 1000"));
}

#[test]
fn too_many_places_with_markers_are_refused() {
    let markers = vec![marker(1)];
    let inputs = json!({"a": markers[0].text().repeat(limits::MARKER_PLACES + 1)});
    let input = StepsInput { events: creates(1, &inputs), markers, ..empty() };
    assert!(refused(&input).contains("markers in values: more than 20000"));
}

#[rstest]
#[case::urns(urn(0) + &"x".repeat(limits::URN_BYTES), "expected a resource's metadata")]
fn too_long_names_are_refused(#[case] urn: String, #[case] reason: &str) {
    let log = creates(1, &json!({})).replace(&self::urn(0), &urn);
    assert!(refused(&StepsInput { events: log, ..empty() }).contains(reason));
}

#[test]
fn the_deepest_value_can_be_read_back_from_where_it_is_written() {
    // Each level has to be escaped, which is the most that a level can take.
    let deep = (0..limits::VALUE_DEPTH).fold(json!("x"), |inner, _| json!({ "object": inner }));
    let input = StepsInput { events: creates(1, &json!({"a": deep})), ..empty() };
    let told = steps(&input).unwrap();
    let coverage = json!({"schema": 1, "approved": told, "fresh": told});
    assert!(crate::coverage::verb(coverage.to_string().as_bytes()).is_ok());
    let deeper = json!({ "object": deep });
    let input = StepsInput { events: creates(1, &json!({"a": deeper})), ..empty() };
    assert!(refused(&input).contains("nested too deep"), "{}", refused(&input));
}
