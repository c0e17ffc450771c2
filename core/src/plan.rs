//! The deployment plan: from the changed paths, the claimed stacks and the references between them,
//! which stacks in which waves, and why each one. `docs/planning.md` explains the rules.

mod deployment_plan;
mod input;
mod plan_error;
mod prefixes;
mod readers;
#[cfg(test)]
mod tests;
mod touched;

pub use deployment_plan::{DeploymentPlan, Planned, Planning, Reason};
pub use input::PlanInput;
pub use plan_error::PlanError;

use crate::ids::{RefName, StackId};
use crate::json;
use crate::limits;
use crate::settings::graph::{self, References};
use crate::settings::{Claim, Settings, add, put};
use prefixes::{Prefixes, is_tree_path};
use readers::Readers;
use std::collections::{BTreeMap, BTreeSet};
use touched::Touched;

/// The schema of [`DeploymentPlan`].
pub const SCHEMA: u32 = 1;

/// Most paths that a plan names for one stack, and most stacks read: people look at the first few;
/// the rest is counted.
pub const REASONS: usize = 10;

/// Most observed references: 25 for each of as many stacks as may be claimed.
pub const REFERENCES: usize = 50_000;

/// Plans a change, or a range of commits, of `branch`.
///
/// `changed` are the paths that differ, both names of a renamed one; order and repetition don't
/// matter. A path that starts with `/` is one of Gerrit's own (`/COMMIT_MSG`) and touches nothing.
/// `observed` are references that were seen in previews or in states, beside those that the claims
/// declare; ids that aren't claimed here don't matter. A plan without stacks: none of ours.
///
/// # Errors
/// When there are too many paths or references, a path can't be one of a git tree, or stacks can't
/// be put in order.
#[inline(never)]
pub fn plan(
    settings: &Settings,
    branch: &RefName,
    changed: &[String],
    observed: &References,
) -> Result<DeploymentPlan, PlanError> {
    let claims: Vec<&Claim> = settings.on_branch(branch).collect();
    let changed = distinct(changed)?;
    let (touched, ignored) = touch(&claims, changed);
    if touched.is_empty() {
        return Ok(DeploymentPlan::none_of_ours(branch, ignored));
    }
    let readers = Readers::new(settings, branch, observed)?;
    let stacks = readers.closure(touched.keys().copied());
    let waves = put_in_order(settings, &stacks, &readers)?;
    let elsewhere = readers.elsewhere(&stacks);
    let stacks = explain(&waves, touched, &stacks, &readers);
    let (schema, branch) = (SCHEMA, branch.clone());
    Ok(DeploymentPlan { schema, branch, waves, stacks, elsewhere, ignored })
}

/// The verb `plan`: a [`PlanInput`] as JSON to a [`Planning`] as JSON.
///
/// # Errors
/// A text that says what is wrong with the input, the settings or the order of stacks.
#[inline(never)]
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input: PlanInput = json::read("plan", input)?;
    let settings = Settings::read(&input.layers, &input.floor).map_err(|e| e.to_string())?;
    let plan = plan(&settings, &input.branch, &input.changed, &input.observed)
        .map_err(|e| e.to_string())?;
    json::write(&Planning::from(plan))
}

/// The changed paths, each once and sorted, so that a plan doesn't depend on their order.
#[inline(never)]
fn distinct(changed: &[String]) -> Result<BTreeSet<&str>, PlanError> {
    let (found, limit) = (changed.len(), limits::CHANGED_PATHS);
    if found > limit {
        return Err(PlanError::TooManyPaths { found, limit });
    }
    let mut distinct = BTreeSet::new();
    for path in changed {
        if !is_tree_path(path) && !path.starts_with('/') {
            return Err(PlanError::NotAPath { path: path.chars().take(200).collect() });
        }
        add(&mut distinct, path.as_str());
    }
    Ok(distinct)
}

/// What touches each stack, and how many paths touch none.
#[inline(never)]
fn touch<'a>(
    claims: &[&'a Claim],
    changed: BTreeSet<&'a str>,
) -> (BTreeMap<&'a StackId, Touched>, u32) {
    let mut prefixes = Prefixes::new(claims);
    let mut ignored: u32 = 0;
    for path in changed {
        if !prefixes.add(path) {
            ignored = ignored.saturating_add(1);
        }
    }
    let mut touched = BTreeMap::new();
    for claim in claims {
        let found = Touched::find(claim, &prefixes);
        if !found.is_nothing() {
            put(&mut touched, &claim.id, found);
        }
    }
    (touched, ignored)
}

#[inline(never)]
fn put_in_order(
    settings: &Settings,
    stacks: &BTreeSet<StackId>,
    readers: &Readers<'_>,
) -> Result<Vec<Vec<StackId>>, PlanError> {
    let mut ranks = BTreeMap::new();
    for claim in stacks.iter().filter_map(|id| settings.stacks.get(id)) {
        put(&mut ranks, claim.id.clone(), settings.rank(claim));
    }
    graph::waves(&ranks, readers.reads())
        .map_err(|disorder| PlanError::told(disorder, settings, readers))
}

/// Puts together for each stack its wave and the reasons for it.
#[inline(never)]
fn explain(
    waves: &[Vec<StackId>],
    mut touched: BTreeMap<&StackId, Touched>,
    stacks: &BTreeSet<StackId>,
    readers: &Readers<'_>,
) -> BTreeMap<StackId, Planned> {
    let mut planned = BTreeMap::new();
    for (wave, ids) in (0..).zip(waves) {
        for id in ids {
            let own = touched.remove(id).unwrap_or_default();
            let reads = readers.reads_of(id).filter(|read| stacks.contains(*read)).collect();
            put(&mut planned, id.clone(), planned_in(wave, own, reads));
        }
    }
    planned
}

#[inline(never)]
fn planned_in(wave: u32, own: Touched, reads: Vec<&StackId>) -> Planned {
    let more_reads = reads.len().saturating_sub(REASONS);
    let more_reads = u32::try_from(more_reads).unwrap_or(u32::MAX);
    let more_paths = own.more_paths();
    let mut reasons = own.reasons;
    let reads = reads.into_iter().take(REASONS);
    reasons.extend(reads.map(|stack| Reason::Reads { stack: stack.clone() }));
    Planned { wave, reasons, more_paths, more_reads }
}
