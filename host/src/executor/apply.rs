//! Applies one stack's approved plan: the rollout's revision, the real state, the gate, and what the
//! run carried out.

use super::gate::{CoreGate, Evidence, RunThen, Said, stack_name};
use super::stack::{Phase, Unmade};
use super::{Hands, mark};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::Verb;
use tidegate_core::advance::{ApplyRequest, EffectId};
use tidegate_core::coverage::ran::RanOutput;
use tidegate_core::ids::Digest;
use tidegate_core::rollout::{ApplyOutcome, BranchInput, RunFacts};
use tidegate_core::steps::Steps;
use tidegate_core::steps::marker::Marker;
use tidegate_core::verdict::{Code, Reason};
use tidegate_engine::{Cancel, Done, Problem, Rules as _, SubjectInput};
use tidegate_pulumi::{
    FailedWhat, Limits, Outcome, Refusal, Request, ResolveRequest, UpdateRequest,
};
use tidegate_store::NewBlob;

/// How long the core may take at the gate: a thousand times of what it needs.
const AT_THE_GATE: Duration = Duration::from_secs(60);

/// Longest text of a failure that goes to a change: the rest is in the run's output.
const FAILURE_CHARS: usize = 1_500;

/// A run as far as its facts are known, with what is still text.
struct Ran<'a> {
    events: &'a str,
    state: &'a Value,
    state_before: &'a str,
    state_after: &'a str,
    output: String,
    took: Duration,
}

impl Hands {
    pub(super) async fn apply(
        &self,
        effect: EffectId,
        request: ApplyRequest,
        cancel: Cancel,
    ) -> Result<Done, Problem> {
        let mut blobs = Vec::new();
        let outcome = match self.applied(&effect, &request, cancel, &mut blobs).await {
            Ok(outcome) => outcome,
            Err(Unmade::Failed { text, cure }) => not_begun(text, cure),
            Err(Unmade::Cancelled) => return Err(Problem::new("the apply was cancelled")),
            Err(Unmade::Again(problem)) => return Err(problem),
        };
        let input = Box::new(BranchInput::Applied { effect, outcome: Box::new(outcome) });
        let ApplyRequest { project, branch, .. } = request;
        Ok(Done { input: SubjectInput::Branch { project, branch, input }, blobs })
    }

    async fn applied(
        &self,
        effect: &EffectId,
        request: &ApplyRequest,
        cancel: Cancel,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<ApplyOutcome, Unmade> {
        let begun = mark::of(&self.config.state, effect);
        if begun.exists() {
            // A run of this very effect began, and nobody was left to see its end.
            return self.interrupted(request).await;
        }
        let claim = &request.claim;
        let evidence = self.evidence(request)?;
        let mut plan = self.blob(&request.plan_file)?;
        if !request.markers.is_empty() {
            let markers: Vec<_> = request.markers.iter().map(Marker::text).collect();
            let lifted = tidegate_pulumi::lift_markers(&plan, &markers).map_err(|error| {
                Unmade::Failed { text: error.to_string(), cure: "retry, once a new plan is made" }
            })?;
            plan = lifted.to_vec();
        }
        let mirror = self.gerrit.mirrors().mirror(&request.project).await.map_err(Unmade::again)?;
        mirror
            .fetch_commit(&request.revision, std::slice::from_ref(&request.branch))
            .await
            .map_err(Unmade::again)?;
        let tree = mirror.worktree(&request.revision).await.map_err(Unmade::again)?;
        let folder = tree.path().join(claim.path.as_str());
        begun.set().map_err(Unmade::again)?;
        let (outcome, said) = self.update(request, &evidence, &folder, &plan, &cancel).await?;
        let (outcome, said) = match outcome {
            // What our own runs did meanwhile makes an engine refuse a plan that is still covered:
            // its operations are listed anew, and the gate judges what comes of it.
            Outcome::Violated { .. } if !request.runs.is_empty() => {
                match self.derived(request, &folder, &plan).await? {
                    Some(derived) => {
                        self.update(request, &evidence, &folder, &derived, &cancel).await?
                    }
                    None => (outcome, said),
                }
            }
            outcome => (outcome, said),
        };
        let outcome = self.came_to(request, outcome, said, blobs)?;
        Ok(outcome)
    }

    /// One run of the engine behind the gate.
    async fn update(
        &self,
        request: &ApplyRequest,
        evidence: &Evidence,
        folder: &std::path::Path,
        plan: &[u8],
        cancel: &Cancel,
    ) -> Result<(Outcome, Said), Unmade> {
        let claim = &request.claim;
        let backend = self.state_backend(claim)?;
        let environment = self.environment(claim, Phase::Apply)?;
        let stack = super::stack::stack_id(claim)?;
        let program = std::env::current_exe().map_err(Unmade::again)?;
        let gate = CoreGate::new(Arc::clone(&self.rules), request, self.versions(), evidence);
        let (canceller, stop) = tidegate_pulumi::cancel_pair();
        let key = self.seal.key_of(&claim.id);
        let outcome = {
            let run = tidegate_pulumi::update(
                UpdateRequest {
                    cli: &self.cli,
                    scratch: &self.scratch,
                    folder,
                    backend: &backend,
                    stack: &stack,
                    environment: &environment,
                    key: &key,
                    plan: Some(plan),
                    gate_program: &program,
                    parallel: None,
                    limits: Limits::for_update(),
                    hold_time: AT_THE_GATE,
                    cancel: stop,
                    progress: None,
                },
                &gate,
            );
            tokio::pin!(run);
            tokio::select! {
                outcome = &mut run => outcome,
                () = cancel.cancelled() => {
                    canceller.cancel();
                    run.await
                }
            }
        };
        Ok((outcome, gate.said()))
    }

    /// The plan with its operations listed as a free look of now has them; `None` if that can't be.
    async fn derived(
        &self,
        request: &ApplyRequest,
        folder: &std::path::Path,
        plan: &[u8],
    ) -> Result<Option<Vec<u8>>, Unmade> {
        let claim = &request.claim;
        let (_canceller, stop) = tidegate_pulumi::cancel_pair();
        let state = self.local_copy(claim, &request.reads, &stop).await?;
        let environment = self.environment(claim, Phase::Apply)?;
        let key = self.seal.key_of(&claim.id);
        let made = tidegate_pulumi::preview(Request {
            cli: &self.cli,
            scratch: &self.scratch,
            folder,
            state: &state,
            environment: &environment,
            key: &key,
            parallel: None,
            limits: self.limits(),
            cancel: stop,
            progress: None,
        })
        .await;
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                tracing::info!(stack = %claim.id, %error, "no plan can be derived");
                return Ok(None);
            }
        };
        match tidegate_pulumi::derive_operations(plan, &made.plan) {
            Ok(derived) => {
                let edits = derived.edits.len();
                tracing::info!(stack = %claim.id, edits, "the plan's operations are listed anew");
                Ok(Some(derived.plan.to_vec()))
            }
            Err(error) => {
                tracing::info!(stack = %claim.id, %error, "no plan can be derived");
                Ok(None)
            }
        }
    }

    /// What an effect whose run was cut off came to: the state, and what lies around, tell.
    async fn interrupted(&self, request: &ApplyRequest) -> Result<ApplyOutcome, Unmade> {
        let claim = &request.claim;
        let stack = super::stack::stack_id(claim)?;
        let backend = self.state_backend(claim)?;
        let look = ResolveRequest {
            cli: &self.cli,
            scratch: &self.scratch,
            backend: &backend,
            stack: &stack,
            limits: self.limits(),
        };
        let uncertain = |text: String| ApplyOutcome::Uncertain {
            reason: Reason::new(
                Code::ApplyUncertain,
                text,
                "look at the stack, run `pulumi cancel` if its lock is left, then retry",
            ),
        };
        // A lock that our own dead run left is in everybody's way.
        let never = tidegate_pulumi::Cancel::never();
        if let Err(error) = tidegate_pulumi::release(look, &never).await {
            return Ok(uncertain(format!("the run was cut off; {error}")));
        }
        let found = match tidegate_pulumi::resolve(look, &never).await {
            Ok(found) => found,
            Err(error) => {
                return Ok(uncertain(format!("the run was cut off, and the state is: {error}")));
            }
        };
        if let Some(pending) = found.pending_operations.first() {
            let text = format!(
                "the run was cut off while {} {}: nobody knows how that ended",
                pending.operation, pending.urn
            );
            return Ok(uncertain(text));
        }
        let state: Digest = found.state_digest.parse().map_err(Unmade::again)?;
        Ok(ApplyOutcome::Interrupted { state })
    }

    fn came_to(
        &self,
        request: &ApplyRequest,
        outcome: Outcome,
        said: Said,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<ApplyOutcome, Unmade> {
        let retry = "see to it, then retry";
        Ok(match outcome {
            Outcome::Applied(done) => {
                let ran = Ran {
                    events: &done.events,
                    state: &done.state,
                    state_before: &done.state_before,
                    state_after: &done.state_after,
                    output: done.output.clone(),
                    took: done.duration,
                };
                match self.run_facts(request, said.admitted, ran, blobs) {
                    Ok(run) => ApplyOutcome::Applied(Box::new(run)),
                    Err(why) => untold(&why),
                }
            }
            Outcome::Refused(refused) => match (refused.why, said.differences, said.why) {
                (Refusal::Verdict, Some((differences, omitted)), _) => {
                    ApplyOutcome::NotCovered { differences, omitted }
                }
                (Refusal::Verdict, None, why) => {
                    let text = why.unwrap_or_else(|| "the core did not say why".to_owned());
                    not_begun(format!("the plan could not be checked: {text}"), retry)
                }
                (Refusal::Cancelled, ..) => return Err(Unmade::Cancelled),
                (Refusal::NoAnswer, ..) => {
                    not_begun("the core did not answer in time".to_owned(), "retry")
                }
                (Refusal::Ended, ..) => not_begun("the engine ended at the gate".to_owned(), retry),
                (Refusal::Unexpected(what), ..) => {
                    not_begun(format!("the gate was refused: {what}"), retry)
                }
                (Refusal::NotReadable(failure), ..) => not_begun(failure.to_string(), retry),
            },
            Outcome::Violated { .. } => ApplyOutcome::Violated,
            Outcome::NotStarted { failure, .. } => not_begun(failure.to_string(), retry),
            Outcome::Failed(failed) => {
                let text = match failed.what {
                    FailedWhat::StepRefused => format!(
                        "a step was refused while the update ran: {}",
                        said.why.as_deref().unwrap_or("it is not what was checked")
                    ),
                    FailedWhat::Unexpected(what) => format!("the update was stopped: {what}"),
                    FailedWhat::Engine(failure) => {
                        let errors = failed.errors.join("\n");
                        if errors.is_empty() { failure.to_string() } else { errors }
                    }
                };
                let ran = Ran {
                    events: &failed.events,
                    state: &failed.state,
                    state_before: &failed.state_before,
                    state_after: &failed.state_after,
                    output: failed.output.clone(),
                    took: failed.duration,
                };
                let reason = Reason::new(Code::ApplyFailed, short(&text), "mend it");
                match self.run_facts(request, said.admitted, ran, blobs) {
                    Ok(run) => ApplyOutcome::Failed { reason, run: Box::new(run) },
                    Err(why) => untold(&why),
                }
            }
            Outcome::Uncertain(uncertain) => {
                let cure = "look at the stack and at what it manages, then retry";
                let reason = Reason::new(Code::ApplyUncertain, short(&uncertain.what), cure);
                ApplyOutcome::Uncertain { reason }
            }
        })
    }

    /// Has the core read what a run carried out, and keeps it.
    fn run_facts(
        &self,
        request: &ApplyRequest,
        admitted: Option<Steps>,
        ran: Ran<'_>,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<RunFacts, String> {
        let steps = admitted.ok_or("the run went on without a yes")?;
        let digest = steps.digest.clone();
        let input = json!({
            "schema": 1,
            "stack": stack_name(request),
            "steps": steps,
            "events": ran.events,
            "state": ran.state,
            "own": true,
        });
        let input = serde_json::to_vec(&input).map_err(|error| error.to_string())?;
        let answer = self.rules.call(Verb::Ran, &input).map_err(|error| error.to_string())?;
        let told: RanOutput = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let json = |value: Result<Vec<u8>, serde_json::Error>| value.map_err(|e| e.to_string());
        let mut keep = |bytes: Vec<u8>| {
            let digest = Digest::of(&bytes);
            blobs.push(NewBlob { bytes, secret: false, until_ms: None });
            digest
        };
        let digest_of = |text: &str| text.parse::<Digest>().map_err(|error| error.to_string());
        Ok(RunFacts {
            steps: digest,
            ran: keep(json(serde_json::to_vec(&told.ran))?),
            outputs: keep(json(serde_json::to_vec(&told.outputs))?),
            state_before: digest_of(ran.state_before)?,
            state_after: digest_of(ran.state_after)?,
            output: keep(ran.output.into_bytes()),
            took_ms: u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
            checkpoint: self.checkpoint(),
        })
    }

    /// What the store keeps of the approved plan, and of what happened since.
    fn evidence(&self, request: &ApplyRequest) -> Result<Evidence, Unmade> {
        let mut runs = Vec::new();
        for run in &request.runs {
            runs.push(RunThen { own: run.own, ran: self.raw_blob(&run.ran)? });
        }
        let mut outputs = BTreeMap::new();
        for (stack, digest) in &request.outputs {
            outputs.insert(stack.clone(), self.raw_blob(digest)?);
        }
        Ok(Evidence { approved: self.raw_blob(&request.steps_blob)?, runs, outputs })
    }

    fn raw_blob(&self, digest: &Digest) -> Result<Box<RawValue>, Unmade> {
        serde_json::from_slice(&self.blob(digest)?).map_err(Unmade::again)
    }

    /// The log's last checkpoint in one line: origin, size, root.
    fn checkpoint(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.config.log.folder.join("checkpoint")).ok()?;
        let lines: Vec<_> = text.lines().take(3).collect();
        (lines.len() == 3).then(|| lines.join(" "))
    }
}

/// A run of which the core can't tell what it did.
fn untold(why: &str) -> ApplyOutcome {
    let text = format!("what the run did can't be told: {}", short(why));
    let cure = "look at the stack, then adopt it";
    ApplyOutcome::Uncertain { reason: Reason::new(Code::ApplyUncertain, text, cure) }
}

fn not_begun(text: String, cure: &str) -> ApplyOutcome {
    ApplyOutcome::NotBegun { reason: Reason::new(Code::ApplyNotBegun, short(&text), cure) }
}

fn short(text: &str) -> String {
    text.trim_end().chars().take(FAILURE_CHARS).collect()
}
