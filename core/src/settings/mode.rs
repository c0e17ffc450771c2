//! How far Tidegate goes in a project.

use serde::{Deserialize, Serialize};

/// What Tidegate does in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Says what it would do.
    Observe,
    /// Guards submits.
    Gate,
    /// Guards submits and rolls out.
    Deploy,
}
