//! How connections to the file are opened, and with which settings.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::error::Failure;

/// How long a statement waits for SQLite's own locks. The store's lock file leaves only an
/// operator's tools (a backup, a shell) to wait for; those hold a lock for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept prepared on each connection: a little more than the store has.
const PREPARED_STATEMENTS: usize = 64;

/// The write-ahead log is cut back to this after a checkpoint, in bytes, so that one burst doesn't
/// keep the disk for ever.
const WAL_KEEP_BYTES: i64 = 64 << 20;

/// Makes the folder (0700) and an empty file (0600) unless they are there, and refuses a file that
/// others may open. SQLite gives the file's mode to the logs beside it.
pub(crate) fn make_file(path: &Path) -> Result<(), StoreError> {
    let failed =
        |action, path: &Path, source| StoreError::Io { action, path: path.to_path_buf(), source };
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => {
            // The file's name must survive a power cut as well as its rows do.
            if let Some(folder) = path.parent() {
                File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(|source| failed("sync the folder", folder, source))?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refuse_open_mode(path),
        Err(source) => Err(failed("create", path, source)),
    }
}

/// Makes the folder that the store is to lie in, and those above it, for its owner alone.
pub(crate) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| StoreError::Io {
        action: "create the folder",
        path: folder.to_path_buf(),
        source,
    })
}

/// Refuses a file that is open to the group or to others.
pub(crate) fn refuse_open_mode(path: &Path) -> Result<(), StoreError> {
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StoreError::Missing { path: path.to_path_buf() },
        _ => StoreError::Io { action: "look at", path: path.to_path_buf(), source },
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StoreError::TooOpen { path: path.to_path_buf(), mode });
    }
    Ok(())
}

/// The connection that writes. The file must exist. Changes nothing in it yet.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, Failure> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Sets what makes the writer's commits durable, in a file that is known to be a store.
pub(crate) fn set_up_writer(connection: &Connection, path: &Path) -> Result<(), Failure> {
    // Only has an effect before the first table: pruning gives pages back to the file system.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::NoWriteAheadLog { path: path.to_path_buf(), found: mode }.into());
    }
    // FULL syncs the log at each commit: what a method acknowledged survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Deleted rows may hold secrets, so they are overwritten with zeros.
    connection.pragma_update(None, "secure_delete", true)?;
    connection
        .query_row(&format!("PRAGMA journal_size_limit = {WAL_KEEP_BYTES}"), [], |_| Ok(()))?;
    Ok(())
}

/// A connection that can't write, whatever it is asked.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Failure> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, Failure> {
    // Each connection is used by one thread at a time, so SQLite needs no mutex of its own.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    // The file may be damaged or forged: no writes past SQL, no functions hidden in its schema.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}
