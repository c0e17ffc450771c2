//! What can go wrong with a log.

use crate::checkpoint::CheckpointError;
use crate::hash::Hash;
use crate::note::NoteError;
use std::io;
use std::path::PathBuf;

/// What can go wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no log in the folder.
    #[error(
        "open log {0}: it has no checkpoint; create the log first, or check that its disk is mounted"
    )]
    NoLog(PathBuf),
    /// There is something in the folder already.
    #[error(
        "create log {0}: the folder is not empty; open the log that is there, or choose another folder"
    )]
    NotEmpty(PathBuf),
    /// Another process has the log open for writing.
    #[error("open log {0}: another process has it open; there is one writer at a time")]
    Locked(PathBuf),
    /// The file system refused something.
    #[error("{what} {path}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The origin, the key's name and the checkpoint's origin are not one name.
    #[error(
        "open log: {what} is {found}, expected {expected}; use the key and the name that the log was created with"
    )]
    Origin {
        /// Whose name it is.
        what: &'static str,
        /// The name found.
        found: String,
        /// The name expected.
        expected: String,
    },
    /// A checkpoint can't be read or isn't signed by the log's key.
    #[error("{what} checkpoint")]
    Checkpoint {
        /// `stored` or `saved`.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: CheckpointError,
    },
    /// A tile has not the length that its name says.
    #[error("log: {tile} is damaged: {what}; restore it from a copy of the log")]
    TileForm {
        /// The tile's path in the log.
        tile: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A tile does not belong to the tree of the checkpoint.
    #[error(
        "log: {tile} is damaged: it hashes to {found}, the tree has {expected}; restore it from a copy of the log"
    )]
    Tile {
        /// The tile's path in the log.
        tile: String,
        /// The hash that the tree has.
        expected: Hash,
        /// The hash of the tile.
        found: Hash,
    },
    /// An entry does not belong to the tree of the checkpoint.
    #[error(
        "log: {tile} is damaged: entry {index} hashes to {found}, the tree has {expected}; restore it from a copy of the log"
    )]
    Entry {
        /// The path of the bundle that has the entry.
        tile: String,
        /// The entry's index.
        index: u64,
        /// The hash that the tree has.
        expected: Hash,
        /// The hash of the entry.
        found: Hash,
    },
    /// The tiles agree with each other, but not with the checkpoint.
    #[error(
        "log: checkpoint does not belong to its tiles: they hash to {found}, it says {expected}; restore both from one copy of the log"
    )]
    Root {
        /// The checkpoint's root.
        expected: Hash,
        /// The root of the tiles.
        found: Hash,
    },
    /// An append would leave entries out.
    #[error(
        "append to log: the first entry is {first}, but the log has {size} entries; append those between them first"
    )]
    Gap {
        /// The index of the first entry given.
        first: u64,
        /// The log's size.
        size: u64,
    },
    /// An entry to append is in the log already, as another one.
    #[error(
        "append to log: entry {index} is in the log with hash {found}, not {expected}; what is in the log can't be changed"
    )]
    Conflict {
        /// The entry's index.
        index: u64,
        /// The hash of the entry given.
        expected: Hash,
        /// The hash of the entry in the log.
        found: Hash,
    },
    /// There is a file where an append wants to write its own.
    #[error("append to log: {0} is there already; another program writes into the log's folder")]
    InTheWay(PathBuf),
    /// An append ended after its checkpoint was signed and before it was known to be stored.
    #[error(
        "append to log: an earlier append may have been stored or not; open the log again to know"
    )]
    Unsure,
    /// There is no such entry.
    #[error("log: there is no entry {index}, its size is {size}")]
    NoEntry {
        /// The index asked for.
        index: u64,
        /// The log's size.
        size: u64,
    },
    /// The log is older than a checkpoint that was seen of it.
    #[error(
        "log: a saved checkpoint has {saved} entries, the log has {size}; it was rolled back, restore the newer one"
    )]
    RolledBack {
        /// The saved checkpoint's size.
        saved: u64,
        /// The log's size.
        size: u64,
    },
    /// The log is not an extension of a checkpoint that was seen of it.
    #[error(
        "log: its first {size} entries hash to {found}, a saved checkpoint says {expected}; the log was rewritten"
    )]
    Rewritten {
        /// The saved checkpoint's size.
        size: u64,
        /// The saved checkpoint's root.
        expected: Hash,
        /// The log's root at that size.
        found: Hash,
    },
    /// A checkpoint could not be signed.
    #[error("sign checkpoint")]
    Sign(#[from] NoteError),
}

impl LogError {
    /// For `map_err`: the system refused `what` on `path`.
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
