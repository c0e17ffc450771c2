//! Exit codes, and which error ends with which.

use std::process::ExitCode;

/// What the command line's help says of exit codes.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; for a question: yes
  1  failed: the error says what and what to do
  2  the command line or the configuration is not usable
  3  the answer is no: not submittable, not found, not healthy
  4  the core did not understand the input";

/// The answer of a question is no.
pub(crate) const NO: u8 = 3;

/// An error that ends with a code of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Coded {
    /// The configuration is not usable.
    #[error("{0}")]
    Config(String),
    /// The core did not understand the input.
    #[error("{0}")]
    NotUnderstood(String),
}

/// The exit code of an error.
pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Coded>() {
        Some(Coded::Config(_)) => ExitCode::from(2),
        Some(Coded::NotUnderstood(_)) => ExitCode::from(4),
        None => ExitCode::from(1),
    }
}
