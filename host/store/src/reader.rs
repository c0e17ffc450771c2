//! Reading, without ever waiting for the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;
use crate::connection::{open_reader, refuse_open_mode};
use crate::error::Failure;
use crate::migration;

/// Most connections kept open while nobody reads. More are opened when more read at once, and
/// closed again afterwards.
const IDLE_CONNECTIONS: usize = 4;

/// The reading half of a store. Clones share their connections.
///
/// Each call sees one snapshot: all of a transaction or none of it. What a [`crate::Store`] call
/// has acknowledged, a later call here sees.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// Opens a store to read, also beside a running `serve`. Takes no lock, makes no file, and
    /// migrates nothing.
    ///
    /// # Errors
    /// No store at the path, one of another schema or program, one that others may open, or a
    /// damaged one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = absolute(path.as_ref())?;
        refuse_open_mode(&path)?;
        let reader = Self::of(path);
        reader.read("open the store to read", |connection| {
            migration::check_current(connection, &reader.pool.path)
        })?;
        Ok(reader)
    }

    /// A reader of a store whose schema is known to be right.
    pub(crate) fn of(path: PathBuf) -> Self {
        let idle = Mutex::default();
        Self { pool: Arc::new(Pool { path, idle }) }
    }

    /// The absolute path of the file.
    pub fn path(&self) -> &Path {
        &self.pool.path
    }

    /// Looks at every page of the file, which takes about a second per gigabyte.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first damage found.
    pub fn check(&self) -> Result<(), StoreError> {
        self.read("check the store", |connection| {
            let found: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(Failure::Damage(found));
            }
            let orphan: Option<String> = connection
                .query_row("PRAGMA foreign_key_check", [], |row| row.get(0))
                .optional()?;
            match orphan {
                Some(table) => Err(Failure::Damage(format!("a row of {table} hangs loose"))),
                None => Ok(()),
            }
        })
    }

    /// Runs `work` on a connection of its own.
    pub(crate) fn read<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let connection =
            self.pool.take().map_err(|failure| failure.during(action, &self.pool.path))?;
        let result = work(&connection);
        self.pool.give_back(connection);
        result.map_err(|failure| failure.during(action, &self.pool.path))
    }
}

impl Pool {
    fn take(&self) -> Result<Connection, Failure> {
        let idle = self.idle().pop();
        idle.map_or_else(|| open_reader(&self.path), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    /// A panic can't leave the list half changed, so a poisoned lock is as good as another.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path from the root on. SQLite would take a relative `file:…` for a URI.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|source| StoreError::Io {
        action: "find the full path of",
        path: path.to_path_buf(),
        source,
    })
}
