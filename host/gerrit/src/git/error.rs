//! What may go wrong with git.

use std::path::PathBuf;
use std::time::Duration;
use tidegate_core::ids::{BadId, Project, RefName, Revision};

/// A git command that didn't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program doesn't start.
    #[error("{} can't be started; is git 2.31 or newer installed?", program.display())]
    Start {
        /// Which program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Its pipes broke.
    #[error("git {asked}: its output can't be read")]
    Pipe {
        /// The sub-command.
        asked: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It took too long and was killed.
    #[error("git {asked}: not done after {} s, and killed", after.as_secs())]
    TimedOut {
        /// The sub-command.
        asked: String,
        /// The bound.
        after: Duration,
    },
    /// It printed too much and was killed.
    #[error("git {asked}: more than {limit} bytes of output, and killed")]
    TooMuch {
        /// The sub-command.
        asked: String,
        /// The bound.
        limit: usize,
    },
    /// It ended with a code that means failure.
    #[error("git {asked}: {said} ({})", code.map_or_else(|| "killed by a signal".to_owned(), |c| format!("exit code {c}")))]
    Failed {
        /// The sub-command.
        asked: String,
        /// The exit code, if it wasn't a signal.
        code: Option<i32>,
        /// What it said, as one line.
        said: String,
    },
    /// It ended well and its output makes no sense.
    #[error("git {asked}: {found}")]
    Unexpected {
        /// The sub-command.
        asked: String,
        /// What is wrong, as a sentence part.
        found: String,
    },
    /// Gerrit doesn't accept the service account for git.
    #[error("fetching {project}: Gerrit doesn't accept the credentials for git ({said})")]
    Unauthorized {
        /// Which project.
        project: Project,
        /// What git said.
        said: String,
    },
    /// The server has no such repository, or doesn't show it.
    #[error("fetching {project}: there is no such project, or this account may not read it")]
    NoSuchProject {
        /// Which project.
        project: Project,
    },
    /// The repository has no such ref, or doesn't show it.
    #[error("fetching {project}: it has no {reference}, or this account may not read it")]
    NoSuchRef {
        /// Which project.
        project: Project,
        /// Which ref.
        reference: RefName,
    },
    /// A commit that was announced didn't arrive.
    #[error("fetching {project}: commit {revision} can't be had after {} s; does a replica lag behind?", waited.as_secs())]
    NotFetchable {
        /// Which project.
        project: Project,
        /// Which commit.
        revision: Revision,
        /// For how long it was tried.
        waited: Duration,
    },
    /// A folder or file of ours can't be used.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried, as the start of a sentence.
        what: &'static str,
        /// With which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the mirror.
    #[error("the mirror {} is in use by another process; not free after {} s", path.display(), waited.as_secs())]
    Locked {
        /// Which mirror.
        path: PathBuf,
        /// For how long it was tried.
        waited: Duration,
    },
    /// The history of a change's meta ref is longer than it may be.
    #[error("change {number} has more than {limit} updates")]
    MetaTooLong {
        /// Which change.
        number: u32,
        /// The bound.
        limit: usize,
    },
    /// A patch set, tree or range has more entries than are read.
    #[error("{what} has more than {limit} entries")]
    TooMany {
        /// What was read.
        what: String,
        /// The bound.
        limit: usize,
    },
    /// A path that isn't a plain file.
    #[error("{path:?} in {commit} is {found}, not a plain file")]
    NotAFile {
        /// In which commit.
        commit: Revision,
        /// Which path.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// A path that can't be looked up in a tree.
    #[error("{path:?} is no path within a repository")]
    BadPath {
        /// The path.
        path: String,
    },
    /// Gerrit didn't take a push.
    #[error("a change of {branch} in {project} was not taken for review: {said}")]
    Refused {
        /// Which project.
        project: Project,
        /// Which branch.
        branch: RefName,
        /// What git and Gerrit said, as one line.
        said: String,
    },
    /// A ref whose name isn't one.
    #[error("a ref of a change has no good name")]
    BadRef(#[from] BadId),
}
