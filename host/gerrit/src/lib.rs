//! Everything that Tidegate says to Gerrit and hears from it: events, facts, git, votes, records.
//!
//! | room | what happens there |
//! |---|---|
//! | [`intake`] | events come in, from the plugin's journal or from the SSH stream |
//! | [`rest`] | questions and answers over REST, and what is posted |
//! | [`git`] | a bare mirror of each project: history, files, merges, throw-away checkouts |
//! | [`Gerrit`] | the facts of one change, gathered from both |
//!
//! Two rules hold everywhere. An event is only a hint: every fact is read again by REST or git.
//! And every fact about people comes from the commits of the change's meta ref, read as raw git
//! objects, because REST has no order and `git log` cuts a message at its first NUL.

mod backoff;
mod emails;
mod facts;
mod gerrit;
pub mod git;
pub mod intake;
pub mod rest;
mod secret;
#[cfg(test)]
mod testing;
mod text;

pub use backoff::Backoff;
pub use facts::{FactsError, Rules};
pub use gerrit::{CONFIG_BRANCH, GROUPS_FILE, Gerrit, SETTINGS_FILE, settings_layers};
pub use secret::Secret;
