//! The right edge of the tree: all that an append needs to know of it.

use crate::bundle;
use crate::hash::Hash;
use crate::layout::{Row, TILE_WIDTH, TilePath, edge_of};

/// The partial tiles at the right of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The number of entries in the tree.
    pub(crate) size: u64,
    /// The entries after the last full bundle.
    pub(crate) bundle: Vec<u8>,
    /// By level, the hashes after the last full tile.
    pub(crate) rows: Vec<Vec<Hash>>,
}

/// A tile to be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewTile {
    pub(crate) path: TilePath,
    pub(crate) bytes: Vec<u8>,
}

impl Edge {
    /// Adds an entry and returns the tiles that it filled.
    pub(crate) fn push(&mut self, entry: &[u8]) -> Vec<NewTile> {
        let mut filled = Vec::new();
        bundle::push(&mut self.bundle, entry);
        self.size += 1;
        if self.size.is_multiple_of(TILE_WIDTH) {
            let path = TilePath::full(Row::Entries, self.size / TILE_WIDTH - 1);
            filled.push(NewTile { path, bytes: std::mem::take(&mut self.bundle) });
        }
        let mut hash = Hash::of_entry(entry);
        for level in 0_u8.. {
            let index = usize::from(level);
            if self.rows.len() == index {
                self.rows.push(Vec::new());
            }
            self.rows[index].push(hash);
            if (self.rows[index].len() as u64) < TILE_WIDTH {
                break;
            }
            let tile = std::mem::take(&mut self.rows[index]);
            let row = Row::Level(level);
            let path = TilePath::full(row, edge_of(row, self.size).0 - 1);
            filled.push(NewTile { path, bytes: Hash::join(&tile) });
            hash = Hash::root_of(&tile);
        }
        filled
    }

    /// The partial tiles that this tree has and the tree of `old_size` entries had not.
    pub(crate) fn new_partials(&self, old_size: u64) -> Vec<NewTile> {
        let levels = self
            .rows
            .iter()
            .enumerate()
            .map(|(level, hashes)| (Row::Level(level as u8), Hash::join(hashes)));
        levels
            .chain([(Row::Entries, self.bundle.clone())])
            .filter_map(|(row, bytes)| {
                let (index, width) = edge_of(row, self.size);
                let changed = width > 0 && edge_of(row, old_size) != (index, width);
                changed.then_some(NewTile {
                    path: TilePath { row, index, width: width as u16 },
                    bytes,
                })
            })
            .collect()
    }

    /// The root of the tree.
    pub(crate) fn root(&self) -> Hash {
        let mut right: Option<Hash> = None;
        for row in &self.rows {
            let hashes: Vec<_> = row.iter().copied().chain(right).collect();
            right = (!hashes.is_empty()).then(|| Hash::root_of(&hashes));
        }
        right.unwrap_or_else(Hash::empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn edge(size: u64) -> Edge {
        let mut edge = Edge::default();
        for i in 0..size {
            edge.push(&i.to_be_bytes());
        }
        edge
    }

    #[rstest]
    #[case(0)]
    #[case(1)]
    #[case(255)]
    #[case(256)]
    #[case(257)]
    #[case(513)]
    #[case(65_535)]
    #[case(65_536)]
    #[case(65_539)]
    #[case(66_000)]
    fn the_root_is_that_over_all_entries(#[case] size: u64) {
        let hashes: Vec<_> = (0..size).map(|i| Hash::of_entry(&i.to_be_bytes())).collect();
        assert_eq!(edge(size).root(), Hash::root_of(&hashes));
    }

    #[test]
    fn an_entry_that_fills_a_tile_fills_those_above_it() {
        let mut edge = edge(65_535);
        let paths: Vec<_> = edge.push(b"x").iter().map(|tile| tile.path.to_string()).collect();
        assert_eq!(paths, ["tile/entries/255", "tile/0/255", "tile/1/000"]);
        assert_eq!(edge.new_partials(65_535).len(), 1);
    }

    #[rstest]
    #[case(0, 1, &["tile/0/000.p/1", "tile/entries/000.p/1"])]
    #[case(3, 5, &["tile/0/000.p/5", "tile/entries/000.p/5"])]
    #[case(255, 256, &["tile/1/000.p/1"])]
    #[case(256, 257, &["tile/0/001.p/1", "tile/entries/001.p/1"])]
    #[case(257, 257, &[])]
    fn only_partial_tiles_that_changed_are_new(
        #[case] old: u64,
        #[case] new: u64,
        #[case] paths: &[&str],
    ) {
        let found: Vec<_> =
            edge(new).new_partials(old).iter().map(|t| t.path.to_string()).collect();
        assert_eq!(found, paths);
    }
}
