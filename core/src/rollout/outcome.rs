//! What an apply came to.

use super::{ApplyOutcome, Branch, Deployed, Hold, Next, Progress, RUNS, RunFacts, RunRecord};
use crate::advance::{EffectId, Wishes};
use crate::coverage::Difference;
use crate::ids::{Digest, StackId};
use crate::verdict::{Code, Reason};

/// How many differences are named in a message.
const SHOWN: usize = 12;

/// The name of a run in the log: the effect's id is too long for it.
pub(super) fn run_name(effect: &EffectId) -> String {
    Digest::of(effect.0.as_bytes()).short().to_owned()
}

impl Branch {
    /// Takes how an apply ended.
    #[inline(never)]
    pub(super) fn take_apply(
        &mut self,
        effect: &EffectId,
        outcome: ApplyOutcome,
        wishes: &mut Wishes,
    ) {
        let Some((at, stack)) = self.applying(effect) else { return };
        self.log_outcome(effect, at, &stack, &outcome, wishes);
        let operator = |reason: Reason| (reason, Vec::new(), Next::Operator);
        let (reason, details, next) = match outcome {
            ApplyOutcome::Applied(run) => {
                self.ran(at, &stack, &run, wishes);
                self.deployed(at, &stack, &run, wishes);
                self.look(wishes);
                return;
            }
            ApplyOutcome::NotCovered { differences, omitted } => {
                let text = "what would run now is not what was approved";
                let cure = "approve the new plan";
                let reason = Reason::new(Code::PlanNotCovered, text, cure);
                (reason, lines(&differences, omitted), Next::Plan)
            }
            ApplyOutcome::Violated => {
                let text = "the program asks for something else now than the plan has";
                let cure = "approve the new plan";
                (Reason::new(Code::PlanViolated, text, cure), Vec::new(), Next::Plan)
            }
            ApplyOutcome::NotBegun { reason } => operator(reason),
            ApplyOutcome::Failed { reason, run } => {
                self.ran(at, &stack, &run, wishes);
                operator(reason)
            }
            ApplyOutcome::Interrupted { state } => {
                if self.is_known(at, &stack, &state) {
                    // Nothing had been done: it begins anew, after another look at everything.
                    self.begin_anew(at, &stack);
                    self.look(wishes);
                    return;
                }
                let text = "the run was cut off, and the state is neither that of before nor known";
                let cure =
                    "look at the stack, then retry: what is not covered asks for an approval";
                operator(Reason::new(Code::ApplyUncertain, text, cure))
            }
            ApplyOutcome::Uncertain { reason } => operator(reason),
        };
        let hold = Hold { reason: reason.on(&stack), details, since_ms: wishes.now_ms, next };
        self.hold(at, &stack, hold, wishes);
        self.look(wishes);
    }

    /// Whether a state is one that the stack was in before the run: that of the approved look, or
    /// what it was last left in.
    fn is_known(&self, at: usize, stack: &StackId, state: &Digest) -> bool {
        let open = self.rollouts.get(at).and_then(|rollout| rollout.stacks.get(stack));
        let look = open.and_then(|open| open.offer.as_ref()).map(|offer| &offer.plan.look.state);
        let left = self.deployed.get(stack).and_then(|deployed| deployed.state.as_ref());
        look == Some(state) || left == Some(state)
    }

    fn begin_anew(&mut self, at: usize, stack: &StackId) {
        let open = self.rollouts.get_mut(at).and_then(|rollout| rollout.stacks.get_mut(stack));
        if let Some(open) = open {
            open.progress = Progress::Waiting { reasons: Vec::new() };
        }
    }

    /// The stack that `effect` applies.
    fn applying(&self, effect: &EffectId) -> Option<(usize, StackId)> {
        self.rollouts.iter().enumerate().find_map(|(at, rollout)| {
            let is_it = |progress: &Progress| match progress {
                Progress::Applying { effect: running } => running == effect,
                Progress::Waiting { .. }
                | Progress::Held { .. }
                | Progress::Deployed { .. }
                | Progress::Ended { .. } => false,
            };
            let found = rollout.stacks.iter().find(|(_, open)| is_it(&open.progress));
            found.map(|(stack, _)| (at, stack.clone()))
        })
    }

    /// Remembers what a run carried out.
    fn ran(&mut self, at: usize, stack: &StackId, run: &RunFacts, wishes: &mut Wishes) {
        let offer = self.rollouts.get(at).and_then(|rollout| rollout.stacks.get(stack));
        let Some(offer) = offer.and_then(|open| open.offer.as_ref()) else { return };
        let record = RunRecord {
            binding: offer.plan.binding.name(),
            ran: run.ran.clone(),
            ended_ms: wishes.now_ms,
        };
        wishes.keep.extend([run.ran.clone(), run.outputs.clone(), run.output.clone()]);
        let runs = self.runs.entry(stack.clone()).or_default();
        runs.push(record);
        if runs.len() > RUNS {
            runs.remove(0);
        }
        self.outputs.insert(stack.clone(), run.outputs.clone());
    }

    fn deployed(&mut self, at: usize, stack: &StackId, run: &RunFacts, wishes: &mut Wishes) {
        let Some(rollout) = self.rollouts.get_mut(at) else { return };
        let deployed = Deployed {
            revision: rollout.revision.clone(),
            number: rollout.number,
            state: Some(run.state_after.clone()),
            at_ms: wishes.now_ms,
            adopted: None,
        };
        if let Some(open) = rollout.stacks.get_mut(stack) {
            let output = Some(run.output.clone());
            let checkpoint = run.checkpoint.clone();
            open.progress = Progress::Deployed { took_ms: run.took_ms, output, checkpoint };
        }
        let over = rollout.is_over().then(|| rollout.revision.to_string());
        self.deployed.insert(stack.clone(), deployed);
        if let Some(revision) = over {
            let mut entry = self.entry("rollout-closed");
            entry.ids.insert("revision".to_owned(), revision);
            wishes.log.push(entry);
        }
        // A shadow that every stack has passed is of no more interest.
        if let Some(least) = self.deployed.values().map(|one| one.number).min() {
            self.shadows.retain(|shadow| shadow.number > least);
        }
    }

    #[inline(never)]
    fn log_outcome(
        &self,
        effect: &EffectId,
        at: usize,
        stack: &StackId,
        outcome: &ApplyOutcome,
        wishes: &mut Wishes,
    ) {
        let mut entry = self.entry("outcome");
        let (name, run) = match outcome {
            ApplyOutcome::Applied(run) => ("applied", Some(run)),
            ApplyOutcome::NotCovered { .. } => ("not-covered", None),
            ApplyOutcome::Violated => ("violated", None),
            ApplyOutcome::NotBegun { .. } => ("not-begun", None),
            ApplyOutcome::Failed { run, .. } => ("failed", Some(run)),
            ApplyOutcome::Interrupted { .. } => ("interrupted", None),
            ApplyOutcome::Uncertain { .. } => ("uncertain", None),
        };
        entry.ids.extend([
            ("run".to_owned(), run_name(effect)),
            ("stack".to_owned(), stack.to_string()),
            ("result".to_owned(), name.to_owned()),
        ]);
        if let Some(rollout) = self.rollouts.get(at) {
            entry.ids.insert("revision".to_owned(), rollout.revision.to_string());
        }
        if let Some(run) = run {
            entry.digests.extend([
                ("steps".to_owned(), run.steps.to_string()),
                ("ran".to_owned(), run.ran.to_string()),
                ("state-before".to_owned(), run.state_before.to_string()),
                ("state-after".to_owned(), run.state_after.to_string()),
            ]);
        }
        wishes.log.push(entry);
    }
}

/// Differences in words that hold no value.
fn lines(differences: &[Difference], omitted: u32) -> Vec<String> {
    let mut lines: Vec<_> = differences.iter().take(SHOWN).map(Difference::sentence).collect();
    let more = differences.len().saturating_sub(SHOWN) + usize::try_from(omitted).unwrap_or(0);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}
