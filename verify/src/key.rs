//! The key that a log is verified with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// The only type of signature that a Tidegate log has (C2SP `signed-note`).
const ED25519: u8 = 0x01;

/// An Ed25519 public key with its name, from a line `<name>+<id>+<base64>`.
#[derive(Clone, Debug)]
pub struct Key {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why a text is no verifier key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not of the form `<name>+<id>+<base64>`.
    #[error("expected <name>+<8 hex digits>+<base64>, as `tidegate keys` prints it")]
    Form,
    /// It is a secret key.
    #[error(
        "this is a secret key; use the public line that belongs to it, and keep this one away from here"
    )]
    Secret,
    /// It is no Ed25519 key.
    #[error("the key is not an Ed25519 key (type 0x01)")]
    Type,
    /// The id is not that of name and key: the line was changed.
    #[error(
        "the id {found} does not belong to the name and the key, whose id is {expected}; copy the line again"
    )]
    Id {
        /// The id in the line.
        found: String,
        /// The id of name and key.
        expected: String,
    },
}

impl Key {
    /// The name, which is also the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes that tell keys of one name apart.
    pub(crate) fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether the key made this signature of this text.
    pub(crate) fn signed(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(line: &str) -> Result<Self, KeyError> {
        let line = line.trim();
        if line.starts_with("PRIVATE+KEY+") {
            return Err(KeyError::Secret);
        }
        let (name, rest) = line.split_once('+').ok_or(KeyError::Form)?;
        let (found, material) = rest.split_once('+').ok_or(KeyError::Form)?;
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(KeyError::Form);
        }
        let material = STANDARD.decode(material).map_err(|_| KeyError::Form)?;
        let key: [u8; 32] = match material.split_first() {
            Some((&ED25519, key)) => key.try_into().map_err(|_| KeyError::Type)?,
            _ => return Err(KeyError::Type),
        };
        let mut sha = Sha256::new();
        sha.update(name);
        sha.update(b"\n");
        sha.update(&material);
        let hash: [u8; 32] = sha.finalize().into();
        let id = [hash[0], hash[1], hash[2], hash[3]];
        let expected = format!("{:08x}", u32::from_be_bytes(id));
        if found != expected {
            return Err(KeyError::Id { found: found.chars().take(20).collect(), expected });
        }
        let key = VerifyingKey::from_bytes(&key).map_err(|_| KeyError::Type)?;
        Ok(Self { name: name.to_owned(), id, key })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![ED25519];
        material.extend(self.key.as_bytes());
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(material))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    /// From C2SP `signed-note` and from Go's `note` package.
    #[rstest]
    #[case("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    #[case("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    fn published_keys_are_read(#[case] line: &str) {
        assert_eq!(line.parse::<Key>().unwrap().to_string(), line);
    }

    #[rstest]
    #[case::no_key("log.txt", KeyError::Form)]
    #[case::space(
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        KeyError::Form
    )]
    #[case::witness(
        "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        KeyError::Type
    )]
    #[case::short("PeterNeumann+c74f20a3+ARpc2QcU", KeyError::Type)]
    #[case::secret(
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
        KeyError::Secret
    )]
    fn other_lines_are_refused(#[case] line: &str, #[case] error: KeyError) {
        assert_eq!(line.parse::<Key>().unwrap_err(), error);
    }

    #[test]
    fn a_changed_line_is_noticed() {
        let line = "PeterNewmann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert!(matches!(line.parse::<Key>(), Err(KeyError::Id { .. })));
    }
}
