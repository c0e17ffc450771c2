//! Where a log's files lie (C2SP `tlog-tiles`).

use crate::checkpoint::decimal;
use std::fmt;

/// Hashes or entries in a full tile.
pub(crate) const TILE_WIDTH: u64 = 256;

/// The specification's highest level.
const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// The entries themselves.
    Entries,
    /// Hashes of subtrees with 256 to the power of this level entries.
    Level(u8),
}

/// A tile's place below the log's folder, such as `tile/0/x001/067` or `tile/entries/000.p/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePath {
    /// What the tile holds.
    pub row: Row,
    /// Its number within the row, from 0.
    pub index: u64,
    /// How many hashes or entries it holds: 1 to 256; below 256 it is partial.
    pub width: u16,
}

impl TilePath {
    /// The full tile.
    #[must_use]
    pub fn full(row: Row, index: u64) -> Self {
        Self { row, index, width: TILE_WIDTH as u16 }
    }

    /// The tile's path from the log's folder, when it is one.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let row = match row {
            "entries" => Row::Entries,
            level => Row::Level(decimal(level)?.try_into().ok().filter(|l| *l <= MAX_LEVEL)?),
        };
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => (rest, decimal(width).filter(|w| (1..TILE_WIDTH).contains(w))?),
            None => (rest, TILE_WIDTH),
        };
        let digits: String = rest.split('/').map(|part| part.trim_start_matches('x')).collect();
        let tile = Self { row, index: digits.parse().ok()?, width: width as u16 };
        (tile.to_string() == path).then_some(tile)
    }

    /// Whether the tile is whole.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// The folder with the partial tiles of this tile, from the log's folder.
    pub(crate) fn partials_dir(&self) -> String {
        format!("{}.p", Self::full(self.row, self.index))
    }

    /// Whether a log of `size` entries has all that this tile holds.
    pub(crate) fn is_within(&self, size: u64) -> bool {
        let (full, width) = edge_of(self.row, size);
        self.index < full || (self.index == full && u64::from(self.width) <= width)
    }

    /// Whether a log of `size` entries has the full tile in this place.
    pub(crate) fn is_superseded(&self, size: u64) -> bool {
        !self.is_full() && self.index < edge_of(self.row, size).0
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Entries => f.write_str("tile/entries/")?,
            Row::Level(level) => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// How many full tiles a row has in a log of `size` entries, and the width of the partial one
/// after them (0 when there is none).
pub(crate) fn edge_of(row: Row, size: u64) -> (u64, u64) {
    let hashes = match row {
        Row::Entries => size,
        Row::Level(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
    };
    (hashes / TILE_WIDTH, hashes % TILE_WIDTH)
}

/// How many levels have hashes in a log of `size` entries.
pub(crate) fn levels_of(size: u64) -> u8 {
    (u64::BITS - size.leading_zeros()).div_ceil(8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("tile/0/000", Row::Level(0), 0, 256)]
    #[case("tile/1/x001/x234/067", Row::Level(1), 1_234_067, 256)]
    #[case("tile/63/000.p/1", Row::Level(63), 0, 1)]
    #[case("tile/entries/x001/000.p/255", Row::Entries, 1000, 255)]
    fn paths_are_those_of_the_specification(
        #[case] path: &str,
        #[case] row: Row,
        #[case] index: u64,
        #[case] width: u16,
    ) {
        let tile = TilePath { row, index, width };
        assert_eq!(tile.to_string(), path);
        assert_eq!(TilePath::parse(path), Some(tile));
    }

    #[rstest]
    #[case("checkpoint")]
    #[case("tile/0")]
    #[case("tile/00/000")]
    #[case("tile/64/000")]
    #[case("tile/0/0")]
    #[case("tile/0/x000/000")]
    #[case("tile/0/001/000")]
    #[case("tile/0/xx001/000")]
    #[case("tile/0/000.p/0")]
    #[case("tile/0/000.p/256")]
    #[case("tile/0/000.p/01")]
    #[case("tile/0/000.p")]
    #[case("tile/entries/../000")]
    fn other_paths_are_no_tiles(#[case] path: &str) {
        assert_eq!(TilePath::parse(path), None);
    }

    #[rstest]
    #[case(0, 0)]
    #[case(1, 1)]
    #[case(255, 1)]
    #[case(256, 2)]
    #[case(65_535, 2)]
    #[case(65_536, 3)]
    #[case(u64::MAX, 8)]
    fn a_level_exists_once_it_has_a_hash(#[case] size: u64, #[case] levels: u8) {
        assert_eq!(levels_of(size), levels);
    }

    #[test]
    fn the_specification_s_tree_of_70_000_has_its_tiles() {
        assert_eq!(edge_of(Row::Level(0), 70_000), (273, 112));
        assert_eq!(edge_of(Row::Level(1), 70_000), (1, 17));
        assert_eq!(edge_of(Row::Level(2), 70_000), (0, 1));
        assert_eq!(edge_of(Row::Level(9), 70_000), (0, 0));
    }

    proptest! {
        #[test]
        fn every_tile_has_one_path(level in 0u8..64, index: u64, width in 1u16..=256) {
            for row in [Row::Entries, Row::Level(level)] {
                let tile = TilePath { row, index, width };
                prop_assert_eq!(TilePath::parse(&tile.to_string()), Some(tile));
            }
        }
    }
}
