//! The writing half: one process, one connection.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StoreError;
use crate::changes::Changes;
use crate::connection::{make_file, make_folder, open_writer, set_up_writer};
use crate::error::Failure;
use crate::lock::StoreLock;
use crate::migration::{check_openable, migrate};
use crate::reader::{Reader, absolute};

/// A store, open for writing. Reads whatever its [`Reader`] reads.
///
/// Writers wait for each other: one transaction at a time, in the order of the disk. Readers wait
/// for nobody.
#[derive(Debug)]
pub struct Store {
    // Fields drop in this order: connections first, then the lock that guards them.
    reader: Reader,
    writer: Mutex<Connection>,
    pub(crate) changes: Changes,
    _lock: StoreLock,
}

/// How a transaction ends that found no error.
#[derive(Debug)]
pub(crate) enum Ending<T> {
    /// What was written stays.
    Commit(T),
    /// Nothing was written, or nothing of it may stay.
    Abandon(T),
}

impl Store {
    /// Opens the store at `path` and makes it unless it is there: the folder for its owner alone
    /// (0700), the file likewise (0600). Runs the migrations that are missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder's process id while another one has it open; a store
    /// of a newer schema or of another program; a file that others may open; a damaged file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = absolute(path.as_ref())?;
        make_folder(&path)?;
        let lock = StoreLock::take(&path)?;
        make_file(&path)?;
        let writer = prepare(&path).map_err(|failure| failure.during("open the store", &path))?;
        Ok(Self {
            reader: Reader::of(path),
            writer: Mutex::new(writer),
            changes: Changes::default(),
            _lock: lock,
        })
    }

    /// Opens a store to read, also beside a running `serve`; the same as [`Reader::open`].
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Reader, StoreError> {
        Reader::open(path)
    }

    /// The reading half, to give to whoever must not write.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Runs `work` in a transaction that is on disk when this returns `Ok` of a commit. An error
    /// leaves nothing behind.
    pub(crate) fn write<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<Ending<T>, Failure>,
    ) -> Result<T, StoreError> {
        // A panic within `work` rolled its transaction back, so the connection is sound.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        transact(&mut writer, work).map_err(|failure| failure.during(action, self.reader.path()))
    }
}

impl Deref for Store {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

fn prepare(path: &Path) -> Result<Connection, Failure> {
    let mut connection = open_writer(path)?;
    check_openable(&connection, path)?;
    set_up_writer(&connection, path)?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<Ending<T>, Failure>,
) -> Result<T, Failure> {
    // Immediate: a transaction that began by reading could otherwise fail when it comes to write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match work(&transaction)? {
        Ending::Commit(value) => {
            transaction.commit()?;
            Ok(value)
        }
        Ending::Abandon(value) => {
            transaction.rollback()?;
            Ok(value)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process;

    use rstest::rstest;

    use super::*;
    use crate::{RawEvent, SCHEMA_VERSION};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn append(store: &Store, bodies: usize) {
        let events: Vec<_> =
            (0..bodies).map(|_| RawEvent { position: None, body: vec![b'x'; 1_000] }).collect();
        store.append_events("journal", &events, 1).unwrap();
    }

    #[test]
    fn writer_and_reader_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Store>();
        shared::<Reader>();
    }

    #[test]
    fn what_it_makes_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deeper/store.db");
        let store = Store::open(&path).unwrap();
        append(&store, 1);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(folder.path().join("new").as_path()), 0o700);
        for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.lock"] {
            assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        drop(Store::open(&path).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::TooOpen { mode: 0o640, .. }), "{error}");
        let error = Reader::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::TooOpen { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn a_second_writer_is_refused_and_readers_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(&path).unwrap();
        append(&store, 3);
        let error = Store::open(&path).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", process::id())), "{error}");
        let reader = Store::open_read_only(&path).unwrap();
        assert_eq!(reader.pending_events(10).unwrap().len(), 3);
        drop(store);
        Store::open(&path).unwrap();
    }

    #[test]
    fn a_closed_store_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        append(&Store::open(&path).unwrap(), 3);
        let reader = Reader::open(&path).unwrap();
        assert_eq!(reader.pending_events(10).unwrap().len(), 3);
        reader.check().unwrap();
    }

    #[test]
    fn reading_makes_no_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let error = Reader::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let result = store
            .reader()
            .read("test", |connection| Ok(connection.execute("DELETE FROM counters", [])?));
        assert!(matches!(result, Err(StoreError::Database { .. })), "{result:?}");
    }

    #[test]
    fn a_reader_sees_the_last_commit_while_a_transaction_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        append(&store, 1);
        let seen = store
            .write("test", |tx| {
                tx.execute("DELETE FROM events", [])?;
                Ok(Ending::Abandon(store.pending_events(10)?.len()))
            })
            .unwrap();
        assert_eq!(seen, 1);
        // What was abandoned was undone.
        assert_eq!(store.pending_events(10).unwrap().len(), 1);
    }

    #[test]
    fn commits_are_synced() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let pragma = |name: &'static str| -> i64 {
            let value = store.write("test", |tx| {
                Ok(Ending::Abandon(tx.pragma_query_value(None, name, |row| row.get(0))?))
            });
            value.unwrap()
        };
        assert_eq!(pragma("synchronous"), 2);
        assert_eq!(pragma("foreign_keys"), 1);
        assert_eq!(pragma("secure_delete"), 1);
        assert_eq!(pragma("auto_vacuum"), 2);
        assert_eq!(pragma("user_version"), SCHEMA_VERSION);
    }

    #[test]
    fn a_newer_store_is_refused_by_writer_and_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(&path).unwrap();
        store
            .write("test", |tx| {
                Ok(Ending::Commit(tx.pragma_update(None, "user_version", 1_000)?))
            })
            .unwrap();
        drop(store);
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found: 1_000, .. }), "{error}");
        let error = Reader::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::TooNew { found: 1_000, .. }), "{error}");
    }

    #[test]
    fn another_programs_database_is_refused_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theirs.db");
        let theirs = Connection::open(&path).unwrap();
        theirs.execute_batch("CREATE TABLE theirs (a)").unwrap();
        drop(theirs);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(&path).unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    /// Damages the bytes of a closed store.
    fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        append(&Store::open(&path).unwrap(), 200);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[rstest]
    #[case::no_database(|bytes: &mut Vec<u8>| bytes[..16].fill(b'?'))]
    #[case::damaged_schema(|bytes: &mut Vec<u8>| bytes[100..4096].fill(0xff))]
    #[case::plain_text(|bytes: &mut Vec<u8>| *bytes = b"this is a note to myself\n".repeat(100))]
    fn a_file_that_is_damaged_at_its_start_is_not_opened(#[case] change: fn(&mut Vec<u8>)) {
        let (_folder, path) = damaged(change);
        for error in [Store::open(&path).unwrap_err(), Reader::open(&path).unwrap_err()] {
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("store.db is damaged"), "{text}");
            assert!(text.contains("restore a backup"), "{text}");
        }
    }

    #[test]
    fn damage_further_on_is_found_by_whoever_reads_it() {
        let (_folder, path) = damaged(|bytes| {
            let half = bytes.len() / 2;
            bytes[half..].fill(0xff);
        });
        let store = Store::open(&path).unwrap();
        let error = store.pending_events(1_000).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        let error = store.check().unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
}
