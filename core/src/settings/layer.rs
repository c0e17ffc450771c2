//! What settings are read from.

use super::{Floor, taken};
use crate::ids::{Project, Revision};
use serde::{Deserialize, Serialize};

/// The files of one project's `refs/meta/config` that matter here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsLayer {
    /// The project.
    #[serde(deserialize_with = "taken")]
    pub project: Project,
    /// The commit that both files were read at.
    #[serde(deserialize_with = "taken")]
    pub commit: Revision,
    /// `tidegate.toml`; empty when there is none.
    #[serde(deserialize_with = "taken")]
    pub text: String,
    /// `groups`: lines `UUID<TAB>name`; empty when there is none.
    #[serde(default)]
    pub groups: String,
}

/// The input of the verb `settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsInput {
    /// Root-most first (`All-Projects`), the project itself last.
    pub layers: Vec<SettingsLayer>,
    /// The host's demands.
    #[serde(default)]
    pub floor: Floor,
}

/// Where one layer was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The project.
    pub project: Project,
    /// The tip of its `refs/meta/config`.
    pub commit: Revision,
}
