//! What the host's own file demands of every project: settings may tighten it, never loosen it.

use super::{Backend, Claim, Policy, PolicyEffect, PolicyName, put};
use crate::ids::{Digest, GroupUuid, StackId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How the names of policies begin that the host added.
pub(super) const RESERVED: &str = "floor-";

/// The host's demands. The default demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Floor {
    /// The least `approve.count` of any stack; a smaller one is raised.
    pub min_approvals: u32,
    /// Modules that must be enforced, by digest; an absent one is added.
    pub required_policies: BTreeSet<Digest>,
    /// The only backends that claims may name; absent: any.
    pub backends: Option<BTreeSet<Backend>>,
    /// The only groups that may be trusted; absent: any. Others are dropped.
    pub trusted_groups: Option<BTreeSet<GroupUuid>>,
}

impl Floor {
    /// Whether claims may keep their state in `backend`.
    #[must_use]
    pub fn allows(&self, backend: &Backend) -> bool {
        self.backends.as_ref().is_none_or(|allowed| allowed.contains(backend))
    }

    /// Raises approvals to the floor, and says for which stacks.
    #[inline(never)]
    pub(super) fn raise_approvals(
        &self,
        stacks: &mut BTreeMap<StackId, Claim>,
        notes: &mut Vec<String>,
    ) {
        for claim in stacks.values_mut() {
            if claim.approve.count < self.min_approvals {
                notes.push(format!(
                    "the host raised the approvals of {} from {} to {}",
                    claim.id, claim.approve.count, self.min_approvals
                ));
                claim.approve.count = self.min_approvals;
            }
        }
    }

    /// Adds required modules, makes them enforced, and says which.
    #[inline(never)]
    pub(super) fn require_policies(
        &self,
        policies: &mut BTreeMap<PolicyName, Policy>,
        notes: &mut Vec<String>,
    ) {
        for module in &self.required_policies {
            let mut known = false;
            for (name, policy) in policies.iter_mut().filter(|(_, p)| p.module == *module) {
                known = true;
                if policy.effect != PolicyEffect::Enforce {
                    policy.effect = PolicyEffect::Enforce;
                    notes.push(format!("the host enforces the policy {name}"));
                }
            }
            // The file's parser keeps names with this prefix for the host.
            let hex: String = module.as_str().chars().take(32).collect();
            if !known && let Ok(name) = format!("{RESERVED}{hex}").parse::<PolicyName>() {
                notes.push(format!("the host added the policy {name}"));
                let effect = PolicyEffect::Enforce;
                let policy = Policy { module: module.clone(), effect, settings: BTreeMap::new() };
                put(policies, name, policy);
            }
        }
    }

    /// Drops groups that the host doesn't let anybody trust, and says which.
    #[inline(never)]
    pub(super) fn limit_trust(&self, groups: &mut BTreeSet<GroupUuid>, notes: &mut Vec<String>) {
        let Some(allowed) = &self.trusted_groups else { return };
        for group in groups.difference(allowed) {
            notes.push(format!("the host doesn't let the group {group} be trusted"));
        }
        groups.retain(|group| allowed.contains(group));
    }
}
