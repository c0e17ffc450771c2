//! The gate: a policy pack of our own that holds a deploy between the engine's preview and its
//! update.
//!
//! The CLI starts the pack as a program ([`relay`]) that only passes bytes on to a socket in the
//! run's own folder; the answers are given here, in the host's process. So a yes needs a living
//! host, and a dead or hanging pack is a pack that never said yes.

mod door;
mod pack;
mod phases;
mod relay;
mod service;
mod shown;
mod wire;

pub use relay::{is_relay, relay};

pub(crate) use pack::Pack;
pub(crate) use service::{Call, Serving, serve};

use serde_json::Value;
use std::fmt;
use std::future::Future;

/// Who decides. Asked by one run at a time; a call that is dropped was not answered.
pub trait Gate: Send + Sync {
    /// May the engine go on to the update? Asked once, after its preview, under the stack's lock,
    /// with nothing done yet. The engine waits for the answer.
    fn hold(&self, held: Held) -> impl Future<Output = Verdict> + Send;

    /// May the step that follows go on? Asked in the update before each resource is created,
    /// updated or found to be the same, never for a delete. `shown` has the form of one of
    /// [`Held::resources`], without outputs.
    fn step(&self, shown: Value) -> impl Future<Output = Verdict> + Send;
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Yes,
    /// It may not.
    No,
}

/// What there is to decide on while the engine waits. Secrets are replaced by
/// `{signature, "hmac"}` and known ones struck out of other values, as in a preview.
#[derive(Clone)]
pub struct Held {
    /// The events of the engine's preview, one JSON object a line, without a summary.
    pub events: String,
    /// What the gate was shown: a list of the core's `Shown`.
    pub resources: Value,
    /// The stack's deployment, read while the engine holds the lock.
    pub state: Value,
    /// SHA-256 of that state's bytes as the backend gave them.
    pub state_digest: String,
    /// How many values hold a known secret without being marked as one.
    pub unmarked_secrets: usize,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("state_digest", &self.state_digest).finish_non_exhaustive()
    }
}
