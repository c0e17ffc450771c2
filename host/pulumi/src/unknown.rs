//! Texts that stand for a value that isn't known yet: the engine's own, and a host's markers.

use crate::mask::{SECRET_SIGNATURE, SIGNATURE_KEY};
use serde_json::{Map, Value};

/// The engine's texts, one for each type of value (`sdk/go/common/resource/plugin/rpc.go`). Plans
/// use the first.
const SENTINELS: [&str; 7] = [
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
];

/// Whether the engine means an unknown by `text`.
pub(crate) fn is_unknown(text: &str) -> bool {
    SENTINELS.contains(&text)
}

/// Replaces each unknown in `value` by `marker`. Returns whether there was one.
pub(crate) fn mark(value: &mut Value, marker: &str) -> bool {
    let change = |text: &str| is_unknown(text).then(|| marker.to_owned());
    // A key is never unknown.
    change_texts(value, &change, &|_| false).unwrap_or(false)
}

/// A key of an object that holds a marker: what is called after an unknown can't be unknown itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MarkedKey;

/// Replaces each text in `value` that holds one of `markers` by the engine's unknown. Returns whether
/// there was one.
pub(crate) fn lift(value: &mut Value, markers: &[String]) -> Result<bool, MarkedKey> {
    let holds = |text: &str| markers.iter().any(|marker| text.contains(marker.as_str()));
    change_texts(value, &|text| holds(text).then(|| SENTINELS[0].to_owned()), &holds)
}

fn change_texts(
    value: &mut Value,
    change: &dyn Fn(&str) -> Option<String>,
    is_bad_key: &dyn Fn(&str) -> bool,
) -> Result<bool, MarkedKey> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(false),
        Value::String(text) => Ok(match change(text) {
            Some(changed) => {
                *text = changed;
                true
            }
            None => false,
        }),
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= change_texts(item, change, is_bad_key)?;
            }
            Ok(changed)
        }
        Value::Object(map) if is_secret(map) => change_secret(map, change, is_bad_key),
        Value::Object(map) => {
            let mut changed = false;
            for (key, item) in map {
                if is_bad_key(key) {
                    return Err(MarkedKey);
                }
                changed |= change_texts(item, change, is_bad_key)?;
            }
            Ok(changed)
        }
    }
}

/// A secret's plain value is JSON in a text.
fn change_secret(
    map: &mut Map<String, Value>,
    change: &dyn Fn(&str) -> Option<String>,
    is_bad_key: &dyn Fn(&str) -> bool,
) -> Result<bool, MarkedKey> {
    let Some(Value::String(text)) = map.get_mut("plaintext") else { return Ok(false) };
    // What can't be read can't be looked into either; the CLI will refuse it.
    let Ok(mut plain) = serde_json::from_str::<Value>(text) else { return Ok(false) };
    let changed = change_texts(&mut plain, change, is_bad_key)?;
    if changed {
        *text = plain.to_string();
    }
    Ok(changed)
}

fn is_secret(map: &Map<String, Value>) -> bool {
    map.get(SIGNATURE_KEY).and_then(Value::as_str) == Some(SECRET_SIGNATURE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn secret(plain: &Value) -> Value {
        json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": plain.to_string() })
    }

    #[test]
    fn unknowns_are_marked_and_lifted_wherever_they_are() {
        let tree = |text: &str| json!({"a": [text, 1.50], "s": secret(&json!({"x": [text]})), "b": "known", "c": secret(&json!("k"))});
        let mut value = tree(SENTINELS[0]);
        assert!(mark(&mut value, "marker-1"));
        assert_eq!(value, tree("marker-1"));
        assert!(lift(&mut value, &["marker-1".to_owned()]).unwrap());
        assert_eq!(value, tree(SENTINELS[0]));
        assert!(!lift(&mut value, &["marker-1".to_owned()]).unwrap());
    }

    #[test]
    fn a_text_around_a_marker_is_unknown_as_a_whole() {
        let mut value = json!({"url": "http://marker-1/x", "s": secret(&json!("u:marker-1"))});
        lift(&mut value, &["marker-1".to_owned()]).unwrap();
        assert_eq!(value, json!({"url": SENTINELS[0], "s": secret(&json!(SENTINELS[0]))}));
    }

    #[test]
    fn a_text_around_an_unknown_is_no_unknown() {
        let mut value = json!(format!("x{}", SENTINELS[0]));
        assert!(!mark(&mut value, "marker-1"));
    }

    #[test]
    fn a_key_with_a_marker_is_refused() {
        let markers = ["marker-1".to_owned()];
        assert_eq!(lift(&mut json!({"a": {"x-marker-1": 1}}), &markers), Err(MarkedKey));
        assert_eq!(lift(&mut secret(&json!({"marker-1": 1})), &markers), Err(MarkedKey));
    }
}
