//! The state machine of a branch and its rollouts: what was submitted, in first-parent order, on its
//! way through the waves. It decides what is applied, when, and what is held; the host carries it
//! out.
//!
//! A rollout belongs to one submission and is pinned to that submission's own revision, never to a
//! later tip. A stack's rollouts run in the branch's order. Every step towards an apply is taken on
//! facts that were read after the step before it ended, so that an approval that was taken back in
//! between counts no more.

mod hold;
mod input;
mod judge;
mod outcome;
mod progress;
mod say;
mod submission;
mod turn;
mod words;

use crate::advance::{Action, Effect, EffectId, LogEntry, Wishes};
use crate::change::Place;
use crate::ids::{ChangeNumber, Digest, Project, RefName, Revision, ServerId, StackId};
use crate::record::Published;
use crate::verdict::{Code, Reason};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use input::{
    Adoption, ApplyOutcome, BranchFacts, BranchInput, Brought, CommitFacts, MergedFacts,
    Requirement, RequirementStatus, RunFacts,
};
pub use progress::{Ending, Hold, Making, Next, Offer, Progress, StackRollout};
pub use words::{ABORT_LINE, RELEASE_LINE, RETRY_LINE};

/// How many rollouts that ended are remembered for people to look at.
const REMEMBERED: usize = 50;

/// How many runs of a stack are remembered. An approved plan that is older than as many runs of its
/// stack is not covered any more, and asks for a new approval.
const RUNS: usize = 100;

/// A branch that stacks are claimed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The number of this form: [`Branch::SCHEMA`].
    pub schema: u32,
    /// The server.
    pub server: ServerId,
    /// The project.
    pub project: Project,
    /// The branch.
    pub branch: RefName,
    /// How many effects were made so far: the next one's number.
    pub made: u64,
    /// The read that is under way.
    pub reading: Option<EffectId>,
    /// Whether something happened since it began.
    pub again: bool,
    /// The tip, as of the last read.
    pub tip: Option<Revision>,
    /// The commit up to which every submission was looked at; absent before the first read.
    pub walked: Option<Revision>,
    /// How many submissions were looked at: the number of the last one.
    pub count: u64,
    /// Why nothing can be rolled out at all, as of the last read.
    pub trouble: Option<Reason>,
    /// What each stack was left at.
    pub deployed: BTreeMap<StackId, Deployed>,
    /// What our runs of each stack carried out, oldest first.
    pub runs: BTreeMap<StackId, Vec<RunRecord>>,
    /// Where the store keeps the outputs that each stack was left with.
    pub outputs: BTreeMap<StackId, Digest>,
    /// Commits that came past review.
    pub shadows: Vec<Shadow>,
    /// Rollouts, oldest first.
    pub rollouts: Vec<Rollout>,
    /// Messages of operators that were acted on, and what was there before a rollout began.
    pub heard: BTreeSet<(ChangeNumber, Place)>,
    /// Messages that are on their way to a change.
    pub posting: BTreeSet<EffectId>,
}

/// What a stack was left at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// The commit.
    pub revision: Revision,
    /// The number of its submission. Nothing up to it is judged any more.
    pub number: u64,
    /// The digest of the state that it was left in, if it is known.
    pub state: Option<Digest>,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Who adopted it, and why; absent if it was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
}

/// Who took over a stack as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Adopted {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// One of our own runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// The binding under which it ran.
    pub binding: Digest,
    /// Where the store keeps what it carried out.
    pub ran: Digest,
    /// When it ended, in milliseconds since the epoch.
    pub ended_ms: i64,
}

/// A commit that did not come through review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// The commit.
    pub revision: Revision,
    /// The number of its submission.
    pub number: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// One submission on its way through the waves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// The submission's number on this branch.
    pub number: u64,
    /// The commit that the branch was moved to.
    pub revision: Revision,
    /// Its changes, in the order of their commits.
    pub changes: Vec<ChangeNumber>,
    /// When it was found, in milliseconds since the epoch.
    pub found_ms: i64,
    /// Each stack that it deploys.
    pub stacks: BTreeMap<StackId, StackRollout>,
    /// Whether an operator let it go on past what came past review, or was not deployed.
    pub released: bool,
    /// What was published about its held stacks, by change.
    pub published: BTreeMap<ChangeNumber, Vec<Published>>,
    /// What was said of it on its changes: the digest of the last text.
    pub said: Option<Digest>,
}

impl Branch {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;

    /// A branch that was never looked at.
    #[must_use]
    pub fn new(server: ServerId, project: Project, branch: RefName) -> Self {
        Self {
            schema: Self::SCHEMA,
            server,
            project,
            branch,
            made: 0,
            reading: None,
            again: false,
            tip: None,
            walked: None,
            count: 0,
            trouble: None,
            deployed: BTreeMap::new(),
            runs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            shadows: Vec::new(),
            rollouts: Vec::new(),
            heard: BTreeSet::new(),
            posting: BTreeSet::new(),
        }
    }

    /// The key of the subject, `serverId/project/ref`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.server, self.project, self.branch)
    }
}

impl Rollout {
    /// Whether nothing is to be done about it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stacks.values().all(|stack| stack.progress.is_over())
    }
}

/// Priorities: what changes the world goes first.
mod priority {
    pub(super) const APPLY: i64 = 100;
    pub(super) const READ: i64 = 80;
    pub(super) const PREVIEW: i64 = 75;
    pub(super) const POST: i64 = 60;
}

/// Takes one input.
///
/// # Errors
/// A sentence, if the first input of a branch is not a hint, or a stack is adopted before the branch
/// was read.
pub(crate) fn advance(
    state: Option<Branch>,
    input: BranchInput,
    wishes: &mut Wishes,
) -> Result<Branch, String> {
    let mut branch = match (state, &input) {
        (Some(branch), _) => {
            crate::json::schema("branch", branch.schema, Branch::SCHEMA)?;
            branch
        }
        (None, BranchInput::Hint { server, project, branch }) => {
            Branch::new(server.clone(), project.clone(), branch.clone())
        }
        (None, _) => return Err("branch: the first input must be a hint".to_owned()),
    };
    match input {
        BranchInput::Hint { .. } => branch.look(wishes),
        BranchInput::Read { effect, facts } => {
            if branch.ends_read(&effect) {
                branch.take_facts(*facts, wishes);
            }
        }
        BranchInput::Gone { effect } => {
            branch.ends_read(&effect);
        }
        BranchInput::Adopt(adoption) => branch.adopt(adoption, wishes)?,
        BranchInput::Applied { effect, outcome } => branch.take_apply(&effect, *outcome, wishes),
        BranchInput::Previewed { effect, outcome } => {
            branch.take_preview(&effect, *outcome, wishes);
        }
        BranchInput::Posted { effect } => {
            branch.posting.remove(&effect);
        }
    }
    branch.forget();
    if branch.again && branch.reading.is_none() {
        branch.look(wishes);
    }
    Ok(branch)
}

impl Branch {
    /// Reads the branch, or notes that it must be read again.
    fn look(&mut self, wishes: &mut Wishes) {
        if self.reading.is_some() {
            self.again = true;
            return;
        }
        self.again = false;
        let open =
            || self.rollouts.iter().filter(|rollout| !rollout.is_over() || !rollout.is_told());
        let changes: BTreeSet<_> = open().flat_map(|rollout| rollout.changes.clone()).collect();
        let action = Action::ReadBranch {
            project: self.project.clone(),
            branch: self.branch.clone(),
            walked: self.walked.clone(),
            changes: changes.into_iter().collect(),
            revisions: open()
                .map(|rollout| (rollout.revision.clone(), rollout.stacks.keys().cloned().collect()))
                .collect(),
        };
        let effect = self.effect(action, priority::READ);
        self.reading = Some(effect.id.clone());
        wishes.effects.push(effect);
    }

    /// Whether `effect` is the read that is under way; it is not any more.
    fn ends_read(&mut self, effect: &EffectId) -> bool {
        let ends = self.reading.as_ref() == Some(effect);
        if ends {
            self.reading = None;
        }
        ends
    }

    /// Takes over stacks as they are: nothing before is judged.
    fn adopt(&mut self, adoption: Adoption, wishes: &mut Wishes) -> Result<(), String> {
        let rewritten =
            self.trouble.as_ref().is_some_and(|reason| reason.code == Code::BranchRewritten);
        if rewritten {
            // A new beginning: what the branch was before is nobody's any more.
            self.walked = self.tip.clone();
        }
        let Some(revision) = self.walked.clone() else {
            return Err("adopt: the branch has not been read yet; try again in a moment".to_owned());
        };
        let Adoption { stacks, by, reason, account } = adoption;
        for (stack, state) in stacks {
            let mut entry = self.entry("adopted");
            entry.ids.insert("stack".to_owned(), stack.to_string());
            entry.digests.insert("state".to_owned(), state.to_string());
            entry.ids.insert("revision".to_owned(), revision.to_string());
            entry.account = Some(account);
            wishes.log.push(entry);
            for rollout in &mut self.rollouts {
                if let Some(open) = rollout.stacks.get_mut(&stack) {
                    open.end(Ending::Adopted);
                }
            }
            let adopted = Some(Adopted { by: by.clone(), reason: reason.clone() });
            let (number, at_ms) = (self.count, wishes.now_ms);
            let deployed =
                Deployed { revision: revision.clone(), number, state: Some(state), at_ms, adopted };
            self.deployed.insert(stack, deployed);
        }
        self.look(wishes);
        Ok(())
    }

    /// Drops what nobody can need any more.
    fn forget(&mut self) {
        let over = self.rollouts.iter().filter(|rollout| rollout.is_over()).count();
        let mut surplus = over.saturating_sub(REMEMBERED);
        self.rollouts.retain(|rollout| {
            let drop = surplus > 0 && rollout.is_over();
            surplus -= usize::from(drop);
            !drop
        });
        let changes: BTreeSet<_> =
            self.rollouts.iter().flat_map(|rollout| rollout.changes.iter().copied()).collect();
        self.heard.retain(|(number, _)| changes.contains(number));
    }

    /// An effect of this branch.
    fn effect(&mut self, action: Action, priority: i64) -> Effect {
        self.made += 1;
        let id = EffectId(format!("{}#{}", self.key(), self.made));
        let lane = match &action {
            // Whatever asks for it, a stack is never applied twice at a time.
            Action::Apply(request) => Some(format!("apply:{}", request.claim.id)),
            Action::Post(_) => Some(format!("{}:post", self.key())),
            Action::ReadBranch { .. } => Some(format!("{}:read", self.key())),
            Action::ReadChange { .. }
            | Action::ReadProject { .. }
            | Action::Nudge { .. }
            | Action::NudgeBranch { .. }
            | Action::Preview(_)
            | Action::WriteRecord { .. } => None,
        };
        Effect { id, priority, lane, action }
    }

    /// A log entry about this branch.
    fn entry(&self, code: &str) -> LogEntry {
        LogEntry {
            code: code.to_owned(),
            subject: self.key(),
            ids: BTreeMap::new(),
            digests: BTreeMap::new(),
            account: None,
        }
    }
}
