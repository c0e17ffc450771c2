//! The log as a whole: what it writes, what it survives, and that the verifier, which shares no
//! code with it, agrees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviour;
mod crash;
mod damage;
mod disks;
mod sizes;
mod support;
mod tamper;
mod world;
