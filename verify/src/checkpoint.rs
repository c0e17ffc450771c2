//! Checkpoints (C2SP `tlog-checkpoint`).

use crate::hash::Hash;
use crate::key::Key;
use crate::note::{NoteError, verified_text};

/// What a log signed: how many entries it has and what they hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of entries.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
}

/// Why a text is no checkpoint of the key's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note does not verify.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signed text is no checkpoint.
    #[error("the signed text is not a checkpoint: {0}")]
    Form(&'static str),
    /// It is of another log.
    #[error("it is of the log {0:?}, not of the key's")]
    Origin(String),
}

impl Checkpoint {
    /// The checkpoint in a note that the key of its log signed.
    ///
    /// # Errors
    /// When the note doesn't verify, is no checkpoint, or is another log's.
    pub fn verify(note: &str, key: &Key) -> Result<Self, CheckpointError> {
        let text = verified_text(note, key)?;
        let lines: Vec<_> = text.trim_end_matches('\n').split('\n').collect();
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(CheckpointError::Form("it has fewer than three lines"));
        };
        if *origin != key.name() {
            return Err(CheckpointError::Origin(origin.chars().take(80).collect()));
        }
        if extensions.iter().any(|line| line.is_empty()) || text.ends_with("\n\n") {
            return Err(CheckpointError::Form("it has an empty line"));
        }
        Ok(Self {
            size: number(size).ok_or(CheckpointError::Form("its second line is no tree size"))?,
            root: Hash::parse(root).ok_or(CheckpointError::Form("its third line is no hash"))?,
        })
    }
}

/// A decimal number in its only spelling.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", Some(0))]
    #[case("18446744073709551615", Some(u64::MAX))]
    #[case("18446744073709551616", None)]
    #[case("01", None)]
    #[case("+1", None)]
    #[case("-1", None)]
    #[case(" 1", None)]
    #[case("", None)]
    fn a_number_has_one_spelling(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(number(text), expected);
    }
}
