//! Takes the secrets out of a document before the core sees it.
//!
//! The core has no key, so the host calls this with one: each secret of a saved plan
//! (`--show-secrets`), an exported state or a gate's request becomes its keyed hash. It lies here
//! because all three spell one secret differently, and must give one hash.

use super::marker::{Marker, Markers};
use super::reader::{OLD, Reader};
use super::signature::{self, Form};
use super::val::Val;
use crate::canonical;
use crate::ids::Digest;
use serde_json::{Map, Value, json};

/// Why a document's secrets couldn't be hidden. Holds no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HideError {
    /// A secret's `plaintext` isn't JSON.
    #[error("hiding a secret: its plain text is not JSON")]
    NotJson,
    /// A secret holds what no property can hold, or is nested too deep.
    #[error("hiding a secret: its value can't be read")]
    Unreadable,
}

/// Replaces each secret in `document` by its keyed hash.
///
/// `hash` is HMAC-SHA256 under the stack's key, over the canonical bytes of the plain value with
/// the secrets inside it unwrapped. A secret that isn't known yet becomes
/// `{…, "unknown": true}`, one that is exactly a planted marker `{…, "marker": "<its text>"}`, one
/// that only holds a marker, and one of which only a cipher text is there, stay without a hash.
/// A plain text that holds one of `texts` (a secret that the program took the mark from) is
/// replaced by its hash too.
///
/// # Errors
/// A secret that can't be read; `document` is then half changed and must not be used.
pub fn hide(
    document: &mut Value,
    markers: &[Marker],
    texts: &[String],
    hash: &dyn Fn(&[u8]) -> Digest,
) -> Result<(), HideError> {
    let texts = texts.iter().map(String::as_str).filter(|text| text.len() >= SHORTEST).collect();
    Hider { markers, texts, hash }.walk(document)
}

/// Shortest text that is looked for inside others: shorter ones are everywhere.
const SHORTEST: usize = 3;

struct Hider<'a> {
    markers: &'a [Marker],
    texts: Vec<&'a str>,
    hash: &'a dyn Fn(&[u8]) -> Digest,
}

impl Hider<'_> {
    fn walk(&self, value: &mut Value) -> Result<(), HideError> {
        match value {
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.walk(item)),
            Value::String(text) if self.texts.iter().any(|secret| text.contains(secret)) => {
                *value = self.leaf(&Value::String(std::mem::take(text)))?;
                Ok(())
            }
            Value::Object(map) if signature::form(map) == Form::Secret => {
                if let Some(plain) = plain(map)? {
                    *value = self.leaf(&unwrap(plain)?)?;
                }
                Ok(())
            }
            Value::Object(map) => map.values_mut().try_for_each(|item| self.walk(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn leaf(&self, plain: &Value) -> Result<Value, HideError> {
        let marked = |text: &str| self.markers.iter().any(|marker| text.contains(&marker.text()));
        if any_text(plain, &signature::is_unknown) {
            return Ok(json!({ signature::KEY: signature::SECRET, "unknown": true }));
        }
        if any_text(plain, &marked) {
            let alone = plain.as_str().filter(|t| self.markers.iter().any(|m| m.text() == **t));
            return Ok(match alone {
                Some(text) => json!({ signature::KEY: signature::SECRET, "marker": text }),
                None => json!({ signature::KEY: signature::SECRET }),
            });
        }
        let hash = (self.hash)(&canonical::bytes(&read(plain)?.to_json()));
        Ok(json!({ signature::KEY: signature::SECRET, "hmac": hash.as_str() }))
    }
}

/// The plain value of a secret: a plan and a state hold its JSON as text, the gate as it is.
fn plain(secret: &Map<String, Value>) -> Result<Option<Value>, HideError> {
    if let Some(text) = secret.get("plaintext").and_then(Value::as_str) {
        return serde_json::from_str(text).map(Some).map_err(|_| HideError::NotJson);
    }
    Ok(secret.get("value").cloned())
}

fn unwrap(value: Value) -> Result<Value, HideError> {
    Ok(match value {
        Value::Array(items) => {
            Value::Array(items.into_iter().map(unwrap).collect::<Result<_, _>>()?)
        }
        Value::Object(map) if signature::form(&map) == Form::Secret => match plain(&map)? {
            Some(inner) => unwrap(inner)?,
            None => Value::Object(map),
        },
        Value::Object(map) => {
            let inner = |(key, item)| Ok((key, unwrap(item)?));
            Value::Object(map.into_iter().map(inner).collect::<Result<_, HideError>>()?)
        }
        other => other,
    })
}

fn read(plain: &Value) -> Result<Val, HideError> {
    Reader::new(Markers::new(&[])).read(plain, None, OLD).map_err(|_| HideError::Unreadable)
}

fn any_text(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, test)),
        Value::Object(map) => map.values().any(|item| any_text(item, test)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn hidden(mut document: Value) -> Value {
        let marker =
            Marker { nonce: "n1".into(), stack: "net".parse().unwrap(), output: "ip".into() };
        hide(&mut document, &[marker], &["hunter22".into()], &Digest::of).unwrap();
        document
    }

    fn secret(key: &str, inner: Value) -> Value {
        json!({ signature::KEY: signature::SECRET, key: inner })
    }

    #[rstest]
    #[case::a_text(secret("plaintext", json!("\"pw\"")), secret("value", json!("pw")))]
    #[case::a_number(secret("plaintext", json!("3")), secret("value", json!(3.0)))]
    #[case::secrets_inside(
        secret("plaintext", json!(format!("{{\"a\":{}}}", secret("plaintext", json!("\"x\""))))),
        secret("value", json!({"a": "x"}))
    )]
    fn a_plan_and_a_gate_give_one_hash(#[case] plan: Value, #[case] gate: Value) {
        let hidden_plan = hidden(plan);
        assert_eq!(hidden_plan, hidden(gate));
        assert_eq!(hidden_plan["hmac"].as_str().unwrap().len(), 64);
    }

    #[test]
    fn a_number_and_its_text_have_two_hashes() {
        assert_ne!(hidden(secret("value", json!(3))), hidden(secret("value", json!("3"))));
    }

    #[rstest]
    #[case::unknown(json!({"a": ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]}), "unknown", json!(true))]
    #[case::marker(
        json!("tidegate-unknown:n1:net.ip"), "marker", json!("tidegate-unknown:n1:net.ip")
    )]
    fn a_secret_to_come_is_no_hash(#[case] plain: Value, #[case] key: &str, #[case] value: Value) {
        assert_eq!(hidden(secret("value", plain)), secret(key, value));
    }

    #[test]
    fn a_secret_around_a_marker_stays_without_a_hash() {
        let around = secret("value", json!("u:tidegate-unknown:n1:net.ip@h"));
        assert_eq!(hidden(around), json!({ signature::KEY: signature::SECRET }));
    }

    #[test]
    fn a_secret_text_inside_a_plain_one_is_hidden_too() {
        let document = hidden(json!({"url": "pg://u:hunter22@h", "other": "plain"}));
        assert_eq!(document["other"], "plain");
        assert!(document["url"]["hmac"].is_string(), "{document}");
    }
}
