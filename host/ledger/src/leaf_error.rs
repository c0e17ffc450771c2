//! Why something is no leaf.

use crate::commitment::CommitmentError;
use crate::digest::DigestError;
use crate::subject::SubjectError;

/// Why something is no leaf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// The bytes are no JSON object of the form.
    #[error("read a leaf: {0}")]
    Json(String),
    /// The format's version is not known.
    #[error("read a leaf: it has version {0}, and version 1 is the only one known here")]
    Version(u64),
    /// The bytes are not the one spelling that the leaf has.
    #[error("read a leaf: its JSON is not canonical")]
    NotCanonical,
    /// The code is not known.
    #[error("leaf: unknown code {0:?}")]
    Code(String),
    /// The time can't be right.
    #[error("leaf {code}: time {found} is not in milliseconds since 1970 (up to the year 9999)")]
    Time {
        /// The leaf's code.
        code: &'static str,
        /// The time found.
        found: u64,
    },
    /// The subject is not allowed.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// A name of an id or a digest is not allowed.
    #[error(
        "leaf {code}: {key:?} can't name an id or digest; use up to 40 lower-case letters, digits and dashes, and .2 to .99 for further ones"
    )]
    Key {
        /// The leaf's code.
        code: &'static str,
        /// The name, shortened.
        key: String,
    },
    /// An id is not allowed.
    #[error(
        "leaf {code}: id {key}: expected a token of 1 to 512 bytes, found {found:?}; put longer things into a blob and its digest into the leaf"
    )]
    Id {
        /// The leaf's code.
        code: &'static str,
        /// The id's name.
        key: String,
        /// The id, shortened.
        found: String,
    },
    /// An id of a role's name is an account in the clear, or no commitment at all.
    #[error("leaf {code}: id {key}")]
    Account {
        /// The leaf's code.
        code: &'static str,
        /// The id's name.
        key: String,
        /// What is wrong with it.
        #[source]
        source: CommitmentError,
    },
    /// A digest is not allowed.
    #[error("leaf {code}: digest {key}")]
    Digest {
        /// The leaf's code.
        code: &'static str,
        /// The digest's name.
        key: String,
        /// What is wrong with it.
        #[source]
        source: DigestError,
    },
    /// There are too many ids or digests.
    #[error(
        "leaf {code}: {found} {what}, at most 48 are allowed; put a list into a blob and its digest into the leaf"
    )]
    TooMany {
        /// The leaf's code.
        code: &'static str,
        /// `ids` or `digests`.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// Two ids or digests have one name.
    #[error("leaf {code}: {key} is given twice")]
    Twice {
        /// The leaf's code.
        code: &'static str,
        /// The name.
        key: String,
    },
    /// The code wants an id that isn't there.
    #[error("leaf {code}: it must have the id {key}")]
    Missing {
        /// The leaf's code.
        code: &'static str,
        /// The id's name.
        key: &'static str,
    },
}
