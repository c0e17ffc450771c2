//! The input of the verb `plan`.

use crate::ids::RefName;
use crate::settings::graph::References;
use crate::settings::{Floor, SettingsLayer};
use serde::{Deserialize, Serialize};

/// What a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// The settings' layers, root-most first.
    pub layers: Vec<SettingsLayer>,
    /// The host's demands.
    #[serde(default)]
    pub floor: Floor,
    /// The branch that the change is for.
    pub branch: RefName,
    /// The paths that the change adds, removes or alters, both names of a renamed one.
    pub changed: Vec<String>,
    /// References seen in previews or states: the reader, and what it reads.
    #[serde(default)]
    pub observed: References,
}
