//! Policy modules: what they are shown, what they answer, and what the answers come to.
//!
//! A module is a component by somebody else. It runs in the host's sandbox and gives
//! [`Finding`]s; here it is decided what a finding does. Nothing is trusted that a module says
//! before [`findings`] has checked it, and a module that gives no answer refuses.

mod finding;
mod input;
mod judge;
mod judgement;
#[cfg(test)]
mod properties;

pub use finding::{BadFinding, Finding, FindingCode, RawFinding, Severity, findings};
pub use input::{PolicyChange, PolicyInput, PolicyStack, after, is_protected};
pub use judge::{Judged, Remark, judge};
pub use judgement::{Judgement, Judgements, PolicyOutcome};

/// Most findings of one module about one stack. Beyond it nobody reads them, and a module that
/// wants to say "all of them" can say so in one.
pub const FINDINGS: usize = 100;

/// Longest sentence or cure of a finding, in characters: two lines of a review.
pub const SENTENCE_CHARS: usize = 500;

/// Longest text of a failure, in characters. It may be a list of what is wrong with settings.
pub const FAILURE_CHARS: usize = 2_000;

/// Most findings of one module about one stack that refuse one by one; the rest is counted. A
/// record holds those of every stack, and a message to Gerrit has room for few.
pub const REASONS: usize = 20;
