//! Which facts a decision about a change needs, told from its history and its settings. The hosts
//! fetch what is named here and nothing else, so that neither has to know what matters.

use crate::facts::ChangeFacts;
use crate::ids::{AccountId, ChangeNumber, GroupUuid, PatchSetNumber, Project, ServerId};
use crate::meta_log::MetaLog;
use crate::settings::{Floor, Settings, SettingsLayer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known before the rest is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NeedsInput {
    /// [`ChangeFacts::SCHEMA`].
    pub schema: u32,
    /// The server.
    pub server: ServerId,
    /// The change's project.
    pub project: Project,
    /// The change's number.
    pub number: ChangeNumber,
    /// Its history.
    pub meta: MetaLog,
    /// Its settings, from the root of the inheritance down.
    pub settings: Vec<SettingsLayer>,
}

/// The facts that are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Whether any stack is claimed on the change's branch. If not, nothing else is needed.
    pub ours: bool,
    /// Patch sets whose commits and paths are needed.
    pub patch_sets: BTreeSet<PatchSetNumber>,
    /// Labels whose range is needed.
    pub labels: BTreeSet<String>,
    /// Accounts that play a part in the change.
    pub accounts: BTreeSet<AccountId>,
    /// Groups whose members have a say.
    pub groups: BTreeSet<GroupUuid>,
}

/// The verb `needs`.
///
/// # Errors
/// A sentence, if `input` is not a [`NeedsInput`].
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: NeedsInput = crate::json::read("needs", input)?;
    crate::json::schema("needs", input.schema, ChangeFacts::SCHEMA)?;
    crate::json::write(&needs(&input.meta, &input.settings))
}

/// The facts that a decision about a change needs. A history or settings that can't be read need
/// nothing more: the decision will say so.
#[must_use]
pub fn needs(meta: &MetaLog, layers: &[SettingsLayer]) -> Needs {
    let (Ok(change), Ok(settings)) = (meta.change(), Settings::read(layers, &Floor::default()))
    else {
        return Needs { ours: true, ..Needs::default() };
    };
    let claims: Vec<_> = settings.on_branch(&change.branch).collect();
    if claims.is_empty() {
        return Needs::default();
    }
    let mut groups: BTreeSet<GroupUuid> = settings.trust.groups.iter().cloned().collect();
    groups.extend(settings.operators.iter().cloned());
    groups.extend(claims.iter().filter_map(|claim| claim.approve.group.clone()));
    Needs {
        ours: true,
        patch_sets: [change.current, change.reviewed()].into(),
        labels: claims.iter().map(|claim| claim.approve.label.to_string()).collect(),
        accounts: change.people(),
        groups,
    }
}
