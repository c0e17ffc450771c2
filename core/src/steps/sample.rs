//! What tests are made of: the committed looks at real previews, and generated steps.
#![allow(clippy::unwrap_used)]

use super::marker::Marker;
use super::operation::Operation;
use super::step::{Change, Old, OptionName, Provider, Step};
use super::val::{Opaque, Val};
use super::{StackName, Steps, StepsInput};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The folder of one committed look.
pub(crate) fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/steps").join(case)
}

/// The names of all committed looks.
pub(crate) fn cases() -> Vec<String> {
    let entries = std::fs::read_dir(folder("")).unwrap();
    let folders = entries.map(Result::unwrap).filter(|entry| entry.path().is_dir());
    let mut cases: Vec<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    cases.sort();
    cases
}

pub(crate) fn text(case: &str, file: &str) -> Option<String> {
    std::fs::read_to_string(folder(case).join(file)).ok()
}

pub(crate) fn json(case: &str, file: &str) -> Option<Value> {
    text(case, file).map(|text| serde_json::from_str(&text).unwrap())
}

/// The stack and the markers of a committed look.
pub(crate) fn look(case: &str) -> (StackName, Vec<Marker>) {
    let look = json(case, "look.json").unwrap();
    let name = |key: &str| look[key].as_str().unwrap().to_owned();
    let markers = look.get("markers").cloned().unwrap_or(Value::Array(Vec::new()));
    (
        StackName { project: name("project"), stack: name("stack") },
        serde_json::from_value(markers).unwrap(),
    )
}

/// A committed look as the preview told it.
pub(crate) fn preview(case: &str) -> Option<StepsInput> {
    let (stack, markers) = look(case);
    let events = text(case, "events.jsonl")?;
    let (plan, state) = (json(case, "plan.json"), json(case, "state.json"));
    Some(StepsInput { schema: 1, stack, events, plan, state, resources: None, markers })
}

/// A committed look as the gate told it.
pub(crate) fn gate(case: &str) -> Option<StepsInput> {
    let (stack, markers) = look(case);
    let events = text(case, "gate.jsonl")?;
    let resources = json(case, "resources.json").map(|r| serde_json::from_value(r).unwrap());
    let state = json(case, "state.json");
    Some(StepsInput { schema: 1, stack, events, plan: None, state, resources, markers })
}

/// The steps of a committed look.
pub(crate) fn steps(case: &str) -> Steps {
    super::steps(&gate(case).or_else(|| preview(case)).unwrap()).unwrap()
}

/// Values of every kind, nested a little.
pub(crate) fn vals() -> impl Strategy<Value = Val> {
    let key = "[a-c]|secret|unknown|object";
    let leaf = prop_oneof![
        Just(Val::Null),
        any::<bool>().prop_map(Val::Bool),
        (0..9u32).prop_map(|n| Val::Number(n.to_string())),
        "[a-c]{0,2}".prop_map(Val::Text),
        (0..3u8).prop_map(|n| Val::Secret(format!("{n:064}"))),
        prop::collection::vec(urns(), 0..2).prop_map(Val::Unknown),
        Just(Val::Asset("0".repeat(64))),
        Just(Val::Opaque(Opaque::Masked)),
    ];
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Val::List),
            prop::collection::btree_map(key, inner, 0..3).prop_map(Val::Object),
        ]
    })
}

fn urns() -> impl Strategy<Value = super::urn::Urn> {
    "[a-d]".prop_map(|name| format!("urn:pulumi:dev::p::t:t:T::{name}").parse().unwrap())
}

fn operations() -> impl Strategy<Value = Operation> {
    prop::sample::select(vec![
        Operation::Create,
        Operation::Update,
        Operation::CreateReplacement,
        Operation::DeleteReplaced,
        Operation::Delete,
        Operation::Options,
        Operation::Outputs,
    ])
}

prop_compose! {
    /// One step; its parts are as a preview could tell them.
    pub(crate) fn a_step()(
        urn in urns(),
        operation in operations(),
        inputs in prop::collection::btree_map("[p-r]", vals(), 0..3),
        new in prop::collection::btree_map("[p-r]", vals(), 0..3),
        id in prop::option::of("[a-b]"),
        protect in any::<(bool, bool)>(),
        version in prop::option::of("[12]"),
    ) -> Step {
        use Operation::{Create, Delete, DeleteReplaced, Options, Outputs};
        let old = (!matches!(operation, Create | Outputs)).then(|| Old { id, inputs: inputs.clone() });
        let changes = if matches!(operation, Delete | DeleteReplaced | Options) {
            BTreeMap::new()
        } else {
            let before = |key: &str| match operation {
                Create => None,
                _ => inputs.get(key).cloned(),
            };
            let change = |(key, val): (String, Val)| (key.clone(), Change::new(before(&key), Some(val)));
            new.into_iter().map(change).collect()
        };
        let flag = |on: bool| on.then_some(Val::Bool(true));
        let mut options = BTreeMap::new();
        if protect != (false, false) {
            options.insert(OptionName::Protect, Change::new(flag(protect.0), flag(protect.1)));
        }
        let provider = "urn:pulumi:dev::p::pulumi:providers:t::default".parse().unwrap();
        Step {
            urn,
            operation,
            resource_type: "t:t:T".into(),
            custom: true,
            provider: Some(Provider { urn: provider, version }),
            options,
            old,
            changes,
            replace_keys: BTreeSet::new(),
            deletes_first: false,
            opaque: 0,
            unknown: 0,
            secrets: 0,
        }
    }
}

/// Steps, at most one of each URN and operation.
pub(crate) fn some_steps() -> impl Strategy<Value = Steps> {
    prop::collection::vec(a_step(), 0..6).prop_map(|steps| {
        let key = |step: Step| ((step.urn.clone(), step.operation), step);
        let unique: BTreeMap<_, _> = steps.into_iter().map(key).collect();
        Steps::of(unique.into_values().collect(), Vec::new(), 0)
    })
}
