//! Follows references from stacks to their readers.

use super::{PlanError, REFERENCES};
use crate::ids::{RefName, StackId};
use crate::settings::graph::References;
use crate::settings::{Settings, add, put};
use std::collections::{BTreeMap, BTreeSet};

/// The references between claimed stacks, declared and observed together.
pub(super) struct Readers<'a> {
    settings: &'a Settings,
    branch: &'a RefName,
    reads: References,
    readers: References,
}

impl<'a> Readers<'a> {
    /// Takes the declared and the observed references between claimed stacks.
    #[inline(never)]
    pub(super) fn new(
        settings: &'a Settings,
        branch: &'a RefName,
        observed: &References,
    ) -> Result<Self, PlanError> {
        let (found, limit) = (observed.values().map(BTreeSet::len).sum(), REFERENCES);
        if found > limit {
            return Err(PlanError::TooManyReferences { found, limit });
        }
        let mut all = Self { settings, branch, reads: BTreeMap::new(), readers: BTreeMap::new() };
        for claim in settings.stacks.values() {
            for read in &claim.reads {
                all.add(&claim.id, read);
            }
        }
        for (reader, reads) in observed {
            for read in reads {
                all.add(reader, read);
            }
        }
        Ok(all)
    }

    /// `from` and all that read them, directly or not, on this branch.
    #[inline(never)]
    pub(super) fn closure<'s>(&self, from: impl Iterator<Item = &'s StackId>) -> BTreeSet<StackId> {
        let mut found: BTreeSet<StackId> = from.cloned().collect();
        let mut next: Vec<StackId> = found.iter().cloned().collect();
        while let Some(stack) = next.pop() {
            for reader in self.readers.get(&stack).into_iter().flatten() {
                if self.is_here(reader) && add(&mut found, reader.clone()) {
                    next.push(reader.clone());
                }
            }
        }
        found
    }

    /// The readers of `stacks` that are rolled out from other branches.
    #[inline(never)]
    pub(super) fn elsewhere(&self, stacks: &BTreeSet<StackId>) -> BTreeSet<StackId> {
        let readers = stacks.iter().filter_map(|stack| self.readers.get(stack)).flatten();
        readers.filter(|reader| !self.is_here(reader)).cloned().collect()
    }

    /// All references.
    pub(super) fn reads(&self) -> &References {
        &self.reads
    }

    /// What one stack reads.
    pub(super) fn reads_of(&self, stack: &StackId) -> impl Iterator<Item = &StackId> {
        self.reads.get(stack).into_iter().flatten()
    }

    /// Whether the claim itself says so.
    pub(super) fn is_declared(&self, reader: &StackId, read: &StackId) -> bool {
        self.settings.stacks.get(reader).is_some_and(|claim| claim.reads.contains(read))
    }

    fn is_here(&self, stack: &StackId) -> bool {
        self.settings.stacks.get(stack).is_some_and(|claim| claim.branch == *self.branch)
    }

    /// A stack that reads its own outputs gets those of its last update, which orders nothing.
    fn add(&mut self, reader: &StackId, read: &StackId) {
        let claims = &self.settings.stacks;
        if reader != read && claims.contains_key(reader) && claims.contains_key(read) {
            join(&mut self.reads, reader, read);
            join(&mut self.readers, read, reader);
        }
    }
}

#[inline(never)]
fn join(references: &mut References, from: &StackId, to: &StackId) {
    match references.get_mut(from) {
        Some(ids) => {
            add(ids, to.clone());
        }
        None => {
            let ids = BTreeSet::from([to.clone()]);
            put(references, from.clone(), ids);
        }
    }
}
