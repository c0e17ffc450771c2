//! Trust in the people who write patch sets.

use crate::ids::GroupUuid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whose patch sets are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Groups whose members' patch sets, and patch sets with a vote of theirs, are trusted.
    pub groups: BTreeSet<GroupUuid>,
}
