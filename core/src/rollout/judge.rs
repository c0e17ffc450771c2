//! Whether a plan is approved now.

use super::{Branch, BranchFacts, MergedFacts, Offer, Rollout, StackRollout};
use crate::change::Change;
use crate::decide::approvals::Approvals;
use crate::facts::PatchSetFacts;
use crate::ids::{ChangeNumber, StackId};
use crate::record::{Binding, Published};
use crate::settings::{Claim, Settings};
use crate::steps::Counts;
use crate::verdict::{Code, Reason};
use std::collections::BTreeMap;

/// A change whose facts could be read.
pub(super) struct Known<'a> {
    pub(super) merged: &'a MergedFacts,
    pub(super) change: Change,
}

/// Why a stack's plan can't be applied.
pub(super) enum Unready {
    /// People have to act.
    Wait(Reason),
    /// There has to be a new plan.
    Replan(Reason),
}

impl<'a> Known<'a> {
    /// Every change whose history can be read.
    pub(super) fn all(facts: &'a BranchFacts) -> BTreeMap<ChangeNumber, Self> {
        let one = |(number, merged): (&ChangeNumber, &'a MergedFacts)| {
            let change = merged.facts.meta.change().ok()?;
            Some((*number, Self { merged, change }))
        };
        facts.changes.iter().filter_map(one).collect()
    }

    /// What git says of the reviewed patch set, if it is that of the history.
    pub(super) fn reviewed(&self) -> Option<&'a PatchSetFacts> {
        let number = self.change.reviewed();
        let expected = &self.change.patch_sets.get(&number)?.revision;
        self.merged.facts.patch_sets.get(&number).filter(|found| found.revision == *expected)
    }
}

impl Branch {
    /// Whether the offered plan of a stack is what the present settings ask for, and is approved.
    #[inline(never)]
    pub(super) fn ready(
        &self,
        rollout: &Rollout,
        stack: &StackId,
        open: &StackRollout,
        facts: &BranchFacts,
        settings: &Settings,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
    ) -> Result<(), Unready> {
        let Some(claim) = settings.stacks.get(stack) else {
            let text = "the stack is not claimed any more";
            let cure = "claim it again, or give the rollout up";
            return Err(Unready::Wait(Reason::new(Code::SettingsChanged, text, cure).on(stack)));
        };
        let Some(offer) = &open.offer else {
            let text = "no plan of it was published while the change was reviewed";
            let reason = Reason::new(Code::StackNotPreviewed, text, "approve the new plan");
            return Err(Unready::Replan(reason.on(stack)));
        };
        if settings.claim_digest(stack).as_ref() != Some(&offer.plan.binding.settings) {
            let text = "the settings that govern the stack changed since the plan was made";
            let reason = Reason::new(Code::SettingsChanged, text, "approve the new plan");
            return Err(Unready::Replan(reason.on(stack)));
        }
        // The gate of the submit asked the same; a submit past it did not.
        let said = [(stack.clone(), offer.plan.policies.clone())].into();
        let objections = crate::policy::judge(&settings.policies, [stack], &said).reasons;
        if let Some(objection) = objections.into_iter().next() {
            return Err(Unready::Wait(objection));
        }
        // Nobody has to approve that nothing is done.
        if offer.summary.as_ref().is_some_and(|made| made.counts == Counts::default()) {
            return Ok(());
        }
        let none = Vec::new();
        let published = rollout.published.get(&open.change).unwrap_or(&none);
        self.approved(open.change, published, &offer.plan.binding, claim, facts, known)
            .map_err(Unready::Wait)?;
        for number in &open.below {
            let binding = known.get(number).and_then(|known| known.offer(stack));
            let Some(Offer { plan, .. }) = binding else {
                let text = format!("change {number} below it touches the stack without a plan");
                let cure = "an operator gives the rollout up, or releases it";
                let reason = Reason::new(Code::StackNotPreviewed, text, cure);
                return Err(Unready::Wait(reason.on(stack)));
            };
            self.approved(*number, &none, &plan.binding, claim, facts, known)
                .map_err(Unready::Wait)?;
        }
        Ok(())
    }

    /// Whether enough people approved `binding` on change `number`.
    #[inline(never)]
    fn approved(
        &self,
        number: ChangeNumber,
        more: &[Published],
        binding: &Binding,
        claim: &Claim,
        facts: &BranchFacts,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
    ) -> Result<(), Reason> {
        let missing =
            |text: String| Reason::new(Code::FactMissing, text, "wait a moment").on(&claim.id);
        let Some(known) = known.get(&number) else {
            return Err(missing(format!("change {number} can't be read")));
        };
        let Some(reviewed) = known.reviewed() else {
            return Err(missing(format!("the reviewed patch set of change {number} is not known")));
        };
        let list: Vec<_> = known.merged.published.iter().chain(more).cloned().collect();
        let change = &known.change;
        let approvals =
            Approvals::new(&known.merged.facts, change, facts.publisher, &list, reviewed);
        let count = approvals.count(binding, &claim.approve).map_err(|r| r.on(&claim.id))?;
        if count.given < claim.approve.count {
            return Err(count.missing(&claim.id, claim, binding).on(&claim.id));
        }
        Ok(())
    }
}
