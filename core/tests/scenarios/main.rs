//! The core, driven as the host drives it, against a Gerrit that is a few lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod approvals;
mod dump;
mod gate;
mod host;
mod review;
mod rollout;
mod world;
