//! A job's own copy of a stack's state, and of those that it reads.

use crate::backend::StateError;
use crate::job::Job;
use crate::{Lock, SECRET_SIGNATURE, Secret, StackId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;

/// A copy that previews run on. They only read it, so that one copy serves many. Removed when
/// dropped.
pub struct LocalState {
    job: Job,
    url: Secret,
    stacks: Vec<Copied>,
    locks: Option<Vec<Lock>>,
    plain: Option<Value>,
    has_secrets: bool,
    /// The texts that stand in the copy for outputs that aren't known yet.
    markers: Vec<String>,
}

/// One copied state.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) stack: StackId,
    pub(crate) digest: String,
    pub(crate) path: PathBuf,
    /// Whether the file is JSON, not compressed.
    pub(crate) is_plain: bool,
}

impl LocalState {
    pub(crate) fn new(
        job: Job,
        stacks: Vec<Copied>,
        locks: Option<Vec<Lock>>,
    ) -> Result<Self, StateError> {
        let not_a_state = |stack: &Copied, what: &str| StateError::NotAState {
            stack: stack.stack.clone(),
            what: what.to_owned(),
        };
        let own = &stacks[0];
        let url = Url::from_file_path(job.folder())
            .map_err(|()| not_a_state(own, "the scratch folder has no absolute path"))?;
        let bytes = std::fs::read(&own.path)
            .map_err(|source| StateError::Files { stack: own.stack.clone(), source })?;
        let (plain, has_secrets) = if own.is_plain {
            let mut checkpoint: Value = serde_json::from_slice(&bytes)
                .map_err(|error| not_a_state(own, &error.to_string()))?;
            let signature = SECRET_SIGNATURE.as_bytes();
            let has_secrets = bytes.windows(signature.len()).any(|window| window == signature);
            (checkpoint.pointer_mut("/checkpoint/latest").map(Value::take), has_secrets)
        } else {
            // What is inside is known to the CLI alone.
            (None, true)
        };
        Ok(Self {
            job,
            url: Secret::new(url.to_string()),
            stacks,
            locks,
            plain,
            has_secrets,
            markers: Vec::new(),
        })
    }

    /// The stack whose state this is.
    #[must_use]
    pub fn stack(&self) -> &StackId {
        &self.stacks[0].stack
    }

    /// SHA-256 of the state's bytes as the backend gave them, 64 lower-case hex digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.stacks[0].digest
    }

    /// The digests of the states of the stacks that it may read.
    #[must_use]
    pub fn reference_digests(&self) -> BTreeMap<&StackId, &str> {
        self.stacks[1..].iter().map(|copied| (&copied.stack, copied.digest.as_str())).collect()
    }

    /// Who held a lock on the stack when the copy was taken; `None` if the backend can't tell
    /// without taking one.
    #[must_use]
    pub fn locks(&self) -> Option<&[Lock]> {
        self.locks.as_deref()
    }

    /// The folder of the copy, laid out as a backend.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.job.folder()
    }

    /// The copy of a stack that is read.
    pub(crate) fn reference(&self, stack: &StackId) -> Option<&Copied> {
        self.stacks[1..].iter().find(|copied| copied.stack == *stack)
    }

    /// The texts that were planted ([`LocalState::graft`]) for outputs that aren't known yet.
    #[must_use]
    pub fn markers(&self) -> &[String] {
        &self.markers
    }

    pub(crate) fn plant(&mut self, marker: String) {
        self.markers.push(marker);
    }

    /// The copy's URL.
    pub(crate) fn url(&self) -> &Secret {
        &self.url
    }

    /// The deployment with its secrets encrypted, if it can be read without the CLI.
    pub(crate) fn encrypted_deployment(&self) -> Option<&Value> {
        self.plain.as_ref()
    }

    /// The deployment, if it has no secrets and can be read without the CLI.
    pub(crate) fn plain_deployment(&self) -> Option<&Value> {
        self.plain.as_ref().filter(|_| !self.has_secrets)
    }
}
