//! The check of a log when it is opened: do its tiles hash to its checkpoint?
//!
//! Every hash tile is read, 32 bytes for each entry; of the entries only those in the last,
//! partial bundle, which the next append copies. The entries before them can't do harm here: the
//! tree has their hashes, and `tidegate-verify` reads them all.

use crate::bundle;
use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::hash::Hash;
use crate::layout::{Row, TILE_WIDTH, TilePath, edge_of, levels_of};
use crate::log_error::LogError;
use crate::tiles::{read_bundle, read_hashes};
use std::path::Path;

/// Reads the edge of the tree that `checkpoint` covers, and checks the whole tree.
pub(crate) fn checked_edge(dir: &Path, checkpoint: &Checkpoint) -> Result<Edge, LogError> {
    let edge = read_edge(dir, checkpoint.size)?;
    let found = edge.root();
    if found != checkpoint.root {
        return Err(blame(dir, &edge, checkpoint.root, found));
    }
    check_tiles(dir, &edge)?;
    check_bundle(&edge)?;
    Ok(edge)
}

/// Checks every full tile against the tile above it, from the top, so that the first one that
/// doesn't fit is the one that is wrong.
pub(crate) fn check_tiles(dir: &Path, edge: &Edge) -> Result<(), LogError> {
    let mut above: Vec<Hash> = Vec::new();
    for level in (0..levels_of(edge.size)).rev() {
        let mut hashes = Vec::new();
        for (index, expected) in above.iter().enumerate() {
            let path = TilePath::full(Row::Level(level), index as u64);
            let tile = read_hashes(dir, path)?;
            let found = Hash::root_of(&tile);
            if found != *expected {
                return Err(LogError::Tile { tile: path.to_string(), expected: *expected, found });
            }
            if level > 0 {
                hashes.extend(tile);
            }
        }
        hashes.extend(edge.rows.get(usize::from(level)).into_iter().flatten());
        above = hashes;
    }
    Ok(())
}

fn read_edge(dir: &Path, size: u64) -> Result<Edge, LogError> {
    let partial = |row| {
        let (index, width) = edge_of(row, size);
        (width > 0).then_some(TilePath { row, index, width: width as u16 })
    };
    let rows = (0..levels_of(size))
        .map(|level| {
            partial(Row::Level(level)).map_or(Ok(Vec::new()), |path| read_hashes(dir, path))
        })
        .collect::<Result<_, _>>()?;
    let bundle = partial(Row::Entries).map_or(Ok(Vec::new()), |path| read_bundle(dir, path))?;
    Ok(Edge { size, bundle, rows })
}

fn check_bundle(edge: &Edge) -> Result<(), LogError> {
    let (index, width) = edge_of(Row::Entries, edge.size);
    let entries = bundle::entries(&edge.bundle).unwrap_or_default();
    let hashes = edge.rows.first().into_iter().flatten();
    for (offset, (entry, expected)) in entries.into_iter().zip(hashes).enumerate() {
        let found = Hash::of_entry(entry);
        if found != *expected {
            let tile = TilePath { row: Row::Entries, index, width: width as u16 }.to_string();
            let index = index * TILE_WIDTH + offset as u64;
            return Err(LogError::Entry { tile, index, expected: *expected, found });
        }
    }
    Ok(())
}

/// Which of the partial tiles is it, when they don't hash to the checkpoint? The one that doesn't
/// fit what lies below it; if all do, it is the checkpoint.
fn blame(dir: &Path, edge: &Edge, expected_root: Hash, found_root: Hash) -> LogError {
    for (level, hashes) in edge.rows.iter().enumerate().skip(1).rev() {
        let (index, width) = edge_of(Row::Level(level as u8), edge.size);
        for (offset, found) in hashes.iter().enumerate() {
            let below =
                TilePath::full(Row::Level(level as u8 - 1), index * TILE_WIDTH + offset as u64);
            let expected = match read_hashes(dir, below) {
                Ok(tile) => Hash::root_of(&tile),
                Err(error) => return error,
            };
            if *found != expected {
                let path = TilePath { row: Row::Level(level as u8), index, width: width as u16 };
                return LogError::Tile { tile: path.to_string(), expected, found: *found };
            }
        }
    }
    let entries = bundle::entries(&edge.bundle).unwrap_or_default();
    let from_entries: Vec<_> = entries.into_iter().map(Hash::of_entry).collect();
    match edge.rows.first() {
        Some(hashes) if *hashes != from_entries => {
            let (index, width) = edge_of(Row::Level(0), edge.size);
            LogError::Tile {
                tile: TilePath { row: Row::Level(0), index, width: width as u16 }.to_string(),
                expected: Hash::root_of(&from_entries),
                found: Hash::root_of(hashes),
            }
        }
        _ => LogError::Root { expected: expected_root, found: found_root },
    }
}
