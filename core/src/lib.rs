//! The decisions of Tidegate: pure functions over JSON.
//!
//! No clock, no randomness, no I/O, no floats, no panic. The same code runs natively, as a WASI
//! component in `tidegate`, and in Gerrit's JVM; the same input gives the same bytes on all three.

pub mod advance;
pub mod canonical;
pub mod change;
pub mod classify;
pub mod coverage;
pub mod decide;
pub mod facts;
pub mod hex;
pub mod ids;
pub mod json;
pub mod limits;
pub mod message;
pub mod meta_log;
pub mod needs;
pub mod plan;
pub mod policy;
pub mod record;
pub mod review;
pub mod rollout;
pub mod settings;
pub mod steps;
pub mod verb;
pub mod verdict;
pub mod watch;

pub use verb::{Verb, describe};
