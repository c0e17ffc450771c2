//! What one file says, before inheritance: anything may be unsaid.

use super::claim::Apply;
use super::table::Located;
use super::{
    Backend, EnvironmentName, LabelName, Mode, Policy, PolicyName, PulumiProject, PulumiStack,
    RepoPath, Untrusted,
};
use crate::ids::{GroupUuid, RefName, StackId};
use std::collections::{BTreeMap, BTreeSet};

/// One file's words, or those of several files above each other.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) mode: Option<Mode>,
    pub(super) defaults: Defaults,
    pub(super) environments: Option<Vec<EnvironmentRule>>,
    pub(super) trusted: Option<BTreeSet<GroupUuid>>,
    pub(super) operators: Option<GroupUuid>,
    pub(super) untrusted: Option<Untrusted>,
    pub(super) timeout_minutes: Option<u32>,
    pub(super) policies: Option<BTreeMap<PolicyName, Policy>>,
    /// The claims of the project's own file; a parent's are its own affair.
    pub(super) claims: Vec<RawClaim>,
}

/// `[defaults]`: what a claim leaves unsaid.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    pub(super) branch: Option<RefName>,
    pub(super) backend: Option<Backend>,
    pub(super) environment: Option<EnvironmentName>,
    pub(super) apply: Option<Apply>,
    pub(super) approve: ApproveRule,
}

/// `[[environment]]`.
#[derive(Debug)]
pub(super) struct EnvironmentRule {
    pub(super) name: EnvironmentName,
    pub(super) approve: ApproveRule,
}

/// `approve`, in a claim, an environment or the defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct ApproveRule {
    pub(super) label: Option<LabelName>,
    pub(super) value: Option<u32>,
    pub(super) count: Option<u32>,
    pub(super) group: Option<GroupUuid>,
}

/// `[[stack]]`.
#[derive(Debug)]
pub(super) struct RawClaim {
    /// What messages call it.
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) id: StackId,
    pub(super) project: PulumiProject,
    pub(super) stack: PulumiStack,
    pub(super) path: RepoPath,
    pub(super) branch: Option<RefName>,
    pub(super) backend: Option<Backend>,
    pub(super) environment: Option<EnvironmentName>,
    pub(super) inputs: BTreeSet<RepoPath>,
    pub(super) reads: Vec<Located<StackId>>,
    pub(super) approve: ApproveRule,
    pub(super) apply: Option<Apply>,
}

impl Rules {
    /// Puts a nearer file's words over these.
    #[inline(never)]
    pub(super) fn overlay(&mut self, nearer: Self) {
        set(&mut self.mode, nearer.mode);
        set(&mut self.defaults.branch, nearer.defaults.branch);
        set(&mut self.defaults.backend, nearer.defaults.backend);
        set(&mut self.defaults.environment, nearer.defaults.environment);
        set(&mut self.defaults.apply, nearer.defaults.apply);
        self.defaults.approve.overlay(nearer.defaults.approve);
        set(&mut self.environments, nearer.environments);
        set(&mut self.trusted, nearer.trusted);
        set(&mut self.operators, nearer.operators);
        set(&mut self.untrusted, nearer.untrusted);
        set(&mut self.timeout_minutes, nearer.timeout_minutes);
        set(&mut self.policies, nearer.policies);
        self.claims = nearer.claims;
    }
}

impl ApproveRule {
    /// Puts a nearer rule over this one. A nearer label drops a farther value: a vote of +2 on one
    /// label says nothing about another's.
    #[inline(never)]
    pub(super) fn overlay(&mut self, nearer: Self) {
        if nearer.label.is_some() {
            self.label = nearer.label;
            self.value = None;
        }
        set(&mut self.value, nearer.value);
        set(&mut self.count, nearer.count);
        set(&mut self.group, nearer.group);
    }
}

fn set<T>(slot: &mut Option<T>, nearer: Option<T>) {
    if nearer.is_some() {
        *slot = nearer;
    }
}
