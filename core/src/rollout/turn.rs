//! Whose turn it is.

use super::judge::{Known, Unready};
use super::{
    Branch, BranchFacts, Ending, Next, Progress, Rollout, RunRecord, StackRollout, priority,
};
use crate::advance::{Action, ApplyRequest, RunRef, Wishes};
use crate::ids::{ChangeNumber, StackId};
use crate::settings::{Mode, Settings};
use crate::verdict::{Code, Reason};
use std::collections::BTreeMap;

/// What is to be done about a stack of a rollout.
enum Move {
    /// Nothing yet.
    Wait(Vec<Reason>),
    /// Its plan is applied.
    Begin,
    /// It needs another plan.
    Replan(Reason),
}

impl Branch {
    /// Takes what was read of the branch.
    #[inline(never)]
    pub(super) fn take_facts(&mut self, facts: BranchFacts, wishes: &mut Wishes) {
        let settings = match Settings::read(&facts.settings, &facts.floor) {
            Ok(settings) => settings,
            Err(error) => {
                let cure = "mend tidegate.toml on refs/meta/config";
                self.trouble = Some(Reason::new(Code::SettingsError, error.to_string(), cure));
                return;
            }
        };
        let known = Known::all(&facts);
        self.trouble = self.walk(&facts, &settings, &known, wishes).err();
        self.hear(&settings, &known, wishes);
        if self.trouble.is_none() {
            self.proceed(&facts, &settings, &known, wishes);
        }
        self.say(&settings, &known, wishes);
    }

    /// Lets every stack that may go on go on, oldest rollout and first wave first.
    #[inline(never)]
    fn proceed(
        &mut self,
        facts: &BranchFacts,
        settings: &Settings,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
        wishes: &mut Wishes,
    ) {
        for at in 0..self.rollouts.len() {
            let Some(rollout) = self.rollouts.get(at) else { continue };
            let mut order: Vec<_> =
                rollout.stacks.iter().map(|(stack, open)| (open.wave, stack.clone())).collect();
            order.sort();
            for (_, stack) in order {
                match self.next(at, &stack, facts, settings, known) {
                    None => {}
                    Some(Move::Wait(reasons)) => self.wait(at, &stack, reasons),
                    Some(Move::Begin) => self.begin(at, &stack, facts, settings, wishes),
                    Some(Move::Replan(reason)) => {
                        self.replan(at, &stack, reason, Vec::new(), facts, settings, wishes);
                    }
                }
            }
        }
    }

    /// What comes next for a stack; nothing while it is worked on, held for something else, or over.
    #[inline(never)]
    fn next(
        &self,
        at: usize,
        stack: &StackId,
        facts: &BranchFacts,
        settings: &Settings,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
    ) -> Option<Move> {
        let rollout = self.rollouts.get(at)?;
        let open = rollout.stacks.get(stack)?;
        let held = match &open.progress {
            Progress::Waiting { .. } => false,
            Progress::Held { hold } => match hold.next {
                Next::Approval => true,
                Next::Plan => {
                    return Some(Move::Replan(hold.reason.clone()));
                }
                Next::Preview { .. } | Next::Operator => return None,
            },
            Progress::Applying { .. } | Progress::Deployed { .. } | Progress::Ended { .. } => {
                return None;
            }
        };
        let mut reasons = self.against(rollout, stack, settings);
        let turn = self.turn(at, rollout, stack, open, settings);
        reasons.extend(turn.iter().cloned());
        match self.ready(rollout, stack, open, facts, settings, known) {
            Ok(()) => {}
            Err(Unready::Wait(reason)) => reasons.push(reason),
            // A plan that is made before the stack's turn would be made of another state.
            Err(Unready::Replan(reason)) if reasons.is_empty() => {
                return Some(Move::Replan(reason));
            }
            Err(Unready::Replan(reason)) => reasons.push(reason),
        }
        if reasons.is_empty() {
            Some(Move::Begin)
        } else if held {
            None
        } else {
            Some(Move::Wait(reasons))
        }
    }

    /// What stands against deploying a stack at all.
    fn against(&self, rollout: &Rollout, stack: &StackId, settings: &Settings) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if settings.mode != Mode::Deploy {
            let cure = "set mode = \"deploy\" in tidegate.toml";
            reasons.push(Reason::new(Code::NotDeployed, "the project is not deployed", cure));
        }
        let Some(deployed) = self.deployed.get(stack) else {
            let text = "nobody has taken the stack over yet";
            let cure = "run `tidegate adopt` for it";
            reasons.push(Reason::new(Code::NotAdopted, text, cure).on(stack));
            return reasons;
        };
        let shadow = self
            .shadows
            .iter()
            .find(|shadow| shadow.number > deployed.number && shadow.number < rollout.number);
        if let Some(shadow) = shadow
            && !rollout.released
        {
            reasons.push(shadow.reason.clone());
        }
        reasons
    }

    /// Why it is not the stack's turn; nothing if it is.
    #[inline(never)]
    fn turn(
        &self,
        at: usize,
        rollout: &Rollout,
        stack: &StackId,
        open: &StackRollout,
        settings: &Settings,
    ) -> Option<Reason> {
        let wait =
            |text: String| Some(Reason::new(Code::NotItsTurn, text, "wait for it").on(stack));
        for (id, other) in &rollout.stacks {
            if other.wave >= open.wave {
                continue;
            }
            match &other.progress {
                Progress::Deployed { .. }
                | Progress::Ended { ending: Ending::Adopted | Ending::Unclaimed } => {}
                Progress::Ended { ending: Ending::Aborted { .. } | Ending::Absorbed { .. } } => {
                    if !rollout.released {
                        let text = format!("{} of an earlier wave was not deployed", other.title);
                        let cure = "an operator gives this rollout up (\"Tidegate-Abort: REASON\"), \
                                    or lets it go on (\"Tidegate-Release: REASON\")";
                        return Some(Reason::new(Code::WaveNotDeployed, text, cure).on(stack));
                    }
                }
                Progress::Waiting { .. } | Progress::Applying { .. } | Progress::Held { .. } => {
                    return wait(format!("{} goes first", other_name(id, other)));
                }
            }
        }
        let reads = settings.stacks.get(stack).map(|claim| &claim.reads);
        for earlier in self.rollouts.iter().take(at) {
            if let Some(other) = earlier.stacks.get(stack)
                && !other.progress.is_over()
                && !absorbable(other)
            {
                let text = format!("the rollout of {} goes first", earlier.revision);
                return wait(text);
            }
            let above = earlier.stacks.iter().find(|(id, other)| {
                reads.is_some_and(|reads| reads.contains(*id))
                    && !other.progress.is_over()
                    // Its own rollout's earlier wave takes it over first.
                    && !(absorbable(other) && rollout.stacks.contains_key(*id))
            });
            if let Some((_, other)) = above {
                let text = format!("{}, which it reads, is not deployed yet", other.title);
                return wait(text);
            }
        }
        None
    }

    fn wait(&mut self, at: usize, stack: &StackId, reasons: Vec<Reason>) {
        let open = self.rollouts.get_mut(at).and_then(|rollout| rollout.stacks.get_mut(stack));
        if let Some(open) = open {
            open.progress = Progress::Waiting { reasons };
        }
    }

    /// Begins an apply: the intent goes into the log, and the effect waits for its checkpoint.
    #[inline(never)]
    fn begin(
        &mut self,
        at: usize,
        stack: &StackId,
        facts: &BranchFacts,
        settings: &Settings,
        wishes: &mut Wishes,
    ) {
        self.absorb(at, stack);
        let Some(rollout) = self.rollouts.get(at) else { return };
        let (Some(open), Some(claim)) = (rollout.stacks.get(stack), settings.stacks.get(stack))
        else {
            return;
        };
        let Some(offer) = open.offer.clone() else { return };
        let binding = offer.plan.binding.name();
        let none = Vec::new();
        let runs = self.runs.get(stack).unwrap_or(&none);
        let since = |run: &&RunRecord| run.ended_ms >= offer.plan.asked_ms;
        let runs = runs
            .iter()
            .filter(since)
            .map(|run| RunRef { own: run.binding == binding, ran: run.ran.clone() })
            .collect();
        let attempt = open.attempts.saturating_add(1);
        let request = ApplyRequest {
            project: self.project.clone(),
            branch: self.branch.clone(),
            number: open.change,
            revision: rollout.revision.clone(),
            claim: claim.clone(),
            reads: claim.reads.iter().filter_map(|id| settings.stacks.get(id)).cloned().collect(),
            binding: binding.clone(),
            plan_file: offer.plan.plan_file.clone(),
            steps_blob: offer.plan.steps_blob.clone(),
            markers: offer.plan.markers.clone(),
            look: offer.plan.look.clone(),
            inputs: facts.inputs.get(&rollout.revision).and_then(|of| of.get(stack)).cloned(),
            runs,
            outputs: self.outputs.clone(),
            attempt,
        };
        let mut entry = self.entry("intent");
        let (change, revision) = (open.change, rollout.revision.clone());
        let effect = self.effect(Action::Apply(Box::new(request)), priority::APPLY);
        entry.ids.extend([
            ("run".to_owned(), super::outcome::run_name(&effect.id)),
            ("stack".to_owned(), stack.to_string()),
            ("change".to_owned(), change.to_string()),
            ("revision".to_owned(), revision.to_string()),
            ("attempt".to_owned(), attempt.to_string()),
        ]);
        entry.digests.extend([
            ("binding".to_owned(), binding.to_string()),
            ("plan".to_owned(), offer.plan.plan_file.to_string()),
            ("steps".to_owned(), offer.plan.binding.steps.to_string()),
            ("settings".to_owned(), offer.plan.binding.settings.to_string()),
        ]);
        wishes.log.push(entry);
        let open = self.rollouts.get_mut(at).and_then(|rollout| rollout.stacks.get_mut(stack));
        if let Some(open) = open {
            open.attempts = attempt;
            open.progress = Progress::Applying { effect: effect.id.clone() };
        }
        wishes.effects.push(effect);
    }

    /// Ends what earlier rollouts still held of a stack whose later plan goes on, and of the other
    /// stacks that both have: they were in the way of the same earlier rollout.
    fn absorb(&mut self, at: usize, stack: &StackId) {
        let (before, from) = self.rollouts.split_at_mut(at);
        let Some(rollout) = from.first() else { return };
        let by = rollout.revision.clone();
        for earlier in before {
            let takes = earlier.stacks.get(stack).is_some_and(|other| !other.progress.is_over());
            if !takes {
                continue;
            }
            for (id, other) in &mut earlier.stacks {
                if rollout.stacks.contains_key(id) {
                    other.end(Ending::Absorbed { by: by.clone() });
                }
            }
        }
    }
}

fn other_name(id: &StackId, other: &StackRollout) -> String {
    if other.title.is_empty() { id.to_string() } else { other.title.clone() }
}

/// Whether a later rollout may take a stack over: when nothing but people's acts ends the wait.
fn absorbable(other: &StackRollout) -> bool {
    match &other.progress {
        Progress::Held { hold } => match hold.next {
            Next::Approval | Next::Operator => true,
            Next::Plan | Next::Preview { .. } => false,
        },
        Progress::Waiting { reasons } => {
            !reasons.is_empty() && reasons.iter().all(|reason| reason.code != Code::NotItsTurn)
        }
        Progress::Applying { .. } | Progress::Deployed { .. } | Progress::Ended { .. } => false,
    }
}
