//! What a program asks of the engine for one resource, beside its properties.

use super::number;
use super::val::Val;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Options that no event shows: told by the saved plan or the gate (new) and the state (old).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) delete_before_replace: Option<bool>,
    pub(crate) ignore_changes: BTreeSet<String>,
    pub(crate) additional_secret_outputs: BTreeSet<String>,
    /// Operation to seconds, without zeros.
    pub(crate) custom_timeouts: BTreeMap<String, String>,
}

impl Declared {
    /// Timeouts in seconds, as the plan, the state and the gate list them.
    pub(crate) fn timeouts(map: Option<&Map<String, Value>>) -> BTreeMap<String, String> {
        let mut timeouts = BTreeMap::new();
        for (operation, seconds) in map.into_iter().flatten() {
            let seconds = number::canonical(&seconds.to_string());
            if seconds != "0" && seconds != "null" {
                timeouts.insert(operation.clone(), seconds);
            }
        }
        timeouts
    }

    pub(crate) fn ignore_changes(&self) -> Option<Val> {
        list(&self.ignore_changes)
    }

    pub(crate) fn additional_secret_outputs(&self) -> Option<Val> {
        list(&self.additional_secret_outputs)
    }

    pub(crate) fn custom_timeouts(&self) -> Option<Val> {
        let number = |(k, v): (&String, &String)| (k.clone(), Val::Number(v.clone()));
        let timeouts: BTreeMap<_, _> = self.custom_timeouts.iter().map(number).collect();
        (!timeouts.is_empty()).then_some(Val::Object(timeouts))
    }
}

fn list(names: &BTreeSet<String>) -> Option<Val> {
    let list: Vec<_> = names.iter().map(|name| Val::Text(name.clone())).collect();
    (!list.is_empty()).then_some(Val::List(list))
}
