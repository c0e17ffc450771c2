//! A disk that can lose power: what was asked of it, and what of that is still there.

use crate::disks::Op;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The names and contents below one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct World {
    dirs: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl World {
    /// What is in `dir` now, the lock left out.
    pub(crate) fn of(dir: &Path) -> Self {
        let mut world = Self::default();
        world.add(dir);
        world
    }

    /// The world after `journal`, of which everything is lost that was not made durable by a sync
    /// of its folder and that `survives` doesn't save. Ordering between folders is not assumed.
    pub(crate) fn after(&self, journal: &[Op], survives: impl Fn(usize) -> bool) -> Self {
        let mut world = self.clone();
        for (at, op) in journal.iter().enumerate() {
            let is_synced = op.folder().is_some_and(|folder| {
                journal[at..].iter().any(|later| *later == Op::SyncDir(folder.to_owned()))
            });
            if is_synced || survives(at) {
                world.apply(op);
            }
        }
        world
    }

    /// Makes `dir` hold exactly this world.
    pub(crate) fn restore(&self, dir: &Path) {
        for item in fs::read_dir(dir).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
        for path in &self.dirs {
            fs::create_dir_all(path).unwrap();
        }
        for (path, bytes) in &self.files {
            fs::write(path, bytes).unwrap();
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::MakeDir(path) if self.has_folder_of(path) => {
                self.dirs.insert(path.clone());
            }
            Op::Create(path, bytes) | Op::Replace(path, bytes) if self.has_folder_of(path) => {
                self.files.insert(path.clone(), bytes.clone());
            }
            // What lies in a lost folder is lost with it.
            Op::MakeDir(_) | Op::Create(..) | Op::Replace(..) | Op::SyncDir(_) => {}
            Op::RemoveFile(path) => {
                self.files.remove(path);
            }
            Op::RemoveDir(path) => {
                self.dirs.retain(|dir| !dir.starts_with(path));
                self.files.retain(|file, _| !file.starts_with(path));
            }
        }
    }

    fn has_folder_of(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.dirs.contains(parent))
    }

    fn add(&mut self, dir: &Path) {
        self.dirs.insert(dir.to_owned());
        for item in fs::read_dir(dir).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                self.add(&path);
            } else if !path.ends_with(".lock") {
                self.files.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
}
