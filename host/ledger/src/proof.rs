//! Proofs that an entry is in the tree, and that a tree extends another (RFC 6962, section 2.1).

use crate::hash::{Hash, split};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The first line of a C2SP `tlog-proof` file.
const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The hashes beside the way from entry `index` up to the root of a tree of `size` entries, which
/// has the entry. `root` gives the root over a range of entries.
pub(crate) fn inclusion<E>(
    index: u64,
    size: u64,
    root: &mut impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut from, mut to) = (0, size);
    let mut beside = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            beside.push(root(middle, to)?);
            to = middle;
        } else {
            beside.push(root(from, middle)?);
            from = middle;
        }
    }
    beside.reverse();
    Ok(beside)
}

/// The root to which a proof of inclusion leads; `None` when it has not as many hashes as a proof
/// of that entry must have.
pub(crate) fn root_by_inclusion(
    index: u64,
    size: u64,
    entry: Hash,
    proof: &[Hash],
) -> Option<Hash> {
    let (mut from, mut to) = (0, size);
    let mut sides = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        sides.push(index < middle);
        if index < middle { to = middle } else { from = middle }
    }
    if sides.len() != proof.len() {
        return None;
    }
    Some(sides.iter().rev().zip(proof).fold(entry, |hash, (is_left, beside)| {
        if *is_left { Hash::of_node(&hash, beside) } else { Hash::of_node(beside, &hash) }
    }))
}

/// The proof that a tree of `size` entries extends its own first `old` entries.
pub(crate) fn consistency<E>(
    old: u64,
    size: u64,
    root: &mut impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut from, mut to) = (0, size);
    let mut proof = Vec::new();
    if old == 0 {
        return Ok(proof);
    }
    // Down to the subtree that ends where the old tree ended.
    while to > old {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(root(middle, to)?);
            to = middle;
        } else {
            proof.push(root(from, middle)?);
            from = middle;
        }
    }
    // The old root itself is known to whoever asks; a smaller subtree is not.
    if from > 0 {
        proof.push(root(from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

/// A C2SP `tlog-proof` file. The entry itself goes into the `extra` line, so that the file needs
/// nothing beside it; a verifier trusts it because its hash is what the proof is about.
pub(crate) fn text(index: u64, entry: &[u8], proof: &[Hash], checkpoint: &str) -> String {
    let mut text = format!("{PROOF_HEADER}\nextra {}\nindex {index}\n", STANDARD.encode(entry));
    for hash in proof {
        text.push_str(&hash.to_string());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::convert::Infallible;

    const MAX: u64 = 70;

    fn leaf(i: u64) -> Hash {
        Hash::of_entry(&i.to_be_bytes())
    }

    fn root(from: u64, to: u64) -> Result<Hash, Infallible> {
        Ok(Hash::root_of(&(from..to).map(leaf).collect::<Vec<_>>()))
    }

    #[test]
    fn every_entry_of_every_tree_has_a_proof_and_no_other_hash_fits_it() {
        for size in 1..=MAX {
            let expected = root(0, size).unwrap();
            for index in 0..size {
                let proof = inclusion(index, size, &mut root).unwrap();
                let lead = |hash| root_by_inclusion(index, size, hash, &proof);
                assert_eq!(lead(leaf(index)), Some(expected), "{index} of {size}");
                assert_ne!(lead(leaf(index + 1)), Some(expected), "{index} of {size}");
                let longer = [proof.as_slice(), &[expected]].concat();
                assert_eq!(root_by_inclusion(index, size, leaf(index), &longer), None);
            }
        }
    }

    /// Verifies as RFC 9162, section 2.1.4.2 says, which shares nothing with how proofs are made.
    fn is_consistent(old: u64, size: u64, old_root: Hash, new_root: Hash, proof: &[Hash]) -> bool {
        if old == 0 {
            return proof.is_empty();
        }
        if old == size {
            return proof.is_empty() && old_root == new_root;
        }
        let mut hashes: Vec<_> = proof.to_vec();
        if old.is_power_of_two() {
            hashes.insert(0, old_root);
        }
        let (mut f, mut s) = (old - 1, size - 1);
        while f & 1 == 1 {
            f >>= 1;
            s >>= 1;
        }
        let (mut of_old, mut of_new) = (hashes[0], hashes[0]);
        for c in &hashes[1..] {
            if s == 0 {
                return false;
            }
            if f & 1 == 1 || f == s {
                of_old = Hash::of_node(c, &of_old);
                of_new = Hash::of_node(c, &of_new);
                while f & 1 == 0 && f != 0 {
                    f >>= 1;
                    s >>= 1;
                }
            } else {
                of_new = Hash::of_node(&of_new, c);
            }
            f >>= 1;
            s >>= 1;
        }
        of_old == old_root && of_new == new_root && s == 0
    }

    #[test]
    fn every_tree_is_proved_to_extend_every_smaller_one() {
        for size in 0..=MAX {
            for old in 0..=size {
                let proof = consistency(old, size, &mut root).unwrap();
                let (old_root, new_root) = (root(0, old).unwrap(), root(0, size).unwrap());
                assert!(is_consistent(old, size, old_root, new_root, &proof), "{old} of {size}");
            }
        }
    }

    #[test]
    fn a_proof_file_has_the_lines_of_the_specification() {
        let proof = [leaf(0), leaf(1)];
        let expected = format!(
            "c2sp.org/tlog-proof@v1\nextra e30=\nindex 7\n{}\n{}\n\norigin\n8\n",
            leaf(0),
            leaf(1)
        );
        assert_eq!(text(7, b"{}", &proof, "origin\n8\n"), expected);
        assert_eq!(
            text(0, b"{}", &[], "x\n"),
            "c2sp.org/tlog-proof@v1\nextra e30=\nindex 0\n\nx\n"
        );
    }
}
