//! One look at a change: from its facts to what is to be previewed.

use super::{
    KeptPlan, MergeFacts, MergeOutcome, PreviewOutcome, Previewed, Review, ReviewFacts, Seen,
    desired, priority,
};
use crate::advance::{Action, EffectId, PreviewRequest, Upstream, Wishes};
use crate::change::{Change, Status};
use crate::coverage::admit::Circumstances;
use crate::decide::decide_change;
use crate::facts::RecordFact;
use crate::ids::{Digest, PatchSetNumber, Revision, StackId};
use crate::plan::{DeploymentPlan, plan};
use crate::policy::{Judgement, PolicyChange};
use crate::record::{Binding, Published};
use crate::settings::{Claim, Mode, PolicyName, Settings};
use crate::steps::marker::Marker;
use crate::verdict::{Code, Reason};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Looked {
    /// No claimed stack is touched.
    AffectsNothing,
    /// No preview is made.
    NotPreviewed {
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// Previews were made, or are being made.
    Previewing {
        /// Each planned stack.
        stacks: BTreeMap<StackId, StackPreview>,
    },
}

/// One stack's preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StackPreview {
    /// What the preview was made of: while it is equal, the preview holds.
    pub key: Digest,
    /// The digest of the settings that govern the stack.
    pub settings: Digest,
    /// Its wave, from 0.
    pub wave: u32,
    /// What people call it: `project/stack`.
    pub title: String,
    /// The digest of its inputs in the merged tree, if it is known.
    #[serde(default)]
    pub inputs: Option<Digest>,
    /// When it was asked for, in milliseconds since the epoch.
    #[serde(default)]
    pub asked_ms: i64,
    /// How it goes.
    pub state: StackState,
}

/// How a preview goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum StackState {
    /// It waits for the plans of the stacks that it reads.
    Waiting {
        /// What will be asked for.
        request: Box<PreviewRequest>,
    },
    /// It runs, or waits to run.
    Running {
        /// The effect.
        effect: EffectId,
    },
    /// It failed.
    Failed {
        /// Why.
        reason: Reason,
        /// The digest of its output.
        output: Option<Digest>,
    },
    /// It ended well.
    Planned {
        /// What it came to.
        summary: Summary,
    },
}

/// What is kept of a plan: enough for record, message and pages; the rest is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The digest of the canonical steps.
    pub steps: Digest,
    /// Where the store keeps the canonical steps.
    pub steps_blob: Digest,
    /// Where the store keeps the plan file.
    pub plan_file: Digest,
    /// Where the store keeps the output.
    pub output: Digest,
    /// The markers that were planted for it.
    #[serde(default)]
    pub markers: Vec<Marker>,
    /// What the policy modules said of it.
    #[serde(default)]
    pub policies: BTreeMap<PolicyName, Judgement>,
    /// The digest of the state that it started from.
    pub state: Digest,
    /// How many steps of each kind.
    pub counts: crate::steps::Counts,
    /// How many values can't be seen.
    pub opaque: u32,
    /// How many values are not known yet.
    pub unknown: u32,
    /// The worst steps, worst first.
    pub worst: Vec<Headline>,
    /// Versions of CLI and plugins.
    pub versions: BTreeMap<String, String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// One step in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// The operation, such as `delete`.
    pub op: String,
    /// The resource's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The resource's name.
    pub name: String,
}

/// How many steps are named one by one; the steps' blob has all of them.
const HEADLINES: usize = 50;

impl Looked {
    /// The previews that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &EffectId> {
        self.stacks().filter_map(|(_, preview)| match &preview.state {
            StackState::Running { effect } => Some(effect),
            StackState::Waiting { .. } | StackState::Failed { .. } | StackState::Planned { .. } => {
                None
            }
        })
    }

    /// Each planned stack.
    pub(super) fn stacks(&self) -> impl Iterator<Item = (&StackId, &StackPreview)> {
        let stacks = match self {
            Self::Previewing { stacks } => Some(stacks),
            Self::AffectsNothing | Self::NotPreviewed { .. } => None,
        };
        stacks.into_iter().flatten()
    }

    /// What the bindings of a publication were made of.
    pub(super) fn plans(&self, publication: &Published) -> Vec<KeptPlan> {
        let one = |(stack, preview): (&StackId, &StackPreview)| {
            let StackState::Planned { summary } = &preview.state else { return None };
            Some(KeptPlan {
                binding: publication.bindings.get(stack)?.clone(),
                plan_file: summary.plan_file.clone(),
                steps_blob: summary.steps_blob.clone(),
                markers: summary.markers.clone(),
                policies: summary.policies.clone(),
                look: Circumstances {
                    state: summary.state.clone(),
                    inputs: preview.inputs.clone(),
                    versions: summary.versions.clone(),
                },
                asked_ms: preview.asked_ms,
            })
        };
        self.stacks().filter_map(one).collect()
    }

    /// The bindings to publish: when every preview ended well.
    pub(super) fn publication(
        &self,
        patch_set: PatchSetNumber,
        revision: &Revision,
    ) -> Option<Published> {
        let mut bindings = BTreeMap::new();
        for (stack, preview) in self.stacks() {
            bindings.insert(stack.clone(), preview.binding(stack, revision)?);
        }
        (!bindings.is_empty()).then(|| Published::new(patch_set, bindings))
    }
}

impl StackPreview {
    /// Whether it has not ended.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, StackState::Waiting { .. } | StackState::Running { .. })
    }

    /// The binding that the preview came to.
    pub(super) fn binding(&self, stack: &StackId, revision: &Revision) -> Option<Binding> {
        match &self.state {
            StackState::Planned { summary } => Some(Binding {
                stack: stack.clone(),
                revision: revision.clone(),
                steps: summary.steps.clone(),
                settings: self.settings.clone(),
            }),
            StackState::Waiting { .. } | StackState::Running { .. } | StackState::Failed { .. } => {
                None
            }
        }
    }

    /// Takes the outcome of `effect`, if this preview is that effect.
    #[inline(never)]
    pub(super) fn take(&mut self, effect: &EffectId, outcome: &PreviewOutcome) {
        if !matches!(&self.state, StackState::Running { effect: running } if running == effect) {
            return;
        }
        self.state = match outcome {
            PreviewOutcome::Planned(done) => StackState::Planned { summary: Summary::of(done) },
            PreviewOutcome::Failed { reason, output } => {
                StackState::Failed { reason: reason.clone(), output: output.clone() }
            }
            PreviewOutcome::Cancelled => StackState::Failed {
                reason: Reason::new(
                    Code::PreviewFailed,
                    "the preview was cancelled",
                    "ask for it again",
                ),
                output: None,
            },
        };
    }
}

impl Summary {
    /// What is kept of a preview.
    pub(crate) fn of(done: &Previewed) -> Self {
        let line = |line: crate::steps::headline::Headline| Headline {
            op: line.op,
            kind: line.kind,
            name: line.name,
        };
        Self {
            steps: done.steps.digest.clone(),
            steps_blob: done.steps_blob.clone(),
            plan_file: done.plan_file.clone(),
            output: done.output.clone(),
            markers: done.markers.clone(),
            policies: done.policies.clone(),
            state: done.state.clone(),
            counts: done.steps.counts.clone(),
            opaque: done.steps.opaque,
            unknown: done.steps.unknown,
            worst: done.steps.worst().into_iter().take(HEADLINES).map(line).collect(),
            versions: done.versions.clone(),
            took_ms: done.took_ms,
        }
    }
}

impl Review {
    /// Takes what was read of the change.
    #[inline(never)]
    pub(super) fn take_facts(&mut self, facts: ReviewFacts, wishes: &mut Wishes) {
        if let Some(found) = &facts.change.record {
            // What Gerrit has is the truth about what is there, whoever wrote it.
            if self.record.commit.as_ref() != Some(&found.commit) && self.record.writing.is_none() {
                self.record.commit = Some(found.commit.clone());
                self.record.text = Some(Digest::of(found.text.as_bytes()));
            }
        } else if self.record.writing.is_none() {
            self.record.commit = None;
            self.record.text = None;
        }
        if let Ok(change) = facts.change.meta.change()
            && change.status == Status::Merged
        {
            // What was submitted is rolled out there; what was said on the change may matter to it.
            let (project, branch) = (self.project.clone(), change.branch);
            let effect = self.effect(Action::NudgeBranch { project, branch }, priority::NUDGE);
            wishes.effects.push(effect);
        }
        match self.target(&facts) {
            Target::Nothing => self.close(wishes),
            Target::Look { change, looked, closing } => {
                self.replace(&facts, &change, looked, closing, wishes);
            }
        }
        let ReviewFacts { mut change, floor, plugin, .. } = facts;
        if !plugin && let Some(seen) = &self.seen {
            // Nobody keeps a record in Gerrit: what it would say is judged all the same.
            let (commit, text) = (change.meta.tip.clone(), desired::record(self, seen));
            change.record = Some(RecordFact { commit, text });
        }
        self.verdict = Some(decide_change(&change, Some(&floor)));
    }

    /// Puts a new look in the place of the last one, and cancels what it no longer needs.
    fn replace(
        &mut self,
        facts: &ReviewFacts,
        change: &Change,
        looked: Looked,
        closing: String,
        wishes: &mut Wishes,
    ) {
        let Some(patch_set) = change.patch_sets.get(&change.current) else { return };
        let mut looked = looked;
        if let Looked::Previewing { stacks } = &mut looked {
            self.start(facts, change, &patch_set.revision, stacks, wishes);
        }
        let wanted: BTreeSet<_> = looked.running().cloned().collect();
        if let Some(seen) = &self.seen {
            let stale = seen.looked.running().filter(|effect| !wanted.contains(effect));
            wishes.cancel.extend(stale.cloned());
        }
        self.seen = Some(Seen {
            patch_set: change.current,
            revision: patch_set.revision.clone(),
            branch: change.branch.clone(),
            target: facts.merge.as_ref().and_then(|merge| merge.target.clone()),
            publisher: facts.publisher,
            plugin: facts.plugin,
            vote: facts.vote.clone(),
            floor: facts.floor.clone(),
            closing,
            looked,
        });
    }

    /// Starts each preview that has not the same key as one that is there already.
    #[inline(never)]
    fn start(
        &mut self,
        facts: &ReviewFacts,
        change: &Change,
        revision: &Revision,
        stacks: &mut BTreeMap<StackId, StackPreview>,
        wishes: &mut Wishes,
    ) {
        let kept = self.kept();
        let Ok(settings) = Settings::read(&facts.change.settings, &facts.floor) else {
            return;
        };
        let Some(MergeFacts { outcome: MergeOutcome::Clean { commit, .. }, .. }) = &facts.merge
        else {
            return;
        };
        let planned: BTreeSet<StackId> = stacks.keys().cloned().collect();
        for (stack, preview) in stacks.iter_mut() {
            if let Some(old) = kept.get(stack).filter(|old| old.key == preview.key) {
                preview.state = old.state.clone();
                preview.asked_ms = old.asked_ms;
                continue;
            }
            let Some(claim) = settings.stacks.get(stack) else { continue };
            let reads = claim.reads.iter().filter_map(|id| settings.stacks.get(id)).cloned();
            let request = PreviewRequest {
                project: self.project.clone(),
                number: self.number,
                patch_set: change.current,
                revision: revision.clone(),
                commit: commit.clone(),
                claim: claim.clone(),
                reads: reads.collect(),
                upstream: Vec::new(),
                rollout_of: None,
                policies: settings.policies.clone(),
                change: Some(PolicyChange {
                    project: self.project.clone(),
                    branch: change.branch.clone(),
                    number: self.number,
                    patch_set: change.current,
                    revision: revision.clone(),
                }),
            };
            preview.state = StackState::Waiting { request: Box::new(request) };
        }
        self.start_ready(stacks, &planned, wishes);
    }

    /// Starts the previews whose upstream plans are there, after one ended.
    pub(super) fn start_waiting(&mut self, wishes: &mut Wishes) {
        let Some(mut seen) = self.seen.take() else { return };
        if let Looked::Previewing { stacks } = &mut seen.looked {
            let planned = stacks.keys().cloned().collect();
            self.start_ready(stacks, &planned, wishes);
        }
        self.seen = Some(seen);
    }

    /// Starts each preview that waits for no plan any more. A stack whose upstream has no plan gets
    /// none either.
    #[inline(never)]
    fn start_ready(
        &mut self,
        stacks: &mut BTreeMap<StackId, StackPreview>,
        planned: &BTreeSet<StackId>,
        wishes: &mut Wishes,
    ) {
        let mut order: Vec<(u32, StackId)> =
            stacks.iter().map(|(stack, preview)| (preview.wave, stack.clone())).collect();
        order.sort();
        for (wave, stack) in order {
            let Some(StackState::Waiting { request }) = stacks.get(&stack).map(|p| &p.state) else {
                continue;
            };
            let mut request = request.clone();
            let state = match upstream(&request, stacks, planned) {
                Ok(None) => continue,
                Err(reason) => StackState::Failed { reason: reason.on(&stack), output: None },
                Ok(Some(upstream)) => {
                    request.upstream = upstream;
                    let action = Action::Preview(request);
                    let effect = self.effect(action, priority::PREVIEW - i64::from(wave));
                    let id = effect.id.clone();
                    wishes.effects.push(effect);
                    StackState::Running { effect: id }
                }
            };
            if let Some(preview) = stacks.get_mut(&stack) {
                preview.asked_ms = wishes.now_ms;
                preview.state = state;
            }
        }
    }

    /// What the facts call for.
    #[inline(never)]
    fn target(&self, facts: &ReviewFacts) -> Target {
        let refuse = |change: Change, reason: Reason| Target::Look {
            change,
            looked: Self::not_previewed(vec![reason]),
            closing: String::new(),
        };
        let Ok(change) = facts.change.meta.change() else { return Target::Nothing };
        if change.status != Status::New {
            return Target::Nothing;
        }
        let settings = match Settings::read(&facts.change.settings, &facts.floor) {
            Ok(settings) => settings,
            Err(error) => {
                let cure = "mend tidegate.toml on refs/meta/config";
                return refuse(change, Reason::new(Code::SettingsError, error.to_string(), cure));
            }
        };
        if settings.on_branch(&change.branch).next().is_none() {
            return Target::Nothing;
        }
        let Some(patch_set) = facts.change.patch_sets.get(&change.current) else {
            return Target::Nothing;
        };
        let plan = match plan(&settings, &change.branch, &patch_set.paths, &BTreeMap::new()) {
            Ok(plan) => plan,
            Err(error) => {
                let cure = "mend the claims in tidegate.toml";
                return refuse(change, Reason::new(Code::PlanError, error.to_string(), cure));
            }
        };
        if plan.stacks.is_empty() {
            return Target::Look { change, looked: Looked::AffectsNothing, closing: String::new() };
        }
        if let Some(reason) = not_previewable(facts, &change, &settings) {
            return refuse(change, reason);
        }
        let Some(MergeFacts { outcome: MergeOutcome::Clean { commit, inputs }, .. }) = &facts.merge
        else {
            let text = "the merge with the branch is not known";
            return refuse(change, Reason::new(Code::FactMissing, text, "wait a moment"));
        };
        let mut stacks: BTreeMap<StackId, StackPreview> = BTreeMap::new();
        for stack in plan.waves.iter().flatten() {
            let (Some(planned), Some(claim), Some(rules)) =
                (plan.stacks.get(stack), settings.stacks.get(stack), settings.claim_digest(stack))
            else {
                continue;
            };
            let inputs = inputs.get(stack);
            let above = claim.reads.iter().filter_map(|id| Some((id, &stacks.get(id)?.key)));
            let key = key(&patch_set.revision, &rules, inputs, commit, above);
            stacks.insert(stack.clone(), queued(claim, rules, key, planned.wave, inputs));
        }
        let closing = desired::closing(&settings, &plan);
        Target::Look { change, looked: Looked::Previewing { stacks }, closing }
    }
}

/// What a change calls for.
enum Target {
    /// It is none of ours, or closed.
    Nothing,
    /// A look.
    Look { change: Change, looked: Looked, closing: String },
}

/// Why no preview may be made of a change that touches our stacks.
fn not_previewable(facts: &ReviewFacts, change: &Change, settings: &Settings) -> Option<Reason> {
    if change.private {
        let text = "a private change is not previewed: its plan would show what it hides";
        return Some(Reason::new(Code::Private, text, "make the change public"));
    }
    let uploaders = change.patch_sets.get(&change.current).map(|patch_set| &patch_set.uploaders);
    // Whoever's name an upload carries and whoever really made it must both be trusted.
    let trusted = uploaders.is_some_and(|uploaders| {
        uploaders.iter().all(|account| {
            facts.change.accounts.get(account).is_some_and(|known| {
                known.active && settings.trust.groups.iter().any(|g| known.groups.contains(g))
            })
        })
    });
    if !trusted {
        let text = "the uploader is in no group whose previews are trusted";
        let cure = "have a member of a group in [trust] upload it";
        return Some(Reason::new(Code::UploaderUntrusted, text, cure));
    }
    match &facts.merge {
        Some(MergeFacts { outcome: MergeOutcome::Conflict { paths }, .. }) => {
            let shown = paths.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            let text = format!("the change can't be merged with its branch: {shown}");
            Some(Reason::new(Code::MergeConflict, text, "rebase it"))
        }
        _ => None,
    }
}

/// What a preview is made of. Without the digest of its inputs it holds for one merge only; and it
/// holds only as long as the previews of the stacks above it do.
fn key<'a>(
    revision: &Revision,
    rules: &Digest,
    inputs: Option<&Digest>,
    merged: &Revision,
    above: impl Iterator<Item = (&'a StackId, &'a Digest)>,
) -> Digest {
    let above: BTreeMap<_, _> = above.map(|(id, key)| (id.as_str(), key.as_str())).collect();
    let parts = serde_json::json!({
        "revision": revision.as_str(),
        "settings": rules.as_str(),
        "inputs": inputs.map_or(merged.as_str(), Digest::as_str),
        "above": above,
    });
    Digest::of(&crate::canonical::bytes(&parts))
}

/// A preview that is still to be started.
fn queued(
    claim: &Claim,
    settings: Digest,
    key: Digest,
    wave: u32,
    inputs: Option<&Digest>,
) -> StackPreview {
    StackPreview {
        key,
        settings,
        wave,
        title: title(claim),
        inputs: inputs.cloned(),
        asked_ms: 0,
        state: StackState::Running { effect: EffectId(String::new()) },
    }
}

/// What people call a stack.
pub(crate) fn title(claim: &Claim) -> String {
    format!("{}/{}", claim.project, claim.stack)
}

/// The plans that a preview is to see; nothing while one of them is still made.
///
/// # Errors
/// A reason, if one of them will not come.
fn upstream(
    request: &PreviewRequest,
    stacks: &BTreeMap<StackId, StackPreview>,
    planned: &BTreeSet<StackId>,
) -> Result<Option<Vec<Upstream>>, Reason> {
    let mut upstream = Vec::new();
    for id in request.claim.reads.intersection(planned) {
        let Some(preview) = stacks.get(id) else { continue };
        match &preview.state {
            StackState::Waiting { .. } | StackState::Running { .. } => return Ok(None),
            StackState::Failed { .. } => {
                let text = format!("it reads {}, which has no plan", preview.title);
                let cure = format!("see to {} first", preview.title);
                return Err(Reason::new(Code::PreviewFailed, text, cure));
            }
            StackState::Planned { summary } => upstream.push(Upstream {
                stack: id.clone(),
                plan_file: summary.plan_file.clone(),
                markers: summary.markers.clone(),
            }),
        }
    }
    Ok(Some(upstream))
}

/// What a submit does, by the project's mode.
pub(super) fn on_submit(settings: &Settings, plan: &DeploymentPlan) -> String {
    match settings.mode {
        Mode::Observe => "Tidegate only observes this project.".to_owned(),
        Mode::Gate => "Tidegate doesn't deploy this project; submitting only merges.".to_owned(),
        Mode::Deploy => match plan.waves.len() {
            1 => "Submitting deploys.".to_owned(),
            waves => format!("Submitting deploys in {waves} waves."),
        },
    }
}
