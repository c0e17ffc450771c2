//! Who carries effects out.

use crate::{Cancel, SubjectInput};
use std::future::Future;
use std::time::Duration;
use tidegate_core::advance::Effect;
use tidegate_store::NewBlob;

/// Carries effects out. An effect may be carried out more than once, also at the same time by two
/// processes after one was thought dead; it must come to the same.
pub trait Executor: Send + Sync + 'static {
    /// Carries one effect out. It may take minutes; it ends soon after `cancel` fires, with
    /// whatever result then holds. Dropping the future must stop the work.
    ///
    /// `attempt` counts from 1: at a later one, the one before may have done any part of the work.
    fn execute(
        &self,
        effect: Effect,
        attempt: u64,
        cancel: Cancel,
    ) -> impl Future<Output = Result<Done, Problem>> + Send;
}

/// The result of an effect: the next input.
#[derive(Debug)]
pub struct Done {
    /// What it means, and to whom.
    pub input: SubjectInput,
    /// What is to be kept of it, in the same transaction.
    pub blobs: Vec<NewBlob>,
}

impl Done {
    /// A result with nothing to keep.
    #[must_use]
    pub fn new(input: SubjectInput) -> Self {
        Self { input, blobs: Vec::new() }
    }
}

/// Why an effect has no result yet. What can't be done at all is a result, not a problem.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Problem {
    /// What went wrong, for the operators.
    pub what: String,
    /// When to try again at the earliest, if who refused said so.
    pub after: Option<Duration>,
}

impl Problem {
    /// A problem that goes away with time.
    pub fn new(what: impl std::fmt::Display) -> Self {
        Self { what: what.to_string(), after: None }
    }
}
