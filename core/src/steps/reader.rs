//! Reads one property value out of what the engine shows, and fills in what it masks.
//!
//! An event shows every property and masks secrets; the saved plan, the gate and the state hold the
//! secrets (as keyed hashes) but not every property. So a value is read from both at once: the
//! event says what is there, the other source fills the masked places, and where both can be seen
//! they must agree.

use super::limits;
use super::marker::{BadMarker, Markers, Part};
use super::number;
use super::signature::{self, Form, MASK};
use super::urn::Urn;
use super::val::{Opaque, Val};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads values; counts what it wrote against the limits.
#[derive(Debug)]
pub(crate) struct Reader {
    markers: Markers,
    dependencies: usize,
}

/// Why a value can't be read, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Keys and indices, innermost first.
    path: Vec<String>,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The two sources show different values.
    Disagree,
    /// A secret's text where its hash should be.
    PlainSecret,
    /// A special form without its parts.
    Malformed,
    /// A text that looks like a marker and wasn't planted.
    Marker,
    /// Too many markers.
    Markers,
    /// Too many dependencies of unknown values.
    Dependencies,
    /// Nested too deep.
    Depth,
}

/// How the values of one property are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode<'a> {
    /// What an unknown value depends on.
    pub(crate) on: &'a [Urn],
    /// Whether markers are looked for: in new values. An old value is no preview's.
    pub(crate) markers: bool,
}

/// How an old value is read.
pub(crate) const OLD: Mode<'_> = Mode { on: &[], markers: false };

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { path: Vec::new(), kind }
    }

    pub(crate) fn at(mut self, step: impl Into<String>) -> Self {
        self.path.push(step.into());
        self
    }

    /// The place, such as `tags.owner` or `rules[2]`.
    pub(crate) fn place(&self) -> String {
        let mut place = String::new();
        for step in self.path.iter().rev() {
            if !place.is_empty() && !step.starts_with('[') {
                place.push('.');
            }
            place.push_str(step);
        }
        place
    }
}

impl Reader {
    pub(crate) fn new(markers: Markers) -> Self {
        Self { markers, dependencies: limits::DEPENDENCIES }
    }

    /// Reads `shown`, filling what it masks from `full`.
    pub(crate) fn read(
        &mut self,
        shown: &Value,
        full: Option<&Value>,
        mode: Mode<'_>,
    ) -> Result<Val, Fault> {
        self.value(shown, full, mode, 0)
    }

    fn value(
        &mut self,
        shown: &Value,
        full: Option<&Value>,
        mode: Mode<'_>,
        depth: usize,
    ) -> Result<Val, Fault> {
        if depth > limits::VALUE_DEPTH {
            return Err(Fault::new(FaultKind::Depth));
        }
        match shown {
            Value::Null => agreed(Val::Null, full, Value::is_null),
            Value::Bool(flag) => {
                agreed(Val::Bool(*flag), full, |full| full.as_bool() == Some(*flag))
            }
            Value::Number(n) => {
                let text = number::canonical(&n.to_string());
                let equal = |full: &Value| {
                    full.as_number().is_some_and(|f| number::canonical(&f.to_string()) == text)
                };
                agreed(Val::Number(text.clone()), full, equal)
            }
            Value::String(text) => self.text(text, full, mode, depth),
            Value::Array(items) => self.list(items, full, mode, depth),
            Value::Object(map) => match signature::form(map) {
                Form::Plain => self.object(map, full, mode, depth),
                Form::Secret => self.secret(map, full, mode),
                form => special(form, map, full),
            },
        }
    }

    #[inline(never)]
    fn text(
        &mut self,
        text: &str,
        full: Option<&Value>,
        mode: Mode<'_>,
        depth: usize,
    ) -> Result<Val, Fault> {
        if signature::is_unknown(text) {
            return match full {
                Some(Value::String(full)) if signature::is_unknown(full) => self.unknown(mode),
                Some(full) => self.value(full, None, mode, depth + 1),
                None => self.unknown(mode),
            };
        }
        match full {
            None if text.contains(MASK) => Ok(Val::Opaque(Opaque::Masked)),
            None => self.plain(text, mode),
            Some(Value::String(full)) if full == text => self.plain(text, mode),
            // A text that Pulumi masked stays masked: it may hold a secret in clear.
            Some(Value::String(full))
                if !signature::is_unknown(full) && signature::is_masked_form(text, full) =>
            {
                Ok(Val::Opaque(Opaque::Masked))
            }
            Some(full) => match signature::as_secret(full) {
                Some(secret) => self.secret(secret, None, mode),
                None => Err(Fault::new(FaultKind::Disagree)),
            },
        }
    }

    fn plain(&mut self, text: &str, mode: Mode<'_>) -> Result<Val, Fault> {
        if !mode.markers {
            return Ok(Val::Text(text.to_owned()));
        }
        let parts = self.markers.split(text).map_err(|bad| match bad {
            BadMarker::NotPlanted => Fault::new(FaultKind::Marker),
            BadMarker::TooMany => Fault::new(FaultKind::Markers),
        })?;
        Ok(match parts {
            None => Val::Text(text.to_owned()),
            Some(parts) => match parts.as_slice() {
                [Part::Marker(name)] => Val::Marker(name.clone()),
                _ => Val::Template(parts),
            },
        })
    }

    #[inline(never)]
    fn list(
        &mut self,
        items: &[Value],
        full: Option<&Value>,
        mode: Mode<'_>,
        depth: usize,
    ) -> Result<Val, Fault> {
        let fulls = match full {
            None => None,
            Some(Value::Array(fulls)) if fulls.len() == items.len() => Some(fulls),
            Some(_) => return Err(Fault::new(FaultKind::Disagree)),
        };
        let mut list = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let full = fulls.and_then(|fulls| fulls.get(i));
            let read = self.value(item, full, mode, depth + 1);
            list.push(read.map_err(|fault| fault.at(format!("[{i}]")))?);
        }
        Ok(Val::List(list))
    }

    #[inline(never)]
    fn object(
        &mut self,
        map: &Map<String, Value>,
        full: Option<&Value>,
        mode: Mode<'_>,
        depth: usize,
    ) -> Result<Val, Fault> {
        let fulls = match full {
            None => None,
            Some(Value::Object(fulls)) if signature::form(fulls) == Form::Plain => Some(fulls),
            Some(_) => return Err(Fault::new(FaultKind::Disagree)),
        };
        if let Some(extra) = fulls.and_then(|fulls| only_in(fulls, map)) {
            return Err(Fault::new(FaultKind::Disagree).at(extra));
        }
        let mut object = BTreeMap::new();
        // A null in an object is no property: languages differ in whether they send it.
        for (key, item) in map.iter().filter(|(_, item)| !item.is_null()) {
            let full = fulls.and_then(|fulls| fulls.get(key));
            if fulls.is_some() && full.is_none() && !is_internal(key) {
                return Err(Fault::new(FaultKind::Disagree).at(key));
            }
            let read = self.value(item, full, mode, depth + 1);
            object.insert(key.clone(), read.map_err(|fault| fault.at(key))?);
        }
        Ok(Val::Object(object))
    }

    #[inline(never)]
    fn secret(
        &mut self,
        shown: &Map<String, Value>,
        full: Option<&Value>,
        mode: Mode<'_>,
    ) -> Result<Val, Fault> {
        let full = match full {
            Some(Value::String(text)) if signature::is_unknown(text) => return self.unknown(mode),
            Some(full) => signature::as_secret(full),
            None => None,
        };
        self.leaf(full.unwrap_or(shown), mode)
    }

    /// A secret as the host leaves it (see [`super::hide`]), or as an event masks it.
    #[inline(never)]
    fn leaf(&mut self, leaf: &Map<String, Value>, mode: Mode<'_>) -> Result<Val, Fault> {
        let mut rest = leaf.iter().filter(|(key, _)| *key != signature::KEY);
        match (rest.next(), rest.next()) {
            (None, _) => Ok(Val::Opaque(Opaque::Secret)),
            (Some((key, value)), None) => match (key.as_str(), value) {
                ("hmac", Value::String(hash)) if is_hash(hash) => Ok(Val::Secret(hash.clone())),
                ("unknown", Value::Bool(true)) => self.unknown(mode),
                ("marker", Value::String(text)) if mode.markers => self.plain(text, mode),
                ("ciphertext", _) => Ok(Val::Opaque(Opaque::Secret)),
                ("plaintext" | "value", _) => Err(Fault::new(FaultKind::PlainSecret)),
                _ => Err(Fault::new(FaultKind::Malformed)),
            },
            _ => Err(Fault::new(FaultKind::Malformed)),
        }
    }

    fn unknown(&mut self, mode: Mode<'_>) -> Result<Val, Fault> {
        self.dependencies = self
            .dependencies
            .checked_sub(mode.on.len())
            .ok_or(Fault::new(FaultKind::Dependencies))?;
        Ok(Val::Unknown(mode.on.to_vec()))
    }
}

/// Keys that the engine keeps from policies (`SkipInternalKeys` in its `analyzer_plugin.go`).
pub(crate) fn is_internal(key: &str) -> bool {
    key.starts_with("__")
}

/// A key that only `left` has, with more than null.
pub(crate) fn only_in(left: &Map<String, Value>, right: &Map<String, Value>) -> Option<String> {
    left.iter()
        .find(|(key, value)| !value.is_null() && right.get(*key).is_none_or(Value::is_null))
        .map(|(key, _)| key.clone())
}

fn agreed(
    val: Val,
    full: Option<&Value>,
    equal: impl FnOnce(&Value) -> bool,
) -> Result<Val, Fault> {
    if full.is_none_or(equal) { Ok(val) } else { Err(Fault::new(FaultKind::Disagree)) }
}

/// The forms that no event masks. What the gate is shown may spell a resource in another way.
#[inline(never)]
fn special(form: Form<'_>, map: &Map<String, Value>, full: Option<&Value>) -> Result<Val, Fault> {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let malformed = || Fault::new(FaultKind::Malformed);
    match form {
        Form::Asset | Form::Archive => {
            let hash = text("hash").filter(|hash| is_hash(hash));
            let full = full.and_then(Value::as_object);
            if full.is_some_and(|full| full.get("hash").and_then(Value::as_str) != text("hash")) {
                return Err(Fault::new(FaultKind::Disagree));
            }
            Ok(match (hash, form) {
                (None, _) => Val::Opaque(Opaque::Asset),
                (Some(hash), Form::Asset) => Val::Asset(hash.to_owned()),
                (Some(hash), _) => Val::Archive(hash.to_owned()),
            })
        }
        Form::Resource => {
            let urn = text("urn").ok_or_else(malformed)?;
            Ok(Val::Resource(urn.parse().map_err(|_| malformed())?))
        }
        Form::Bytes => Ok(Val::Bytes(text("value").ok_or_else(malformed)?.to_owned())),
        Form::Plain | Form::Secret => Err(malformed()),
        Form::Other(signature) => {
            Ok(Val::Opaque(Opaque::Signature(signature.chars().take(64).collect())))
        }
    }
}

/// Whether `text` is a SHA-256 in lower-case hex.
fn is_hash(text: &str) -> bool {
    text.parse::<crate::ids::Digest>().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::steps::marker::Marker;
    use rstest::rstest;
    use serde_json::json;

    const S: &str = signature::SECRET;

    fn read(shown: Value, full: Option<Value>) -> Result<Value, (String, FaultKind)> {
        let marker =
            Marker { nonce: "n1".into(), stack: "net".parse().unwrap(), output: "ip".into() };
        let on = ["urn:pulumi:d::p::t:t:T::a".parse().unwrap()];
        let mode = Mode { on: &on, markers: true };
        Reader::new(Markers::new(&[marker]))
            .read(&shown, full.as_ref(), mode)
            .map(|val| val.to_json())
            .map_err(|fault| (fault.place(), fault.kind))
    }

    fn hash() -> String {
        "ab".repeat(32)
    }

    #[rstest]
    #[case::plain(json!({"a": [1.0, "x", null], "n": null}), json!({"a": [{"number": "1"}, "x", null]}))]
    #[case::masked(json!({signature::KEY: S, "ciphertext": MASK}), json!({"opaque": "secret"}))]
    #[case::masked_inside_a_text(json!("u:[secret]@h"), json!({"opaque": "masked"}))]
    #[case::unknown(
        json!("04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
        json!({"unknown": ["urn:pulumi:d::p::t:t:T::a"]})
    )]
    #[case::marker(
        json!("tidegate-unknown:n1:net.ip"),
        json!({"marker": {"stack": "net", "output": "ip"}})
    )]
    #[case::template(
        json!("tidegate-unknown:n1:net.ip/24"),
        json!({"text": [{"marker": {"stack": "net", "output": "ip"}}, "/24"]})
    )]
    #[case::asset(json!({signature::KEY: "c44067f5952c0a294b673a41bacd8c17", "hash": "0".repeat(64),
        "path": "./x"}), json!({"asset": "0".repeat(64)}))]
    #[case::asset_without_hash(json!({signature::KEY: "c44067f5952c0a294b673a41bacd8c17"}),
        json!({"opaque": "asset"}))]
    #[case::new_form(json!({signature::KEY: "feed"}), json!({"opaque": "signature:feed"}))]
    #[case::an_object_that_looks_like_a_form(json!({"secret": "x"}),
        json!({"object": {"secret": "x"}}))]
    fn a_value_is_read_from_an_event_alone(#[case] shown: Value, #[case] expected: Value) {
        assert_eq!(read(shown, None), Ok(expected));
    }

    #[rstest]
    #[case::secret(json!({signature::KEY: S, "ciphertext": MASK}),
        json!({signature::KEY: S, "hmac": hash()}), json!({"secret": hash()}))]
    #[case::unknown_secret(json!({signature::KEY: S, "ciphertext": MASK}),
        json!({signature::KEY: S, "unknown": true}), json!({"unknown": ["urn:pulumi:d::p::t:t:T::a"]}))]
    #[case::marked_secret(json!({signature::KEY: S, "ciphertext": MASK}),
        json!({signature::KEY: S, "marker": "tidegate-unknown:n1:net.ip"}),
        json!({"marker": {"stack": "net", "output": "ip"}}))]
    #[case::a_secret_that_the_other_source_shows_plain(
        json!({signature::KEY: S, "ciphertext": MASK}), json!("x"), json!({"opaque": "secret"}))]
    #[case::masked_text_whose_hash_is_known(json!("u:[secret]@h"),
        json!({signature::KEY: S, "hmac": hash()}), json!({"secret": hash()}))]
    #[case::masked_text_in_clear(json!("u:[secret]@h"), json!("u:pw@h"), json!({"opaque": "masked"}))]
    #[case::deep(json!({"a": [{signature::KEY: S, "ciphertext": MASK}], "__defaults": []}),
        json!({"a": [{signature::KEY: S, "hmac": hash()}]}),
        json!({"a": [{"secret": hash()}], "__defaults": []}))]
    #[case::numbers_are_compared_by_value(json!(2), json!(2.0), json!({"number": "2"}))]
    fn masked_places_are_filled(
        #[case] shown: Value,
        #[case] full: Value,
        #[case] expected: Value,
    ) {
        assert_eq!(read(shown, Some(full)), Ok(expected));
    }

    #[rstest]
    #[case::text(json!({"a": {"b": ["x"]}}), json!({"a": {"b": ["y"]}}), "a.b[0]", FaultKind::Disagree)]
    #[case::missing(json!({"a": 1}), json!({}), "a", FaultKind::Disagree)]
    #[case::extra(json!({}), json!({"a": 1}), "a", FaultKind::Disagree)]
    #[case::length(json!([1]), json!([1, 2]), "", FaultKind::Disagree)]
    #[case::clear(json!([{signature::KEY: S, "ciphertext": MASK}]),
        json!([{signature::KEY: S, "plaintext": "\"x\""}]), "[0]", FaultKind::PlainSecret)]
    #[case::bad_hash(json!({signature::KEY: S}), json!({signature::KEY: S, "hmac": "x"}), "",
        FaultKind::Malformed)]
    #[case::forged(json!(["tidegate-unknown:zz:net.ip"]), json!(["tidegate-unknown:zz:net.ip"]),
        "[0]", FaultKind::Marker)]
    fn what_does_not_fit_is_refused_with_its_place(
        #[case] shown: Value,
        #[case] full: Value,
        #[case] place: &str,
        #[case] kind: FaultKind,
    ) {
        assert_eq!(read(shown, Some(full)), Err((place.to_owned(), kind)));
    }

    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let deep = |levels| (0..levels).fold(json!("x"), |inner, _| json!([inner]));
        assert!(read(deep(limits::VALUE_DEPTH), None).is_ok());
        assert_eq!(read(deep(limits::VALUE_DEPTH + 1), None).unwrap_err().1, FaultKind::Depth);
    }

    #[test]
    fn an_unknown_that_would_repeat_too_many_dependencies_is_refused() {
        let unknown = json!("04da6b54-80e4-46f7-96ec-b56ff0331ba9");
        let on: Vec<Urn> = vec!["urn:pulumi:d::p::t:t:T::a".parse().unwrap(); 1_000];
        let mode = Mode { on: &on, markers: false };
        let full = json!(vec![unknown.clone(); limits::DEPENDENCIES / 1_000]);
        let mut reader = Reader::new(Markers::new(&[]));
        assert!(reader.read(&full, None, mode).is_ok());
        assert_eq!(reader.read(&unknown, None, mode).unwrap_err().kind, FaultKind::Dependencies);
    }
}
