//! Records of the engine, checked field by field before they are read.

use super::error::StepsError;
use super::urn::Urn;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a field holds; null is always the same as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    Text,
    Flag,
    Number,
    Texts,
    Object,
    /// Read elsewhere, or not at all.
    Any,
}

/// Refuses a field of `map` that isn't in `fields`, or that holds something else.
#[inline(never)]
pub(crate) fn known(
    map: &Map<String, Value>,
    fields: &[(&str, Is)],
    urn: &Urn,
    what: &'static str,
) -> Result<(), StepsError> {
    let strange = map
        .iter()
        .find(|(key, value)| !fields.iter().any(|(name, is)| name == key && is.holds(value)));
    refuse(strange, fields, urn, what)
}

/// As [`known`], but lets fields pass that aren't in `fields`.
#[inline(never)]
pub(crate) fn shaped(
    map: &Map<String, Value>,
    fields: &[(&str, Is)],
    urn: &Urn,
    what: &'static str,
) -> Result<(), StepsError> {
    let strange = map
        .iter()
        .find(|(key, value)| fields.iter().any(|(name, is)| name == key && !is.holds(value)));
    refuse(strange, fields, urn, what)
}

#[inline(never)]
fn refuse(
    strange: Option<(&String, &Value)>,
    fields: &[(&str, Is)],
    urn: &Urn,
    what: &'static str,
) -> Result<(), StepsError> {
    let Some((key, _)) = strange else { return Ok(()) };
    let (urn, field) = (urn.clone(), key.chars().take(80).collect());
    if fields.iter().any(|(name, _)| name == key) {
        Err(StepsError::BadField { urn, what, field })
    } else {
        Err(StepsError::UnknownField { urn, what, field })
    }
}

impl Is {
    fn holds(self, value: &Value) -> bool {
        value.is_null()
            || match self {
                Self::Text => value.is_string(),
                Self::Flag => value.is_boolean(),
                Self::Number => value.is_number(),
                Self::Texts => {
                    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
                }
                Self::Object => value.is_object(),
                Self::Any => true,
            }
    }
}

/// The text under `key`; empty when there is none.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The flag under `key`; false when there is none.
pub(crate) fn flag(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The texts under `key`, each once.
#[inline(never)]
pub(crate) fn texts(map: &Map<String, Value>, key: &str) -> BTreeSet<String> {
    let items = map.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The object under `key`.
pub(crate) fn object<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    map.get(key).and_then(Value::as_object)
}

/// Takes the object under `key`; an empty one when there is none.
pub(crate) fn take_object(map: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match map.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::all_known(json!({"id": "x", "protect": null}), None)]
    #[case::another_type(json!({"id": 1}), Some("field \"id\" holds"))]
    #[case::unknown(json!({"spell": 1}), Some("unknown field \"spell\""))]
    fn fields_are_known_or_refused(#[case] record: Value, #[case] reason: Option<&str>) {
        let urn: Urn = "urn:pulumi:d::p::t:t:T::a".parse().unwrap();
        let fields = [("id", Is::Text), ("protect", Is::Flag)];
        let found = known(record.as_object().unwrap(), &fields, &urn, "a state");
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => assert!(found.unwrap_err().to_string().contains(reason)),
        }
        let lenient = shaped(record.as_object().unwrap(), &fields, &urn, "a state");
        assert_eq!(lenient.is_err(), reason.is_some_and(|r| r.contains("holds")));
    }
}
