//! How many steps of each kind.

use super::events::{Event, Log};
use super::operation::{EngineOp, Operation};
use super::step::Step;
use super::urn::Urn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Counts of steps as people say them: a replacement is one, and providers that the engine makes
/// by itself aren't counted, as in the engine's own summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// New resources.
    pub create: u32,
    /// Changes in place.
    pub update: u32,
    /// Replacements.
    pub replace: u32,
    /// Resources that go, old halves of replacements made earlier included.
    pub delete: u32,
    /// Resources of the cloud that come under Pulumi's care.
    pub import: u32,
    /// Resources of which only options change.
    pub options: u32,
    /// Stack outputs that change.
    pub outputs: u32,
    /// Resources that stay as they are.
    pub same: u32,
}

impl Counts {
    #[inline(never)]
    pub(crate) fn of(steps: &[Step], same: u32) -> Self {
        let mut counts = Self { same, ..Self::default() };
        let replaced = replaced(steps);
        for step in steps.iter().filter(|step| !step.is_internal()) {
            let (count, by) = match step.operation {
                Operation::Create => (&mut counts.create, 1),
                Operation::Update => (&mut counts.update, 1),
                Operation::CreateReplacement => (&mut counts.replace, 1),
                Operation::DeleteReplaced if is_second_half(step, &replaced) => continue,
                Operation::Delete | Operation::DeleteReplaced => (&mut counts.delete, 1),
                Operation::Import => (&mut counts.import, 1),
                Operation::Options => (&mut counts.options, 1),
                Operation::Outputs => (&mut counts.outputs, step.changes.len()),
            };
            *count = count.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
        }
        counts
    }
}

/// How many resources stay as they are: they have an event and no step.
#[inline(never)]
pub(crate) fn same(steps: &[Step], log: &Log) -> u32 {
    let changed: BTreeSet<&Urn> = steps
        .iter()
        .filter(|step| step.operation == Operation::Options)
        .map(|step| &step.urn)
        .collect();
    let is_same = |event: &&Event| {
        event.op == EngineOp::Same
            && !event.urn.is_default_provider()
            && !changed.contains(&event.urn)
    };
    u32::try_from(log.announced.iter().filter(is_same).count()).unwrap_or(u32::MAX)
}

/// What the new halves among `steps` replace, by URN and id.
#[inline(never)]
pub(crate) fn replaced(steps: &[Step]) -> BTreeSet<(String, String)> {
    let halves = steps.iter().filter(|step| step.operation == Operation::CreateReplacement);
    halves.map(|step| (step.old_urn(), step.old_id().to_owned())).collect()
}

/// Whether `step` is the delete of a replacement whose create is listed too.
pub(crate) fn is_second_half(step: &Step, replaced: &BTreeSet<(String, String)>) -> bool {
    step.operation == Operation::DeleteReplaced
        && replaced.contains(&(step.urn.to_string(), step.old_id().to_owned()))
}
