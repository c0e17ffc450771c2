//! What the gate inside the engine was shown of one resource.

use super::options::Declared;
use super::urn::Urn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One resource, as `Analyze` (inputs, options) and `AnalyzeStack` (outputs, dependencies) showed
/// it, with its secrets hidden. The names are those of Pulumi's analyzer protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shown {
    /// The resource.
    pub urn: Urn,
    /// `properties` of `Analyze`; none if it wasn't asked about the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Map<String, Value>>,
    /// `properties` of `AnalyzeStack`; only those of the stack itself are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Map<String, Value>>,
    /// `options` of `Analyze`.
    #[serde(default)]
    pub options: ShownOptions,
    /// `propertyDependencies` of `AnalyzeStack`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub property_dependencies: BTreeMap<String, BTreeSet<Urn>>,
}

/// The options that no event shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownOptions {
    /// `deleteBeforeReplace`, where `deleteBeforeReplaceDefined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_before_replace: Option<bool>,
    /// `ignoreChanges`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignore_changes: BTreeSet<String>,
    /// `additionalSecretOutputs`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub additional_secret_outputs: BTreeSet<String>,
    /// `customTimeouts`: operation to seconds.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_timeouts: Map<String, Value>,
}

impl ShownOptions {
    pub(crate) fn declared(&self) -> Declared {
        Declared {
            delete_before_replace: self.delete_before_replace,
            ignore_changes: self.ignore_changes.clone(),
            additional_secret_outputs: self.additional_secret_outputs.clone(),
            custom_timeouts: Declared::timeouts(Some(&self.custom_timeouts)),
        }
    }
}
