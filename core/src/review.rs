//! The state machine of a change under review: read the facts, preview the stacks, write the record,
//! publish the plan. It decides when each is due; the host carries it out.

mod desired;
mod input;
mod look;

use crate::advance::{Action, Effect, EffectId, Wishes};
use crate::coverage::admit::Circumstances;
use crate::ids::{
    AccountId, ChangeNumber, Digest, PatchSetNumber, Project, RefName, Revision, ServerId, StackId,
};
use crate::policy::Judgement;
use crate::record::{Binding, Published};
use crate::settings::{Floor, PolicyName};
use crate::steps::marker::Marker;
use crate::verdict::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use input::{
    MergeFacts, MergeOutcome, PreviewOutcome, Previewed, RecordOutcome, ReviewFacts, ReviewInput,
    VoteMeaning, VoteRule,
};
pub(crate) use look::title;
pub use look::{Headline, Looked, StackPreview, StackState, Summary};

/// A change under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The number of this form: [`Review::SCHEMA`].
    pub schema: u32,
    /// The server.
    pub server: ServerId,
    /// The change's project.
    pub project: Project,
    /// The change's number.
    pub number: ChangeNumber,
    /// How many effects were made so far: the next one's number.
    pub made: u64,
    /// The read that is under way.
    pub reading: Option<EffectId>,
    /// Whether something happened since it began.
    pub again: bool,
    /// What was seen at the last read; absent if the change is none of ours, closed or gone.
    pub seen: Option<Seen>,
    /// Every list of bindings that was decided to be published.
    pub published: Vec<Published>,
    /// What each published binding was made of, by its name.
    #[serde(default)]
    pub plans: BTreeMap<Digest, KeptPlan>,
    /// The record in Gerrit, as far as is known.
    pub record: RecordState,
    /// What was posted.
    pub posted: PostState,
    /// The last verdict, for display.
    pub verdict: Option<crate::verdict::Verdict>,
}

impl Review {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;

    /// A change that was never looked at.
    #[must_use]
    pub fn new(server: ServerId, project: Project, number: ChangeNumber) -> Self {
        Self {
            schema: Self::SCHEMA,
            server,
            project,
            number,
            made: 0,
            reading: None,
            again: false,
            seen: None,
            published: Vec::new(),
            plans: BTreeMap::new(),
            record: RecordState::default(),
            posted: PostState::default(),
            verdict: None,
        }
    }

    /// The key of the subject, `serverId/project/number`: numbers collide after an import.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.server, self.project, self.number)
    }
}

/// What a published binding was made of: with it the plan can be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeptPlan {
    /// The binding.
    pub binding: Binding,
    /// Where the store keeps the plan file.
    pub plan_file: Digest,
    /// Where the store keeps the canonical steps.
    pub steps_blob: Digest,
    /// The markers that were planted for the look.
    pub markers: Vec<Marker>,
    /// What the policy modules said of it.
    #[serde(default)]
    pub policies: BTreeMap<PolicyName, Judgement>,
    /// What the look was made of.
    pub look: Circumstances,
    /// When the look was asked for, in milliseconds since the epoch. A run of ours that ended later
    /// may not be in the state that it started from.
    pub asked_ms: i64,
}

/// What was seen of a change that is ours and open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The current patch set.
    pub patch_set: PatchSetNumber,
    /// Its revision.
    pub revision: Revision,
    /// Its branch.
    pub branch: RefName,
    /// The tip of the branch that it was merged with.
    pub target: Option<Revision>,
    /// The account that publishes.
    pub publisher: AccountId,
    /// Whether Gerrit has the plugin, which keeps records.
    pub plugin: bool,
    /// The vote to give.
    pub vote: Option<VoteRule>,
    /// The floor of the installation.
    pub floor: Floor,
    /// Who can approve and what a submit does: the message's last line.
    pub closing: String,
    /// What the look came to.
    pub looked: Looked,
}

/// The record in Gerrit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordState {
    /// Its commit, if there is one.
    pub commit: Option<Revision>,
    /// The digest of its text, once we wrote it.
    pub text: Option<Digest>,
    /// The write that is under way, with the digest of its text.
    pub writing: Option<(EffectId, Digest)>,
}

/// What was posted on the change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PostState {
    /// The marker of the last message, and the vote that stands.
    pub said: Option<(String, Option<i32>)>,
    /// The post that is under way, and what it says.
    pub posting: Option<(EffectId, (String, Option<i32>))>,
}

/// Priorities: what finishes a look goes before what begins one.
mod priority {
    pub(super) const NUDGE: i64 = 70;
    pub(super) const READ: i64 = 50;
    pub(super) const PREVIEW: i64 = 20;
    pub(super) const RECORD: i64 = 65;
    pub(super) const POST: i64 = 60;
}

/// Takes one input.
///
/// # Errors
/// A sentence, if the first input of a change is not a hint.
pub(crate) fn advance(
    state: Option<Review>,
    input: ReviewInput,
    wishes: &mut Wishes,
) -> Result<Review, String> {
    let mut review = match (state, &input) {
        (Some(review), _) => {
            crate::json::schema("review", review.schema, Review::SCHEMA)?;
            review
        }
        (None, ReviewInput::Hint { server, project, number }) => {
            Review::new(server.clone(), project.clone(), *number)
        }
        (None, _) => return Err("review: the first input of a change must be a hint".to_owned()),
    };
    match input {
        ReviewInput::Hint { .. } => review.look(wishes),
        ReviewInput::Read { effect, facts } => {
            if review.ends_read(&effect) {
                review.take_facts(*facts, wishes);
            }
        }
        ReviewInput::Gone { effect } => {
            if review.ends_read(&effect) {
                review.close(wishes);
            }
        }
        ReviewInput::Previewed { effect, outcome } => {
            review.take_preview(&effect, *outcome);
            review.start_waiting(wishes);
        }
        ReviewInput::RecordWritten { effect, outcome } => review.take_record(&effect, outcome),
        ReviewInput::Posted { effect, done } => review.take_post(&effect, done),
        ReviewInput::Rerun { stacks } => review.rerun(&stacks, wishes),
    }
    review.settle(wishes);
    if review.again && review.reading.is_none() {
        review.look(wishes);
    }
    Ok(review)
}

impl Review {
    /// Reads the change, or notes that it must be read again.
    fn look(&mut self, wishes: &mut Wishes) {
        if self.reading.is_some() {
            self.again = true;
            return;
        }
        self.again = false;
        let action = Action::ReadChange { project: self.project.clone(), number: self.number };
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

    /// Nothing more is to be done about the change.
    fn close(&mut self, wishes: &mut Wishes) {
        if let Some(seen) = self.seen.take() {
            wishes.cancel.extend(seen.looked.running().cloned());
        }
        self.verdict = None;
    }

    fn take_preview(&mut self, effect: &EffectId, outcome: PreviewOutcome) {
        if let Some(Seen { looked: Looked::Previewing { stacks }, .. }) = &mut self.seen {
            for preview in stacks.values_mut() {
                preview.take(effect, &outcome);
            }
        }
    }

    fn take_record(&mut self, effect: &EffectId, outcome: RecordOutcome) {
        let Some((writing, digest)) = self.record.writing.take() else { return };
        if writing != *effect {
            self.record.writing = Some((writing, digest));
            return;
        }
        match outcome {
            RecordOutcome::Written { commit } => {
                self.record.commit = Some(commit);
                self.record.text = Some(digest);
            }
            // Somebody else's record, or one that we wrote and forgot: ours follows it.
            RecordOutcome::Conflict { found } => {
                self.record.commit = found;
                self.record.text = None;
            }
            RecordOutcome::Impossible => self.again = true,
        }
    }

    fn take_post(&mut self, effect: &EffectId, done: bool) {
        let Some((posting, said)) = self.posted.posting.take() else { return };
        if posting != *effect {
            self.posted.posting = Some((posting, said));
        } else if done {
            self.posted.said = Some(said);
        } else {
            // The patch set can't be written on any more: look what became of it.
            self.again = true;
        }
    }

    /// Previews again what failed, or the named stacks; a plan that stands is never dropped, since
    /// people may have approved it.
    fn rerun(&mut self, stacks: &[StackId], wishes: &mut Wishes) {
        if let Some(Seen { looked: Looked::Previewing { stacks: previews }, .. }) = &mut self.seen {
            for (id, preview) in previews {
                let named = stacks.is_empty() || stacks.contains(id);
                if named && matches!(preview.state, StackState::Failed { .. }) {
                    // A key that no look has: the next one starts the preview again.
                    preview.key = Digest::of(b"");
                }
            }
        }
        self.look(wishes);
    }

    /// Does what is due: writes the record, then posts.
    #[inline(never)]
    fn settle(&mut self, wishes: &mut Wishes) {
        let Some(seen) = self.seen.clone() else { return };
        let publication = seen.looked.publication(seen.patch_set, &seen.revision);
        if let Some(publication) = publication
            && !self.published.iter().any(|known| known.list == publication.list)
        {
            wishes.log.push(desired::plan_published(self, &publication));
            for plan in seen.looked.plans(&publication) {
                wishes.keep.extend([plan.plan_file.clone(), plan.steps_blob.clone()]);
                self.plans.insert(plan.binding.name(), plan);
            }
            self.published.push(publication);
        }
        if seen.plugin && !self.record_settled(&seen, wishes) {
            return;
        }
        self.post(&seen, wishes);
    }

    /// Whether the record in Gerrit says what it should; if not, it is written.
    fn record_settled(&mut self, seen: &Seen, wishes: &mut Wishes) -> bool {
        let text = desired::record(self, seen);
        let digest = Digest::of(text.as_bytes());
        if self.record.text.as_ref() == Some(&digest) {
            return true;
        }
        if self.record.writing.is_none() {
            let action = Action::WriteRecord {
                project: self.project.clone(),
                number: self.number,
                expect: self.record.commit.clone(),
                text,
            };
            let effect = self.effect(action, priority::RECORD);
            self.record.writing = Some((effect.id.clone(), digest));
            wishes.effects.push(effect);
        }
        false
    }

    fn post(&mut self, seen: &Seen, wishes: &mut Wishes) {
        if self.posted.posting.is_some() {
            return;
        }
        let Some(mut post) = desired::post(self, seen) else { return };
        if self.posted.said.as_ref().is_some_and(|(marker, _)| *marker == post.marker) {
            // The message stands; only the vote is another.
            post.message.clear();
        }
        let vote = post.labels.values().next().copied();
        let said = (post.marker.clone(), vote);
        if self.posted.said.as_ref() == Some(&said) {
            return;
        }
        let effect = self.effect(Action::Post(Box::new(post)), priority::POST);
        self.posted.posting = Some((effect.id.clone(), said));
        wishes.effects.push(effect);
    }

    /// An effect of this change. One lane for each kind keeps reads and writes in their order.
    fn effect(&mut self, action: Action, priority: i64) -> Effect {
        self.made += 1;
        let id = EffectId(format!("{}#{}", self.key(), self.made));
        let lane = match &action {
            Action::Preview(_) => None,
            // Not effects of a change; each its own lane is what the others have.
            Action::ReadBranch { .. } | Action::Apply(_) => None,
            Action::NudgeBranch { .. }
            | Action::ReadChange { .. }
            | Action::ReadProject { .. }
            | Action::Nudge { .. }
            | Action::WriteRecord { .. }
            | Action::Post(_) => Some(format!("{}:{}", self.key(), action.kind())),
        };
        Effect { id, priority, lane, action }
    }

    /// A look that came to reasons instead of previews.
    fn not_previewed(reasons: Vec<Reason>) -> Looked {
        Looked::NotPreviewed { reasons }
    }

    /// The previews that a new look may keep.
    fn kept(&self) -> BTreeMap<StackId, StackPreview> {
        match &self.seen {
            Some(Seen { looked: Looked::Previewing { stacks }, .. }) => stacks.clone(),
            _ => BTreeMap::new(),
        }
    }
}
