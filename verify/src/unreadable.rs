//! When there is nothing to verify.

use std::io;
use std::path::PathBuf;

/// Why a log could not be looked at. That is no statement about the log.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The folder has no checkpoint.
    #[error("{0} is not a log: it has no file named checkpoint")]
    NotALog(PathBuf),
    /// The system refused to read something.
    #[error("can't read {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A proof without its entry was given without the log.
    #[error("{0} has no entry in it (no line `extra`): give the log's folder too")]
    NoEntry(String),
}

impl Unreadable {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
