//! Which file or entry is wrong?
//!
//! The checkpoint's root is signed, so whatever hashes to it is right. If the entries do, every
//! file that disagrees with them is wrong. If the tiles at the right edge do, they are right, and
//! from there each tile shows what those below it must hash to, down to the single entry. If
//! neither does, nobody can tell.

use crate::finding::{Finding, Kind};
use crate::folder::Folder;
use crate::growing::root_over;
use crate::hash::{Hash, in_tile};
use crate::place::{FULL, Place, Row};
use crate::report::Report;
use crate::unreadable::Unreadable;
use crate::walk::{Differing, Walked};

/// Reports what is wrong, if the walk's root is not the signed one or some files differ.
pub(crate) fn judge(
    folder: &Folder,
    size: u64,
    root: Hash,
    walked: &Walked,
    report: &mut Report,
) -> Result<(), Unreadable> {
    if walked.root == Some(root) {
        for differing in &walked.differing {
            report.find(changed(differing));
        }
        return Ok(());
    }
    let edge = signed_edge(folder, size, root)?;
    for (place, hashes) in edge.iter().flatten() {
        descend(folder, *place, hashes, report)?;
    }
    let is_explained = report.findings.iter().any(|finding| is_cause(finding.kind));
    if edge.is_none() || (walked.root.is_some() && !is_explained) {
        let text = "neither the entries nor the tiles hash to the signed root";
        let found = walked.root.map_or("nothing".to_owned(), |root| root.to_string());
        report.find(Finding::new(Kind::RootDiffers, text).at("checkpoint").hashes(root, found));
        for differing in &walked.differing {
            let mut finding = changed(differing);
            finding.text.push_str(", or the entries aren't; nothing signed tells which");
            report.find(finding);
        }
    }
    Ok(())
}

/// Whether a finding explains a wrong root.
fn is_cause(kind: Kind) -> bool {
    matches!(kind, Kind::EntryChanged | Kind::RangeChanged | Kind::TileChanged)
}

/// A file that differs from entries that are right.
fn changed(differing: &Differing) -> Finding {
    let Differing { place, offset, of_entries, of_file } = differing;
    match (place.row, of_file) {
        (Row::Entries, Some(found)) => entry_changed(*place, *offset, of_entries, found),
        (_, Some(found)) => tile_changed(*place, *offset, of_entries, found),
        (_, None) => wrong_length(*place),
    }
}

fn wrong_length(place: Place) -> Finding {
    let text = format!("it is not {} bytes long, 32 for each of its hashes", place.width * 32);
    Finding::new(Kind::TileChanged, text).at(place)
}

fn entry_changed(place: Place, offset: u64, expected: &Hash, found: &Hash) -> Finding {
    let index = place.index * FULL + offset;
    let text = format!("entry {index} is not the one that was logged");
    Finding::new(Kind::EntryChanged, text).at(place).entry(index).hashes(expected, found)
}

fn tile_changed(place: Place, offset: u64, expected: &Hash, found: &Hash) -> Finding {
    let text = format!("hash {offset} of this tile is not the tree's");
    Finding::new(Kind::TileChanged, text).at(place).hashes(expected, found)
}

/// The last tiles of a tree, one for each level that has a partial one, with their hashes.
type Edge = Vec<(Place, Vec<Hash>)>;

/// The last tile of each level, when they hash to the signed root.
fn signed_edge(folder: &Folder, size: u64, root: Hash) -> Result<Option<Edge>, Unreadable> {
    let mut edge = Vec::new();
    let mut right: Option<Hash> = None;
    for level in 0..8 {
        let items = size >> (8 * level);
        let (index, width) = (items / FULL, items % FULL);
        if width == 0 {
            continue;
        }
        let Some(hashes) = folder.hashes(level, index, width)? else {
            return Ok(None);
        };
        let place = Place { row: Row::Hashes(level), index, width };
        let with_right: Vec<_> = hashes.iter().copied().chain(right).collect();
        right = Some(root_over(&with_right));
        edge.push((place, hashes));
    }
    Ok((right == Some(root)).then_some(edge))
}

/// `hashes` are those that the tile at `place` must have. Checks all files below.
fn descend(
    folder: &Folder,
    place: Place,
    hashes: &[Hash],
    report: &mut Report,
) -> Result<(), Unreadable> {
    let Place { row, index, .. } = place;
    for width in folder.widths(row, index) {
        let place = Place { row, index, width };
        let bytes = folder.read(place)?;
        compare(place, hashes, &in_tile(&bytes), report);
        if bytes.len() as u64 != 32 * width {
            report.find(wrong_length(place));
        }
    }
    let Row::Hashes(level) = row else {
        return Ok(());
    };
    if level == 0 {
        for width in folder.widths(Row::Entries, index) {
            let place = Place { row: Row::Entries, index, width };
            // A broken bundle has its finding already.
            let found = folder.entry_hashes(place)?.unwrap_or_default();
            compare(place, hashes, &found, report);
        }
        return Ok(());
    }
    for (position, expected) in (index * FULL..).zip(hashes) {
        let child = Place { row: Row::Hashes(level - 1), index: position, width: FULL };
        let found = match folder.hashes(level - 1, position, FULL)? {
            Some(below) if root_over(&below) == *expected => {
                descend(folder, child, &below, report)?;
                continue;
            }
            Some(below) => root_over(&below).to_string(),
            None => "no whole tile".to_owned(),
        };
        let text = "this tile does not hash to what the tree has for it";
        report.find(Finding::new(Kind::TileChanged, text).at(child).hashes(expected, found));
        if folder.root_of_entries(level, position)? != Some(*expected) {
            let count = 1_u64 << (8 * level);
            let first = position * count;
            let text = format!(
                "entries {first} to {} are not all those that were logged; which ones can't be told without the tile",
                first + count - 1
            );
            report.find(Finding::new(Kind::RangeChanged, text).at(child).entry(first));
        }
    }
    Ok(())
}

/// Reports the hashes of a file that aren't the expected ones; of a tile the first one is enough.
fn compare(place: Place, expected: &[Hash], found: &[Hash], report: &mut Report) {
    let both = (0..).zip(expected.iter().zip(found)).filter(|(_, (one, other))| one != other);
    for (offset, (expected, found)) in both {
        if place.row == Row::Entries {
            report.find(entry_changed(place, offset, expected, found));
        } else {
            report.find(tile_changed(place, offset, expected, found));
            break;
        }
    }
}
