//! Signed notes (C2SP `signed-note`): a text and the signatures under it.

use crate::key::LogKey;
use crate::verifier_key::VerifierKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a signature line starts with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// The specification wants at least 16 signatures to be accepted; nobody needs many more.
const MAX_SIGNATURES: usize = 64;

/// A text with a signature that was made or verified by one known key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    note: String,
    text_len: usize,
}

/// Why a note is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text to sign is not allowed.
    #[error("sign a note: the text must end in a newline and have no other control characters")]
    Text,
    /// The note has not the form of one.
    #[error("read a signed note: {0}")]
    Form(&'static str),
    /// A signature that claims to be of the key is not.
    #[error(
        "verify a note: the signature of {key} doesn't fit the text; the text or the signature was changed"
    )]
    Signature {
        /// The key that should have signed.
        key: String,
    },
    /// No signature is of the key.
    #[error("verify a note: it has no signature of {key}; use the key that signed it")]
    Unsigned {
        /// The key that should have signed.
        key: String,
    },
}

impl SignedNote {
    /// Signs `text`, which ends in a newline.
    ///
    /// # Errors
    /// When the text does not end in a newline or has control characters.
    pub fn sign(text: &str, key: &LogKey) -> Result<Self, NoteError> {
        if !text.ends_with('\n') || has_control(text) {
            return Err(NoteError::Text);
        }
        let mut bytes = key.verifier().id().to_be_bytes().to_vec();
        bytes.extend(key.sign(text.as_bytes()));
        let signature = STANDARD.encode(bytes);
        let note = format!("{text}\n{LINE_START}{} {signature}\n", key.name());
        Ok(Self { note, text_len: text.len() })
    }

    /// Reads a note and verifies that `key` signed it. Signatures of other keys are kept as they
    /// are and not looked at.
    ///
    /// # Errors
    /// When it is no note, isn't signed by the key, or the key's signature doesn't fit.
    pub fn verify(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        if has_control(note) {
            return Err(NoteError::Form("it has control characters"));
        }
        let at =
            note.rfind("\n\n").ok_or(NoteError::Form("no empty line before the signatures"))?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or(NoteError::Form("the last signature line doesn't end in a newline"))?;
        if signatures.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::Form("it has more than 64 signatures"));
        }
        let mut signed = false;
        for line in signatures.split('\n') {
            let (name, bytes) = signature_line(line)?;
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
                return Err(NoteError::Form("a signature is too short"));
            };
            if name != key.name().as_str() || u32::from_be_bytes(*id) != key.id() {
                continue;
            }
            let accepted = signature.try_into().is_ok_and(|s| key.accepts(text.as_bytes(), s));
            if !accepted {
                return Err(NoteError::Signature { key: key.to_string() });
            }
            signed = true;
        }
        if !signed {
            return Err(NoteError::Unsigned { key: key.to_string() });
        }
        Ok(Self { note: note.to_owned(), text_len: text.len() })
    }

    /// The signed text, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        self.note.get(..self.text_len).unwrap_or_default()
    }

    /// The whole note: text, empty line, signatures.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.note
    }
}

fn signature_line(line: &str) -> Result<(&str, Vec<u8>), NoteError> {
    line.strip_prefix(LINE_START)
        .and_then(|rest| rest.split_once(' '))
        .filter(|(name, _)| !name.is_empty() && !name.contains('+'))
        .and_then(|(name, signature)| Some((name, STANDARD.decode(signature).ok()?)))
        .ok_or(NoteError::Form("a signature line is not '— <name> <base64>'"))
}

/// Control characters other than a newline are forbidden in a note.
fn has_control(text: &str) -> bool {
    text.bytes().any(|b| b < b' ' && b != b'\n')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    /// The example of C2SP `signed-note`.
    const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const C2SP_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    /// The key and the note of Go's `golang.org/x/mod/sumdb/note` tests.
    const GO_KEY: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_example_of_the_specification_verifies() {
        let note = SignedNote::verify(C2SP_NOTE, &C2SP_KEY.parse().unwrap()).unwrap();
        assert_eq!(note.text(), "This is an example message.\n");
        assert_eq!(note.as_str(), C2SP_NOTE);
    }

    #[test]
    fn a_note_is_signed_as_go_signs_it() {
        let key = LogKey::parse(GO_KEY).unwrap();
        assert_eq!(SignedNote::sign(GO_TEXT, &key).unwrap().as_str(), GO_NOTE);
    }

    #[test]
    fn signatures_of_unknown_keys_are_ignored() {
        let key = LogKey::parse(GO_KEY).unwrap();
        let stranger = "\u{2014} witness.example AAAAAAAA\n";
        let note = format!("{GO_NOTE}{stranger}");
        assert_eq!(SignedNote::verify(&note, key.verifier()).unwrap().text(), GO_TEXT);
    }

    #[rstest]
    #[case::text(GO_NOTE.replacen("your", "Your", 1), "doesn't fit the text")]
    #[case::signature(GO_NOTE.replacen("UG/Sff", "UG/Sfg", 1), "doesn't fit the text")]
    #[case::name(GO_NOTE.replace("PeterN", "PeterM"), "no signature of PeterNeumann")]
    #[case::id(GO_NOTE.replacen("x08g", "x08h", 1), "no signature of PeterNeumann")]
    #[case::no_end(GO_NOTE.trim_end().to_owned(), "doesn't end in a newline")]
    #[case::no_signature(GO_TEXT.to_owned(), "no empty line")]
    #[case::line(format!("{GO_NOTE}PeterNeumann\n"), "a signature line")]
    #[case::control(GO_NOTE.replacen("If", "I\tf", 1), "control characters")]
    #[case::many(format!("{GO_NOTE}{}", "\u{2014} a AAAAAAAA\n".repeat(64)), "more than 64")]
    fn a_changed_note_is_refused(#[case] note: String, #[case] part: &str) {
        let key = LogKey::parse(GO_KEY).unwrap();
        let error = SignedNote::verify(&note, key.verifier()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[rstest]
    #[case("no newline")]
    #[case("a\tb\n")]
    fn a_text_that_no_verifier_would_read_is_not_signed(#[case] text: &str) {
        let key = LogKey::parse(GO_KEY).unwrap();
        assert_eq!(SignedNote::sign(text, &key), Err(NoteError::Text));
    }
}
