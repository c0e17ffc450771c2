//! Previews one stack: the merged tree, a copy of the state, the CLI, and the core's reading of it.

use super::Hands;
use super::stack::{Phase, Unmade, run_failed};
use serde_json::json;
use tidegate_core::Verb;
use tidegate_core::advance::{EffectId, PreviewRequest};
use tidegate_core::ids::Digest;
use tidegate_core::review::{PreviewOutcome, Previewed, ReviewInput};
use tidegate_core::rollout::BranchInput;
use tidegate_core::settings::Claim;
use tidegate_core::steps::Steps;
use tidegate_core::verdict::{Code, Reason};
use tidegate_engine::{Cancel, Done, Problem, Rules as _, SubjectInput};
use tidegate_pulumi::Request;
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
        let state = self.local_copy(claim, &request.reads, &stop).await?;
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
        self.read(claim, made.map_err(run_failed)?, blobs)
    }

    /// Has the core read what the engine said, and keeps what is worth keeping.
    fn read(
        &self,
        claim: &Claim,
        made: tidegate_pulumi::Previewed,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<Previewed, Unmade> {
        let input = json!({
            "schema": 1,
            "stack": { "project": claim.project, "stack": claim.stack },
            "events": made.events,
            "plan": made.plan,
            "state": made.state,
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
            markers: Vec::new(),
            versions: [
                ("pulumi".to_owned(), made.versions.cli),
                ("executables".to_owned(), made.versions.digest),
            ]
            .into(),
            took_ms,
        })
    }
}
