//! From commits to submissions: which changes moved the branch, and what came past review.

use super::judge::Known;
use super::{Branch, BranchFacts, CommitFacts, Offer, Progress, Rollout, Shadow, StackRollout};
use crate::advance::Wishes;
use crate::change::Status;
use crate::ids::{ChangeNumber, Revision, StackId};
use crate::plan::{DeploymentPlan, plan};
use crate::review::title;
use crate::rollout::RequirementStatus;
use crate::settings::{Mode, Settings};
use crate::verdict::{Code, Reason};
use std::collections::{BTreeMap, BTreeSet};

/// Commits that were submitted together.
struct Submission<'a> {
    /// Gerrit's name of it; absent for what did not come through review.
    id: Option<&'a str>,
    commits: Vec<&'a CommitFacts>,
    changes: Vec<ChangeNumber>,
    doubt: Option<Doubt>,
}

/// Why a commit is not known to have come through review.
enum Doubt {
    /// It did not.
    Shadow(Reason),
    /// It can't be told yet: Gerrit moves the branch before it closes the change.
    Unfinished(Reason),
}

impl Branch {
    /// Looks at every commit that is new, and opens a rollout for each submission that touches
    /// claimed stacks.
    ///
    /// # Errors
    /// A reason why nothing can be rolled out at all.
    #[inline(never)]
    pub(super) fn walk(
        &mut self,
        facts: &BranchFacts,
        settings: &Settings,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
        wishes: &mut Wishes,
    ) -> Result<(), Reason> {
        self.tip = Some(facts.tip.clone());
        let Some(commits) = &facts.commits else {
            let at = self.walked.as_ref().map_or("", Revision::as_str);
            let text = format!("the branch was rewritten: {at} is not in its history any more");
            let cure = "see to the branch, then run `tidegate adopt`";
            return Err(Reason::new(Code::BranchRewritten, text, cure));
        };
        // What is there at the first look is the baseline's business, and what is merged while the
        // project is not deployed is nobody's.
        if self.walked.is_none() || settings.mode != Mode::Deploy {
            self.walked = Some(facts.tip.clone());
            return Ok(());
        }
        for submission in grouped(commits, facts, known) {
            let paths: BTreeSet<_> =
                submission.commits.iter().flat_map(|commit| commit.paths.iter().cloned()).collect();
            let paths: Vec<_> = paths.into_iter().collect();
            let plan = plan(settings, &self.branch, &paths, &BTreeMap::new()).map_err(|error| {
                let cure = "mend the claims in tidegate.toml";
                Reason::new(Code::PlanError, error.to_string(), cure)
            })?;
            let Some(last) = submission.commits.last() else { continue };
            if let Some(Doubt::Unfinished(reason)) = submission.doubt {
                return Err(reason);
            }
            self.count += 1;
            self.walked = Some(last.revision.clone());
            if let Some(Doubt::Shadow(reason)) = submission.doubt {
                self.shadow(last, reason, wishes);
            } else if !plan.stacks.is_empty() {
                self.open(&last.revision, submission.changes, &plan, settings, known, wishes);
            }
        }
        self.walked = Some(facts.tip.clone());
        Ok(())
    }

    fn shadow(&mut self, commit: &CommitFacts, reason: Reason, wishes: &mut Wishes) {
        let mut entry = self.entry("shadow-found");
        entry.ids.insert("revision".to_owned(), commit.revision.to_string());
        wishes.log.push(entry);
        let (revision, number) = (commit.revision.clone(), self.count);
        self.shadows.push(Shadow { revision, number, reason });
    }

    #[inline(never)]
    fn open(
        &mut self,
        revision: &Revision,
        changes: Vec<ChangeNumber>,
        plan: &DeploymentPlan,
        settings: &Settings,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
        wishes: &mut Wishes,
    ) {
        let touched: Vec<(ChangeNumber, BTreeSet<StackId>)> = changes
            .iter()
            .map(|number| {
                (*number, known.get(number).map(|k| k.touches(settings)).unwrap_or_default())
            })
            .collect();
        let mut stacks = BTreeMap::new();
        for (stack, planned) in &plan.stacks {
            let Some(claim) = settings.stacks.get(stack) else { continue };
            let mut below: Vec<_> = touched
                .iter()
                .filter(|(_, stacks)| stacks.contains(stack))
                .map(|(number, _)| *number)
                .collect();
            let Some(change) = below.pop().or_else(|| changes.last().copied()) else { continue };
            let one = StackRollout {
                wave: planned.wave,
                title: title(claim),
                change,
                below,
                offer: known.get(&change).and_then(|known| known.offer(stack)),
                attempts: 0,
                progress: Progress::Waiting { reasons: Vec::new() },
            };
            stacks.insert(stack.clone(), one);
        }
        // What was written before the submission is no word about its rollout.
        for number in &changes {
            let messages = known.get(number).map(|known| known.change.messages.as_slice());
            let places = messages.unwrap_or_default().iter().map(|m| (*number, m.place));
            self.heard.extend(places);
        }
        let mut entry = self.entry("rollout-opened");
        entry.ids.insert("revision".to_owned(), revision.to_string());
        entry.ids.insert("stacks".to_owned(), stacks.len().to_string());
        wishes.log.push(entry);
        self.rollouts.push(Rollout {
            number: self.count,
            revision: revision.clone(),
            changes,
            found_ms: wishes.now_ms,
            stacks,
            released: false,
            published: BTreeMap::new(),
            said: None,
        });
    }
}

/// The commits by submission, in order.
#[inline(never)]
fn grouped<'a>(
    commits: &'a [CommitFacts],
    facts: &'a BranchFacts,
    known: &'a BTreeMap<ChangeNumber, Known<'a>>,
) -> Vec<Submission<'a>> {
    let mut groups: Vec<Submission<'a>> = Vec::new();
    for commit in commits {
        let (changes, doubt) = match prove(commit, facts, known) {
            Ok(changes) => (changes, None),
            Err(doubt) => (Vec::new(), Some(doubt)),
        };
        let ids: BTreeSet<_> = changes
            .iter()
            .map(|number| known.get(number).and_then(|k| k.merged.submission.as_deref()))
            .collect();
        let id = if ids.len() == 1 { ids.into_iter().next().flatten() } else { None };
        match groups.last_mut() {
            Some(last) if id.is_some() && last.id == id => {
                last.commits.push(commit);
                last.changes.extend(changes);
            }
            _ => groups.push(Submission { id, commits: vec![commit], changes, doubt }),
        }
    }
    groups
}

/// The changes that a commit stands for, if all of it came through review.
#[inline(never)]
fn prove(
    commit: &CommitFacts,
    facts: &BranchFacts,
    known: &BTreeMap<ChangeNumber, Known<'_>>,
) -> Result<Vec<ChangeNumber>, Doubt> {
    if let Some(number) = commit.change {
        reviewed(&commit.revision, number, facts, known)?;
        return Ok(vec![number]);
    }
    let shadow = |text: String| Err(Doubt::Shadow(shadow(&commit.revision, &text)));
    match commit.automatic {
        None => shadow("it is no merged change's".to_owned()),
        Some(false) => shadow("it is a merge whose content no change has".to_owned()),
        Some(true) if commit.brought.is_empty() => {
            shadow("it merges nothing that is new".to_owned())
        }
        Some(true) => {
            let mut changes = Vec::new();
            for brought in &commit.brought {
                let Some(number) = brought.change else {
                    return shadow(format!(
                        "it brings in {}, no merged change's",
                        brought.revision
                    ));
                };
                reviewed(&brought.revision, number, facts, known)?;
                changes.push(number);
            }
            Ok(changes)
        }
    }
}

/// Whether `revision` is what was merged of change `number`, and its requirements were met.
#[inline(never)]
fn reviewed(
    revision: &Revision,
    number: ChangeNumber,
    facts: &BranchFacts,
    known: &BTreeMap<ChangeNumber, Known<'_>>,
) -> Result<(), Doubt> {
    let refuse = |text: String| Err(Doubt::Shadow(shadow(revision, &text)));
    let unfinished = |text: String| {
        let cure = "wait a moment; if it stays, see to the change";
        Err(Doubt::Unfinished(Reason::new(Code::FactMissing, text, cure)))
    };
    let Some(known) = known.get(&number) else {
        return unfinished(format!("nothing can be read of change {number}, which was merged"));
    };
    let current = known.change.patch_sets.get(&known.change.current);
    match known.change.status {
        Status::Merged => {}
        Status::New => return unfinished(format!("the submit of change {number} has not ended")),
        Status::Abandoned => return refuse(format!("change {number} is abandoned")),
    }
    if current.map(|patch_set| &patch_set.revision) != Some(revision) {
        return refuse(format!("it is another patch set of change {number} than the merged one"));
    }
    let requirements = &known.merged.requirements;
    let mark = match (&facts.vote, facts.plugin) {
        (_, true) => "has:ready_tidegate".to_owned(),
        (Some(label), false) => format!("label:{label}"),
        (None, false) => return refuse("there is neither a plugin nor a vote".to_owned()),
    };
    let ours: Vec<_> = requirements.iter().filter(|one| one.expression.contains(&mark)).collect();
    if ours.is_empty() {
        return refuse(format!("change {number} had no requirement of Tidegate"));
    }
    if let Some(one) = ours.iter().find(|one| one.status != RequirementStatus::Satisfied) {
        return refuse(format!("the requirement {} of change {number} was not met", one.name));
    }
    let unmet = requirements.iter().find(|one| match one.status {
        RequirementStatus::Satisfied
        | RequirementStatus::Overridden
        | RequirementStatus::NotApplicable => false,
        RequirementStatus::Unsatisfied
        | RequirementStatus::Error
        | RequirementStatus::Forced
        | RequirementStatus::Other => true,
    });
    match unmet {
        Some(one) => refuse(format!("the requirement {} of change {number} was not met", one.name)),
        None => Ok(()),
    }
}

fn shadow(revision: &Revision, text: &str) -> Reason {
    let cure = "an operator looks at it, and acknowledges it with \"Tidegate-Release: REASON\" on \
                the change that waits, or runs `tidegate adopt`";
    let text = format!("commit {revision} came past review: {text}");
    Reason::new(Code::ShadowChange, text, cure)
}

impl Known<'_> {
    /// The stacks that the change touches.
    pub(super) fn touches(&self, settings: &Settings) -> BTreeSet<StackId> {
        let Some(reviewed) = self.reviewed() else { return BTreeSet::new() };
        plan(settings, &self.change.branch, &reviewed.paths, &BTreeMap::new())
            .map(|plan| plan.stacks.into_keys().collect())
            .unwrap_or_default()
    }

    /// The plan that was last published for `stack` while the change was reviewed.
    pub(super) fn offer(&self, stack: &StackId) -> Option<Offer> {
        let lists = self.merged.published.iter().rev();
        let binding = lists
            .filter(|list| self.change.is_reviewed(list.patch_set))
            .find_map(|list| list.bindings.get(stack))?;
        let plan = self.merged.plans.get(&binding.name())?.clone();
        Some(Offer { plan, list: None, summary: None })
    }
}
