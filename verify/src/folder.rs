//! A log's folder.

use crate::finding::{Finding, Kind};
use crate::hash::{Hash, in_tile};
use crate::place::{FULL, Place, Row};
use crate::report::Report;
use crate::unreadable::Unreadable;
use crate::{bundle, growing};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A checkpoint is three lines and some signatures, of up to 5 KB each when they are post-quantum.
const MAX_CHECKPOINT_BYTES: u64 = 1 << 20;

/// The deepest path of a tile has ten parts.
const MAX_DEPTH: usize = 12;

/// The files of a log, by row and index; the widths tell full from partial ones.
pub(crate) struct Folder {
    dir: PathBuf,
    files: BTreeMap<(Row, u64), BTreeSet<u64>>,
}

impl Folder {
    /// The checkpoint file's text, to be read before the list of files is made: a log that grows
    /// meanwhile has more than the checkpoint says, and that is no fault.
    pub(crate) fn checkpoint(dir: &Path) -> Result<String, Unreadable> {
        let path = dir.join("checkpoint");
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(MAX_CHECKPOINT_BYTES)
                .read_to_end(&mut bytes)
                .map_err(Unreadable::io(path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && dir.is_dir() => {
                return Err(Unreadable::NotALog(dir.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Unreadable::Io { path: dir.to_owned(), source: error });
            }
            Err(error) => return Err(Unreadable::Io { path, source: error }),
        };
        // What is no UTF-8 won't verify either, with the replacement character in it.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Lists the files. What is none of a log's is a warning; what can't be one is a finding.
    pub(crate) fn list(dir: &Path, report: &mut Report) -> Result<Self, Unreadable> {
        let mut folder = Self { dir: dir.to_owned(), files: BTreeMap::new() };
        folder.add(dir, "", 0, report)?;
        Ok(folder)
    }

    /// The widths of the files that there are of a tile, ascending; 256 is the full one.
    pub(crate) fn widths(&self, row: Row, index: u64) -> Vec<u64> {
        self.files.get(&(row, index)).into_iter().flatten().copied().collect()
    }

    /// Every file that there is.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.files.iter().flat_map(|(&(row, index), widths)| {
            widths.iter().map(move |&width| Place { row, index, width })
        })
    }

    /// The file that has the first `width` items of a tile: of that width, or the full one, which
    /// a log may keep instead.
    pub(crate) fn source(&self, row: Row, index: u64, width: u64) -> Option<Place> {
        let widths = self.files.get(&(row, index))?;
        let width = [width, FULL].into_iter().find(|width| widths.contains(width))?;
        Some(Place { row, index, width })
    }

    /// The bytes of a file, at most one more than the longest that it may be.
    pub(crate) fn read(&self, place: Place) -> Result<Vec<u8>, Unreadable> {
        let limit = match place.row {
            Row::Entries => bundle::MAX_BYTES,
            Row::Hashes(_) => 32 * FULL,
        };
        let path = self.dir.join(place.to_string());
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
            .map_err(Unreadable::io(path))?;
        Ok(bytes)
    }

    /// The first `width` hashes of a tile; `None` when the file is missing or too short.
    pub(crate) fn hashes(
        &self,
        level: u32,
        index: u64,
        width: u64,
    ) -> Result<Option<Vec<Hash>>, Unreadable> {
        let Some(place) = self.source(Row::Hashes(level), index, width) else {
            return Ok(None);
        };
        let mut hashes = in_tile(&self.read(place)?);
        if (hashes.len() as u64) < width {
            return Ok(None);
        }
        hashes.truncate(width as usize);
        Ok(Some(hashes))
    }

    /// The hashes of the entries in a bundle; `None` when it is missing or broken.
    pub(crate) fn entry_hashes(&self, place: Place) -> Result<Option<Vec<Hash>>, Unreadable> {
        let bytes = self.read(place)?;
        Ok(bundle::split(&bytes, place.width)
            .ok()
            .map(|entries| entries.into_iter().map(Hash::entry).collect()))
    }

    /// The bytes of an entry in a log of `size` entries; `None` when they can't be had.
    pub(crate) fn entry(&self, index: u64, size: u64) -> Result<Option<Vec<u8>>, Unreadable> {
        let (tile, offset) = (index / FULL, (index % FULL) as usize);
        let width = Row::Entries.width_at(tile, size);
        let Some(place) = self.source(Row::Entries, tile, width) else {
            return Ok(None);
        };
        let bytes = self.read(place)?;
        let entries = bundle::split(&bytes, place.width).unwrap_or_default();
        Ok(entries.get(offset).map(|entry| entry.to_vec()))
    }

    /// The root that the entries below one hash of a level have.
    pub(crate) fn root_of_entries(
        &self,
        level: u32,
        position: u64,
    ) -> Result<Option<Hash>, Unreadable> {
        if level == 0 {
            return Ok(None);
        }
        let mut children = Vec::new();
        if level == 1 {
            let Some(place) = self.source(Row::Entries, position, FULL) else {
                return Ok(None);
            };
            let Some(hashes) = self.entry_hashes(place)? else {
                return Ok(None);
            };
            children = hashes;
        } else {
            for child in 0..FULL {
                match self.root_of_entries(level - 1, position * FULL + child)? {
                    Some(hash) => children.push(hash),
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(growing::root_over(&children)))
    }

    fn add(
        &mut self,
        dir: &Path,
        prefix: &str,
        depth: usize,
        report: &mut Report,
    ) -> Result<(), Unreadable> {
        let items = fs::read_dir(dir).map_err(Unreadable::io(dir))?;
        for item in items {
            let item = item.map_err(Unreadable::io(dir))?;
            let kind = item.file_type().map_err(Unreadable::io(item.path()))?;
            let path = format!("{prefix}{}", item.file_name().to_string_lossy());
            if kind.is_dir() && depth < MAX_DEPTH {
                self.add(&item.path(), &format!("{path}/"), depth + 1, report)?;
                continue;
            }
            let place = Place::parse(&path);
            if !kind.is_file() && (place.is_some() || path == "checkpoint") {
                let text = "it is a link or something else than a plain file; copy the file itself";
                report.find(Finding::new(Kind::NotAFile, text).at(&path));
            }
            if let Some(place) = place {
                self.files.entry((place.row, place.index)).or_default().insert(place.width);
            } else if path != "checkpoint" && path != ".lock" {
                let text = "it is none of the log's files, and was not looked at";
                report.warn(Finding::new(Kind::UnknownFile, text).at(&path));
            }
        }
        Ok(())
    }
}
