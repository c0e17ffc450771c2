//! What every run on a stack needs: its state, its passphrase and credentials, its blobs.

use super::Hands;
use crate::config::{self, Backend};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tidegate_core::ids::Digest;
use tidegate_core::settings::Claim;
use tidegate_engine::Problem;
use tidegate_pulumi::{
    Backend as StateBackend, Cancel, Environment, Failure, Limits, LocalState, Secret, StackId,
    StateError,
};

/// A run that came to nothing, and why.
pub(super) enum Unmade {
    /// A result: somebody has to do something.
    Failed { text: String, cure: &'static str },
    /// It was cancelled.
    Cancelled,
    /// It can be tried again.
    Again(Problem),
}

/// What a run is for: each phase has credentials of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Only looks.
    Preview,
    /// Changes what there is.
    Apply,
}

impl Unmade {
    pub(super) fn again(error: impl std::fmt::Display) -> Self {
        Self::Again(Problem::new(error))
    }
}

impl Hands {
    /// The digest of a stack's present state.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn state_digest(&self, claim: &Claim) -> anyhow::Result<Digest> {
        // Nobody cancels it.
        let (_canceller, stop) = tidegate_pulumi::cancel_pair();
        match self.local_copy(claim, &[], &stop).await {
            Ok(state) => Ok(state.digest().parse()?),
            Err(Unmade::Failed { text, cure }) => anyhow::bail!("{text}; {cure}"),
            Err(Unmade::Cancelled) => anyhow::bail!("it was cancelled"),
            Err(Unmade::Again(problem)) => anyhow::bail!("{problem}"),
        }
    }

    /// A copy of a stack's state, and of those of the stacks of the same backend that it reads.
    pub(super) async fn local_copy(
        &self,
        claim: &Claim,
        reads: &[Claim],
        stop: &Cancel,
    ) -> Result<LocalState, Unmade> {
        let stack = stack_id(claim)?;
        let mut references = Vec::new();
        for read in reads.iter().filter(|read| read.backend == claim.backend) {
            references.push(stack_id(read)?);
        }
        self.state_backend(claim)?
            .local_copy(&self.cli, &self.scratch, &stack, &references, &self.limits(), stop)
            .await
            .map_err(state_failed)
    }

    /// The backend of a claimed stack.
    pub(super) fn state_backend(&self, claim: &Claim) -> Result<StateBackend, Unmade> {
        let url = &self.backend(claim)?.url;
        StateBackend::new(url, Environment::new()).map_err(state_failed)
    }

    fn backend(&self, claim: &Claim) -> Result<&Backend, Unmade> {
        self.config.backend(claim.backend.as_str()).ok_or_else(|| Unmade::Failed {
            text: format!("the backend {} is not configured on the host", claim.backend),
            cure: "add a [backend] section for it to the host's configuration",
        })
    }

    /// The passphrase of a stack, and the credentials of a phase.
    pub(super) fn environment(&self, claim: &Claim, phase: Phase) -> Result<Environment, Unmade> {
        let unusable =
            |text: String| Unmade::Failed { text, cure: "ask the operators of Tidegate" };
        let mut environment = Environment::new();
        if let Some(path) = &self.backend(claim)?.passphrase_file {
            let secret = config::secret(path).map_err(|error| unusable(error.to_string()))?;
            environment =
                environment.passphrase(Secret::new(secret)).map_err(|e| unusable(e.to_string()))?;
        }
        let credentials = self.config.credentials.get(&claim.id).and_then(|of| match phase {
            Phase::Preview => of.preview.as_deref(),
            Phase::Apply => of.apply.as_deref(),
        });
        if let Some(path) = credentials {
            environment = with_variables(environment, path).map_err(unusable)?;
        }
        Ok(environment)
    }

    /// What a run that only looks may take.
    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(seconds) = self.config.pulumi.preview_seconds {
            limits.time = Duration::from_secs(seconds);
        }
        limits
    }

    /// The versions of CLI and plugins, as circumstances name them.
    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        [
            ("pulumi".to_owned(), self.cli.version().to_string()),
            ("executables".to_owned(), self.cli.digest()),
        ]
        .into()
    }

    /// A blob that a decision refers to, and so is kept.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Vec<u8>, Unmade> {
        let name = digest.as_str().parse().map_err(Unmade::again)?;
        match self.store.blob(&name).map_err(Unmade::again)? {
            Some(blob) => Ok(blob.bytes),
            None => Err(Unmade::Failed {
                text: format!("{digest} is not in the store any more"),
                cure: "ask for a new plan",
            }),
        }
    }
}

pub(super) fn stack_id(claim: &Claim) -> Result<StackId, Unmade> {
    StackId::new(claim.project.as_str(), claim.stack.as_str()).map_err(|error| Unmade::Failed {
        text: error.to_string(),
        cure: "mend the claim in tidegate.toml",
    })
}

pub(super) fn state_failed(error: StateError) -> Unmade {
    match error {
        StateError::Scratch(error) => Unmade::again(error),
        StateError::Export { source, .. } => run_failed(*source),
        error => Unmade::Failed {
            text: error.to_string(),
            cure: "see to the stack, then ask for the preview again",
        },
    }
}

pub(super) fn run_failed(failure: Failure) -> Unmade {
    match failure {
        Failure::Cancelled => Unmade::Cancelled,
        failure => Unmade::Failed {
            text: failure.to_string(),
            cure: "mend it, or ask for the preview again",
        },
    }
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
