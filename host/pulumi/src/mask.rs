//! Replaces secret values in plans, states and events by keyed hashes.

use crate::unknown::is_unknown;
use crate::{HmacKey, Redactor};
use serde_json::{Map, Value};

/// The key by which Pulumi marks a value of its own kind in JSON.
pub const SIGNATURE_KEY: &str = "4dabf18193072939515e22adb298388d";

/// What stands under [`SIGNATURE_KEY`] for a secret.
pub const SECRET_SIGNATURE: &str = "1b47061264138c4ac30d75fd1eb44270";

/// What the engine writes for a secret in its events.
const BLIND: &str = "[secret]";

/// Members under which values of resources are found; beside them are names and relations, which
/// have to stay as they are.
const VALUES: [&str; 6] = ["inputs", "outputs", "inputDiff", "outputDiff", "state", "id"];

/// Replaces each secret in `value` by `{signature, "hmac": <64 hex digits>}`, and teaches their
/// texts to `redactor`. One that isn't known yet becomes `{signature, "unknown": true}`, one that is
/// a planted marker `{signature, "marker": <its text>}`, and one that only holds a marker has
/// neither (the core's `docs/steps.md`). A secret that is still encrypted has no hash: it becomes
/// `{signature, "hmac": null}`, which equals nothing.
pub fn mask_secrets(value: &mut Value, key: &HmacKey, redactor: &mut Redactor) {
    walk(value, key, redactor, true);
}

/// As [`mask_secrets`], but leaves secrets alone that the engine has blinded itself (`[secret]`).
pub(crate) fn mask_shown_secrets(value: &mut Value, key: &HmacKey, redactor: &mut Redactor) {
    walk(value, key, redactor, false);
}

fn walk(value: &mut Value, key: &HmacKey, redactor: &mut Redactor, all: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| walk(v, key, redactor, all)),
        Value::Object(map) if is_secret(map) => {
            let is_blind = map.get("ciphertext").and_then(Value::as_str) == Some(BLIND);
            if !all && is_blind && map.len() == 2 {
                return;
            }
            let plain = plaintext(map).map(unwrap_nested);
            if let Some(plain) = &plain {
                redactor.add_value(plain);
            }
            *map = match &plain {
                Some(plain) if any_text(plain, &is_unknown) => special("unknown", true.into()),
                Some(Value::String(text)) if redactor.is_marker(text) => {
                    special("marker", text.as_str().into())
                }
                Some(plain) if any_text(plain, &|text| redactor.holds_marker(text)) => signature(),
                Some(plain) => masked(Some(key.hash(plain))),
                None => masked(None),
            };
        }
        Value::Object(map) => map.values_mut().for_each(|v| walk(v, key, redactor, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Strikes known secrets out of the values of resources that are not marked as secret, such as a
/// name made of one. Returns how many texts were changed.
pub(crate) fn mask_plain(value: &mut Value, key: &HmacKey, redactor: &mut Redactor) -> usize {
    match value {
        Value::Array(items) => items.iter_mut().map(|v| mask_plain(v, key, redactor)).sum(),
        Value::Object(map) => map
            .iter_mut()
            .map(|(name, inner)| {
                if VALUES.contains(&name.as_str()) {
                    mask_values(inner, key, redactor)
                } else {
                    mask_plain(inner, key, redactor)
                }
            })
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Replaces encrypted values of a stack's configuration by hashes of their plain texts, or by
/// `null` where the text is not known.
pub(crate) fn mask_config(config: &mut Value, plain: Option<&Value>, key: &HmacKey) {
    match config {
        Value::Object(map) if map.len() == 1 && map.contains_key("secure") => {
            *map = masked(plain.map(|plain| key.hash(plain)));
        }
        Value::Object(map) => map
            .iter_mut()
            .for_each(|(name, inner)| mask_config(inner, plain.and_then(|p| p.get(name)), key)),
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .for_each(|(i, inner)| mask_config(inner, plain.and_then(|p| p.get(i)), key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn mask_values(value: &mut Value, key: &HmacKey, redactor: &mut Redactor) -> usize {
    match value {
        Value::String(text) => match redactor.strike_value(text, key) {
            Some(struck) => {
                *text = struck;
                1
            }
            None => 0,
        },
        Value::Array(items) => items.iter_mut().map(|v| mask_values(v, key, redactor)).sum(),
        Value::Object(map) if is_secret(map) => 0,
        Value::Object(map) => {
            let mut changed = 0;
            let entries = std::mem::take(map);
            for (name, mut inner) in entries {
                changed += mask_values(&mut inner, key, redactor);
                let struck = redactor.strike_value(&name, key);
                changed += usize::from(struck.is_some());
                map.insert(struck.unwrap_or(name), inner);
            }
            changed
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn is_secret(map: &Map<String, Value>) -> bool {
    map.get(SIGNATURE_KEY).and_then(Value::as_str) == Some(SECRET_SIGNATURE)
}

fn masked(hash: Option<String>) -> Map<String, Value> {
    special("hmac", hash.map_or(Value::Null, Value::from))
}

fn special(what: &str, value: Value) -> Map<String, Value> {
    let mut map = signature();
    map.insert(what.to_owned(), value);
    map
}

fn signature() -> Map<String, Value> {
    let mut map = Map::new();
    map.insert(SIGNATURE_KEY.to_owned(), Value::from(SECRET_SIGNATURE));
    map
}

fn any_text(value: &Value, is_it: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_it(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_it)),
        Value::Object(map) => map.values().any(|item| any_text(item, is_it)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A secret's plain value: `plaintext` is JSON in a text (plans, decrypted states), `value` is the
/// value itself (the engine's calls).
fn plaintext(map: &Map<String, Value>) -> Option<Value> {
    match map.get("plaintext") {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(_) => None,
        None => map.get("value").cloned(),
    }
}

/// Secrets inside a secret are plain at one place and marked at another; hashes are of the plain.
fn unwrap_nested(value: Value) -> Value {
    match value {
        Value::Object(map) if is_secret(&map) => plaintext(&map).map_or(Value::Null, unwrap_nested),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(k, v)| (k, unwrap_nested(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(unwrap_nested).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn secret(plaintext: &str) -> Value {
        json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": plaintext })
    }

    fn key() -> HmacKey {
        HmacKey::new([3; 32])
    }

    #[test]
    fn each_secret_becomes_its_hash_and_the_rest_stays() {
        let mut value = json!({"a": [secret("\"hunter2\"")], "n": 1.50, "b": {"c": secret("5")}});
        let mut redactor = Redactor::new();
        mask_secrets(&mut value, &key(), &mut redactor);
        let hash = |v: Value| json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "hmac": key().hash(&v) });
        assert_eq!(
            value,
            json!({"a": [hash(json!("hunter2"))], "n": 1.50, "b": {"c": hash(json!(5))}})
        );
        assert_eq!(redactor.strike("is hunter2"), "is [secret]");
    }

    const UNKNOWN: &str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

    #[rstest]
    #[case::unknown(json!(UNKNOWN), json!({"unknown": true}))]
    #[case::unknown_inside(json!({"a": [UNKNOWN, "hunter2-canary"]}), json!({"unknown": true}))]
    #[case::marker(json!("marker-1"), json!({"marker": "marker-1"}))]
    #[case::around_a_marker(json!("pg://u:marker-1@h"), json!({}))]
    fn secrets_to_come_are_not_hashed_and_never_struck(
        #[case] plain: Value,
        #[case] mut expected: Value,
    ) {
        let mut redactor = Redactor::new();
        redactor.expect_markers([&"marker-1".to_owned()]);
        let mut value = secret(&plain.to_string());
        mask_secrets(&mut value, &key(), &mut redactor);
        expected[SIGNATURE_KEY] = SECRET_SIGNATURE.into();
        assert_eq!(value, expected);
        // Where the same unknown is no secret, it stays one.
        let mut inputs = json!({"inputs": {"a": UNKNOWN, "b": "x/marker-1"}});
        assert_eq!(mask_plain(&mut inputs, &key(), &mut redactor), 0);
    }

    #[test]
    fn what_the_engine_blinded_stays_in_events_alone() {
        let blind = json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": BLIND });
        let mut event = json!({"a": blind, "b": secret("\"hunter2\"")});
        mask_shown_secrets(&mut event, &key(), &mut Redactor::new());
        assert_eq!(event["a"], blind);
        assert_eq!(event["b"]["hmac"], key().hash(&json!("hunter2")));
    }

    #[test]
    fn a_secret_in_a_secret_hashes_like_the_plain_one() {
        let nested = json!({"x": secret("\"hunter2\"")}).to_string();
        let (mut a, mut b) = (secret(&nested), secret(r#"{"x":"hunter2"}"#));
        let mut redactor = Redactor::new();
        mask_secrets(&mut a, &key(), &mut redactor);
        mask_secrets(&mut b, &key(), &mut redactor);
        assert_eq!(a, b);
    }

    #[rstest]
    #[case::still_encrypted(json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "v1:x" }))]
    #[case::broken_plaintext(secret("\"hunter2"))]
    #[case::plaintext_of_a_wrong_type(
        json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": 5, "value": 5 })
    )]
    fn what_cannot_be_hashed_equals_nothing_and_leaks_nothing(#[case] mut value: Value) {
        mask_secrets(&mut value, &key(), &mut Redactor::new());
        assert_eq!(value, json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "hmac": null }));
    }

    #[test]
    fn unmarked_copies_of_a_secret_are_hashed_in_values_and_left_in_names() {
        let mut redactor = Redactor::new();
        redactor.add_value(&json!("correcthorse99"));
        let mut value = json!({
            "urn": "u::correcthorse99",
            "inputs": {"url": "pg://correcthorse99@h", "k-correcthorse99": 1, "port": 80},
            "id": "correcthorse99",
        });
        assert_eq!(mask_plain(&mut value, &key(), &mut redactor), 3);
        let text = value.to_string();
        assert_eq!(text.matches("correcthorse99").count(), 1);
        assert_eq!(value["urn"], "u::correcthorse99");
        assert_eq!(value["inputs"]["port"], 80);
    }

    #[test]
    fn encrypted_configuration_is_hashed_where_its_text_is_known() {
        let mut config = json!({
            "a:pw": {"secure": "v1:x"}, "a:port": "80", "a:obj": {"l": [{"secure": "v1:y"}, "p"]},
            "a:gone": {"secure": "v1:z"},
        });
        let plain = json!({"a:pw": "hunter2", "a:obj": {"l": ["inner", "p"]}});
        mask_config(&mut config, Some(&plain), &key());
        assert_eq!(config["a:pw"]["hmac"], key().hash(&json!("hunter2")));
        assert_eq!(config["a:obj"]["l"][0]["hmac"], key().hash(&json!("inner")));
        assert_eq!(config["a:gone"]["hmac"], Value::Null);
        assert_eq!(config["a:port"], "80");
        assert!(!config.to_string().contains("v1:"));
    }
}
