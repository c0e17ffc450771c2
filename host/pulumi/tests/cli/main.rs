//! The crate against the real CLI, and against one that misbehaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod asked;
mod backends;
mod chains;
mod discovery;
mod fake;
mod lab;
mod misbehaviour;
mod previews;
mod secrets;
mod supervision;
mod updates;
