//! What recorded runs left behind.

use super::context::Ran;
use crate::steps::operation::Operation;
use crate::steps::step::Step;
use crate::steps::val::Val;
use std::collections::{BTreeMap, BTreeSet};

/// What recorded runs left behind, by URN.
#[derive(Debug, Default)]
pub(crate) struct Rows<'a> {
    last: BTreeMap<&'a str, Row<'a>>,
    /// How each row was left last, by URN and id: the older ones are what replacements delete.
    left: BTreeMap<(&'a str, &'a str), &'a Ran>,
    /// What the runs did: URN, operation, the id of what was deleted, and whether the run was one
    /// under this approval.
    done: BTreeSet<(&'a str, Operation, &'a str, bool)>,
    /// Outputs of the stack, by its URN.
    outputs: BTreeMap<&'a str, &'a BTreeMap<String, Val>>,
}

/// What is there of a resource, by the records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<'a> {
    /// No run touched it: what was approved is still there.
    Untouched,
    /// The last run that touched it left this.
    Left(&'a Ran),
    /// It was deleted.
    Gone,
}

impl<'a> Rows<'a> {
    #[inline(never)]
    pub(crate) fn after(ran: &'a [Ran]) -> Self {
        let mut rows = Self::default();
        for ran in ran {
            rows.add(ran);
        }
        rows
    }

    #[inline(never)]
    fn add(&mut self, ran: &'a Ran) {
        let (urn, id) = (ran.urn.as_str(), ran.id.as_deref().unwrap_or_default());
        match ran.operation {
            Operation::Import
            | Operation::Create
            | Operation::Update
            | Operation::CreateReplacement
            | Operation::Options => {
                self.last.insert(urn, Row::Left(ran));
                self.left.insert((urn, id), ran);
            }
            Operation::Delete => drop(self.last.insert(urn, Row::Gone)),
            // The new half of the replacement says what is there.
            Operation::DeleteReplaced => {}
            Operation::Outputs => drop(self.outputs.insert(urn, &ran.values)),
        }
        self.done.insert((urn, ran.operation, deleted_id(ran.operation, id), ran.own));
    }

    /// What is there of `urn`.
    pub(crate) fn get(&self, urn: &str) -> Row<'a> {
        self.last.get(urn).copied().unwrap_or(Row::Untouched)
    }

    /// How the row of `urn` under `id` was left last.
    pub(crate) fn left(&self, urn: &str, id: &str) -> Option<&'a Ran> {
        self.left.get(&(urn, id)).copied()
    }

    /// The stack's outputs, if a run set them.
    pub(crate) fn outputs(&self, urn: &str) -> Option<&'a BTreeMap<String, Val>> {
        self.outputs.get(urn).copied()
    }

    /// Whether some run did `operation`, which is no delete, on `urn`.
    pub(crate) fn did(&self, urn: &str, operation: Operation) -> bool {
        [true, false].into_iter().any(|own| self.done.contains(&(urn, operation, "", own)))
    }

    /// Whether some run deleted what `step` would delete.
    pub(crate) fn deleted(&self, step: &Step) -> bool {
        let (urn, id) = (step.urn.as_str(), step.old_id());
        [Operation::Delete, Operation::DeleteReplaced].into_iter().any(|operation| {
            [true, false].into_iter().any(|own| self.done.contains(&(urn, operation, id, own)))
        })
    }

    /// Whether a run under this approval carried `step` out.
    pub(crate) fn spent(&self, step: &Step) -> bool {
        let id = deleted_id(step.operation, step.old_id());
        self.done.contains(&(step.urn.as_str(), step.operation, id, true))
    }
}

/// The id by which a delete is told from another one of its resource.
fn deleted_id(operation: Operation, id: &str) -> &str {
    match operation {
        Operation::Delete | Operation::DeleteReplaced => id,
        Operation::Import
        | Operation::Create
        | Operation::Update
        | Operation::CreateReplacement
        | Operation::Options
        | Operation::Outputs => "",
    }
}
