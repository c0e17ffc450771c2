//! Checkpoints (C2SP `tlog-checkpoint`): what a log signs.

use crate::hash::Hash;
use crate::key::LogKey;
use crate::key_name::{KeyName, KeyNameError};
use crate::note::{NoteError, SignedNote};
use crate::verifier_key::VerifierKey;

/// The state of a log: its name, its size and the root of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: KeyName,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a text is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The note is broken or not signed by the key.
    #[error("read a checkpoint")]
    Note(#[from] NoteError),
    /// The origin line is not allowed.
    #[error("read a checkpoint")]
    Origin(#[from] KeyNameError),
    /// The text under the signature has not the form of a checkpoint.
    #[error("read a checkpoint: {0}")]
    Form(&'static str),
}

impl Checkpoint {
    /// The signed note of this checkpoint.
    ///
    /// # Errors
    /// None that a valid checkpoint can cause.
    pub fn sign(&self, key: &LogKey) -> Result<SignedNote, NoteError> {
        SignedNote::sign(&format!("{}\n{}\n{}\n", self.origin, self.size, self.root), key)
    }

    /// The checkpoint of a note that `key` signed. Extension lines are allowed and not looked at.
    ///
    /// # Errors
    /// When the note doesn't verify or is no checkpoint.
    pub fn verify(note: &str, key: &VerifierKey) -> Result<(Self, SignedNote), CheckpointError> {
        let note = SignedNote::verify(note, key)?;
        let mut lines = note.text().lines();
        let origin = lines.next().unwrap_or_default().parse()?;
        let size = lines
            .next()
            .and_then(decimal)
            .ok_or(CheckpointError::Form("the second line is not a tree size"))?;
        let root = lines
            .next()
            .and_then(Hash::from_base64)
            .ok_or(CheckpointError::Form("the third line is not a base64 SHA-256 hash"))?;
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Form("it has an empty line"));
        }
        Ok((Self { origin, size, root }, note))
    }
}

/// A decimal without sign and leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn key() -> LogKey {
        LogKey::generate(&"example.com/log".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_checkpoint_is_three_lines_under_a_signature() {
        let key = key();
        let checkpoint =
            Checkpoint { origin: key.name().clone(), size: 7, root: Hash::of_entry(b"x") };
        let note = checkpoint.sign(&key).unwrap();
        assert_eq!(note.text(), format!("example.com/log\n7\n{}\n", Hash::of_entry(b"x")));
        let (read, _) = Checkpoint::verify(note.as_str(), key.verifier()).unwrap();
        assert_eq!(read, checkpoint);
    }

    #[rstest]
    #[case::size(
        "example.com/log\n07\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "second line"
    )]
    #[case::sign(
        "example.com/log\n+7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "second line"
    )]
    #[case::huge(
        "example.com/log\n18446744073709551616\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "second line"
    )]
    #[case::root("example.com/log\n7\n47DE\n", "third line")]
    #[case::missing("example.com/log\n7\n", "third line")]
    fn a_signed_text_of_another_form_is_no_checkpoint(#[case] text: &str, #[case] part: &str) {
        let key = key();
        let note = SignedNote::sign(text, &key).unwrap();
        let error = Checkpoint::verify(note.as_str(), key.verifier()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
