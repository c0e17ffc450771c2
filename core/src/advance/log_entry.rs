//! What the core wants in the log. No free text and no person: digests, numbers and names of things.

use crate::ids::AccountId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One entry of the log, but for its time and the commitments to accounts, which the host adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// What happened: a stable name such as `plan-published`.
    pub code: String,
    /// The subject, `serverId/project/number`.
    pub subject: String,
    /// Numbers and names of things, such as the patch set.
    pub ids: BTreeMap<String, String>,
    /// Digests, such as that of the steps.
    pub digests: BTreeMap<String, String>,
    /// Who did it: the log gets a commitment to the account, never its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}
