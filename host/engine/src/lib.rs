//! The engine: takes an input, asks the core what follows, stores the answer, carries out effects.
//!
//! It decides nothing. One transaction holds each step; effects are leased, carried out at least
//! once, and their results are the next inputs. So a process that is killed at any instruction
//! loses nothing.

mod apply;
mod cancel;
mod clock;
mod engine;
mod executor;
mod intake;
mod rules;
mod subject_input;
mod worker;

pub use apply::ApplyError;
pub use cancel::{Cancel, Canceller};
pub use clock::{Clock, SystemClock};
pub use engine::{Engine, Settings};
pub use executor::{Done, Executor, Problem};
pub use intake::Incoming;
pub use rules::{Native, Rules, RulesError};
pub use subject_input::SubjectInput;
