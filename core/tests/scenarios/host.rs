//! A host that carries effects out on a [`World`], in the order of their priorities.

use crate::dump::dump;
use crate::world::{TIDE, World, revision};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::advance::{
    Action, AdvanceInput, Effect, Post, PreviewRequest, Subject, advance,
};
use tidegate_core::facts::RecordFact;
use tidegate_core::ids::{AccountId, Digest, StackId};
use tidegate_core::review::{
    MergeFacts, MergeOutcome, PreviewOutcome, Previewed, RecordOutcome, Review, ReviewFacts,
    ReviewInput, VoteMeaning, VoteRule,
};
use tidegate_core::steps::Steps;
use tidegate_core::verdict::{Code, Reason};

pub struct Host {
    pub world: World,
    pub state: Option<Review>,
    pub queue: Vec<Effect>,
    pub cancelled: BTreeSet<String>,
    pub log: Vec<String>,
    pub posts: Vec<Post>,
    pub previews: Vec<String>,
    /// What each stack's inputs are; a change of it makes a new preview due.
    pub inputs: BTreeMap<StackId, String>,
    /// What each stack's program says; a change of it gives other steps.
    pub program: String,
    pub failing: BTreeSet<String>,
    pub plugin: bool,
    pub meaning: VoteMeaning,
}

impl Host {
    pub fn new() -> Self {
        Self {
            world: World::new(),
            state: None,
            queue: Vec::new(),
            cancelled: BTreeSet::new(),
            log: Vec::new(),
            posts: Vec::new(),
            previews: Vec::new(),
            inputs: BTreeMap::new(),
            program: "one".to_owned(),
            failing: BTreeSet::new(),
            plugin: true,
            meaning: VoteMeaning::Previewed,
        }
    }

    /// A change that was previewed and published.
    pub fn published() -> Self {
        let mut host = Self::new();
        host.hint();
        host.settle();
        host
    }

    pub fn hint(&mut self) {
        let facts = self.world.facts();
        self.step(ReviewInput::Hint {
            server: facts.server,
            project: facts.project,
            number: facts.number,
        });
    }

    /// Something happened on the change, and everything that follows is done.
    pub fn look(&mut self) {
        self.hint();
        self.settle();
    }

    pub fn step(&mut self, input: ReviewInput) {
        let subject =
            Subject::Review { state: self.state.take().map(Box::new), input: Box::new(input) };
        let input = AdvanceInput { schema: 1, now_ms: 0, subject };
        dump("advance", &input);
        let done = advance(input).unwrap();
        self.state = Some(serde_json::from_value(done.state).unwrap());
        self.queue.extend(done.effects);
        self.cancelled.extend(done.cancel.iter().map(ToString::to_string));
        self.log.extend(done.log.into_iter().map(|entry| entry.code));
    }

    /// Carries out effects until none is left.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            self.queue.sort_by_key(|effect| -effect.priority);
            if self.queue.is_empty() {
                return;
            }
            let effect = self.queue.remove(0);
            self.carry_out(effect);
        }
        panic!("it never settles");
    }

    /// Carries out reads and leaves the rest.
    pub fn settle_reads(&mut self) {
        while let Some(at) = self.queue.iter().position(|e| e.action.kind() == "read-change") {
            let effect = self.queue.remove(at);
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let id = effect.id;
        let input = match effect.action {
            Action::ReadChange { .. } => {
                ReviewInput::Read { effect: id, facts: Box::new(self.review_facts()) }
            }
            Action::Preview(request) => {
                let outcome = Box::new(self.preview(&request));
                ReviewInput::Previewed { effect: id, outcome }
            }
            Action::WriteRecord { expect, text, .. } => {
                let present = self.world.record.as_ref().map(|record| record.commit.clone());
                let outcome = if present == expect {
                    let commit = revision(
                        0xe000
                            + u32::try_from(self.world.commits.len()).unwrap()
                            + u32::try_from(text.len()).unwrap(),
                    );
                    self.world.record = Some(RecordFact { commit: commit.clone(), text });
                    RecordOutcome::Written { commit }
                } else {
                    RecordOutcome::Conflict { found: present }
                };
                ReviewInput::RecordWritten { effect: id, outcome }
            }
            Action::Post(post) => {
                if !post.message.is_empty() {
                    self.world.say_tagged(TIDE, &post.message, &post.tag);
                }
                self.posts.push(*post);
                ReviewInput::Posted { effect: id, done: true }
            }
            // The branch's business; its own scenarios give the hint.
            Action::NudgeBranch { .. } => return,
            Action::ReadProject { .. }
            | Action::Nudge { .. }
            | Action::ReadBranch { .. }
            | Action::Apply(_) => panic!("not of a review"),
        };
        self.step(input);
    }

    fn review_facts(&self) -> ReviewFacts {
        let stacks = ["network-staging", "network-prod"];
        let inputs = stacks
            .iter()
            .map(|stack| {
                let stack: StackId = stack.parse().unwrap();
                let text = self.inputs.get(&stack).cloned().unwrap_or_default();
                (stack, Digest::of(text.as_bytes()))
            })
            .collect();
        ReviewFacts {
            change: self.world.facts(),
            merge: Some(MergeFacts {
                target: Some(revision(7)),
                outcome: MergeOutcome::Clean { commit: revision(8), inputs },
            }),
            publisher: AccountId(TIDE),
            plugin: self.plugin,
            vote: Some(VoteRule { label: "Pulumi-Preview".to_owned(), meaning: self.meaning }),
            floor: Default::default(),
        }
    }

    fn preview(&mut self, request: &PreviewRequest) -> PreviewOutcome {
        let stack = request.claim.id.to_string();
        self.previews.push(stack.clone());
        if self.failing.contains(&stack) {
            let reason = Reason::new(Code::PreviewFailed, "the program failed", "mend it");
            return PreviewOutcome::Failed { reason, output: None };
        }
        let digest = Digest::of(format!("{stack} {}", self.program).as_bytes());
        PreviewOutcome::Planned(Box::new(Previewed {
            steps: steps(&digest),
            state: digest.clone(),
            plan_file: digest.clone(),
            steps_blob: digest.clone(),
            output: digest,
            markers: Vec::new(),
            policies: BTreeMap::new(),
            versions: BTreeMap::new(),
            took_ms: 1,
        }))
    }
}

/// Steps with a digest of our choice: the review looks at nothing else of them.
fn steps(digest: &Digest) -> Steps {
    let mut steps = crate::review::some_steps();
    steps.digest = digest.clone();
    steps
}
