//! Gerrit's repositories, by the `git` program.
//!
//! [`Mirrors`] keeps one bare [`Mirror`] for each project. Nothing of a repository's content is ever
//! executed: no hooks, no filters, no configuration but ours, no program but git itself, one protocol; and
//! git is always called with a list of arguments and an environment that is empty but for what is
//! named.

mod command;
mod commit;
mod config_file;
mod error;
mod history;
mod leftovers;
mod merge;
mod meta;
mod mirror;
mod mirrors;
mod patch_set;
mod patch_set_refs;
pub(crate) mod process;
mod proposal;
mod remote;
mod three_way;
mod tree;
mod worktree;

pub use command::GitProgram;
pub use config_file::ConfigFile;
pub use error::GitError;
pub use history::Commit;
pub use merge::{Merge, MergeRule};
pub use mirror::{Mirror, change_ref, meta_ref};
pub use mirrors::{Mirrors, MirrorsConfig};
pub use patch_set::PatchSetCommit;
pub use proposal::Committer;
pub use remote::Remote;
pub use worktree::{Symlink, Worktree};
