//! Reading a log's tiles.

use crate::bundle;
use crate::edge::Edge;
use crate::hash::{Hash, split};
use crate::layout::{Row, TILE_WIDTH, TilePath, edge_of};
use crate::log_error::LogError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The tree's hashes, from its tiles and its edge. Nothing read here is checked against the root:
/// who builds something of it does that at the end.
pub(crate) struct Tiles<'a> {
    dir: &'a Path,
    edge: &'a Edge,
    read: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<'a> Tiles<'a> {
    pub(crate) fn new(dir: &'a Path, edge: &'a Edge) -> Self {
        Self { dir, edge, read: BTreeMap::new() }
    }

    /// The root over entries `from` to `to`, which is not before `from`. Ranges must be such as
    /// splitting a tree makes: they start at a multiple of the power of two above their length.
    pub(crate) fn root(&mut self, from: u64, to: u64) -> Result<Hash, LogError> {
        let count = to - from;
        if count == 0 {
            return Ok(Hash::empty());
        }
        if count.is_power_of_two() && from.is_multiple_of(count) {
            return self.subtree(from, count);
        }
        let middle = from + split(count);
        let left = self.root(from, middle)?;
        Ok(Hash::of_node(&left, &self.root(middle, to)?))
    }

    /// The hash of entry `index` in the tree.
    pub(crate) fn leaf(&mut self, index: u64) -> Result<Hash, LogError> {
        self.subtree(index, 1)
    }

    fn subtree(&mut self, from: u64, count: u64) -> Result<Hash, LogError> {
        let height = count.trailing_zeros() as u8;
        let (level, width) = (height / 8, 1_usize << (height % 8));
        let first = from >> (8 * u32::from(level));
        let offset = (first % TILE_WIDTH) as usize;
        let hashes = self.tile(level, first / TILE_WIDTH)?;
        let hashes = hashes.get(offset..offset + width).ok_or_else(|| LogError::TileForm {
            tile: TilePath::full(Row::Level(level), first / TILE_WIDTH).to_string(),
            what: "it has too few hashes",
        })?;
        Ok(Hash::root_of(hashes))
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], LogError> {
        let row = Row::Level(level);
        if index == edge_of(row, self.edge.size).0 {
            return Ok(self.edge.rows.get(usize::from(level)).map_or(&[], Vec::as_slice));
        }
        if !self.read.contains_key(&(level, index)) {
            let hashes = read_hashes(self.dir, TilePath::full(row, index))?;
            self.read.insert((level, index), hashes);
        }
        Ok(self.read.get(&(level, index)).map_or(&[], Vec::as_slice))
    }
}

/// The hashes of a tile, as many as its path says.
pub(crate) fn read_hashes(dir: &Path, tile: TilePath) -> Result<Vec<Hash>, LogError> {
    let expected = u64::from(tile.width) * Hash::LEN as u64;
    let bytes = read(dir, tile, expected)?;
    Hash::many(&bytes).filter(|hashes| hashes.len() == usize::from(tile.width)).ok_or_else(|| {
        LogError::TileForm {
            tile: tile.to_string(),
            what: "its length is not 32 bytes for each hash",
        }
    })
}

/// The bytes of a bundle with as many entries as its path says.
pub(crate) fn read_bundle(dir: &Path, tile: TilePath) -> Result<Vec<u8>, LogError> {
    let bytes = read(dir, tile, bundle::max_bytes(u64::from(tile.width)))?;
    match bundle::entries(&bytes) {
        Some(entries) if entries.len() == usize::from(tile.width) => Ok(bytes),
        _ => Err(LogError::TileForm {
            tile: tile.to_string(),
            what: "it has not the number of entries that its path says",
        }),
    }
}

/// The bytes of a file, one more than `limit` at most.
fn read(dir: &Path, tile: TilePath, limit: u64) -> Result<Vec<u8>, LogError> {
    let path = dir.join(tile.to_string());
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(LogError::io("read", path))?;
    Ok(bytes)
}
