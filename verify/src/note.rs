//! Signed notes (C2SP `signed-note`).

use crate::key::Key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The specification wants 16 to be accepted.
const MAX_SIGNATURES: usize = 100;

/// What a signature line starts with.
pub(crate) const DASH: &str = "\u{2014} ";

/// Why a note does not verify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is no note.
    #[error("it is not a signed note: {0}")]
    Form(&'static str),
    /// The key's signature does not fit the text.
    #[error("the key's signature does not fit the text: one of them was changed")]
    Wrong,
    /// None of the signatures is of the key.
    #[error("it has no signature of the key")]
    Unsigned,
}

/// The text of a note that `key` signed.
pub(crate) fn verified_text<'a>(note: &'a str, key: &Key) -> Result<&'a str, NoteError> {
    if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Form("it has a control character"));
    }
    let note = note.strip_suffix('\n').ok_or(NoteError::Form("its last line has no end"))?;
    let (text, signatures) =
        note.rsplit_once("\n\n").ok_or(NoteError::Form("it has no signature lines"))?;
    let text = &note[..=text.len()];
    let mut signed = false;
    for (number, line) in signatures.split('\n').enumerate() {
        if number == MAX_SIGNATURES {
            return Err(NoteError::Form("it has more than 100 signatures"));
        }
        let (name, bytes) =
            signature(line).ok_or(NoteError::Form("a signature line is no '— name base64'"))?;
        if name != key.name() || bytes[..4] != key.id() {
            continue;
        }
        if !key.signed(text, &bytes[4..]) {
            return Err(NoteError::Wrong);
        }
        signed = true;
    }
    if signed { Ok(text) } else { Err(NoteError::Unsigned) }
}

/// Name, and the key's id with the signature after it (five bytes at least).
fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    (!name.is_empty() && !name.contains('+') && bytes.len() > 4).then_some((name, bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    /// The example of the specification.
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_verifies() {
        let key = KEY.parse().unwrap();
        assert_eq!(verified_text(NOTE, &key), Ok("This is an example message.\n"));
        let more = format!("{NOTE}\u{2014} witness.example AAAAAAA=\n");
        assert_eq!(verified_text(&more, &key), Ok("This is an example message.\n"));
    }

    #[test]
    fn no_byte_of_a_note_can_be_changed() {
        let key: Key = KEY.parse().unwrap();
        for at in 0..NOTE.len() {
            for bit in 0..8 {
                let mut bytes = NOTE.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                if let Ok(note) = String::from_utf8(bytes) {
                    assert!(verified_text(&note, &key).is_err(), "byte {at}, bit {bit}");
                }
            }
        }
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_signatures("text\n")]
    #[case::cut(NOTE.trim_end())]
    #[case::line("text\n\nsignature\n")]
    #[case::short("text\n\n\u{2014} example.com/foo Uw2QOg==\n")]
    fn what_is_no_note_is_refused(#[case] note: &str) {
        let error = verified_text(note, &KEY.parse().unwrap()).unwrap_err();
        assert!(matches!(error, NoteError::Form(_)), "{error}");
    }
}
