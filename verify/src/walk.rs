//! The way through all entries, from the first to the last, which recomputes the tree.

use crate::bundle;
use crate::entry::Entry;
use crate::finding::{Finding, Kind};
use crate::folder::Folder;
use crate::growing::{Growing, root_over};
use crate::hash::{Hash, in_tile};
use crate::place::{FULL, Place, Row};
use crate::report::Report;
use crate::unreadable::Unreadable;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Clocks are corrected now and then; more than this backwards is worth a look.
const CLOCK_TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// The tree over the entries of a log.
pub(crate) struct Walk<'a> {
    folder: &'a Folder,
    size: u64,
    tree: Growing,
    /// By level, the hashes of the tile that is being filled.
    rows: Vec<Vec<Hash>>,
    /// The sizes at which the root is wanted.
    wanted: BTreeSet<u64>,
    latest_ms: u64,
    result: Walked,
}

/// What a walk found out.
#[derive(Default)]
pub(crate) struct Walked {
    /// The root of all entries; `None` when there was no getting to the end.
    pub(crate) root: Option<Hash>,
    /// The roots at the sizes wanted.
    pub(crate) roots: BTreeMap<u64, Hash>,
    /// Files that don't agree with the entries. Which of the two is right is not known here.
    pub(crate) differing: Vec<Differing>,
}

/// A file that does not agree with the entries at one place of it, the first.
pub(crate) struct Differing {
    pub(crate) place: Place,
    /// The place in the file.
    pub(crate) offset: u64,
    /// What the entries have there.
    pub(crate) of_entries: Hash,
    /// What the file has there, if anything.
    pub(crate) of_file: Option<Hash>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(folder: &'a Folder, size: u64, wanted: BTreeSet<u64>) -> Self {
        let (tree, rows) = (Growing::default(), Vec::new());
        Self { folder, size, tree, rows, wanted, latest_ms: 0, result: Walked::default() }
    }

    /// Goes through all bundles; `progress` is told how many entries are done.
    pub(crate) fn run(
        mut self,
        report: &mut Report,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Walked, Unreadable> {
        self.note_root();
        for index in 0..self.size.div_ceil(FULL) {
            let Some(hashes) = self.bundle(index, report)? else {
                let text = "neither this bundle nor the tile of its hashes can be read, so the root can't be computed";
                let place = Place { row: Row::Entries, index, width: self.width(index) };
                report.find(Finding::new(Kind::Unfinished, text).at(place).entry(index * FULL));
                return Ok(self.result);
            };
            for hash in hashes {
                self.push(hash, report)?;
            }
            progress(self.tree.size());
        }
        for level in 0..self.rows.len() {
            if !self.rows[level].is_empty() {
                self.close(level, report)?;
            }
        }
        self.result.root = Some(self.tree.root());
        Ok(self.result)
    }

    fn width(&self, index: u64) -> u64 {
        Row::Entries.width_at(index, self.size)
    }

    /// The hashes of a bundle's entries, or of its tile when it is broken.
    fn bundle(&mut self, index: u64, report: &mut Report) -> Result<Option<Vec<Hash>>, Unreadable> {
        let width = self.width(index);
        let Some(source) = self.folder.source(Row::Entries, index, width) else {
            let place = Place { row: Row::Entries, index, width };
            let text = "this bundle of entries is missing";
            report.find(Finding::new(Kind::BundleMissing, text).at(place).entry(index * FULL));
            return self.folder.hashes(0, index, width);
        };
        let bytes = self.folder.read(source)?;
        let entries = match bundle::split(&bytes, source.width) {
            Ok(entries) => entries,
            Err(what) => {
                let finding = Finding::new(Kind::BundleBroken, what).at(source);
                report.find(finding.entry(index * FULL));
                return self.folder.hashes(0, index, width);
            }
        };
        let entries = &entries[..width as usize];
        let hashes: Vec<_> = entries.iter().map(|entry| Hash::entry(entry)).collect();
        for (number, entry) in (index * FULL..).zip(entries) {
            self.check_entry(number, entry, source, report);
        }
        for smaller in self.folder.widths(Row::Entries, index) {
            if smaller < width {
                let place = Place { row: Row::Entries, index, width: smaller };
                self.compare_bundle(place, &hashes, &bytes, report)?;
            }
        }
        Ok(Some(hashes))
    }

    fn check_entry(&mut self, number: u64, bytes: &[u8], place: Place, report: &mut Report) {
        match Entry::read(bytes) {
            Ok(entry) => {
                let earlier = self.latest_ms.saturating_sub(entry.time);
                if earlier > CLOCK_TOLERANCE_MS {
                    let text = format!(
                        "entry {number} is dated {earlier} ms before an entry that stands before it"
                    );
                    report.warn(Finding::new(Kind::TimeWentBack, text).at(place).entry(number));
                }
                self.latest_ms = self.latest_ms.max(entry.time);
            }
            Err(error) => {
                let text = format!("entry {number} breaks a rule: {error}");
                report.find(Finding::new(Kind::EntryRule, text).at(place).entry(number));
            }
        }
    }

    /// An older, smaller bundle has the first entries of the present one.
    fn compare_bundle(
        &mut self,
        place: Place,
        hashes: &[Hash],
        present: &[u8],
        report: &mut Report,
    ) -> Result<(), Unreadable> {
        let Some(bytes) = self.read_older(place)? else {
            return Ok(());
        };
        let entries = match bundle::split(&bytes, place.width) {
            Ok(_) if present.starts_with(&bytes) => return Ok(()),
            Ok(entries) => entries,
            Err(what) => {
                let finding = Finding::new(Kind::BundleBroken, what).at(place);
                report.find(finding.entry(place.index * FULL));
                return Ok(());
            }
        };
        let found: Vec<_> = entries.into_iter().map(Hash::entry).collect();
        self.differ(place, &hashes[..place.width as usize], &found);
        Ok(())
    }

    fn push(&mut self, hash: Hash, report: &mut Report) -> Result<(), Unreadable> {
        self.tree.push(hash);
        self.note_root();
        let mut hash = hash;
        for level in 0.. {
            if self.rows.len() == level {
                self.rows.push(Vec::new());
            }
            self.rows[level].push(hash);
            if (self.rows[level].len() as u64) < FULL {
                break;
            }
            hash = self.close(level, report)?;
        }
        Ok(())
    }

    fn note_root(&mut self) {
        if self.wanted.contains(&self.tree.size()) {
            self.result.roots.insert(self.tree.size(), self.tree.root());
        }
    }

    /// Compares a tile that is complete, or the last one of its level, with each of its files.
    fn close(&mut self, level: usize, report: &mut Report) -> Result<Hash, Unreadable> {
        let hashes = std::mem::take(&mut self.rows[level]);
        let row = Row::Hashes(level as u32);
        // A hash of this level stands for so many entries that there is one exactly here.
        let index = ((self.tree.size() >> (8 * level)) - 1) / FULL;
        let width = hashes.len() as u64;
        match self.folder.source(row, index, width) {
            Some(source) => self.compare_tile(source, &self.folder.read(source)?, &hashes),
            None => {
                let place = Place { row, index, width };
                let text = "this tile of hashes is missing";
                report.find(Finding::new(Kind::TileMissing, text).at(place));
            }
        }
        for smaller in self.folder.widths(row, index) {
            if smaller < width {
                let place = Place { row, index, width: smaller };
                if let Some(bytes) = self.read_older(place)? {
                    self.compare_tile(place, &bytes, &hashes);
                }
            }
        }
        Ok(root_over(&hashes))
    }

    fn compare_tile(&mut self, place: Place, bytes: &[u8], hashes: &[Hash]) {
        let width = hashes.len().min(place.width as usize);
        let found = in_tile(bytes);
        self.differ(place, &hashes[..width], &found[..found.len().min(width)]);
        if bytes.len() as u64 != 32 * place.width {
            self.result.differing.push(Differing {
                place,
                offset: found.len() as u64,
                of_entries: root_over(&hashes[..width]),
                of_file: None,
            });
        }
    }

    fn differ(&mut self, place: Place, of_entries: &[Hash], of_file: &[Hash]) {
        let mut both = of_entries.iter().zip(of_file);
        if let Some(offset) = both.position(|(one, other)| one != other) {
            self.result.differing.push(Differing {
                place,
                offset: offset as u64,
                of_entries: of_entries[offset],
                of_file: Some(of_file[offset]),
            });
        }
    }

    /// The bytes of a partial file that the checkpoint needs no more: it may go away while the
    /// log is looked at, once the full one is there.
    fn read_older(&self, place: Place) -> Result<Option<Vec<u8>>, Unreadable> {
        match self.folder.read(place) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Unreadable::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
