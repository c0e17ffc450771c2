//! An approved step that would not run now, and an approved change that would not be made.

use super::Judge;
use super::difference::{Code, Difference};
use super::rows::Row;
use crate::steps::operation::Operation;
use crate::steps::step::{OptionName, Step};
use crate::steps::val::Val;

impl Judge<'_> {
    /// Adds to `differences` if nobody carried `step` out and it didn't come out as no change.
    #[inline(never)]
    pub(super) fn missing(&self, step: &Step, differences: &mut Vec<Difference>) {
        let excused = match step.operation {
            Operation::Import | Operation::Create => self.is_there(step),
            Operation::Update => self.all_done(step),
            Operation::CreateReplacement => {
                (self.rows.did(step.urn.as_str(), step.operation) && self.is_there(step))
                    || self.came_out_equal(step)
            }
            Operation::DeleteReplaced => {
                let half = (step.urn.to_string(), step.old_id());
                let half = self.approved.halves.get(&half);
                self.rows.deleted(step) || half.is_some_and(|half| self.came_out_equal(half))
            }
            Operation::Delete => self.rows.deleted(step),
            Operation::Options => self.options_done(step),
            Operation::Outputs => step.changes.keys().all(|key| self.done(step, key)),
        };
        if !excused {
            differences.push(Difference::step(step, Code::StepMissing));
        }
    }

    /// Whether the change of `key` was carried out by a recorded run, or came out as no change.
    #[inline(never)]
    pub(super) fn done(&self, step: &Step, key: &str) -> bool {
        let Some(change) = step.changes.get(key) else { return true };
        let wanted = change.new.as_ref();
        let left = match step.operation {
            Operation::Outputs => {
                self.rows.outputs(step.urn.as_str()).map(|outputs| outputs.get(key))
            }
            _ => match self.rows.get(step.urn.as_str()) {
                // Whatever the provider found changed by itself is put right by any update.
                Row::Left(_) if change.drift => return true,
                Row::Left(ran) => Some(ran.values.get(key)),
                Row::Untouched | Row::Gone => None,
            },
        };
        match left {
            Some(current) => self.fill.new_side(wanted, current).is_ok(),
            None => !change.drift && self.fill.came_out_equal(wanted, change.old.as_ref()),
        }
    }

    /// Whether the option was set by a recorded run.
    #[inline(never)]
    pub(super) fn option_done(&self, step: &Step, name: OptionName) -> bool {
        let wanted = step.options.get(&name).and_then(|option| option.new.as_ref());
        match self.rows.get(step.urn.as_str()) {
            Row::Left(ran) => match name {
                // Whoever ran it ran it under this URN; what comes first left no trace.
                OptionName::Urn | OptionName::DeleteBeforeReplace => true,
                _ => ran.options.get(&name) == wanted,
            },
            Row::Untouched | Row::Gone => false,
        }
    }

    fn options_done(&self, step: &Step) -> bool {
        let changed = step.options.iter().filter(|(_, option)| option.old != option.new);
        changed.into_iter().all(|(name, _)| self.option_done(step, *name))
    }

    /// Whether all that an update was to do is done. One without any change (a retry after a half
    /// failed update) needs an update.
    #[inline(never)]
    fn all_done(&self, step: &Step) -> bool {
        let unchanged = step.changes.is_empty() && self.is_plain(step);
        if unchanged {
            return self.rows.did(step.urn.as_str(), Operation::Update);
        }
        step.changes.keys().all(|key| self.done(step, key)) && self.options_done(step)
    }

    fn is_plain(&self, step: &Step) -> bool {
        step.options.values().all(|option| option.old == option.new)
    }

    /// Whether a recorded run left the resource as the step would.
    #[inline(never)]
    fn is_there(&self, step: &Step) -> bool {
        let Row::Left(ran) = self.rows.get(step.urn.as_str()) else { return false };
        let is_id = step.operation != Operation::Import || ran.id.as_deref() == Some(step.old_id());
        let same = |(key, change): (&String, &crate::steps::step::Change)| {
            change.drift || self.fill.new_side(change.new.as_ref(), ran.values.get(key)).is_ok()
        };
        is_id && step.changes.iter().all(same)
    }

    /// Whether a replacement was wanted only for values that were to be known later, and all of
    /// them came out as what is there.
    #[inline(never)]
    fn came_out_equal(&self, step: &Step) -> bool {
        let current = |key: &str| -> Option<&Val> {
            match self.rows.get(step.urn.as_str()) {
                Row::Left(ran) => ran.values.get(key),
                Row::Gone => None,
                Row::Untouched => step.old.as_ref().and_then(|old| old.inputs.get(key)),
            }
        };
        !step.changes.is_empty()
            && self.is_plain(step)
            && step
                .changes
                .iter()
                .all(|(key, change)| self.fill.came_out_equal(change.new.as_ref(), current(key)))
    }
}
