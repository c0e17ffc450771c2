//! What tests stand on: a server that misbehaves on demand, and real repositories.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fake;
mod repo;

pub(crate) use fake::{Fake, Reply, Request};
pub(crate) use repo::{Repo, mirrors};
