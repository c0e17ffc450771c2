//! Hashes of the tree (RFC 6962, section 2.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 hash of the tree, written in base64 as in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of no entries.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Sha256::digest(b"").into())
    }

    /// The hash of an entry: SHA-256 over a zero byte and the entry.
    #[must_use]
    pub fn entry(bytes: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update([0x00]);
        sha.update(bytes);
        Self(sha.finalize().into())
    }

    /// The hash of two neighbours: SHA-256 over a one byte and both.
    #[must_use]
    pub fn pair(left: Self, right: Self) -> Self {
        let mut bytes = [0x01; 65];
        bytes[1..33].copy_from_slice(&left.0);
        bytes[33..].copy_from_slice(&right.0);
        Self(Sha256::digest(bytes).into())
    }

    /// The hash that `text` is the base64 of.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// The hashes in a tile's bytes.
pub(crate) fn in_tile(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<32>().0.iter().map(|bytes| Hash(*bytes)).collect()
}
