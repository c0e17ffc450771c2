//! Makes effective claims of what the file says, the defaults and the environments, and checks that
//! they go together.

use super::claim::{Apply, Approve, Claim};
use super::desk::Desk;
use super::fault::{listed, shown};
use super::graph::{self, Disorder, References};
use super::rule::{ApproveRule, EnvironmentRule, RawClaim, Rules};
use super::{Backend, Environment, EnvironmentName, Fault, Floor, LabelName, add, put};
use crate::ids::{RefName, StackId};
use std::collections::{BTreeMap, BTreeSet};

/// The effective claims of a project, and where each stands in the file.
#[derive(Default)]
pub(super) struct Resolved {
    pub(super) claims: BTreeMap<StackId, Claim>,
    places: BTreeMap<StackId, usize>,
    /// By backend, Pulumi project and stack.
    addresses: BTreeMap<String, usize>,
    /// By branch, folder and stack.
    homes: BTreeMap<String, usize>,
    /// By branch and folder.
    folders: BTreeMap<String, StackId>,
}

/// Words for what a claim and every default leave unsaid.
struct Builtin {
    branch: RefName,
    backend: Backend,
    label: LabelName,
}

/// Resolves every claim of `rules`.
#[inline(never)]
pub(super) fn resolve(rules: &mut Rules, floor: &Floor, desk: &mut Desk<'_>) -> Resolved {
    let mut resolved = Resolved::default();
    let claims = std::mem::take(&mut rules.claims);
    let Some(builtin) = builtin() else { return resolved };
    for raw in claims {
        resolved.add(raw, rules, &builtin, floor, desk);
    }
    resolved
}

fn builtin() -> Option<Builtin> {
    Some(Builtin {
        branch: "refs/heads/main".parse().ok()?,
        backend: "default".parse().ok()?,
        label: "Code-Review".parse().ok()?,
    })
}

impl Resolved {
    #[inline(never)]
    fn add(
        &mut self,
        raw: RawClaim,
        rules: &Rules,
        builtin: &Builtin,
        floor: &Floor,
        desk: &mut Desk<'_>,
    ) {
        let defaults = &rules.defaults;
        let environments = rules.environments.as_deref().unwrap_or_default();
        let environment = raw.environment.as_ref().or(defaults.environment.as_ref()).cloned();
        let rule = check_environment(&raw, environment.as_ref(), environments, desk);
        let mut approve = defaults.approve.clone();
        approve.overlay(rule.map(|rule| rule.approve.clone()).unwrap_or_default());
        approve.overlay(raw.approve.clone());
        let branch = raw.branch.as_ref().or(defaults.branch.as_ref()).unwrap_or(&builtin.branch);
        let backend =
            raw.backend.as_ref().or(defaults.backend.as_ref()).unwrap_or(&builtin.backend).clone();
        if !floor.allows(&backend) {
            let known = floor.backends.iter().flatten().map(Backend::as_str);
            let (table, found) = (raw.name.clone(), shown(backend.as_str()));
            let fault = Fault::ForbiddenBackend { table, found, known: listed(known) };
            desk.report(raw.at, fault);
        }
        let mut reads = BTreeSet::new();
        for read in raw.reads {
            add(&mut reads, read.value);
        }
        let claim = Claim {
            id: raw.id,
            project: raw.project,
            stack: raw.stack,
            path: raw.path,
            branch: branch.clone(),
            backend,
            environment,
            inputs: raw.inputs,
            reads,
            approve: effective(approve, builtin),
            apply: raw.apply.or(defaults.apply).unwrap_or(Apply::Plan),
        };
        self.insert(claim, &raw.name, raw.at, desk);
    }

    /// Keeps a claim if it is the only one of its kind.
    #[inline(never)]
    fn insert(&mut self, claim: Claim, name: &str, at: usize, desk: &mut Desk<'_>) {
        if let Some(first) = self.places.get(&claim.id) {
            desk.report_twice(at, format!("the stack id {}", claim.id), *first);
            return;
        }
        put(&mut self.places, claim.id.clone(), at);
        self.check_address(&claim, at, desk);
        self.check_folder(&claim, name, at, desk);
        put(&mut self.claims, claim.id.clone(), claim);
    }

    #[inline(never)]
    fn check_address(&mut self, claim: &Claim, at: usize, desk: &mut Desk<'_>) {
        let (stack, project) = (claim.stack.as_str(), claim.project.as_str());
        let address = key(&[claim.backend.as_str(), project, stack]);
        if let Some(first) = put(&mut self.addresses, address, at) {
            let backend = shown(claim.backend.as_str());
            let what = format!(
                "the stack {stack} of the Pulumi project {project} in the backend {backend}"
            );
            desk.report_twice(at, what, first);
        }
        let home = key(&[claim.branch.as_str(), claim.path.as_str(), stack]);
        if let Some(first) = put(&mut self.homes, home, at) {
            let (path, branch) = (shown(claim.path.as_str()), &claim.branch);
            let what = format!("the stack {stack} of the folder {path} on {branch}");
            desk.report_twice(at, what, first);
        }
    }

    #[inline(never)]
    fn check_folder(&mut self, claim: &Claim, name: &str, at: usize, desk: &mut Desk<'_>) {
        let folder = key(&[claim.branch.as_str(), claim.path.as_str()]);
        let Some(other) = self.folders.get(&folder).and_then(|id| self.claims.get(id)) else {
            put(&mut self.folders, folder, claim.id.clone());
            return;
        };
        if other.project != claim.project {
            let fault = Fault::TwoProjects {
                table: name.to_owned(),
                path: shown(claim.path.as_str()),
                project: claim.project.to_string(),
                other: other.id.clone(),
                other_project: other.project.to_string(),
            };
            desk.report(at, fault);
        }
    }

    /// Checks that references lead somewhere, and not in a circle or against the environments.
    #[inline(never)]
    pub(super) fn check_reads(&self, environments: &[Environment], desk: &mut Desk<'_>) {
        if !self.check_targets(desk) {
            return;
        }
        let mut reads = References::new();
        let mut even = BTreeMap::new();
        let mut by_branch: BTreeMap<&RefName, BTreeMap<StackId, u32>> = BTreeMap::new();
        for (id, claim) in &self.claims {
            put(&mut reads, id.clone(), claim.reads.clone());
            put(&mut even, id.clone(), 0);
            let rank = rank(claim, environments);
            match by_branch.get_mut(&claim.branch) {
                Some(ranks) => put(ranks, id.clone(), rank),
                None => {
                    let ranks = BTreeMap::from([(id.clone(), rank)]);
                    put(&mut by_branch, &claim.branch, ranks);
                    None
                }
            };
        }
        if let Err(disorder) = graph::waves(&even, &reads) {
            self.report_disorder(&disorder, desk);
            return;
        }
        for ranks in by_branch.values() {
            if let Err(disorder) = graph::waves(ranks, &reads) {
                self.report_disorder(&disorder, desk);
            }
        }
    }

    /// Checks what each claim reads; says whether none reads itself.
    #[inline(never)]
    fn check_targets(&self, desk: &mut Desk<'_>) -> bool {
        let mut good = true;
        for claim in self.claims.values() {
            let name = || format!("[[stack]] {}", shown(claim.id.as_str()));
            for read in &claim.reads {
                if *read == claim.id {
                    desk.report(self.place(&claim.id), Fault::ReadsItself(name()));
                    good = false;
                } else if !self.claims.contains_key(read) {
                    let fault = Fault::UnknownRead { table: name(), found: read.clone() };
                    desk.report(self.place(&claim.id), fault);
                }
            }
        }
        good
    }

    #[inline(never)]
    fn report_disorder(&self, disorder: &Disorder, desk: &mut Desk<'_>) {
        let environment = |id: &StackId| {
            let claim = self.claims.get(id);
            claim.and_then(|c| c.environment.as_ref()).map_or("none", EnvironmentName::as_str)
        };
        let (first, text) = match disorder {
            Disorder::Cycle(cycle) => (
                cycle.first(),
                format!(
                    "stacks read each other in a circle: {}; remove one of these from `reads`",
                    graph::circle(cycle)
                ),
            ),
            Disorder::AgainstEnvironments(reader, read) => {
                (Some(reader), graph::against(reader, environment(reader), read, environment(read)))
            }
        };
        let at = first.map_or(0, |id| self.place(id));
        desk.report(at, Fault::Order(text));
    }

    fn place(&self, id: &StackId) -> usize {
        self.places.get(id).copied().unwrap_or(0)
    }
}

/// The place of a claim's environment in the order of rollouts.
pub(super) fn rank(claim: &Claim, environments: &[Environment]) -> u32 {
    let name = claim.environment.as_ref();
    environments.iter().find(|e| Some(&e.name) == name).map_or(0, |e| e.rank)
}

#[inline(never)]
fn check_environment<'r>(
    raw: &RawClaim,
    environment: Option<&EnvironmentName>,
    rules: &'r [EnvironmentRule],
    desk: &mut Desk<'_>,
) -> Option<&'r EnvironmentRule> {
    let known = || listed(rules.iter().map(|rule| rule.name.as_str()));
    let table = || raw.name.clone();
    let Some(environment) = environment else {
        if !rules.is_empty() {
            desk.report(raw.at, Fault::NoEnvironment { table: table(), known: known() });
        }
        return None;
    };
    let rule = rules.iter().find(|rule| rule.name == *environment);
    if rule.is_none() {
        let found = shown(environment.as_str());
        desk.report(raw.at, Fault::UnknownEnvironment { table: table(), found, known: known() });
    }
    rule
}

/// A key of several texts, none of which holds a NUL.
fn key(parts: &[&str]) -> String {
    parts.join("\0")
}

fn effective(rule: ApproveRule, builtin: &Builtin) -> Approve {
    Approve {
        label: rule.label.unwrap_or_else(|| builtin.label.clone()),
        value: rule.value,
        count: rule.count.unwrap_or(1),
        group: rule.group,
    }
}
