//! Environments, which order rollouts.

use super::EnvironmentName;
use serde::{Deserialize, Serialize};

/// An environment and its place in the order of rollouts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Its place, from 0; lower ones are rolled out first.
    pub rank: u32,
}
