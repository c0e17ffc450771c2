//! The verb `allow`: whether a resource that the update is about to work on is the one that the gate
//! let pass.

use super::SCHEMA;
use super::context::Context;
use super::fill::Fill;
use crate::steps::StepsError;
use crate::steps::marker::Markers;
use crate::steps::reader::{Mode, Reader};
use crate::steps::shown::Shown;
use crate::steps::val::Val;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The input of the verb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AllowInput {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What the gate was shown of the resource while it held; absent if it was not shown it.
    pub held: Option<Shown>,
    /// What it is shown now.
    pub now: Shown,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Whether the step may go on.
    pub allow: bool,
    /// Why not, in words that hold no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The verb over JSON bytes.
///
/// # Errors
/// An input that isn't an [`AllowInput`]. Nothing is allowed then.
#[inline(never)]
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: AllowInput = crate::json::read("allow", input)?;
    crate::json::schema("allow", input.schema, SCHEMA)?;
    let why = allow(input.held.as_ref(), &input.now).err();
    crate::json::write(&Allowed { schema: SCHEMA, allow: why.is_none(), why })
}

/// Compares a resource with what the gate was shown of it: every input is the same, or was not
/// known then.
///
/// # Errors
/// A sentence that names the resource and the property.
#[inline(never)]
pub fn allow(held: Option<&Shown>, now: &Shown) -> Result<(), String> {
    let urn = &now.urn;
    let Some(held) = held.filter(|held| held.urn == *urn) else {
        return Err(format!("{urn} was not there when the plan was checked"));
    };
    if held.options != now.options {
        return Err(format!("{urn}: its options are not those that were checked"));
    }
    let context = Context { same_inputs: true, same_state: true, ..Context::default() };
    let fill = Fill::new(&context);
    let (then, now) = (inputs(held)?, inputs(now)?);
    for key in then.keys().chain(now.keys()) {
        let (then, now) = (then.get(key), now.get(key));
        // An unknown that comes out as nothing at all is one that its reader left out.
        let left_out = now.is_none() && then.is_some_and(Val::is_open);
        if !left_out && fill.new_side(then, now).is_err() {
            return Err(format!("{urn}: {key} is not what was checked"));
        }
    }
    Ok(())
}

fn inputs(shown: &Shown) -> Result<BTreeMap<String, Val>, String> {
    let none = Map::new();
    let inputs = shown.inputs.as_ref().unwrap_or(&none);
    let mut reader = Reader::new(Markers::new(&[]));
    let mode = Mode { on: &[], markers: false };
    let known = |(_, value): &(&String, &Value)| !value.is_null();
    inputs
        .iter()
        .filter(known)
        .map(|(key, value)| {
            let val = reader.read(value, None, mode).map_err(|fault| {
                StepsError::fault(&shown.urn, "the update", fault.at(key)).to_string()
            })?;
            Ok((key.clone(), val))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const UNKNOWN: &str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

    fn shown(inputs: &Value) -> Shown {
        let urn = "urn:pulumi:d::p::t:t:T::a";
        serde_json::from_value(json!({"urn": urn, "inputs": inputs})).unwrap()
    }

    #[rstest]
    #[case::equal(json!({"a": ["x", 1]}), json!({"a": ["x", 1.0]}))]
    #[case::an_unknown_is_filled(json!({"a": UNKNOWN}), json!({"a": {"b": "x"}}))]
    #[case::an_unknown_within(json!({"a": {"b": UNKNOWN, "c": 1}}), json!({"a": {"b": 2, "c": 1}}))]
    #[case::an_unknown_is_left_out(json!({"a": UNKNOWN}), json!({}))]
    fn what_was_checked_is_allowed(#[case] held: Value, #[case] now: Value) {
        assert_eq!(allow(Some(&shown(&held)), &shown(&now)), Ok(()));
    }

    #[rstest]
    #[case::another(json!({"a": "x"}), json!({"a": "y"}))]
    #[case::one_more(json!({"a": "x"}), json!({"a": "x", "b": "x"}))]
    #[case::one_less(json!({"a": "x", "b": "x"}), json!({"a": "x"}))]
    #[case::beside_an_unknown(json!({"a": [UNKNOWN, "x"]}), json!({"a": ["v", "y"]}))]
    #[case::known_no_more(json!({"a": "x"}), json!({"a": UNKNOWN}))]
    fn anything_else_is_not(#[case] held: Value, #[case] now: Value) {
        let why = allow(Some(&shown(&held)), &shown(&now)).unwrap_err();
        assert!(why.contains("T::a") && !why.contains("\"y\""), "{why}");
    }

    #[test]
    fn a_resource_that_was_not_there_is_not_allowed() {
        assert!(allow(None, &shown(&json!({}))).is_err());
        let other =
            Shown { urn: "urn:pulumi:d::p::t:t:T::b".parse().unwrap(), ..shown(&json!({})) };
        assert!(allow(Some(&other), &shown(&json!({}))).is_err());
    }
}
