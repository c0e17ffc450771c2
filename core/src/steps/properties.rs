//! What holds for all steps.
#![allow(clippy::unwrap_used)]

use super::sample::{cases, gate, preview, some_steps, vals};
use super::val::Val;
use super::{Steps, StepsInput, digest, steps, verb};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::LazyLock;

/// The looks that give steps.
static LOOKS: LazyLock<Vec<StepsInput>> = LazyLock::new(|| {
    let all = cases().into_iter().flat_map(|case| [preview(&case), gate(&case)]);
    all.flatten().filter(|input| steps(input).is_ok()).collect()
});

/// `log` with its lines in another order: those of one resource stay in theirs.
fn reordered(log: &str, keys: &[u32]) -> String {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let urn = |line: &Value| {
        let metadata = |kind: &str| line[kind]["metadata"]["urn"].as_str().map(str::to_owned);
        metadata("resourcePreEvent").or_else(|| metadata("resOutputsEvent")).unwrap_or_default()
    };
    let mut urns: Vec<_> = lines.iter().map(urn).collect();
    urns.sort();
    urns.dedup();
    // Merge the lines of each resource by their keys, which only grow.
    let mut next = vec![0u32; urns.len()];
    let mut keyed: Vec<(u32, usize)> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let resource = urns.iter().position(|u| *u == urn(line)).unwrap();
        next[resource] += keys[i % keys.len()];
        keyed.push((next[resource], i));
    }
    keyed.sort();
    let write = |(sequence, (_, i)): (usize, &(u32, usize))| {
        let mut line = lines[*i].clone();
        line["sequence"] = sequence.into();
        line.to_string() + "\n"
    };
    keyed.iter().enumerate().map(write).collect()
}

/// `value` with the `n`th of its leaves replaced; none if there are fewer.
fn replaced(value: &Val, n: &mut usize) -> Option<Val> {
    match value {
        Val::List(items) => items.iter().enumerate().find_map(|(i, item)| {
            let mut items = items.clone();
            items[i] = replaced(item, n)?;
            Some(Val::List(items))
        }),
        Val::Object(map) => map.iter().find_map(|(key, item)| {
            let mut map = map.clone();
            map.insert(key.clone(), replaced(item, n)?);
            Some(Val::Object(map))
        }),
        _ if *n == 0 => Some(Val::Text("another".into())),
        _ => {
            *n -= 1;
            None
        }
    }
}

/// All values of `steps`.
fn values(steps: &mut Steps) -> Vec<&mut Val> {
    let mut values = Vec::new();
    for step in &mut steps.steps {
        values.extend(step.old.iter_mut().flat_map(|old| old.inputs.values_mut()));
        let changes = step.changes.values_mut();
        values.extend(changes.flat_map(|change| [&mut change.old, &mut change.new]).flatten());
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_in_which_resources_are_told_is_no_part_of_the_steps(
        keys in prop::collection::vec(1..20u32, 50),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut input = pick.get(&LOOKS).clone();
        let before = steps(&input).unwrap();
        input.events = reordered(&input.events, &keys);
        let after = steps(&input).unwrap();
        prop_assert_eq!(&after.digest, &before.digest);
        prop_assert_eq!(after.counts, before.counts);
    }

    #[test]
    fn a_damaged_input_is_answered(
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = serde_json::to_vec(pick.get(&LOOKS)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = verb(&bytes);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verb(&bytes).is_err());
    }

    #[test]
    fn any_log_is_answered(lines in "(\\{\"sequence\":[0-9],\"resourcePreEvent\":\\{[^\n]{0,40}\\}\\}\n){0,4}") {
        let stack = super::StackName { project: "p".into(), stack: "dev".into() };
        let _ = steps(&StepsInput {
            schema: 1, stack, events: lines, plan: None, state: None, resources: None, markers: vec![],
        });
    }

    #[test]
    fn a_value_is_read_as_it_was_written(val in vals()) {
        let written = serde_json::to_string(&val).unwrap();
        prop_assert_eq!(serde_json::from_str::<Val>(&written).unwrap(), val);
    }

    #[test]
    fn two_values_have_two_digests(left in vals(), right in vals()) {
        let bytes = |val: &Val| crate::canonical::bytes(&val.to_json());
        prop_assert_eq!(left == right, bytes(&left) == bytes(&right));
    }

    #[test]
    fn steps_are_read_as_they_were_written(steps in some_steps()) {
        let written = serde_json::to_string(&steps).unwrap();
        prop_assert_eq!(serde_json::from_str::<Steps>(&written).unwrap(), steps);
    }

    #[test]
    fn another_value_gives_another_digest(steps in some_steps(), n in 0..40usize) {
        let mut changed = steps.clone();
        let mut n = n;
        let is_changed = values(&mut changed).into_iter().any(|val| match replaced(val, &mut n) {
            Some(other) => {
                *val = other;
                true
            }
            None => false,
        });
        prop_assert_eq!(digest::digest(&changed.steps) != steps.digest, is_changed);
    }

    #[test]
    fn another_operation_gives_another_digest(steps in some_steps(), at in any::<prop::sample::Index>()) {
        use super::operation::Operation;
        prop_assume!(!steps.steps.is_empty());
        let mut changed = steps.clone();
        let step = &mut changed.steps[at.index(steps.steps.len())];
        step.operation = match step.operation {
            Operation::Update => Operation::Create,
            _ => Operation::Update,
        };
        prop_assert_ne!(digest::digest(&changed.steps), steps.digest);
    }
}
