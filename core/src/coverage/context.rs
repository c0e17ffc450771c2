//! What happened between the approval and now.

use crate::ids::StackId;
use crate::steps::operation::Operation;
use crate::steps::step::OptionName;
use crate::steps::urn::Urn;
use crate::steps::val::Val;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What happened between the approval and now, as far as Tidegate recorded it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// What our own runs carried out since the look that was approved, in order.
    #[serde(default)]
    pub ran: Vec<Ran>,
    /// The outputs that upstream stacks were recorded with, by claimed stack and name.
    #[serde(default)]
    pub outputs: BTreeMap<StackId, BTreeMap<String, Val>>,
    /// Resources that the state lists as half replaced: their old row is gone from the cloud, and
    /// the engine deletes it once more.
    #[serde(default)]
    pub pending_replacement: BTreeSet<Urn>,
    /// Whether the stack's input trees, stack file, CLI, hosts and providers are those of the look
    /// that was approved. Only then is a value that can't be seen taken for equal.
    #[serde(default)]
    pub same_inputs: bool,
    /// Whether the state is that of the look that was approved. Only then, with the same inputs, is
    /// an old value that can't be seen taken for equal.
    #[serde(default)]
    pub same_state: bool,
}

/// One operation that one of our own runs carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// Whether it was a run under the approval that is being judged: then each step that it carried
    /// out is spent. False for a run of another change.
    pub own: bool,
    /// The resource.
    pub urn: Urn,
    /// What was done.
    pub operation: Operation,
    /// The id of what is there now, or of what went; none for what isn't custom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// All inputs that are there now, or all outputs of the stack; nothing for deletes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Val>,
    /// The options that are set now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<OptionName, Val>,
}
