//! Digests in leaves: what lies beside the log, named by its content.

use std::fmt;
use std::str::FromStr;

/// The digest of a blob, or the name of a git object.
///
/// A digest over little or guessable data about a person can be tried out, so such blobs need
/// something random in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "digest {0:?}: expected sha256:<64 hex digits> or git:<40 or 64 hex digits>, in lower case"
)]
pub struct DigestError(String);

impl Digest {
    /// A SHA-256 digest, of 64 lower-case hex digits.
    ///
    /// # Errors
    /// When `hex` is anything else.
    pub fn sha256(hex: &str) -> Result<Self, DigestError> {
        format!("sha256:{hex}").parse()
    }

    /// A git object's name, of 40 or 64 lower-case hex digits.
    ///
    /// # Errors
    /// When `hex` is anything else.
    pub fn git(hex: &str) -> Result<Self, DigestError> {
        format!("git:{hex}").parse()
    }

    /// The digest as it stands in a leaf: `sha256:…` or `git:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let good = match text.split_once(':') {
            Some(("sha256", hex)) => is_hex(hex, &[64]),
            Some(("git", hex)) => is_hex(hex, &[40, 64]),
            _ => false,
        };
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(DigestError(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is lower-case hex of one of these lengths.
pub(crate) fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&format!("sha256:{}", "0a".repeat(32)), true)]
    #[case(&format!("git:{}", "0a".repeat(20)), true)]
    #[case(&format!("git:{}", "0a".repeat(32)), true)]
    #[case(&format!("sha256:{}", "0A".repeat(32)), false)]
    #[case(&format!("sha256:{}", "0a".repeat(20)), false)]
    #[case(&format!("sha1:{}", "0a".repeat(20)), false)]
    #[case(&"0a".repeat(32), false)]
    #[case("", false)]
    fn digests_name_their_kind(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Digest>().is_ok(), good);
    }
}
