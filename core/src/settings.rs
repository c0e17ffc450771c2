//! Settings: which stacks a project claims, who approves, and what is demanded of changes.
//!
//! They are TOML, in `tidegate.toml` on `refs/meta/config`, inherited from `All-Projects` down as
//! Gerrit's project configuration is, and bounded by the host's [`Floor`]. `docs/settings.md` has
//! every key. A change is judged by the settings of its protected branch, never by its own.

mod apart;
mod claim;
mod desk;
mod digest;
mod environment;
mod fault;
mod file;
mod file_claim;
mod file_policy;
mod floor;
pub mod graph;
mod groups;
mod installation;
mod layer;
mod mode;
mod names;
mod nesting;
mod policy;
mod preview;
mod problem;
mod repo_path;
mod resolve;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod trust;

pub(crate) use apart::{add, apart, put, taken};
pub use claim::{Apply, Approve, Claim};
pub use environment::Environment;
pub use fault::Fault;
pub use floor::Floor;
pub use installation::{Clash, clashes};
pub use layer::{SettingsInput, SettingsLayer, Source};
pub use mode::Mode;
pub use names::{Backend, EnvironmentName, LabelName, PolicyName, PulumiProject, PulumiStack};
pub use nesting::NESTING;
pub use policy::{BadPolicySetting, Policy, PolicyEffect, PolicySetting};
pub use preview::{Preview, Untrusted};
pub use problem::{PROBLEMS, Place, Problem, SettingsError};
pub use repo_path::RepoPath;
pub use trust::Trust;

use crate::ids::{Digest, GroupUuid, RefName, StackId};
use crate::json;
use desk::{Desk, Problems};
use digest::{Governing, GoverningStack, digest};
use groups::Groups;
use rule::Rules;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema of settings files and of [`Settings`].
pub const SCHEMA: u32 = 1;

/// Most projects above each other. Gerrit sets no bound; people stay below ten.
pub const LAYERS: usize = 64;

/// Most environments: each is a wave of its own, that somebody waits for.
pub const ENVIRONMENTS: usize = 32;

/// Most policy modules: each runs for every preview.
pub const POLICIES: usize = 32;

/// Most trusted groups: a preview asks for the uploader's membership in each.
pub const TRUSTED_GROUPS: usize = 64;

/// Most approvals that a stack may ask for.
pub const APPROVALS: u32 = 100;

/// Longest preview that settings may allow, in minutes: a day.
pub const TIMEOUT_MINUTES: u32 = 1_440;

/// A project's effective settings: those of all layers, defaults filled in, the floor applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What Tidegate does in this project.
    pub mode: Mode,
    /// The environments in the order of rollouts.
    #[serde(serialize_with = "apart")]
    pub environments: Vec<Environment>,
    /// The claimed stacks.
    #[serde(serialize_with = "apart")]
    pub stacks: BTreeMap<StackId, Claim>,
    /// Whose patch sets are trusted.
    #[serde(serialize_with = "apart")]
    pub trust: Trust,
    /// Who may retry, abort, release and acknowledge; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<GroupUuid>,
    /// How patch sets are previewed.
    #[serde(serialize_with = "apart")]
    pub preview: Preview,
    /// The policy modules.
    #[serde(serialize_with = "apart")]
    pub policies: BTreeMap<PolicyName, Policy>,
    /// What the floor changed, in sentences. Not part of the digest.
    pub notes: Vec<String>,
    /// The commits that the settings were read at, root-most first. Not part of the digest.
    #[serde(serialize_with = "apart")]
    pub sources: Vec<Source>,
    /// SHA-256 over the canonical JSON of all but `notes` and `sources`.
    pub digest: Digest,
}

impl Settings {
    /// Reads layers, root-most first, the project's own last, under the host's floor. Layers without
    /// any text claim nothing.
    ///
    /// # Errors
    /// When there is no layer, or anything is wrong in one: settings are used wholly or not at all.
    #[inline(never)]
    pub fn read(layers: &[SettingsLayer], floor: &Floor) -> Result<Self, SettingsError> {
        let (found, limit) = (layers.len(), LAYERS);
        if found > limit {
            return Err(SettingsError::TooManyLayers { found, limit });
        }
        let Some((own, parents)) = layers.split_last() else {
            return Err(SettingsError::NoLayers);
        };
        let mut problems = Problems::default();
        let mut groups = Groups::default();
        let mut rules = Rules::default();
        for layer in parents {
            let mut desk = Desk::new(&layer.project, &layer.text, &mut problems);
            groups.add(&layer.groups);
            rules.overlay(file::read(&layer.text, false, &groups, &mut desk));
            desk.close();
        }
        let mut desk = Desk::new(&own.project, &own.text, &mut problems);
        groups.add(&own.groups);
        rules.overlay(file::read(&own.text, true, &groups, &mut desk));
        let environments = ranked(&rules);
        let resolved = resolve::resolve(&mut rules, floor, &mut desk);
        resolved.check_reads(&environments, &mut desk);
        desk.close();
        if !problems.kept.is_empty() {
            let Problems { kept: problems, more } = problems;
            return Err(SettingsError::Refused { problems, more });
        }
        let sources = layers
            .iter()
            .map(|layer| Source { project: layer.project.clone(), commit: layer.commit.clone() });
        finish(rules, environments, resolved.claims, floor, sources.collect())
    }

    /// The digest of what matters to one stack: its claim with who approves, and the trust and
    /// policies that govern it. A part of its binding, so that an approval ends when these change.
    /// The mode, operators, other stacks and the way of previewing aren't in it. `None` for a stack
    /// that isn't claimed.
    #[must_use]
    #[inline(never)]
    pub fn claim_digest(&self, id: &StackId) -> Option<Digest> {
        let stack = self.stacks.get(id)?;
        let (trust, policies) = (&self.trust, &self.policies);
        digest(&GoverningStack { schema: SCHEMA, stack, trust, policies }).ok()
    }

    /// The claims on `branch`.
    pub fn on_branch(&self, branch: &RefName) -> impl Iterator<Item = &Claim> {
        self.stacks.values().filter(move |claim| claim.branch == *branch)
    }

    /// The place of a claim's environment in the order of rollouts; 0 where there are none.
    #[must_use]
    pub fn rank(&self, claim: &Claim) -> u32 {
        resolve::rank(claim, &self.environments)
    }
}

/// The verb `settings`: a [`SettingsInput`] as JSON to [`Settings`] as JSON.
///
/// # Errors
/// A text that says what is wrong: with the input, or with the files, one problem a line.
#[inline(never)]
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: SettingsInput = json::read("settings", input)?;
    let settings = Settings::read(&input.layers, &input.floor).map_err(|e| e.to_string())?;
    json::write(&settings)
}

#[inline(never)]
fn finish(
    rules: Rules,
    environments: Vec<Environment>,
    mut stacks: BTreeMap<StackId, Claim>,
    floor: &Floor,
    sources: Vec<Source>,
) -> Result<Settings, SettingsError> {
    let mode = rules.mode.unwrap_or(Mode::Observe);
    let mut trust = Trust { groups: rules.trusted.unwrap_or_default() };
    let mut policies = rules.policies.unwrap_or_default();
    let mut notes = Vec::new();
    floor.raise_approvals(&mut stacks, &mut notes);
    floor.require_policies(&mut policies, &mut notes);
    floor.limit_trust(&mut trust.groups, &mut notes);
    let preview = Preview {
        untrusted: rules.untrusted.unwrap_or(Untrusted::Refuse),
        // Three times what the slowest programs take that people still wait for.
        timeout_minutes: rules.timeout_minutes.unwrap_or(30),
    };
    let digest = digest(&Governing {
        schema: SCHEMA,
        mode,
        environments: &environments,
        stacks: &stacks,
        trust: &trust,
        operators: &rules.operators,
        preview: &preview,
        policies: &policies,
    })?;
    Ok(Settings {
        schema: SCHEMA,
        mode,
        environments,
        stacks,
        trust,
        operators: rules.operators,
        preview,
        policies,
        notes,
        sources,
        digest,
    })
}

fn ranked(rules: &Rules) -> Vec<Environment> {
    let names = rules.environments.iter().flatten().map(|rule| rule.name.clone());
    (0..).zip(names).map(|(rank, name)| Environment { name, rank }).collect()
}
