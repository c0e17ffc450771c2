//! What can go wrong in the store, as its callers see it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::{Digest, EventId};

/// Why a call to the store failed. Whatever the variant, nothing of the call was written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused something around the file.
    #[error("failed to {action} {path}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process (or another part of this one) writes to the store.
    #[error("failed to open the store {path}: {} has it open; stop that one first", holder_name(.holder))]
    Locked {
        /// The store.
        path: PathBuf,
        /// The holder's process id, if it could be read.
        holder: Option<u32>,
    },
    /// There is no store at the path, and reading doesn't make one.
    #[error("there is no store at {path}; `tidegate serve` makes it, or give the right path")]
    Missing {
        /// Where a store was expected.
        path: PathBuf,
    },
    /// Others may read or write the file, which holds what only the host may see.
    #[error(
        "the store {path} has mode {mode:o}, open to other users; run `chmod 600` on it once you know who did that"
    )]
    TooOpen {
        /// The store.
        path: PathBuf,
        /// The permission bits found.
        mode: u32,
    },
    /// A SQLite file, but another program's.
    #[error(
        "{path} is a database of another program (application id {found:#x}); give the path of a Tidegate store"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its `application_id`.
        found: i64,
    },
    /// A newer Tidegate wrote the store.
    #[error(
        "the store {path} has schema {found}, this program knows up to {known}; run the newer Tidegate that wrote it"
    )]
    TooNew {
        /// The store.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// An older Tidegate wrote the store, and reading doesn't migrate it.
    #[error(
        "the store {path} has schema {found}, reading needs {known}; start `tidegate serve` once to migrate it"
    )]
    TooOld {
        /// The store.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// What this program reads.
        known: i64,
    },
    /// SQLite couldn't use a write-ahead log there.
    #[error(
        "the store {path} can't use a write-ahead log (journal mode is {found}); put it on a local file system"
    )]
    NoWriteAheadLog {
        /// The store.
        path: PathBuf,
        /// The journal mode that SQLite chose.
        found: String,
    },
    /// The file is damaged.
    #[error(
        "failed to {action}: the store {path} is damaged ({found}); stop the host, set the file aside and restore a backup"
    )]
    Corrupt {
        /// What was attempted.
        action: &'static str,
        /// The store.
        path: PathBuf,
        /// The damage.
        found: String,
    },
    /// SQLite failed for another reason.
    #[error("failed to {action} in the store {path}")]
    Database {
        /// What was attempted.
        action: &'static str,
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A name is empty or holds a NUL.
    #[error("a {what} must be neither empty nor hold a NUL character")]
    BadName {
        /// Which name.
        what: &'static str,
    },
    /// Something is larger than the store takes.
    #[error("{what} of size {size} is over the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size, in bytes or items.
        size: usize,
        /// The limit, in the same unit.
        limit: usize,
    },
    /// A number doesn't fit the store's 63 bits.
    #[error("{what} {number} is over the store's range")]
    NumberTooLarge {
        /// Which number.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// The subject exists with another kind.
    #[error(
        "the subject {key} is of kind {stored}, not {given}; a key belongs to one kind for ever"
    )]
    KindDiffers {
        /// The subject.
        key: String,
        /// Its kind in the store.
        stored: String,
        /// The kind that was given.
        given: String,
    },
    /// No event of this id was ever stored.
    #[error("there is no event {0} in the store")]
    UnknownEvent(EventId),
    /// No effect of this id was ever stored.
    #[error("there is no effect {0} in the store")]
    UnknownEffect(String),
    /// A transition names an effect of another subject.
    #[error(
        "the effect {id} belongs to {owner}, so {subject} can neither make nor cancel it; put the subject into its id"
    )]
    ForeignEffect {
        /// The effect.
        id: String,
        /// Whose it is.
        owner: String,
        /// Who named it.
        subject: String,
    },
    /// A transition refers to a blob that isn't there.
    #[error(
        "there is no blob {0} in the store, so nothing can refer to it; put it first, or make it anew if it was pruned"
    )]
    UnknownBlob(Digest),
    /// The log claims more leaves than there are.
    #[error(
        "{up_to} leaves can't be in the log, the store has {count}; is this log another store's?"
    )]
    LoggedBeyond {
        /// How many the log claims.
        up_to: u64,
        /// How many there are.
        count: u64,
    },
    /// The log claims fewer leaves than before.
    #[error(
        "the log has {up_to} leaves and had {logged} before; it was cut or replaced, so restore it"
    )]
    LoggedBackwards {
        /// How many the log claims.
        up_to: u64,
        /// How many it had.
        logged: u64,
    },
}

/// An error within a transaction, before it is known which file and which call it belongs to.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rows contradict each other, or bytes their digest.
    #[error("{0}")]
    Damage(String),
}

impl Failure {
    /// The error for the caller: what was attempted, and on which store.
    pub(crate) fn during(self, action: &'static str, path: &Path) -> StoreError {
        let path = path.to_path_buf();
        let source = match self {
            Self::Store(error) => return error,
            Self::Damage(found) => {
                return StoreError::Corrupt { action, path, found };
            }
            Self::Sqlite(source) => source,
        };
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt { action, path, found: source.to_string() }
            }
            _ => StoreError::Database { action, path, source },
        }
    }
}

fn holder_name(holder: &Option<u32>) -> String {
    match holder {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}
