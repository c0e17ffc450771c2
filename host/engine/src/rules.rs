//! The core, as the engine needs it.

use tidegate_core::Verb;

/// Answers the core's verbs. Called from many threads at once; an answer takes microseconds to
/// milliseconds and nothing in it blocks.
pub trait Rules: Send + Sync + 'static {
    /// Answers one question.
    ///
    /// # Errors
    /// [`RulesError`]: nothing was decided then.
    fn call(&self, verb: Verb, input: &[u8]) -> Result<Vec<u8>, RulesError>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RulesError(pub String);

/// The core without its sandbox: for tests and comparisons.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Rules for Native {
    fn call(&self, verb: Verb, input: &[u8]) -> Result<Vec<u8>, RulesError> {
        verb.call(input).map_err(RulesError)
    }
}
