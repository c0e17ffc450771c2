//! Lists a plan's operations anew, for a retry, and for a revision that was planned before another
//! one was deployed.
//!
//! The engine demands of a plan that each operation it lists is seen, so a plan that was carried out
//! in part, or of which somebody else did a part, is violated. Its goals, seeds and values stay those
//! that were approved; only the lists become those of a free preview of now. What an earlier run's
//! log says was done is no guide to it: a replacement that deletes first repeats steps of its own.

use serde_json::Value;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// A plan with its operations listed anew.
#[derive(Clone)]
pub struct Derived {
    /// The plan, **with secrets in clear** as the approved one.
    pub plan: Zeroizing<Vec<u8>>,
    /// What was changed, by URN. None if the approved plan fits as it is.
    pub edits: Vec<Edit>,
}

/// The operations on one resource, in the engine's words and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The resource.
    pub urn: String,
    /// As approved.
    pub approved: Vec<String>,
    /// As they are now; none if the resource is gone, and the plan no longer names it. Whether that
    /// is covered is for the gate to say.
    pub now: Vec<String>,
}

/// Why no plan can be derived.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeriveError {
    /// One of the two is no plan.
    #[error("cannot list a plan's operations anew: {which} is no plan ({what})")]
    NotAPlan {
        /// Which of the two.
        which: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// Something would be done that was not approved.
    #[error(
        "cannot list a plan's operations anew: {operation} of {urn} is not among what was approved \
         for it ({}): approve a new plan", .approved.join(", ")
    )]
    NotApproved {
        /// The resource.
        urn: String,
        /// What would be done.
        operation: String,
        /// What may be done.
        approved: Vec<String>,
    },
}

/// An operation that does nothing, and so needs no approval.
const SAME: &str = "same";

/// The two plans, in messages.
const APPROVED: &str = "the approved one";
const NOW: &str = "that of now";

/// The members of a plan.
const RESOURCES: &str = "resourcePlans";
const OPERATIONS: &str = "steps";

/// The plan `approved` ([`crate::Previewed::plan_file`]) with the operations of `fresh`, the plan of
/// a free preview of now ([`crate::Previewed::plan`]).
///
/// # Errors
/// If `fresh` has an operation other than `same` that `approved` lacks for that resource, or more
/// often than it has it; or one of them is no plan.
pub fn derive_operations(approved: &[u8], fresh: &Value) -> Result<Derived, DeriveError> {
    let mut plan: Value = serde_json::from_slice(approved).map_err(|error| {
        let what = format!("no JSON at line {}, column {}", error.line(), error.column());
        DeriveError::NotAPlan { which: APPROVED, what }
    })?;
    let fresh = fresh.get(RESOURCES).and_then(Value::as_object);
    let fresh = fresh.ok_or_else(|| without_resources(NOW))?;
    let planned = plan.get_mut(RESOURCES).and_then(Value::as_object_mut);
    let planned = planned.ok_or_else(|| without_resources(APPROVED))?;
    let mut edits = Vec::new();
    let urns: BTreeSet<String> = planned.keys().chain(fresh.keys()).cloned().collect();
    for urn in urns {
        let now = operations(fresh.get(&urn), NOW, &urn)?;
        let Some(resource) = planned.get_mut(&urn) else {
            // A resource without an entry may only stay as it is.
            check(&urn, &now, &[])?;
            continue;
        };
        let approved = operations(Some(&*resource), APPROVED, &urn)?;
        check(&urn, &now, &approved)?;
        if now == approved {
            continue;
        }
        if now.is_empty() {
            planned.remove(&urn);
        } else if let Value::Object(resource) = resource {
            resource.insert(OPERATIONS.to_owned(), Value::from(now.clone()));
        }
        edits.push(Edit { urn, approved, now });
    }
    Ok(Derived { plan: Zeroizing::new(plan.to_string().into_bytes()), edits })
}

/// Each operation is approved, as often as it comes.
fn check(urn: &str, now: &[String], approved: &[String]) -> Result<(), DeriveError> {
    let mut left = approved.to_vec();
    for operation in now.iter().filter(|operation| *operation != SAME) {
        match left.iter().position(|approved| approved == operation) {
            Some(at) => drop(left.swap_remove(at)),
            None => {
                return Err(DeriveError::NotApproved {
                    urn: urn.to_owned(),
                    operation: operation.clone(),
                    approved: approved.to_vec(),
                });
            }
        }
    }
    Ok(())
}

fn without_resources(which: &'static str) -> DeriveError {
    DeriveError::NotAPlan { which, what: format!("it has no {RESOURCES:?}") }
}

/// The operations of a resource; none where the plan doesn't name it.
fn operations(
    resource: Option<&Value>,
    which: &'static str,
    urn: &str,
) -> Result<Vec<String>, DeriveError> {
    let Some(resource) = resource else { return Ok(Vec::new()) };
    let bad = || DeriveError::NotAPlan { which, what: format!("the operations of {urn}") };
    match resource.as_object().ok_or_else(bad)?.get(OPERATIONS) {
        // The engine leaves the list out where it is empty.
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            let text = |operation: &Value| operation.as_str().map(str::to_owned).ok_or_else(bad);
            list.iter().map(text).collect()
        }
        Some(_) => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn plan(resources: &[(&str, &[&str])]) -> Value {
        let one = |(urn, operations): &(&str, &[&str])| {
            // The engine's spelling of a number has to stay.
            let goal: Value =
                serde_json::from_str(r#"{"inputDiff": {"adds": {"n": 1.50}}}"#).unwrap();
            ((*urn).to_owned(), json!({"goal": goal, "steps": operations, "seed": "s"}))
        };
        json!({"manifest": {}, "resourcePlans": resources.iter().map(one).collect::<serde_json::Map<_, _>>()})
    }

    fn derive(
        approved: &[(&str, &[&str])],
        now: &[(&str, &[&str])],
    ) -> Result<Derived, DeriveError> {
        derive_operations(plan(approved).to_string().as_bytes(), &plan(now))
    }

    fn listed(derived: &Derived, urn: &str) -> Option<Vec<String>> {
        let plan: Value = serde_json::from_slice(&derived.plan).unwrap();
        let resource = plan["resourcePlans"].get(urn)?;
        assert_eq!(resource["seed"], "s");
        assert_eq!(resource["goal"]["inputDiff"]["adds"].to_string(), r#"{"n":1.50}"#);
        Some(operations(Some(resource), APPROVED, urn).unwrap())
    }

    const REPLACE: &[&str] = &["create-replacement", "replace", "delete-replaced"];
    const DELETE_FIRST: &[&str] = &["delete-replaced", "replace", "create-replacement"];

    /// What was seen with the real CLI after a failure at each step, and which lists then worked.
    #[rstest]
    #[case::create_failed(&["create"], &["create"])]
    #[case::created(&["create"], &["same"])]
    #[case::updated(&["update"], &["same"])]
    #[case::deleted(&["delete"], &[])]
    #[case::replaced(REPLACE, &["same"])]
    #[case::replaced_but_the_old_one_is_left(REPLACE, &["same", "delete-replaced"])]
    #[case::deleted_first(DELETE_FIRST, &["replace", "create-replacement"])]
    #[case::dependent_in_another_order(DELETE_FIRST, REPLACE)]
    #[case::same_that_somebody_removed(&["same"], &[])]
    #[case::create_that_somebody_did(&["create"], &["same"])]
    fn operations_become_those_of_now(#[case] approved: &[&str], #[case] now: &[&str]) {
        let all: &[(&str, &[&str])] = &[("a", now), ("z", &["same"])];
        let fresh = if now.is_empty() { &all[1..] } else { all };
        let derived = derive(&[("a", approved), ("z", &["same"])], fresh).unwrap();
        let expected = (!now.is_empty()).then(|| now.iter().map(|s| (*s).to_owned()).collect());
        assert_eq!(listed(&derived, "a"), expected);
        assert_eq!(listed(&derived, "z"), Some(vec!["same".to_owned()]));
        assert_eq!(derived.edits.len(), usize::from(approved != now));
    }

    #[rstest]
    #[case::of_a_resource_without_an_entry("b", &["create"])]
    #[case::of_another_kind("a", &["update"])]
    #[case::twice("a", &["delete", "delete"])]
    #[case::beside_approved_ones("a", &["delete", "create"])]
    #[case::of_a_same("z", &["update"])]
    #[case::unknown("a", &["vanish"])]
    fn an_operation_that_was_not_approved_is_refused(#[case] urn: &str, #[case] now: &[&str]) {
        let error = derive(&[("a", &["delete"]), ("z", &["same"])], &[(urn, now)]);
        let Err(DeriveError::NotApproved { urn: found, .. }) = error else { unreachable!() };
        assert_eq!(found, urn);
    }

    #[test]
    fn a_resource_without_an_entry_may_stay_as_it_is() {
        let derived = derive(&[("a", &["create"])], &[("a", &["create"]), ("b", &["same"])]);
        assert_eq!(derived.unwrap().edits, []);
    }

    #[rstest]
    #[case::no_json(b"{", json!({"resourcePlans": {}}), "the approved one")]
    #[case::no_resources(b"{}", json!({"resourcePlans": {}}), "the approved one")]
    #[case::fresh_failed(br#"{"resourcePlans": {}}"#, Value::Null, "that of now")]
    #[case::no_list(
        br#"{"resourcePlans": {}}"#,
        json!({"resourcePlans": {"a": {"steps": "create"}}}),
        "operations of a"
    )]
    fn what_is_no_plan_is_refused(
        #[case] approved: &[u8],
        #[case] now: Value,
        #[case] expected: &str,
    ) {
        let error = derive_operations(approved, &now).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }

    fn any_plan() -> impl Strategy<Value = Vec<(String, Vec<&'static str>)>> {
        let operation = prop::sample::select(vec!["same", "create", "update", "delete", "replace"]);
        let resource = ("[a-c]", prop::collection::vec(operation, 0..3));
        prop::collection::btree_map(resource.0, resource.1, 0..4)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn no_operation_is_ever_added(approved in any_plan(), now in any_plan()) {
            fn borrowed<'a>(
                plan: &'a [(String, Vec<&'static str>)],
            ) -> Vec<(&'a str, &'a [&'static str])> {
                plan.iter().map(|(urn, list)| (urn.as_str(), list.as_slice())).collect()
            }
            if let Ok(derived) = derive(&borrowed(&approved), &borrowed(&now)) {
                for (urn, list) in &approved {
                    let mut left: Vec<_> = list.to_vec();
                    for operation in listed(&derived, urn).unwrap_or_default() {
                        let at = left.iter().position(|known| *known == operation);
                        prop_assert!(operation == "same" || at.is_some());
                        if let Some(at) = at {
                            left.remove(at);
                        }
                    }
                }
            }
        }
    }
}
