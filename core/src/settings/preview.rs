//! How patch sets are previewed.

use serde::{Deserialize, Serialize};

/// How patch sets are previewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// What happens to patch sets that nobody trusts.
    pub untrusted: Untrusted,
    /// How long one preview may take.
    pub timeout_minutes: u32,
}

/// What happens to patch sets that nobody trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Untrusted {
    /// They aren't previewed.
    Refuse,
    /// They are previewed isolated, on a sealed copy of the state.
    Sealed,
}
