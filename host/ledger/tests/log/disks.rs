//! File systems for tests: one without waiting, and one that writes down what is asked of it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tidegate_ledger::Disk;

/// Writes at once and waits for no disk.
pub(crate) struct FastDisk;

impl Disk for FastDisk {
    fn make_dir(&mut self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn create(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(path, bytes)
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        fs::metadata(path).map(drop)
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}

/// One thing that was asked of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    MakeDir(PathBuf),
    Create(PathBuf, Vec<u8>),
    Replace(PathBuf, Vec<u8>),
    SyncDir(PathBuf),
    RemoveFile(PathBuf),
    RemoveDir(PathBuf),
}

impl Op {
    /// The folder that must be synced before this is durable.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::MakeDir(path)
            | Self::Create(path, _)
            | Self::Replace(path, _)
            | Self::RemoveFile(path)
            | Self::RemoveDir(path) => path.parent(),
            Self::SyncDir(_) => None,
        }
    }
}

/// Keeps a journal of what it did, and refuses one thing if told so.
#[derive(Clone, Default)]
pub(crate) struct JournalDisk {
    journal: Arc<Mutex<Vec<Op>>>,
    refuse: Arc<Mutex<Option<usize>>>,
}

impl JournalDisk {
    /// What was done until now.
    pub(crate) fn journal(&self) -> Vec<Op> {
        self.journal.lock().unwrap().clone()
    }

    /// Refuses the `n`th thing from now on, and no other.
    pub(crate) fn refuse(&self, n: usize) {
        *self.refuse.lock().unwrap() = Some(n);
    }

    fn done(&mut self, op: Op, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut refuse = self.refuse.lock().unwrap();
        match *refuse {
            Some(0) => {
                *refuse = None;
                return Err(io::Error::other("refused by the test"));
            }
            Some(n) => *refuse = Some(n - 1),
            None => {}
        }
        act()?;
        self.journal.lock().unwrap().push(op);
        Ok(())
    }
}

impl Disk for JournalDisk {
    fn make_dir(&mut self, path: &Path) -> io::Result<()> {
        self.done(Op::MakeDir(path.into()), || FastDisk.make_dir(path))
    }

    fn create(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.done(Op::Create(path.into(), bytes.into()), || FastDisk.create(path, bytes))
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.done(Op::Replace(path.into(), bytes.into()), || FastDisk.replace(path, bytes))
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.done(Op::SyncDir(path.into()), || FastDisk.sync_dir(path))
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        self.done(Op::RemoveFile(path.into()), || FastDisk.remove_file(path))
    }

    fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        self.done(Op::RemoveDir(path.into()), || FastDisk.remove_dir(path))
    }
}
