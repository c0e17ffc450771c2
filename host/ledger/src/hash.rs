//! Merkle tree hashes as RFC 6962, section 2.1 defines them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 hash of the tree: of an entry, or of two hashes below it.
///
/// It is written in base64, as in checkpoints and proofs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; Hash::LEN]);

impl Hash {
    /// The length of a hash in bytes.
    pub const LEN: usize = 32;

    /// The root of the empty tree: the hash of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of an entry.
    #[must_use]
    pub fn of_entry(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The hash of a node over its two children.
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        Self(
            Sha256::new()
                .chain_update([1])
                .chain_update(left.0)
                .chain_update(right.0)
                .finalize()
                .into(),
        )
    }

    /// The root over `hashes`, which are whole subtrees of one height; the last may be smaller.
    #[must_use]
    pub fn root_of(hashes: &[Self]) -> Self {
        match hashes {
            [] => Self::empty(),
            [only] => *only,
            more => {
                let (left, right) = more.split_at(split(more.len() as u64) as usize);
                Self::of_node(&Self::root_of(left), &Self::root_of(right))
            }
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The hash whose base64 is `text`; `None` when it is anything else.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The hashes of a tile's bytes; `None` when they are not a whole number of hashes.
    pub(crate) fn many(bytes: &[u8]) -> Option<Vec<Self>> {
        let (hashes, rest) = bytes.as_chunks::<{ Self::LEN }>();
        rest.is_empty().then(|| hashes.iter().copied().map(Self).collect())
    }

    /// The bytes of a tile with these hashes.
    pub(crate) fn join(hashes: &[Self]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

impl From<[u8; Hash::LEN]> for Hash {
    fn from(bytes: [u8; Hash::LEN]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Where a tree of `size` entries (at least two) is split: the largest power of two below `size`.
pub(crate) fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - size.saturating_sub(1).max(1).leading_zeros())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    /// The eight inputs and the roots that every implementation of RFC 6962 is tested with.
    const INPUTS: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    #[rstest]
    #[case(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    #[case(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    #[case(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    #[case(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    #[case(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    #[case(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    #[case(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    #[case(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    fn roots_are_those_of_the_rfc_6962_vectors(#[case] size: usize, #[case] expected: &str) {
        let hashes: Vec<_> =
            INPUTS[..size].iter().map(|text| Hash::of_entry(&unhex(text))).collect();
        assert_eq!(Hash::root_of(&hashes).as_bytes().as_slice(), unhex(expected));
    }

    #[rstest]
    #[case(2, 1)]
    #[case(3, 2)]
    #[case(4, 2)]
    #[case(5, 4)]
    #[case(256, 128)]
    #[case(257, 256)]
    #[case(u64::MAX, 1 << 63)]
    fn a_tree_is_split_at_the_largest_power_of_two_below_its_size(
        #[case] size: u64,
        #[case] at: u64,
    ) {
        assert_eq!(split(size), at);
    }

    #[test]
    fn base64_is_strict() {
        let hash = Hash::of_entry(b"x");
        assert_eq!(Hash::from_base64(&hash.to_string()), Some(hash));
        assert_eq!(Hash::from_base64("AAAA"), None);
        assert_eq!(Hash::from_base64(&format!("{hash} ")), None);
    }
}
