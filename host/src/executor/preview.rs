//! Previews one stack: the merged tree, a copy of the state, the CLI, and the core's reading of it.

use super::Hands;
use crate::config::{self, Backend};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tidegate_core::Verb;
use tidegate_core::advance::{EffectId, PreviewRequest};
use tidegate_core::ids::Digest;
use tidegate_core::review::{PreviewOutcome, Previewed, ReviewInput};
use tidegate_core::settings::Claim;
use tidegate_core::steps::Steps;
use tidegate_core::verdict::{Code, Reason};
use tidegate_engine::{Cancel, Done, Problem, Rules as _, SubjectInput};
use tidegate_pulumi::{
    Backend as StateBackend, Environment, Failure, Limits, Request, Secret, StackId, StateError,
};
use tidegate_store::NewBlob;

/// Longest text of a failure that goes to a change: the rest is in the run's output.
const FAILURE_CHARS: usize = 1_500;

/// A preview that came to nothing, and why.
enum Unmade {
    /// A result: somebody has to do something.
    Failed { text: String, cure: &'static str },
    /// It was cancelled.
    Cancelled,
    /// It can be tried again.
    Again(Problem),
}

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
        let input = Box::new(ReviewInput::Previewed { effect, outcome: Box::new(outcome) });
        let input =
            SubjectInput::Review { project: request.project, number: request.number, input };
        Ok(Done { input, blobs })
    }

    async fn previewed(
        &self,
        request: &PreviewRequest,
        cancel: Cancel,
        blobs: &mut Vec<NewBlob>,
    ) -> Result<Previewed, Unmade> {
        let claim = &request.claim;
        let mirror = self.gerrit.mirrors().mirror(&request.project).await.map_err(again)?;
        if !mirror.has(&request.commit).await.map_err(again)? {
            return Err(Unmade::Failed {
                text: "the merge that was to be previewed is gone".to_owned(),
                cure: "ask for the preview again",
            });
        }
        let tree = mirror.worktree(&request.commit).await.map_err(again)?;
        let backend = self.backend(claim)?;
        let environment = environment(&self.config, backend, claim)?;
        let stack = stack_id(claim)?;
        let mut references = Vec::new();
        for read in request.reads.iter().filter(|read| read.backend == claim.backend) {
            references.push(stack_id(read)?);
        }
        let limits = self.limits();
        let (canceller, stop) = tidegate_pulumi::cancel_pair();
        let state = StateBackend::new(&backend.url, Environment::new())
            .map_err(state_failed)?
            .local_copy(&self.cli, &self.scratch, &stack, &references, &limits, &stop)
            .await
            .map_err(state_failed)?;
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
            limits,
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
        let input = serde_json::to_vec(&input).map_err(again)?;
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
            versions: [
                ("pulumi".to_owned(), made.versions.cli),
                ("executables".to_owned(), made.versions.digest),
            ]
            .into(),
            took_ms,
        })
    }

    fn backend(&self, claim: &Claim) -> Result<&Backend, Unmade> {
        self.config.backend(claim.backend.as_str()).ok_or_else(|| Unmade::Failed {
            text: format!("the backend {} is not configured on the host", claim.backend),
            cure: "add a [backend] section for it to the host's configuration",
        })
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(seconds) = self.config.pulumi.preview_seconds {
            limits.time = Duration::from_secs(seconds);
        }
        limits
    }
}

fn stack_id(claim: &Claim) -> Result<StackId, Unmade> {
    StackId::new(claim.project.as_str(), claim.stack.as_str()).map_err(|error| Unmade::Failed {
        text: error.to_string(),
        cure: "mend the claim in tidegate.toml",
    })
}

/// The passphrase and the credentials of previews.
fn environment(
    config: &config::Config,
    backend: &Backend,
    claim: &Claim,
) -> Result<Environment, Unmade> {
    let unusable = |text: String| Unmade::Failed { text, cure: "ask the operators of Tidegate" };
    let mut environment = Environment::new();
    if let Some(path) = &backend.passphrase_file {
        let secret = config::secret(path).map_err(|error| unusable(error.to_string()))?;
        environment =
            environment.passphrase(Secret::new(secret)).map_err(|e| unusable(e.to_string()))?;
    }
    if let Some(path) = config.credentials.get(&claim.id).and_then(|c| c.preview.as_deref()) {
        environment = with_variables(environment, path).map_err(unusable)?;
    }
    Ok(environment)
}

/// Adds the `NAME=VALUE` lines of a credentials file; empty lines and `#` comments are skipped.
fn with_variables(mut environment: Environment, path: &Path) -> Result<Environment, String> {
    let text = config::secret(path).map_err(|error| error.to_string())?;
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("{}, line {}: expected NAME=VALUE", path.display(), n + 1))?;
        environment = environment
            .secret(name.trim(), Secret::new(value.trim().to_owned()))
            .map_err(|error| error.to_string())?;
    }
    Ok(environment)
}

fn again(error: impl std::fmt::Display) -> Unmade {
    Unmade::Again(Problem::new(error))
}

fn state_failed(error: StateError) -> Unmade {
    match error {
        StateError::Scratch(error) => again(error),
        StateError::Export { source, .. } => run_failed(*source),
        error => Unmade::Failed {
            text: error.to_string(),
            cure: "see to the stack, then ask for the preview again",
        },
    }
}

fn run_failed(failure: Failure) -> Unmade {
    match failure {
        Failure::Cancelled => Unmade::Cancelled,
        failure => Unmade::Failed {
            text: failure.to_string(),
            cure: "mend it, or ask for the preview again",
        },
    }
}
