//! Policy modules that a project's changes are judged by.

use super::apart;
use crate::ids::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One module, loaded by digest, with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// SHA-256 of the component's bytes.
    pub module: Digest,
    /// What its findings do.
    pub effect: PolicyEffect,
    /// What the module is told, in its own words.
    #[serde(serialize_with = "apart")]
    pub settings: BTreeMap<String, PolicySetting>,
}

/// What a module's findings do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PolicyEffect {
    /// They are shown and refuse nothing.
    Advise,
    /// They refuse.
    Enforce,
}

/// A value of a module's settings. No fractions: two hosts could print one in two ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Value", untagged)]
pub enum PolicySetting {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number of 64 bits.
    Number(i64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<PolicySetting>),
    /// A table, sorted by key.
    Table(BTreeMap<String, PolicySetting>),
}

/// Why a JSON value can't be a module's setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "policy setting: found {found}; expected a text, whole number of 64 bits, flag, list or table"
)]
pub struct BadPolicySetting {
    found: String,
}

impl TryFrom<Value> for PolicySetting {
    type Error = BadPolicySetting;

    fn try_from(value: Value) -> Result<Self, BadPolicySetting> {
        Ok(match value {
            Value::Null => return Err(BadPolicySetting { found: "null".to_owned() }),
            Value::Bool(flag) => Self::Flag(flag),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Number(number),
                None => {
                    let found = number.to_string().chars().take(80).collect();
                    return Err(BadPolicySetting { found });
                }
            },
            Value::String(text) => Self::Text(text),
            Value::Array(items) => {
                Self::List(items.into_iter().map(Self::try_from).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => Self::Table(
                entries
                    .into_iter()
                    .map(|(key, item)| Ok((key, Self::try_from(item)?)))
                    .collect::<Result<_, BadPolicySetting>>()?,
            ),
        })
    }
}
