//! What holds for all coverage.
#![allow(clippy::unwrap_used)]

use super::{Context, Coverage, Ran, covers, verb};
use crate::steps::Steps;
use crate::steps::operation::Operation;
use crate::steps::sample::{a_step, some_steps};
use crate::steps::step::Step;
use crate::steps::val::Val;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn is_covered(coverage: &Coverage) -> bool {
    matches!(coverage, Coverage::Covered { .. })
}

fn with(steps: &Steps, step: Step) -> Steps {
    let mut all = steps.steps.clone();
    all.push(step);
    Steps::of(all, Vec::new(), 0)
}

fn key(step: &Step) -> (String, Operation) {
    (step.urn.to_string(), step.operation)
}

/// What a run that carried `step` out would record.
fn recorded(step: &Step, own: bool) -> Ran {
    let mut values = step.old.as_ref().map(|old| old.inputs.clone()).unwrap_or_default();
    for (key, change) in &step.changes {
        match &change.new {
            Some(new) => drop(values.insert(key.clone(), new.clone())),
            None => drop(values.remove(key)),
        }
    }
    let deletes = matches!(step.operation, Operation::Delete | Operation::DeleteReplaced);
    if deletes {
        values.clear();
    }
    let id = step.old.as_ref().and_then(|old| old.id.clone());
    let options = step.options.iter().filter_map(|(name, o)| Some((*name, o.new.clone()?)));
    let options = if deletes { BTreeMap::new() } else { options.collect() };
    Ran { own, urn: step.urn.clone(), operation: step.operation, id, values, options }
}

prop_compose! {
    fn a_context()(
        ran in prop::collection::vec((a_step(), any::<bool>()), 0..4),
        pending in any::<bool>(),
        same_inputs in any::<bool>(),
        same_state in any::<bool>(),
    ) -> Context {
        let ran: Vec<_> = ran.iter().map(|(step, own)| recorded(step, *own)).collect();
        let pending_replacement: BTreeSet<_> =
            ran.iter().filter(|_| pending).map(|ran| ran.urn.clone()).collect();
        Context { ran, outputs: BTreeMap::new(), pending_replacement, same_inputs, same_state }
    }
}

/// `steps`, some of them left out, some taken from `others`, some with other new values.
fn near(steps: &Steps, others: &Steps, picks: &[u8]) -> Steps {
    let mut near: BTreeMap<_, _> = BTreeMap::new();
    for (i, step) in steps.steps.iter().enumerate() {
        let mut step = step.clone();
        match picks.get(i).map(|pick| pick % 5) {
            Some(0) => continue,
            Some(1) => {
                for change in step.changes.values_mut() {
                    change.new = change.new.as_ref().map(|_| Val::Text("filled".into()));
                }
            }
            _ => {}
        }
        near.insert(key(&step), step);
    }
    for (step, pick) in others.steps.iter().zip(picks.iter().rev()) {
        if pick % 5 == 0 {
            near.insert(key(step), step.clone());
        }
    }
    Steps::of(near.into_values().collect(), Vec::new(), 0)
}

proptest! {
    #[test]
    fn steps_cover_themselves(steps in some_steps()) {
        let seen = Context { same_inputs: true, same_state: true, ..Context::default() };
        prop_assert_eq!(covers(&steps, &steps, &seen), Coverage::Covered { equal: true });
        let opaque = steps.steps.iter().any(|step| step.hidden().opaque > 0);
        prop_assert_eq!(is_covered(&covers(&steps, &steps, &Context::default())), !opaque);
    }

    #[test]
    fn one_more_step_that_nobody_approved_is_never_covered(
        approved in some_steps(),
        others in some_steps(),
        picks in prop::collection::vec(any::<u8>(), 6),
        more in a_step(),
        context in a_context(),
    ) {
        prop_assume!(!approved.steps.iter().any(|step| key(step) == key(&more)));
        let fresh = with(&near(&approved, &others, &picks), more);
        prop_assert!(!is_covered(&covers(&approved, &fresh, &context)));
    }

    #[test]
    fn one_approved_step_less_never_covers_what_is_found(
        approved in some_steps(),
        context in a_context(),
        at in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!approved.steps.is_empty());
        let mut less = approved.steps.clone();
        less.remove(at.index(approved.steps.len()));
        let less = Steps::of(less, Vec::new(), 0);
        prop_assert!(!is_covered(&covers(&less, &approved, &context)));
    }

    #[test]
    fn what_is_covered_was_approved(
        approved in some_steps(),
        others in some_steps(),
        picks in prop::collection::vec(any::<u8>(), 6),
        context in a_context(),
    ) {
        let fresh = near(&approved, &others, &picks);
        if is_covered(&covers(&approved, &fresh, &context)) {
            for step in &fresh.steps {
                let seen = approved.steps.iter().find(|seen| key(seen) == key(step)).unwrap();
                for (name, change) in &step.changes {
                    let wanted = seen.changes[name].new.as_ref();
                    let open = wanted.is_some_and(Val::is_open);
                    prop_assert!(open || wanted == change.new.as_ref());
                }
                if let Some(old) = &step.old {
                    let left = |ran: &Ran| ran.urn == step.urn && ran.values == old.inputs;
                    let was = seen.old.as_ref().map(|old| &old.inputs);
                    prop_assert!(was == Some(&old.inputs) || context.ran.iter().any(left));
                }
            }
        }
    }

    #[test]
    fn whatever_is_approved_and_was_carried_out_leaves_nothing_to_do(steps in some_steps()) {
        // One step a resource: a run records what it left after the last one.
        let steps: BTreeMap<_, _> = steps
            .steps
            .into_iter()
            .filter(|step| step.hidden().opaque == 0)
            .map(|step| (step.urn.clone(), step))
            .collect();
        let steps = Steps::of(steps.into_values().collect(), Vec::new(), 0);
        let ran = steps.steps.iter().map(|step| recorded(step, true)).collect();
        let nothing = Steps::of(Vec::new(), Vec::new(), 0);
        let coverage = covers(&steps, &nothing, &Context { ran, ..Context::default() });
        prop_assert!(is_covered(&coverage), "{coverage:?}");
    }

    #[test]
    fn to_know_less_of_the_circumstances_never_covers_more(
        approved in some_steps(),
        others in some_steps(),
        picks in prop::collection::vec(any::<u8>(), 6),
        context in a_context(),
    ) {
        let fresh = near(&approved, &others, &picks);
        let less = Context { same_inputs: false, same_state: false, ..context.clone() };
        if is_covered(&covers(&approved, &fresh, &less)) {
            prop_assert!(is_covered(&covers(&approved, &fresh, &context)));
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verb(&bytes).is_err());
    }

    #[test]
    fn steps_without_their_digest_are_refused(steps in some_steps(), other in some_steps()) {
        prop_assume!(steps.digest != other.digest);
        let mut lying = steps.clone();
        lying.digest = other.digest.clone();
        let input = |approved: &Steps| serde_json::to_vec(&super::CoverageInput {
            schema: 1, approved: approved.clone(), fresh: other.clone(), context: Context::default(),
        }).unwrap();
        prop_assert!(verb(&input(&steps)).is_ok());
        prop_assert!(verb(&input(&lying)).unwrap_err().contains("approved steps"));
    }
}
