//! Proofs of one entry (C2SP `tlog-proof`).

use crate::checkpoint::{Checkpoint, CheckpointError, number};
use crate::hash::Hash;
use crate::key::Key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof file: an entry's index, the hashes beside its way to the root, and a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The entry, if the file has it; not to be trusted before [`Proof::check`].
    pub entry: Option<Vec<u8>>,
    /// The entry's index.
    pub index: u64,
    hashes: Vec<Hash>,
    checkpoint: String,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The file is no proof.
    #[error("it is not a c2sp.org/tlog-proof@v1 file: {0}")]
    Form(&'static str),
    /// Its checkpoint does not verify.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not under the checkpoint.
    #[error("entry {index} can't be in a log of {size} entries")]
    Index {
        /// The proof's index.
        index: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// It has too few or too many hashes.
    #[error("it has {found} hashes, the way from entry {index} to the root has {expected}")]
    Length {
        /// The proof's index.
        index: u64,
        /// How many hashes the way has.
        expected: usize,
        /// How many hashes the proof has.
        found: usize,
    },
    /// The hashes lead elsewhere.
    #[error(
        "it leads to the root {found}, the checkpoint has {expected}: entry, index or a hash was changed"
    )]
    Root {
        /// The checkpoint's root.
        expected: Hash,
        /// Where the proof leads.
        found: Hash,
    },
}

impl Proof {
    /// Reads a proof file.
    ///
    /// # Errors
    /// When it has not the form of one.
    pub fn read(text: &str) -> Result<Self, ProofError> {
        let form = ProofError::Form;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(form("it has no empty line before a checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(form("its first line is another one"));
        }
        let entry = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(
                STANDARD
                    .decode(&line["extra ".len()..])
                    .map_err(|_| form("its extra line is no base64"))?,
            ),
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| number(line.strip_prefix("index ")?))
            .ok_or(form("it has no line 'index <number>'"))?;
        let hashes = lines
            .map(|line| Hash::parse(line).ok_or(form("a line after the index is no base64 hash")))
            .collect::<Result<_, _>>()?;
        Ok(Self { entry, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `entry` is under a checkpoint of the key's log, which it returns.
    ///
    /// # Errors
    /// When the checkpoint does not verify or the entry isn't under it.
    pub fn check(&self, entry: &[u8], key: &Key) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, key)?;
        let (index, size) = (self.index, checkpoint.size);
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        let (expected, found) = (way_length(index, size), self.hashes.len());
        if expected != found {
            return Err(ProofError::Length { index, expected, found });
        }
        // RFC 9162, section 2.1.3.2: `at` and `last` are the places of the entry and of the last
        // one of their level; where the entry's subtree is the last and has no right neighbour,
        // levels are passed until it has a left one.
        let (mut at, mut last) = (index, size - 1);
        let mut hash = Hash::entry(entry);
        for beside in &self.hashes {
            if at % 2 == 1 || at == last {
                hash = Hash::pair(*beside, hash);
                while at % 2 == 0 && at != 0 {
                    at /= 2;
                    last /= 2;
                }
            } else {
                hash = Hash::pair(hash, *beside);
            }
            at /= 2;
            last /= 2;
        }
        if hash == checkpoint.root {
            Ok(checkpoint)
        } else {
            Err(ProofError::Root { expected: checkpoint.root, found: hash })
        }
    }
}

/// How many hashes lie beside the way from an entry to the root: one for each level where its
/// subtree and the last one are two, and one for each left neighbour further up.
fn way_length(index: u64, size: u64) -> usize {
    let apart = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let left = index.checked_shr(apart).unwrap_or(0).count_ones();
    (apart + left) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, 1, 0)]
    #[case(0, 2, 1)]
    #[case(2, 3, 1)]
    #[case(0, 3, 2)]
    #[case(6, 7, 2)]
    #[case(4, 7, 3)]
    #[case(0, 256, 8)]
    #[case(256, 257, 1)]
    #[case(u64::MAX - 1, u64::MAX, 63)]
    fn the_way_to_the_root_is_as_long_as_the_tree_makes_it(
        #[case] index: u64,
        #[case] size: u64,
        #[case] length: usize,
    ) {
        assert_eq!(way_length(index, size), length);
    }

    #[rstest]
    #[case::empty("", "no empty line")]
    #[case::header("c2sp.org/tlog-proof@v2\nindex 0\n\nx\n", "first line")]
    #[case::extra("c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nx\n", "no base64")]
    #[case::no_index("c2sp.org/tlog-proof@v1\nextra e30=\n\nx\n", "index")]
    #[case::index("c2sp.org/tlog-proof@v1\nindex 01\n\nx\n", "index")]
    #[case::order("c2sp.org/tlog-proof@v1\nindex 1\nextra e30=\n\nx\n", "no base64 hash")]
    #[case::hash("c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx\n", "no base64 hash")]
    fn what_is_no_proof_is_refused(#[case] text: &str, #[case] part: &str) {
        let error = Proof::read(text).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.as_ref().is_err_and(|error| error.contains(part)), "{error:?}");
    }
}
