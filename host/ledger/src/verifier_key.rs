//! The public half of a log's key: what an auditor holds.

use crate::key_name::{KeyName, KeyNameError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// C2SP `signed-note`: the type of an Ed25519 signature over the note's text.
pub(crate) const ED25519: u8 = 0x01;

/// An Ed25519 public key with its name.
///
/// As text it is a *vkey* line, `<name>+<key id, 8 hex digits>+<base64 of 0x01 and the key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: u32,
    key: VerifyingKey,
}

/// Why a text is no verifier key.
#[derive(Debug, thiserror::Error)]
pub enum VerifierKeyError {
    /// It has not the three parts.
    #[error("verifier key: expected <name>+<key id>+<base64>, found {0:?}")]
    Parts(String),
    /// Its name is not allowed.
    #[error("verifier key")]
    Name(#[from] KeyNameError),
    /// It is of another type than Ed25519.
    #[error("verifier key {0}: only Ed25519 keys (type 0x01) are supported")]
    Type(KeyName),
    /// The base64 or the point is broken.
    #[error("verifier key {0}: its key is not a base64 Ed25519 public key; copy the line again")]
    Material(KeyName),
    /// The id does not belong to name and key.
    #[error(
        "verifier key {name}: its id is {found}, but name and key have {expected:08x}; copy the line again"
    )]
    Id {
        /// The key's name.
        name: KeyName,
        /// The id in the text.
        found: String,
        /// The id that name and key have.
        expected: u32,
    },
}

impl VerifierKey {
    pub(crate) fn new(name: KeyName, key: VerifyingKey) -> Self {
        let id = key_id(&name, &key);
        Self { name, id, key }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id: a short hash of name, type and key, no strong one.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether `signature` over `text` was made by this key.
    #[must_use]
    pub fn accepts(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(text, &Signature::from_bytes(signature)).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let text = text.trim_end_matches(['\n', '\r']);
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(found), Some(material)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(VerifierKeyError::Parts(text.chars().take(80).collect()));
        };
        let name: KeyName = name.parse()?;
        let material =
            STANDARD.decode(material).map_err(|_| VerifierKeyError::Material(name.clone()))?;
        let Some((&ED25519, bytes)) = material.split_first() else {
            return Err(VerifierKeyError::Type(name));
        };
        let key = bytes
            .try_into()
            .ok()
            .and_then(|bytes| VerifyingKey::from_bytes(bytes).ok())
            .ok_or_else(|| VerifierKeyError::Material(name.clone()))?;
        let expected = key_id(&name, &key);
        if found != format!("{expected:08x}") {
            let found = found.chars().take(20).collect();
            return Err(VerifierKeyError::Id { name, found, expected });
        }
        Ok(Self { name, id: expected, key })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(material))
    }
}

/// `SHA-256(name || 0x0A || type || key)[:4]`.
fn key_id(name: &KeyName, key: &VerifyingKey) -> u32 {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(name.as_str())
        .chain_update([b'\n', ED25519])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::c2sp("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    #[case::go("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    fn published_verifier_lines_come_out_as_they_went_in(#[case] line: &str) {
        assert_eq!(line.parse::<VerifierKey>().unwrap().to_string(), line);
        assert_eq!(format!("{line}\n").parse::<VerifierKey>().unwrap().to_string(), line);
    }

    #[rstest]
    #[case::parts("example.com/foo", "expected <name>+<key id>+<base64>")]
    #[case::id(
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "have c74f20a3"
    )]
    #[case::upper_id(
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "have c74f20a3"
    )]
    #[case::kind(
        "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "only Ed25519"
    )]
    #[case::short("PeterNeumann+c74f20a3+ARpc", "not a base64 Ed25519")]
    #[case::base64("PeterNeumann+c74f20a3+!", "not a base64 Ed25519")]
    fn a_broken_verifier_line_is_refused_and_named(#[case] line: &str, #[case] part: &str) {
        let error = line.parse::<VerifierKey>().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
