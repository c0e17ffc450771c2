//! What was found.

use serde::Serialize;
use std::fmt;

/// The sort of a finding. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The checkpoint is not signed by the key, or is no checkpoint.
    Checkpoint,
    /// An entry is not the one that was logged.
    EntryChanged,
    /// An entry that was logged breaks a rule of the format.
    EntryRule,
    /// A bundle can't be divided into its entries.
    BundleBroken,
    /// A bundle is missing.
    BundleMissing,
    /// A tile does not have the tree's hashes.
    TileChanged,
    /// A tile is missing.
    TileMissing,
    /// Something of a log's name is not a plain file.
    NotAFile,
    /// Entries do not hash to what the tree has for them.
    RangeChanged,
    /// Neither entries nor tiles hash to the checkpoint.
    RootDiffers,
    /// Too much is missing to compute the root.
    Unfinished,
    /// The log does not extend a checkpoint saved earlier.
    Since,
    /// A proof does not hold.
    Proof,
    /// An entry is dated long before an entry that stands before it.
    TimeWentBack,
    /// A file is of entries that no checkpoint covers yet.
    BeyondCheckpoint,
    /// A file is not one of a log.
    UnknownFile,
}

/// One thing that was found, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its sort.
    pub kind: Kind,
    /// The file, from the log's folder, or the name of the checkpoint or proof given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The entry, or the first one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The hash that should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The hash that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// A sentence.
    pub text: String,
}

impl Finding {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, path: None, index: None, expected: None, found: None, text: text.into() }
    }

    pub(crate) fn at(mut self, path: impl ToString) -> Self {
        self.path = Some(path.to_string());
        self
    }

    pub(crate) fn entry(mut self, index: u64) -> Self {
        self.index = Some(index);
        self
    }

    pub(crate) fn hashes(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.text)?;
        if let (Some(expected), Some(found)) = (&self.expected, &self.found) {
            write!(f, " (expected {expected}, found {found})")?;
        }
        Ok(())
    }
}
