//! Each code once, from one small step and what is changed in it.
#![allow(clippy::unwrap_used)]

use super::{Context, Coverage, covers};
use crate::steps::Steps;
use crate::steps::step::Step;
use rstest::rstest;
use serde_json::{Value, json};

const URN: &str = "urn:pulumi:dev::p::t:t:T::a";

/// An update of `p` from 2 to 5, with `parts` in the place of its own.
fn update(parts: Value) -> Value {
    let mut step = json!({
        "urn": URN, "operation": "update", "type": "t:t:T", "custom": true,
        "provider": {"urn": "urn:pulumi:dev::p::pulumi:providers:t::default", "version": "1"},
        "old": {"id": "1", "inputs": {"p": "2", "q": "1"}},
        "changes": {"p": {"old": "2", "new": "5"}}
    });
    let parts = parts.as_object().unwrap().clone();
    step.as_object_mut().unwrap().extend(parts);
    step
}

/// A recorded operation on the resource, which left `values`.
fn ran(own: bool, operation: &str, values: Value, options: Value) -> Value {
    json!({"ran": [{"own": own, "urn": URN, "operation": operation, "id": "1", "values": values,
        "options": options}]})
}

fn steps(listed: &[Value]) -> Steps {
    let one = |step: &Value| serde_json::from_value::<Step>(step.clone()).unwrap();
    Steps::of(listed.iter().map(one).collect(), Vec::new(), 0)
}

fn judge(approved: &[Value], fresh: &[Value], context: Value) -> Vec<String> {
    let context: Context = serde_json::from_value(context).unwrap();
    let coverage = covers(&steps(approved), &steps(fresh), &context);
    let Coverage::Uncovered { differences, .. } = coverage else { return Vec::new() };
    let line = |d: super::Difference| {
        let code = serde_json::to_value(d.code).unwrap();
        format!("{} {}", code.as_str().unwrap(), d.property.unwrap_or_default())
    };
    differences.into_iter().map(|d| line(d).trim_end().to_owned()).collect()
}

#[rstest]
#[case::provider(
    json!({}),
    json!({"provider": {"urn": "urn:pulumi:dev::p::pulumi:providers:t::other", "version": "1"}}),
    "provider-changed"
)]
#[case::version(
    json!({}),
    json!({"provider": {"urn": "urn:pulumi:dev::p::pulumi:providers:t::default", "version": "2"}}),
    "provider-changed"
)]
#[case::unprotects(
    json!({}), json!({"options": {"protect": {"old": true}}}), "option-changed protect"
)]
#[case::keeps_protection(
    json!({"options": {"protect": {"old": true}}}), json!({}), "option-changed protect"
)]
#[case::was_protected(
    json!({"options": {"retainOnDelete": {"new": true}}}),
    json!({"options": {"retainOnDelete": {"old": true, "new": true}}}),
    "old-option-moved retainOnDelete"
)]
#[case::replace_key(json!({}), json!({"replace_keys": ["p"]}), "replace-key-added p")]
#[case::one_more(
    json!({}),
    json!({"changes": {"p": {"old": "2", "new": "5"}, "q": {"old": "1", "new": "9"}}}),
    "change-added q"
)]
#[case::one_less(
    json!({"changes": {"p": {"old": "2", "new": "5"}, "q": {"old": "1", "new": "9"}}}),
    json!({}),
    "change-missing q"
)]
#[case::another_value(
    json!({}), json!({"changes": {"p": {"old": "2", "new": "6"}}}), "value-changed p"
)]
#[case::no_value(json!({}), json!({"changes": {"p": {"old": "2"}}}), "value-changed p")]
#[case::known_no_more(
    json!({}), json!({"changes": {"p": {"old": "2", "new": {"unknown": []}}}}), "became-unknown p"
)]
#[case::another_resource(
    json!({}), json!({"old": {"id": "7", "inputs": {"p": "2", "q": "1"}}}), "old-id-moved id"
)]
#[case::another_value_beside(
    json!({}), json!({"old": {"id": "1", "inputs": {"p": "2", "q": "8"}}}), "old-value-moved q"
)]
#[case::drift(
    json!({"changes": {"p": {"old": "2", "new": "5"}, "d": {"old": "x", "drift": true}}}),
    json!({"changes": {"p": {"old": "2", "new": "5"}, "d": {"old": "y", "drift": true}}}),
    "old-value-moved d"
)]
fn a_step_that_differs_is_not_covered(
    #[case] approved: Value,
    #[case] fresh: Value,
    #[case] code: &str,
) {
    assert_eq!(judge(&[update(approved)], &[update(fresh)], json!({})), [code]);
}

#[rstest]
#[case::fewer_replace_keys(json!({"replace_keys": ["p", "q"]}), json!({"replace_keys": ["p"]}))]
#[case::an_unknown_came_out_as_it_was(
    json!({"changes": {"p": {"old": "2", "new": "5"}, "q": {"old": "1", "new": {"unknown": []}}}}),
    json!({})
)]
#[case::order_of_a_replacement(json!({"deletes_first": true}), json!({"deletes_first": false}))]
fn a_step_that_does_less_is_covered(#[case] approved: Value, #[case] fresh: Value) {
    let none: [&str; 0] = [];
    assert_eq!(judge(&[update(approved)], &[update(fresh)], json!({})), none);
}

#[rstest]
#[case::by_another_run(false, "update", json!({"p": "5", "q": "1"}), &[])]
#[case::by_a_run_under_this_approval(true, "update", json!({"p": "5", "q": "1"}), &[])]
#[case::with_another_value(false, "update", json!({"p": "4", "q": "1"}), &["step-missing"])]
#[case::deleted_instead(false, "delete", json!({}), &["step-missing"])]
fn a_missing_update_needs_a_run_that_made_it(
    #[case] own: bool,
    #[case] operation: &str,
    #[case] values: Value,
    #[case] expected: &[&str],
) {
    let context = ran(own, operation, values, json!({}));
    assert_eq!(judge(&[update(json!({}))], &[], context), expected);
}

#[test]
fn a_missing_update_of_a_value_that_was_to_be_known_later_may_have_come_out_as_none() {
    let open = update(json!({"changes": {"p": {"old": "2", "new": {"unknown": []}}}}));
    assert!(judge(&[open], &[], json!({})).is_empty());
    let half = json!({"old": {"a": "1", "b": "2"}, "new": {"a": {"unknown": []}, "b": "3"}});
    let half = update(json!({"changes": {"p": half}}));
    assert_eq!(judge(&[half], &[], json!({})), ["step-missing"]);
}

#[rstest]
#[case::set_by_a_run(json!({"protect": true}), &[])]
#[case::set_by_nobody(json!({}), &["step-missing"])]
fn missing_options_need_a_run_that_set_them(#[case] options: Value, #[case] expected: &[&str]) {
    let step =
        json!({"operation": "options", "options": {"protect": {"new": true}}, "changes": {}});
    let context = ran(false, "update", json!({"p": "2", "q": "1"}), options);
    assert_eq!(judge(&[update(step)], &[], context), expected);
}

#[test]
fn what_a_run_set_and_a_stranger_set_back_is_found() {
    let context = ran(false, "update", json!({"p": "3", "q": "1"}), json!({}));
    let found = judge(&[update(json!({}))], &[update(json!({}))], context);
    assert_eq!(found, ["old-value-moved p"]);
}

#[test]
fn what_a_run_created_is_not_created_again() {
    let step = json!({"operation": "create", "old": null, "changes": {"p": {"new": "5"}}});
    let context = ran(false, "create", json!({"p": "5"}), json!({}));
    let create = [update(step)];
    assert_eq!(judge(&create, &create, context), ["step-repeated"]);
}

#[test]
fn outputs_may_be_set_in_two_goes() {
    let stack = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev";
    let outputs = |changes: Value| {
        json!({"urn": stack, "operation": "outputs", "type": "pulumi:pulumi:Stack", "custom": false,
            "changes": changes})
    };
    let approved = [outputs(json!({"a": {"new": "x"}, "b": {"new": {"unknown": []}}}))];
    let fresh = [outputs(json!({"b": {"new": "y"}}))];
    let context = json!({"ran": [{"own": true, "urn": stack, "operation": "outputs",
        "values": {"a": "x"}}]});
    assert!(judge(&approved, &fresh, context).is_empty());
    assert_eq!(judge(&approved, &fresh, json!({})), ["change-missing a"]);
}

#[rstest]
#[case::seen(json!({"same_inputs": true, "same_state": true}), &[])]
#[case::another_state(json!({"same_inputs": true}), &["old-value-moved q"])]
#[case::other_inputs(json!({}), &["opaque-value p", "old-value-moved q"])]
fn what_can_not_be_seen_depends_on_the_circumstances(
    #[case] context: Value,
    #[case] expected: &[&str],
) {
    let step = [update(json!({
        "old": {"id": "1", "inputs": {"q": {"opaque": "secret"}}},
        "changes": {"p": {"new": {"opaque": "masked"}}}
    }))];
    assert_eq!(judge(&step, &step, context), expected);
}

#[test]
fn of_several_old_rows_each_is_its_own_step() {
    let row = |id: &str| {
        let old = json!({"id": id, "inputs": {"p": "2"}});
        update(json!({"operation": "delete-replaced", "changes": {}, "old": old}))
    };
    assert!(judge(&[row("1"), row("2")], &[row("1"), row("2")], json!({})).is_empty());
    let found = judge(&[row("1"), row("2")], &[row("2"), row("3")], json!({}));
    assert_eq!(found, ["old-id-moved id"]);
    let found = judge(&[row("1")], &[row("1"), row("2")], json!({}));
    assert_eq!(found, ["extra-delete"]);
}
