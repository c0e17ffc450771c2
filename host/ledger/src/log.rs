//! The log on disk.

use crate::bundle;
use crate::check::{check_tiles, checked_edge};
use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, RealDisk, parent_of};
use crate::edge::{Edge, NewTile};
use crate::hash::Hash;
use crate::key::LogKey;
use crate::layout::{Row, TILE_WIDTH, TilePath, edge_of};
use crate::leaf::Leaf;
use crate::lock::Lock;
use crate::log_error::LogError;
use crate::note::SignedNote;
use crate::proof;
use crate::sweep::{remove_partials, sweep};
use crate::tiles::{Tiles, read_bundle};
use crate::verifier_key::VerifierKey;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

const CHECKPOINT_FILE: &str = "checkpoint";

/// Held while a log is open. Its name tells a reader that it is none of the log's files.
const LOCK_FILE: &str = ".lock";

/// Three lines and a signature; witnesses add theirs, of some 100 bytes or, post-quantum, 3 KB.
const MAX_CHECKPOINT_BYTES: u64 = 256 << 10;

/// A log, open for writing. One process at a time has it open.
///
/// The files of an append are durable before its checkpoint is signed and written. What a
/// checkpoint covered is never written again: a crash at any instruction leaves the log at its
/// last checkpoint or at the next one.
///
/// The caller's store is the truth and the log follows it: after a crash the caller gives the
/// same leaves again ([`Log::append_from`]). A caller that has none must not append other leaves
/// after an append that failed, because a checkpoint over the first may have been signed.
pub struct Log {
    dir: PathBuf,
    key: LogKey,
    disk: Box<dyn Disk>,
    edge: Edge,
    checkpoint: SignedNote,
    state: State,
    /// Folders whose own names are known to be durable.
    durable: BTreeSet<PathBuf>,
    _lock: Lock,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The index of the first leaf given.
    pub first: u64,
    /// How many of the leaves were in the log already.
    pub skipped: u64,
    /// How many were added.
    pub added: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing lies on disk that no checkpoint covers.
    Swept,
    /// There may be files that no checkpoint covers.
    Unswept,
    /// The checkpoint on disk may be the one in memory or the next one.
    Unsure,
}

impl Log {
    /// Whether there is a log in the folder.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        dir.join(CHECKPOINT_FILE).exists()
    }

    /// Begins a log: makes the folder if need be, and signs the checkpoint of the empty tree.
    /// `origin` is the log's name and the key's.
    ///
    /// # Errors
    /// When the folder has files in it, can't be written, or the names differ.
    pub fn create(dir: &Path, origin: &str, key: LogKey) -> Result<Self, LogError> {
        check_origin("the key's name", key.name().as_str(), origin)?;
        fs::create_dir_all(dir).map_err(LogError::io("create", dir))?;
        let lock = take_lock(dir)?;
        // An interrupted creation leaves nothing but the lock and a file in the making.
        let is_begun = fs::read_dir(dir).map_err(LogError::io("list", dir))?.any(|item| {
            item.is_ok_and(|item| !item.file_name().to_string_lossy().starts_with('.'))
        });
        if is_begun {
            return Err(LogError::NotEmpty(dir.to_owned()));
        }
        let edge = Edge::default();
        let empty = Checkpoint { origin: key.name().clone(), size: 0, root: edge.root() };
        let note = empty.sign(&key)?;
        RealDisk
            .replace(&dir.join(CHECKPOINT_FILE), note.as_str().as_bytes())
            .and_then(|()| RealDisk.sync_dir(dir))
            .and_then(|()| RealDisk.sync_dir(parent_of(dir)))
            .map_err(LogError::io("write checkpoint in", dir))?;
        Ok(Self::new(dir, key, Box::new(RealDisk), edge, note, lock))
    }

    /// Opens a log, and checks that its tiles hash to its checkpoint (not all the entries; that
    /// is `tidegate-verify`'s work). Nothing on disk is changed until the first append.
    ///
    /// # Errors
    /// When there is no log, another process has it, the key isn't its key, or it is damaged.
    pub fn open(dir: &Path, origin: &str, key: LogKey) -> Result<Self, LogError> {
        Self::open_on(dir, origin, key, Box::new(RealDisk))
    }

    /// [`Log::open`], with a file system of the caller's.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_on(
        dir: &Path,
        origin: &str,
        key: LogKey,
        mut disk: Box<dyn Disk>,
    ) -> Result<Self, LogError> {
        check_origin("the key's name", key.name().as_str(), origin)?;
        if !Self::exists(dir) {
            return Err(LogError::NoLog(dir.to_owned()));
        }
        let lock = take_lock(dir)?;
        let text = read_checkpoint(dir)?;
        let (checkpoint, note) = Checkpoint::verify(&text, key.verifier())
            .map_err(|source| LogError::Checkpoint { what: "stored", source })?;
        check_origin("the checkpoint's origin", checkpoint.origin.as_str(), origin)?;
        let edge = checked_edge(dir, &checkpoint)?;
        // A checkpoint that was read may not be durable yet, and from here on it is given out.
        disk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
        Ok(Self::new(dir, key, disk, edge, note, lock))
    }

    /// The number of entries under the checkpoint.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size
    }

    /// The root of the tree under the checkpoint.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The key that verifies the log.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The signed checkpoint, as it lies on disk.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        self.checkpoint.as_str()
    }

    /// Appends leaves. They are durable and under a checkpoint when this returns the index of the
    /// first one.
    ///
    /// # Errors
    /// When they can't be written. The log is then as it was, or [`LogError::Unsure`] from the
    /// next append on until it is opened again.
    pub fn append(&mut self, leaves: &[Leaf]) -> Result<u64, LogError> {
        self.append_from(self.edge.size, leaves).map(|appended| appended.first)
    }

    /// Appends leaves, the first of which is entry `first`. Those that are in the log already are
    /// skipped, so that giving leaves again does nothing.
    ///
    /// # Errors
    /// When an entry in the log is another one, entries between the log's last and `first` are
    /// missing, or as [`Log::append`]. Nothing is written then.
    pub fn append_from(&mut self, first: u64, leaves: &[Leaf]) -> Result<Appended, LogError> {
        if self.state == State::Unsure {
            return Err(LogError::Unsure);
        }
        let size = self.edge.size;
        if first > size {
            return Err(LogError::Gap { first, size });
        }
        let skipped = (size - first).min(leaves.len() as u64);
        let (known, new) = leaves.split_at(skipped as usize);
        let mut tiles = Tiles::new(&self.dir, &self.edge);
        for (index, leaf) in (first..).zip(known) {
            let (expected, found) = (leaf.hash(), tiles.leaf(index)?);
            if found != expected {
                return Err(LogError::Conflict { index, expected, found });
            }
        }
        if !new.is_empty() {
            self.write(new)?;
        }
        Ok(Appended { first, skipped, added: new.len() as u64 })
    }

    /// The bytes of an entry, checked against the tree.
    ///
    /// # Errors
    /// When there is no such entry, or it is damaged.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        self.check_index(index)?;
        let (full, width) = edge_of(Row::Entries, self.edge.size);
        let tile = index / TILE_WIDTH;
        let read;
        let (path, bundle) = if tile == full {
            let path = TilePath { row: Row::Entries, index: tile, width: width as u16 };
            (path, &self.edge.bundle)
        } else {
            let path = TilePath::full(Row::Entries, tile);
            read = read_bundle(&self.dir, path)?;
            (path, &read)
        };
        let entries = bundle::entries(bundle).unwrap_or_default();
        let entry = entries.get((index % TILE_WIDTH) as usize).copied().unwrap_or_default();
        let expected = Tiles::new(&self.dir, &self.edge).leaf(index)?;
        let found = Hash::of_entry(entry);
        if found != expected {
            return Err(LogError::Entry { tile: path.to_string(), index, expected, found });
        }
        Ok(entry.to_vec())
    }

    /// The proof that an entry is under the present checkpoint, as one C2SP `tlog-proof` file with
    /// the entry in it.
    ///
    /// # Errors
    /// When there is no such entry, or the log is damaged.
    pub fn inclusion_proof(&self, index: u64) -> Result<String, LogError> {
        let entry = self.entry(index)?;
        let mut tiles = Tiles::new(&self.dir, &self.edge);
        let path = proof::inclusion(index, self.edge.size, &mut |from, to| tiles.root(from, to))?;
        let hash = Hash::of_entry(&entry);
        let expected = self.root();
        if proof::root_by_inclusion(index, self.edge.size, hash, &path) != Some(expected) {
            // A tile was changed since the log was opened; this says which one.
            check_tiles(&self.dir, &self.edge)?;
            return Err(LogError::Root { expected, found: hash });
        }
        Ok(proof::text(index, &entry, &path, self.checkpoint.as_str()))
    }

    /// The proof that the log extends its own first `old` entries (RFC 6962, section 2.1.2).
    ///
    /// # Errors
    /// When the log is smaller than that, or damaged.
    pub fn consistency_proof(&self, old: u64) -> Result<Vec<Hash>, LogError> {
        let size = self.edge.size;
        if old > size {
            return Err(LogError::RolledBack { saved: old, size });
        }
        let mut tiles = Tiles::new(&self.dir, &self.edge);
        proof::consistency(old, size, &mut |from, to| tiles.root(from, to))
    }

    /// Checks that the log extends a checkpoint of its own that was saved elsewhere, such as in a
    /// Gerrit message. To be asked before the first append: that clears away what the present
    /// checkpoint doesn't cover.
    ///
    /// # Errors
    /// When the checkpoint isn't signed by the log's key, or the log was rolled back or rewritten.
    pub fn check_extends(&self, saved: &str) -> Result<(), LogError> {
        let (saved, _) = Checkpoint::verify(saved, self.key.verifier())
            .map_err(|source| LogError::Checkpoint { what: "saved", source })?;
        check_origin("the saved origin", saved.origin.as_str(), self.key.name().as_str())?;
        let size = self.edge.size;
        if saved.size > size {
            return Err(LogError::RolledBack { saved: saved.size, size });
        }
        let found = Tiles::new(&self.dir, &self.edge).root(0, saved.size)?;
        if found != saved.root {
            return Err(LogError::Rewritten { size: saved.size, expected: saved.root, found });
        }
        Ok(())
    }

    fn new(
        dir: &Path,
        key: LogKey,
        disk: Box<dyn Disk>,
        edge: Edge,
        checkpoint: SignedNote,
        lock: Lock,
    ) -> Self {
        let dir = dir.to_owned();
        let durable = BTreeSet::new();
        Self { dir, key, disk, edge, checkpoint, state: State::Unswept, durable, _lock: lock }
    }

    /// Tiles, their folders, the checkpoint: in this order, each durable before the next.
    fn write(&mut self, leaves: &[Leaf]) -> Result<(), LogError> {
        if self.state == State::Unswept {
            sweep(&self.dir, self.edge.size, &mut *self.disk)?;
            self.durable.clear();
        }
        self.state = State::Unswept;
        let mut edge = self.edge.clone();
        let mut full = Vec::new();
        let mut dirs = BTreeSet::new();
        for leaf in leaves {
            for tile in edge.push(leaf.bytes()) {
                self.write_tile(&tile, &mut dirs)?;
                full.push(tile.path);
            }
        }
        for tile in edge.new_partials(self.edge.size) {
            self.write_tile(&tile, &mut dirs)?;
        }
        self.sync_dirs(dirs)?;

        let origin = self.key.name().clone();
        let checkpoint = Checkpoint { origin, size: edge.size, root: edge.root() };
        let note = checkpoint.sign(&self.key)?;
        self.state = State::Unsure;
        let path = self.dir.join(CHECKPOINT_FILE);
        self.disk
            .replace(&path, note.as_str().as_bytes())
            .and_then(|()| self.disk.sync_dir(&self.dir))
            .map_err(LogError::io("write", path))?;
        self.edge = edge;
        self.checkpoint = note;

        // The leaves are in the log. What is left over does no harm and is cleared away later.
        let is_swept =
            full.into_iter().all(|tile| remove_partials(&self.dir, tile, &mut *self.disk).is_ok());
        self.state = if is_swept { State::Swept } else { State::Unswept };
        Ok(())
    }

    /// Writes a tile, and adds its folder to those that must be synced.
    fn write_tile(&mut self, tile: &NewTile, dirs: &mut BTreeSet<PathBuf>) -> Result<(), LogError> {
        let path = self.dir.join(tile.path.to_string());
        let parent = path.parent().unwrap_or(&self.dir).to_owned();
        if !dirs.contains(&parent) {
            for dir in self.not_durable(&parent) {
                self.disk.make_dir(&dir).map_err(LogError::io("create", dir))?;
            }
        }
        self.disk.create(&path, &tile.bytes).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => LogError::InTheWay(path.clone()),
            _ => LogError::Io { what: "write", path: path.clone(), source: error },
        })?;
        dirs.insert(parent);
        Ok(())
    }

    /// Makes the names in these folders durable, and the folders' own up to the log's.
    fn sync_dirs(&mut self, dirs: BTreeSet<PathBuf>) -> Result<(), LogError> {
        let new: BTreeSet<_> = dirs.iter().flat_map(|dir| self.not_durable(dir)).collect();
        let parents = new.iter().filter_map(|dir| dir.parent()).map(Path::to_owned);
        let all: BTreeSet<_> = dirs.into_iter().chain(parents).collect();
        // Longer paths first: a folder's content before its name.
        for dir in all.iter().rev() {
            self.disk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
        }
        self.durable.extend(new);
        Ok(())
    }

    /// `dir` and the folders above it, below the log's, whose names may not be durable; those
    /// further up first.
    fn not_durable(&self, dir: &Path) -> Vec<PathBuf> {
        let mut found: Vec<_> = dir
            .ancestors()
            .take_while(|above| *above != self.dir && !self.durable.contains(*above))
            .map(Path::to_owned)
            .collect();
        found.reverse();
        found
    }

    fn check_index(&self, index: u64) -> Result<(), LogError> {
        let size = self.edge.size;
        if index < size { Ok(()) } else { Err(LogError::NoEntry { index, size }) }
    }
}

fn take_lock(dir: &Path) -> Result<Lock, LogError> {
    let path = dir.join(LOCK_FILE);
    Lock::take(&path)
        .map_err(LogError::io("lock", path))?
        .ok_or_else(|| LogError::Locked(dir.to_owned()))
}

fn read_checkpoint(dir: &Path) -> Result<String, LogError> {
    let path = dir.join(CHECKPOINT_FILE);
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_CHECKPOINT_BYTES).read_to_string(&mut text))
        .map_err(LogError::io("read", path))?;
    Ok(text)
}

fn check_origin(what: &'static str, found: &str, expected: &str) -> Result<(), LogError> {
    if found == expected {
        return Ok(());
    }
    Err(LogError::Origin { what, found: found.to_owned(), expected: expected.to_owned() })
}
