//! Policy modules in their sandbox: good ones, bad ones, and the bundled one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bundled;
mod folder;
mod guest;
mod hostile;
mod nonsense;
mod surroundings;
mod walk;
mod world;
