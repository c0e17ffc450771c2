//! What a decision is taken from. Both hosts gather the same facts, in the same form, at named
//! commits; a difference between them at equal commits is itself a refusal.

use crate::ids::{AccountId, ChangeNumber, GroupUuid, PatchSetNumber, Project, Revision, ServerId};
use crate::meta_log::MetaLog;
use crate::settings::SettingsLayer;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The facts about one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeFacts {
    /// The number of this form: [`ChangeFacts::SCHEMA`].
    pub schema: u32,
    /// The server that the change lives on.
    pub server: ServerId,
    /// Its project.
    pub project: Project,
    /// Its number.
    pub number: ChangeNumber,
    /// Its history: status, patch sets, votes and messages, in order.
    pub meta: MetaLog,
    /// Settings files from the root of the inheritance (`All-Projects`) to the project itself,
    /// each at the tip of that project's `refs/meta/config`.
    pub settings: Vec<SettingsLayer>,
    /// The patch sets that [`Needs`](crate::needs::Needs) asked for.
    pub patch_sets: BTreeMap<PatchSetNumber, PatchSetFacts>,
    /// The range of each label that was asked for, as the project's labels have it.
    pub labels: BTreeMap<String, LabelRange>,
    /// The accounts that were asked for. One that is missing here does not exist any more.
    pub accounts: BTreeMap<AccountId, AccountFacts>,
    /// What the host wrote about the change, if it did: the blob at `refs/tidegate/changes/…`.
    pub record: Option<RecordFact>,
}

impl ChangeFacts {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;
}

/// What git says of one patch set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PatchSetFacts {
    /// The patch set's commit.
    pub revision: Revision,
    /// The commit's parents.
    pub parents: Vec<Revision>,
    /// Paths that differ between the first parent and the commit, without rename detection, sorted
    /// by bytes (`git diff-tree -r --no-renames --name-only`). A root commit's are all its paths.
    pub paths: Vec<String>,
    /// Accounts that the e-mails of the commit's author and committer belong to. Anybody may write
    /// any e-mail there, so they only ever take a right away.
    pub contributors: BTreeSet<AccountId>,
}

/// The values that a label takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LabelRange {
    /// The lowest.
    pub min: i32,
    /// The highest.
    pub max: i32,
}

/// What Gerrit says of an account at the moment of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountFacts {
    /// Whether the account is active.
    pub active: bool,
    /// Whether it is a service user: a member of Gerrit's group of that name.
    pub service: bool,
    /// Those of the groups that were asked for which the account is in, through other groups too.
    pub groups: BTreeSet<GroupUuid>,
}

/// The host's record of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordFact {
    /// The commit that the record was read at.
    pub commit: Revision,
    /// The record's text, its signature already checked by who hands it over.
    pub text: String,
}
