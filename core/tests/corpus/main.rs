//! The core over the committed inputs in `tests/corpus`: equal answers, and less is never more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod answers;
mod cases;
mod known_cases;
mod monotone;
