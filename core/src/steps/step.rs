//! One step, and what is only looked at.

use super::operation::{Operation, ReadOperation};
use super::urn::Urn;
use super::val::{Hidden, Val};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that the engine would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The resource.
    pub urn: Urn,
    /// What happens to it.
    pub operation: Operation,
    /// Its type token.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Whether a provider manages it; components and the stack itself are the program's own.
    pub custom: bool,
    /// The provider that does it; none for what isn't custom, and for providers themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// What the program asks of the engine: set, or changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<OptionName, Change>,
    /// What is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Old>,
    /// The properties that change, or the stack's outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, Change>,
    /// The properties for which the provider wants a replacement.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub replace_keys: BTreeSet<String>,
    /// Of a replacement: the old resource goes before the new one comes. Shown, and not part of the
    /// digest: a retry may have to go the other way round.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deletes_first: bool,
    /// Values in it that can't be seen. Not part of the digest, as the next two.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub opaque: u32,
    /// Values in it that are known only later.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u32,
    /// Values in it that are secrets, shown by their keyed hashes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub secrets: u32,
}

/// A provider, without the id of its instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its URN.
    pub urn: Urn,
    /// The version that the program pins; none when it takes what is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What is there before the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Old {
    /// The provider's id; none for what isn't custom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// All inputs, changed or not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Val>,
}

/// One property or option before and after. A side that is missing isn't set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The value before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub old: Option<Val>,
    /// The value after.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub new: Option<Val>,
    /// Whether `old` was taken from what the provider says is there (outputs), because the inputs
    /// are equal: something changed the resource by itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drift: bool,
}

/// An option of a resource, by Pulumi's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OptionName {
    /// The engine refuses to delete it.
    Protect,
    /// A delete forgets it and leaves it where it is.
    RetainOnDelete,
    /// A replacement deletes first. The old side is known nowhere.
    DeleteBeforeReplace,
    /// Properties whose changes are not made.
    IgnoreChanges,
    /// Outputs that are secrets besides those that the provider names.
    AdditionalSecretOutputs,
    /// How long an operation may take, in seconds.
    CustomTimeouts,
    /// The resource that it belongs to.
    Parent,
    /// Another provider manages it; not said of default providers, which change with each version.
    Provider,
    /// It had another URN, by an alias.
    Urn,
}

impl OptionName {
    /// The option's name, as it is written in steps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protect => "protect",
            Self::RetainOnDelete => "retainOnDelete",
            Self::DeleteBeforeReplace => "deleteBeforeReplace",
            Self::IgnoreChanges => "ignoreChanges",
            Self::AdditionalSecretOutputs => "additionalSecretOutputs",
            Self::CustomTimeouts => "customTimeouts",
            Self::Parent => "parent",
            Self::Provider => "provider",
            Self::Urn => "urn",
        }
    }
}

/// A resource that the program only looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The resource.
    pub urn: Urn,
    /// How it is looked at.
    pub operation: ReadOperation,
    /// Its type token; `pulumi:pulumi:StackReference` for another stack's outputs.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The provider that reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// Under which id; the full name of the stack for a stack reference.
    pub id: Val,
}

impl Step {
    /// Whether the engine made it by itself and no program named it.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.urn.is_default_provider()
    }

    /// The id of what is there before; empty when there is none.
    #[must_use]
    pub fn old_id(&self) -> &str {
        self.old.as_ref().and_then(|old| old.id.as_deref()).unwrap_or_default()
    }

    /// The URN of what is there before: another one where an alias says so.
    pub(crate) fn old_urn(&self) -> String {
        match self.options.get(&OptionName::Urn).and_then(|option| option.old.as_ref()) {
            Some(Val::Text(urn)) => urn.clone(),
            _ => self.urn.to_string(),
        }
    }

    /// What counts as hidden: all that is there and all that comes, each value once.
    pub(crate) fn hidden(&self) -> Hidden {
        let mut hidden = Hidden::default();
        let old = self.old.iter().flat_map(|old| old.inputs.values());
        let before = self.changes.values().filter(|change| self.old.is_none() || change.drift);
        let values = old
            .chain(before.filter_map(|change| change.old.as_ref()))
            .chain(self.changes.values().filter_map(|change| change.new.as_ref()));
        values.for_each(|val| val.count(&mut hidden));
        hidden
    }
}

impl Change {
    /// A change of an input, an output or an option.
    #[must_use]
    pub fn new(old: Option<Val>, new: Option<Val>) -> Self {
        Self { old, new, drift: false }
    }
}

/// A null is a value, and no missing side.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Val>, D::Error> {
    Val::deserialize(deserializer).map(Some)
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The shape that serde asks for.
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The shape that serde asks for.
fn is_zero(count: &u32) -> bool {
    *count == 0
}
