//! Holds: another plan is made, or people have to act.

use super::{Branch, BranchFacts, Hold, Making, Next, Offer, Progress, priority};
use crate::advance::{Action, EffectId, PreviewRequest, Wishes};
use crate::coverage::admit::Circumstances;
use crate::ids::{PatchSetNumber, StackId};
use crate::record::Binding;
use crate::review::{KeptPlan, PreviewOutcome, Summary};
use crate::settings::Settings;
use crate::verdict::{Code, Reason};

impl Branch {
    /// Has a new plan made of a stack at its rollout's own revision, and holds it until people
    /// approved that plan.
    #[expect(clippy::too_many_arguments, reason = "each is a different kind of thing")]
    #[inline(never)]
    pub(super) fn replan(
        &mut self,
        at: usize,
        stack: &StackId,
        reason: Reason,
        details: Vec<String>,
        facts: &BranchFacts,
        settings: &Settings,
        wishes: &mut Wishes,
    ) {
        let Some(rollout) = self.rollouts.get(at) else { return };
        let (Some(open), Some(claim)) = (rollout.stacks.get(stack), settings.stacks.get(stack))
        else {
            return;
        };
        let details = match &open.progress {
            Progress::Held { hold } if details.is_empty() => hold.details.clone(),
            _ => details,
        };
        let request = PreviewRequest {
            project: self.project.clone(),
            number: open.change,
            // The rollout's revision is what is planned; it may be no patch set at all.
            patch_set: PatchSetNumber(0),
            revision: rollout.revision.clone(),
            commit: rollout.revision.clone(),
            claim: claim.clone(),
            reads: claim.reads.iter().filter_map(|id| settings.stacks.get(id)).cloned().collect(),
            upstream: Vec::new(),
            rollout_of: Some(self.branch.clone()),
            policies: settings.policies.clone(),
            change: None,
        };
        let making = Making {
            settings: settings.claim_digest(stack),
            inputs: facts.inputs.get(&rollout.revision).and_then(|of| of.get(stack)).cloned(),
            asked_ms: wishes.now_ms,
        };
        let effect = self.effect(Action::Preview(Box::new(request)), priority::PREVIEW);
        let next = Next::Preview { effect: effect.id.clone(), making };
        wishes.effects.push(effect);
        self.hold(at, stack, Hold { reason, details, since_ms: wishes.now_ms, next }, wishes);
    }

    /// Holds a stack.
    pub(super) fn hold(&mut self, at: usize, stack: &StackId, hold: Hold, wishes: &mut Wishes) {
        let mut entry = self.entry("hold");
        entry.ids.insert("stack".to_owned(), stack.to_string());
        entry.ids.insert("code".to_owned(), hold.reason.code.name());
        let Some(rollout) = self.rollouts.get_mut(at) else { return };
        entry.ids.insert("revision".to_owned(), rollout.revision.to_string());
        let Some(open) = rollout.stacks.get_mut(stack) else { return };
        let again = match &open.progress {
            Progress::Held { hold: before } => before.reason == hold.reason,
            Progress::Waiting { .. }
            | Progress::Applying { .. }
            | Progress::Deployed { .. }
            | Progress::Ended { .. } => false,
        };
        if !again {
            wishes.log.push(entry);
        }
        open.progress = Progress::Held { hold };
    }

    /// Takes the new plan of a held stack.
    #[inline(never)]
    pub(super) fn take_preview(
        &mut self,
        effect: &EffectId,
        outcome: PreviewOutcome,
        wishes: &mut Wishes,
    ) {
        for rollout in &mut self.rollouts {
            let revision = rollout.revision.clone();
            for (stack, open) in &mut rollout.stacks {
                let Progress::Held { hold } = &mut open.progress else { continue };
                let Next::Preview { effect: making_by, making } = &hold.next else { continue };
                if making_by != effect {
                    continue;
                }
                let (failed, plan) = match outcome {
                    PreviewOutcome::Planned(done) => (None, Some(Summary::of(&done))),
                    PreviewOutcome::Failed { reason, .. } => (Some(reason), None),
                    PreviewOutcome::Cancelled => {
                        let text = "the preview was cancelled";
                        (Some(Reason::new(Code::PreviewFailed, text, "retry")), None)
                    }
                };
                match (plan, making.settings.clone()) {
                    (Some(summary), Some(settings)) => {
                        let binding = Binding {
                            stack: stack.clone(),
                            revision,
                            steps: summary.steps.clone(),
                            settings,
                        };
                        wishes.keep.extend([summary.plan_file.clone(), summary.steps_blob.clone()]);
                        let plan = KeptPlan {
                            binding,
                            plan_file: summary.plan_file.clone(),
                            steps_blob: summary.steps_blob.clone(),
                            markers: summary.markers.clone(),
                            policies: summary.policies.clone(),
                            look: Circumstances {
                                state: summary.state.clone(),
                                inputs: making.inputs.clone(),
                                versions: summary.versions.clone(),
                            },
                            asked_ms: making.asked_ms,
                        };
                        open.offer = Some(Offer { plan, list: None, summary: Some(summary) });
                        hold.next = Next::Approval;
                    }
                    _ => {
                        if let Some(reason) = failed {
                            hold.details.push(format!("no new plan: {}", reason.text));
                        }
                        hold.next = Next::Operator;
                    }
                }
                self.look(wishes);
                return;
            }
        }
    }
}
