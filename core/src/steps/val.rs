//! One value of a property, as it is shown, compared and hashed.

use super::marker::{MarkerName, Part};
use super::urn::Urn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// A value of a property.
///
/// In JSON, texts, booleans, null, lists and objects are themselves; anything else is an object
/// with one key that says what it is: `{"number": "1.5"}`, `{"secret": "<keyed hash>"}`,
/// `{"unknown": ["<urn>", …]}`, `{"marker": {"stack": …, "output": …}}`, `{"text": ["http://",
/// {"marker": …}]}`, `{"asset": "<hash>"}`, `{"archive": "<hash>"}`, `{"resource": "<urn>"}`,
/// `{"bytes": "<base64>"}`, `{"opaque": "<why>"}`. A program's own object that looks like one of
/// these is written inside `{"object": …}`. So no two values have one JSON, and a number is never
/// taken for a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Val {
    /// Null; only inside lists, since a null in an object is no property.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, by its one text.
    Number(String),
    /// A text.
    Text(String),
    /// A text with markers in it; never a marker alone.
    Template(Vec<Part>),
    /// An output of another stack that is known only after that stack was deployed.
    Marker(MarkerName),
    /// A list.
    List(Vec<Val>),
    /// An object.
    Object(BTreeMap<String, Val>),
    /// A secret, by its keyed hash (64 hex digits). Hashes of one stack can be compared.
    Secret(String),
    /// Known only while the update runs, with what the property depends on.
    Unknown(Vec<Urn>),
    /// A file or text, by its SHA-256.
    Asset(String),
    /// An archive, by its hash.
    Archive(String),
    /// Another resource.
    Resource(Urn),
    /// A text that is no UTF-8, in base64.
    Bytes(String),
    /// Something that can't be seen.
    Opaque(Opaque),
}

/// Why a value can't be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opaque {
    /// A secret for which nobody could compute a hash.
    Secret,
    /// A text in which Pulumi masked a secret.
    Masked,
    /// An asset or archive without a hash.
    Asset,
    /// A form of value that the core doesn't know, by its signature.
    Signature(String),
}

/// How many leaves of a value can't be read by a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) opaque: u32,
    pub(crate) unknown: u32,
    pub(crate) secrets: u32,
}

impl Val {
    /// Whether some part of it is known only later: an unknown or a marker.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Unknown(_) | Self::Marker(_) | Self::Template(_) => true,
            Self::List(items) => items.iter().any(Self::is_open),
            Self::Object(map) => map.values().any(Self::is_open),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Secret(_)
            | Self::Asset(_)
            | Self::Archive(_)
            | Self::Resource(_)
            | Self::Bytes(_)
            | Self::Opaque(_) => false,
        }
    }

    /// Whether some part of it can't be seen.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::Opaque(_) => true,
            Self::List(items) => items.iter().any(Self::is_opaque),
            Self::Object(map) => map.values().any(Self::is_opaque),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Template(_)
            | Self::Marker(_)
            | Self::Secret(_)
            | Self::Unknown(_)
            | Self::Asset(_)
            | Self::Archive(_)
            | Self::Resource(_)
            | Self::Bytes(_) => false,
        }
    }

    pub(crate) fn count(&self, hidden: &mut Hidden) {
        match self {
            Self::Unknown(_) | Self::Marker(_) | Self::Template(_) => {
                hidden.unknown = hidden.unknown.saturating_add(1);
            }
            Self::Secret(_) => hidden.secrets = hidden.secrets.saturating_add(1),
            Self::Opaque(_) => hidden.opaque = hidden.opaque.saturating_add(1),
            Self::List(items) => items.iter().for_each(|item| item.count(hidden)),
            Self::Object(map) => map.values().for_each(|item| item.count(hidden)),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Asset(_)
            | Self::Archive(_)
            | Self::Resource(_)
            | Self::Bytes(_) => {}
        }
    }

    /// The value's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Object(map) => {
                let plain: Map<_, _> = map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect();
                if tag_of(&plain).is_some() {
                    json!({ "object": plain })
                } else {
                    Value::Object(plain)
                }
            }
            Self::Number(_)
            | Self::Template(_)
            | Self::Marker(_)
            | Self::Secret(_)
            | Self::Unknown(_)
            | Self::Asset(_)
            | Self::Archive(_)
            | Self::Resource(_)
            | Self::Bytes(_)
            | Self::Opaque(_) => {
                let (tag, inner) = self.tagged();
                Value::Object(Map::from_iter([(tag.to_owned(), inner)]))
            }
        }
    }

    /// The one key of a value that isn't JSON's own, and what stands under it.
    #[inline(never)]
    fn tagged(&self) -> (&'static str, Value) {
        let text = |text: &str| Value::String(text.to_owned());
        match self {
            Self::Number(number) => ("number", text(number)),
            Self::Template(parts) => {
                ("text", Value::Array(parts.iter().map(part_to_json).collect()))
            }
            Self::Marker(name) => ("marker", marker_to_json(name)),
            Self::Secret(hash) => ("secret", text(hash)),
            Self::Unknown(on) => {
                ("unknown", Value::Array(on.iter().map(|urn| text(urn.as_str())).collect()))
            }
            Self::Asset(hash) => ("asset", text(hash)),
            Self::Archive(hash) => ("archive", text(hash)),
            Self::Resource(urn) => ("resource", text(urn.as_str())),
            Self::Bytes(base64) => ("bytes", text(base64)),
            Self::Opaque(why) => ("opaque", Value::String(why.to_string())),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::List(_) | Self::Object(_) => {
                ("object", Value::Null)
            }
        }
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// A JSON that no value is written as, in words.
    pub fn from_json(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Bool(flag) => Ok(Self::Bool(flag)),
            Value::Number(_) => {
                Err("a value: expected {\"number\": …}, found a bare number".into())
            }
            Value::String(text) => Ok(Self::Text(text)),
            Value::Array(items) => {
                Ok(Self::List(items.into_iter().map(Self::from_json).collect::<Result<_, _>>()?))
            }
            Value::Object(map) => match tag_of(&map) {
                Some(tag) => from_tagged(tag, map.into_iter().next().map(|(_, inner)| inner)),
                None => plain_object(map),
            },
        }
    }
}

impl From<Val> for Value {
    fn from(val: Val) -> Value {
        val.to_json()
    }
}

impl TryFrom<Value> for Val {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        Self::from_json(value)
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("secret"),
            Self::Masked => f.write_str("masked"),
            Self::Asset => f.write_str("asset"),
            Self::Signature(signature) => write!(f, "signature:{signature}"),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Val {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Val".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A property's value: text, truth value, null, list or object, or an \
                            object with one key that says what it is (docs/steps.md).",
            "type": ["string", "boolean", "null", "array", "object"]
        })
    }
}

/// The keys that say what a value is.
const TAGS: [&str; 11] = [
    "number", "text", "marker", "secret", "unknown", "asset", "archive", "resource", "bytes",
    "opaque", "object",
];

fn tag_of(map: &Map<String, Value>) -> Option<&'static str> {
    let (key, _) = map.iter().next()?;
    TAGS.into_iter().find(|tag| map.len() == 1 && *tag == key)
}

fn part_to_json(part: &Part) -> Value {
    match part {
        Part::Text(text) => Value::String(text.clone()),
        Part::Marker(name) => json!({ "marker": marker_to_json(name) }),
    }
}

fn marker_to_json(name: &MarkerName) -> Value {
    json!({ "output": name.output, "stack": name.stack.as_str() })
}

#[inline(never)]
fn plain_object(map: Map<String, Value>) -> Result<Val, String> {
    let read = |(key, inner)| Ok::<_, String>((key, Val::from_json(inner)?));
    Ok(Val::Object(map.into_iter().map(read).collect::<Result<_, _>>()?))
}

#[inline(never)]
fn from_tagged(tag: &'static str, inner: Option<Value>) -> Result<Val, String> {
    let inner = inner.unwrap_or_default();
    let bad = || format!("a value: what stands under {tag:?} is not what belongs there");
    let text = |inner: Value| match inner {
        Value::String(text) => Ok(text),
        _ => Err(bad()),
    };
    Ok(match tag {
        "number" => Val::Number(text(inner)?),
        "secret" => Val::Secret(text(inner)?),
        "asset" => Val::Asset(text(inner)?),
        "archive" => Val::Archive(text(inner)?),
        "bytes" => Val::Bytes(text(inner)?),
        "opaque" => Val::Opaque(opaque(&text(inner)?).ok_or_else(bad)?),
        "resource" => Val::Resource(text(inner)?.parse().map_err(|_| bad())?),
        "unknown" => Val::Unknown(serde_json::from_value(inner).map_err(|_| bad())?),
        "marker" => Val::Marker(serde_json::from_value(inner).map_err(|_| bad())?),
        "text" => template(inner).ok_or_else(bad)?,
        _ => match inner {
            Value::Object(map) if tag_of(&map).is_some() => plain_object(map)?,
            _ => return Err(bad()),
        },
    })
}

fn opaque(text: &str) -> Option<Opaque> {
    match text {
        "secret" => Some(Opaque::Secret),
        "masked" => Some(Opaque::Masked),
        "asset" => Some(Opaque::Asset),
        _ => text.strip_prefix("signature:").map(|s| Opaque::Signature(s.to_owned())),
    }
}

fn template(inner: Value) -> Option<Val> {
    let Value::Array(items) = inner else { return None };
    let part = |item| match item {
        Value::String(text) => Some(Part::Text(text)),
        Value::Object(mut map) => {
            let name = map.remove("marker").filter(|_| map.is_empty())?;
            Some(Part::Marker(serde_json::from_value(name).ok()?))
        }
        _ => None,
    };
    Some(Val::Template(items.into_iter().map(part).collect::<Option<_>>()?))
}
