//! A tree that grows to the right and remembers only what its root needs.

use crate::hash::Hash;

/// The whole subtrees of a tree from left to right, each smaller than the one before it: one for
/// each bit of the tree's size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growing {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Growing {
    /// Adds a leaf, or whatever the tree is built over.
    pub(crate) fn push(&mut self, hash: Hash) {
        let mut hash = hash;
        // Each low bit that is set is a subtree as large as the one that is being added.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = Hash::pair(left, hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn root(&self) -> Hash {
        self.subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| Hash::pair(left, right))
            .unwrap_or_else(Hash::nothing)
    }
}

/// The root over some hashes of one height; the last may stand for less.
pub(crate) fn root_over(hashes: &[Hash]) -> Hash {
    let mut tree = Growing::default();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn unhex(text: &str) -> Vec<u8> {
        let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
        text.as_bytes().chunks(2).map(|two| digit(two[0]) * 16 + digit(two[1])).collect()
    }

    /// The roots over the first entries of RFC 6962's usual test vectors.
    #[rstest]
    #[case(&[], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case(&[""], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    #[case(&["", "00"], "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    #[case(&["", "00", "10"], "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    #[case(&["", "00", "10", "2021"], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    #[case(&["", "00", "10", "2021", "3031"], "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    #[case(&["", "00", "10", "2021", "3031", "40414243", "5051525354555657"], "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    #[case(&["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"], "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    fn roots_are_those_of_rfc_6962(#[case] entries: &[&str], #[case] root: &str) {
        let hashes: Vec<_> = entries.iter().map(|entry| Hash::entry(&unhex(entry))).collect();
        assert_eq!(root_over(&hashes).0.as_slice(), unhex(root));
    }
}
