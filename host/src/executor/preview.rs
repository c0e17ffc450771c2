//! Previews one stack: the merged tree, a copy of the state, the CLI, and the core's reading of it.

use super::Hands;
use super::stack::{Phase, Unmade, run_failed, stack_id};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_core::Verb;
use tidegate_core::advance::{EffectId, PreviewRequest};
use tidegate_core::ids::Digest;
use tidegate_core::policy::{Judgement, PolicyStack};
use tidegate_core::review::{PreviewOutcome, Previewed, ReviewInput};
use tidegate_core::rollout::BranchInput;
use tidegate_core::settings::{Claim, PolicyName};
use tidegate_core::steps::Steps;
use tidegate_core::steps::marker::Marker;
use tidegate_core::verdict::{Code, Reason};
use tidegate_engine::{Cancel, Done, Problem, Rules as _, SubjectInput};
use tidegate_pulumi::{LocalState, Request};
use tidegate_store::NewBlob;

/// Longest text of a failure that goes to a change: the rest is in the run's output.
const FAILURE_CHARS: usize = 1_500;

impl Hands {
    pub(super) async fn preview(
        &self,
        effect: EffectId,
        request: PreviewRequest,
        cancel: Cancel,
    ) -> Result<Done, Problem> {
        let mut blobs = Vec::new();
        let outcome = match self.previewed(&request, cancel, &mut blobs).await {
            Ok(previewed) => PreviewOutcome::Planned(Box::new(previewed)),
            Err(Unmade::Failed { text, cure }) => {
                let text = text.chars().take(FAILURE_CHARS).collect::<String>();
                let reason = Reason::new(Code::PreviewFailed, text.trim_end(), cure);
                PreviewOutcome::Failed { reason: reason.on(&request.claim.id), output: None }
            }
            Err(Unmade::Cancelled) => PreviewOutcome::Cancelled,
            Err(Unmade::Again(problem)) => return Err(problem),
        };
        let outcome = Box::new(outcome);
        let project = request.project;
        let input = match request.rollout_of {
            Some(branch) => {
                let input = Box::new(BranchInput::Previewed { effect, outcome });
                SubjectInput::Branch { project, branch, input }
            }
            None => {
                let input = Box::new(ReviewInput::Previewed { effect, outcome });
                SubjectInput::Review { project, number: request.number, input }
            }
        };
        Ok(Done { input, blobs })
    }

    async fn previewed(
        &self,
        request: &PreviewRequest,
        cancel: Cancel,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<Previewed, Unmade> {
        let claim = &request.claim;
        let mirror = self.gerrit.mirrors().mirror(&request.project).await.map_err(Unmade::again)?;
        if !mirror.has(&request.commit).await.map_err(Unmade::again)? {
            return Err(Unmade::Failed {
                text: "the merge that was to be previewed is gone".to_owned(),
                cure: "ask for the preview again",
            });
        }
        let tree = mirror.worktree(&request.commit).await.map_err(Unmade::again)?;
        let environment = self.environment(claim, Phase::Preview)?;
        let (canceller, stop) = tidegate_pulumi::cancel_pair();
        let mut state = self.local_copy(claim, &request.reads, &stop).await?;
        let markers = self.graft(request, &mut state)?;
        let key = self.seal.key_of(&claim.id);
        let folder = tree.path().join(claim.path.as_str());
        let run = tidegate_pulumi::preview(Request {
            cli: &self.cli,
            scratch: &self.scratch,
            folder: &folder,
            state: &state,
            environment: &environment,
            key: &key,
            parallel: None,
            limits: self.limits(),
            cancel: stop,
            progress: None,
        });
        tokio::pin!(run);
        let made = tokio::select! {
            made = &mut run => made,
            () = cancel.cancelled() => {
                canceller.cancel();
                run.await
            }
        };
        let mut previewed = self.read(claim, made.map_err(run_failed)?, markers, blobs)?;
        if !request.policies.is_empty() {
            previewed.policies = self.judged(request, &previewed).await?;
        }
        Ok(previewed)
    }

    /// Writes what the plans of upstream stacks foresee into the copies of their states, with a
    /// marker for each output that is not known yet.
    fn graft(
        &self,
        request: &PreviewRequest,
        state: &mut LocalState,
    ) -> Result<Vec<Marker>, Unmade> {
        let mut markers = Vec::new();
        if request.upstream.is_empty() {
            return Ok(markers);
        }
        let mut nonce = [0_u8; 8];
        getrandom::fill(&mut nonce).map_err(Unmade::again)?;
        let nonce = tidegate_core::hex::encode(&nonce);
        for upstream in &request.upstream {
            let claim = request.reads.iter().find(|claim| claim.id == upstream.stack);
            let Some(claim) = claim else { continue };
            let marker = |output: &str| Marker {
                nonce: nonce.clone(),
                stack: upstream.stack.clone(),
                output: output.to_owned(),
            };
            let plan = self.blob(&upstream.plan_file)?;
            let named = state
                .graft(&stack_id(claim)?, &plan, &|output| marker(output).text())
                .map_err(|error| Unmade::Failed {
                    text: error.to_string(),
                    cure: "deploy the stacks that it reads first",
                })?;
            markers.extend(named.iter().map(|output| marker(output)));
            // What stands for an output of an upstream's upstream came along with its plan.
            markers.extend(upstream.markers.iter().cloned());
        }
        Ok(markers)
    }

    /// What the policy modules say of a plan.
    async fn judged(
        &self,
        request: &PreviewRequest,
        previewed: &Previewed,
    ) -> Result<BTreeMap<PolicyName, Judgement>, Unmade> {
        let modules = Arc::clone(&self.policies);
        let (policies, change) = (request.policies.clone(), request.change.clone());
        let stack = PolicyStack::from(&request.claim);
        let steps = previewed.steps.clone();
        // They may take a minute, in which other work is to go on.
        tokio::task::spawn_blocking(move || {
            modules.judge(&policies, change.as_ref(), &stack, &steps)
        })
        .await
        .map_err(Unmade::again)
    }

    /// Has the core read what the engine said, and keeps what is worth keeping.
    fn read(
        &self,
        claim: &Claim,
        made: tidegate_pulumi::Previewed,
        markers: Vec<Marker>,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<Previewed, Unmade> {
        let input = json!({
            "schema": 1,
            "stack": { "project": claim.project, "stack": claim.stack },
            "events": made.events,
            "plan": made.plan,
            "state": made.state,
            "markers": markers,
        });
        let input = serde_json::to_vec(&input).map_err(Unmade::again)?;
        let unread = |text: String| Unmade::Failed {
            text: format!("the plan can't be read: {text}"),
            cure: "ask the operators of Tidegate",
        };
        let answer =
            self.rules.call(Verb::Steps, &input).map_err(|error| unread(error.to_string()))?;
        let steps: Steps =
            serde_json::from_slice(&answer).map_err(|error| unread(error.to_string()))?;
        let mut keep = |bytes: Vec<u8>, secret: bool| {
            let digest = Digest::of(&bytes);
            blobs.push(NewBlob { bytes, secret, until_ms: None });
            digest
        };
        let took_ms = u64::try_from(made.duration.as_millis()).unwrap_or(u64::MAX);
        Ok(Previewed {
            steps,
            state: made
                .state_digest
                .parse()
                .map_err(|error: tidegate_core::ids::BadId| unread(error.to_string()))?,
            plan_file: keep(made.plan_file.to_vec(), true),
            steps_blob: keep(answer, false),
            output: keep(made.output.into_bytes(), false),
            markers,
            policies: BTreeMap::new(),
            versions: [
                ("pulumi".to_owned(), made.versions.cli),
                ("executables".to_owned(), made.versions.digest),
            ]
            .into(),
            took_ms,
        })
    }
}
