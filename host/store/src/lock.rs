//! The lock that makes one process the writer of a store.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::StoreError;

/// Most bytes of a lock file that are looked at: a process id has at most ten digits.
const MAX_PID_BYTES: u64 = 16;

/// An exclusive `flock` on the file beside the store, held until it is dropped or the process
/// ends, however it ends. The file itself stays: removing it would let two holders lock two files
/// of one name.
#[derive(Debug)]
pub(crate) struct StoreLock {
    file: File,
}

impl StoreLock {
    /// Takes the lock of the store at `store`, or says who has it. Never waits.
    pub(crate) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let failed = |action, source| StoreError::Io { action, path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| failed("open the lock file", source))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StoreError::Locked {
                    path: store.to_path_buf(),
                    holder: read_pid(&mut file),
                });
            }
            Err(errno) => return Err(failed("lock", errno.into())),
        }
        write_pid(&mut file).map_err(|source| failed("write the process id to", source))?;
        Ok(Self { file })
    }
}

impl Drop for StoreLock {
    fn drop(&mut self) {
        // The id is a courtesy to whoever is refused; a stale one does no harm beyond a wrong hint.
        // It goes first, since after the unlocking it may be the next holder's.
        let _ = self.file.set_len(0);
        // Closing alone isn't enough: a process that another thread is just starting has a copy of
        // the descriptor until it runs its own program, and the lock lives as long as any copy. If
        // this fails, closing still unlocks, a moment later.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(MAX_PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", process::id())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::fs;

    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        let first = StoreLock::take(&store).unwrap();
        let StoreError::Locked { path, holder } = StoreLock::take(&store).unwrap_err() else {
            panic!("expected a held lock");
        };
        assert_eq!((path, holder), (store.clone(), Some(process::id())));
        drop(first);
        StoreLock::take(&store).unwrap();
    }

    #[test]
    fn a_copy_of_the_descriptor_in_a_process_being_started_keeps_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        let held = StoreLock::take(&store).unwrap();
        let _copy = held.file.try_clone().unwrap();
        drop(held);
        StoreLock::take(&store).unwrap();
    }

    #[test]
    fn what_a_killed_holder_left_behind_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        fs::write(lock_path(&store), "4294967295 and more than a pid\n").unwrap();
        let _held = StoreLock::take(&store).unwrap();
        let text = fs::read_to_string(lock_path(&store)).unwrap();
        assert_eq!(text, format!("{}\n", process::id()));
    }

    #[test]
    fn a_lock_file_without_a_pid_still_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        let _held = StoreLock::take(&store).unwrap();
        fs::write(lock_path(&store), "?").unwrap();
        let error = StoreLock::take(&store).unwrap_err();
        assert!(matches!(error, StoreError::Locked { holder: None, .. }));
        assert!(error.to_string().contains("another process has it open"));
    }
}
