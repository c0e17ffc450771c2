//! A step that would run now, beside the approved one.

use super::difference::{Code, Difference};
use super::rows::Row;
use super::{Context, Judge};
use crate::steps::operation::Operation;
use crate::steps::step::{OptionName, Step};
use crate::steps::val::Val;
use std::collections::{BTreeMap, BTreeSet};

impl Judge<'_> {
    /// Adds to `differences` in what `fresh` is not `approved`, of the same URN and operation.
    #[inline(never)]
    pub(super) fn present(&self, approved: &Step, fresh: &Step, differences: &mut Vec<Difference>) {
        if self.repeated(fresh) {
            differences.push(Difference::step(fresh, Code::StepRepeated));
        }
        if approved.provider != fresh.provider {
            differences.push(Difference::step(fresh, Code::ProviderChanged));
        }
        for key in fresh.replace_keys.difference(&approved.replace_keys) {
            let code = Code::ReplaceKeyAdded;
            differences.push(Difference::property(fresh, code, key, None, None));
        }
        self.options(approved, fresh, differences);
        self.changes(approved, fresh, differences);
        self.old(approved, fresh, differences);
    }

    /// Whether somebody undid what was carried out. A half replaced resource is deleted again by
    /// the engine itself, and outputs may be set in two goes.
    #[inline(never)]
    fn repeated(&self, fresh: &Step) -> bool {
        match fresh.operation {
            Operation::Outputs => false,
            Operation::DeleteReplaced if pending(self.context, fresh) => false,
            Operation::Delete | Operation::DeleteReplaced => {
                self.rows.spent(fresh) || self.rows.deleted(fresh)
            }
            Operation::Create => {
                self.rows.spent(fresh) || matches!(self.rows.get(fresh.urn.as_str()), Row::Left(_))
            }
            Operation::Import
            | Operation::Update
            | Operation::CreateReplacement
            | Operation::Options => self.rows.spent(fresh),
        }
    }

    #[inline(never)]
    fn changes(&self, approved: &Step, fresh: &Step, differences: &mut Vec<Difference>) {
        for (key, change) in &fresh.changes {
            let Some(expected) = approved.changes.get(key) else {
                let found = change.new.as_ref();
                let added = Difference::property(fresh, Code::ChangeAdded, key, None, found);
                differences.push(added);
                continue;
            };
            let (wanted, found) = (expected.new.as_ref(), change.new.as_ref());
            if let Err(code) = self.fill.new_side(wanted, found) {
                differences.push(Difference::property(fresh, code, key, wanted, found));
            }
            let before = match fresh.operation {
                Operation::Outputs => match self.rows.outputs(fresh.urn.as_str()) {
                    Some(outputs) => outputs.get(key),
                    None => expected.old.as_ref(),
                },
                _ if change.drift => expected.old.as_ref(),
                // An old input is judged with all the others.
                _ => continue,
            };
            if !self.fill.old_side(before, change.old.as_ref()) {
                let found = change.old.as_ref();
                let moved = Difference::property(fresh, Code::OldValueMoved, key, before, found);
                differences.push(moved);
            }
        }
        for (key, change) in &approved.changes {
            if !fresh.changes.contains_key(key) && !self.done(approved, key) {
                let wanted = change.new.as_ref();
                let gone = Difference::property(fresh, Code::ChangeMissing, key, wanted, None);
                differences.push(gone);
            }
        }
    }

    #[inline(never)]
    fn options(&self, approved: &Step, fresh: &Step, differences: &mut Vec<Difference>) {
        let names: BTreeSet<_> = approved.options.keys().chain(fresh.options.keys()).collect();
        for name in names {
            let (wanted, found) = (approved.options.get(name), fresh.options.get(name));
            let new = wanted.and_then(|option| option.new.as_ref());
            let now = found.and_then(|option| option.new.as_ref());
            if found.is_none() && self.option_done(approved, *name) {
                continue;
            }
            if new != now || (found.is_some() != wanted.is_some()) {
                let code = Code::OptionChanged;
                differences.push(Difference::property(fresh, code, name.as_str(), new, now));
                continue;
            }
            let before = wanted.and_then(|option| option.old.as_ref());
            let before = match self.rows.get(&fresh.old_urn()) {
                Row::Left(ran) if is_kept(*name) => ran.options.get(name),
                _ => before,
            };
            let was = found.and_then(|option| option.old.as_ref());
            if before != was {
                let code = Code::OldOptionMoved;
                differences.push(Difference::property(fresh, code, name.as_str(), before, was));
            }
        }
    }

    /// What is there must be what was there at the approval, or what a recorded run left.
    #[inline(never)]
    fn old(&self, approved: &Step, fresh: &Step, differences: &mut Vec<Difference>) {
        let Some(found) = &fresh.old else { return };
        let none = BTreeMap::new();
        let seen = approved.old.as_ref().map(|old| (old.id.as_deref(), &old.inputs));
        let urn = fresh.old_urn();
        let (id, inputs) = match self.rows.get(&urn) {
            // The old half of a replacement is what was there before the new half: not the last row.
            _ if fresh.operation == Operation::DeleteReplaced => {
                match self.rows.left(&urn, fresh.old_id()) {
                    Some(ran) => (ran.id.as_deref(), &ran.values),
                    None => seen.unwrap_or((None, &none)),
                }
            }
            Row::Untouched => seen.unwrap_or((None, &none)),
            Row::Left(ran) => (ran.id.as_deref(), &ran.values),
            Row::Gone => (None, &none),
        };
        if id != found.id.as_deref() {
            let text = |id: Option<&str>| id.map(|id| Val::Text(id.to_owned()));
            let (wanted, found) = (text(id), text(found.id.as_deref()));
            let code = Code::OldIdMoved;
            let moved = Difference::property(fresh, code, "id", wanted.as_ref(), found.as_ref());
            differences.push(moved);
        }
        let keys: BTreeSet<_> = inputs.keys().chain(found.inputs.keys()).collect();
        for key in keys {
            let (wanted, found) = (inputs.get(key), found.inputs.get(key));
            if !self.fill.old_side(wanted, found) {
                let code = Code::OldValueMoved;
                differences.push(Difference::property(fresh, code, key, wanted, found));
            }
        }
    }
}

/// Whether the engine still lists the old row of a half replaced resource.
fn pending(context: &Context, step: &Step) -> bool {
    context.pending_replacement.contains(&step.urn)
}

/// Whether a record says how the option was left: the others have no old side of their own.
fn is_kept(name: OptionName) -> bool {
    !matches!(name, OptionName::Urn | OptionName::DeleteBeforeReplace)
}
