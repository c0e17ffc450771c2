//! Brings a store's schema to the one that this program knows, one numbered step at a time.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use tracing::info;

use crate::StoreError;
use crate::error::Failure;

/// The schema that this program reads and writes; `user_version` of the file.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Marks the file as a Tidegate store ("TDGT"), so that no other program's database is taken for
/// one; `application_id` of the file.
const APPLICATION_ID: i64 = 0x5444_4754;

/// Step `n` of the list leads from schema `n` to `n + 1`. Released steps never change.
const MIGRATIONS: &[&str] =
    &[include_str!("migrations/0001_queue.sql"), include_str!("migrations/0002_blobs.sql")];

/// Refuses what isn't a store, or a newer one, before anything in the file is changed.
pub(crate) fn check_openable(connection: &Connection, path: &Path) -> Result<(), Failure> {
    check_known(connection, path, SCHEMA_VERSION).map(|_| ())
}

/// Runs the steps that are missing, each in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    run(connection, path, MIGRATIONS)
}

/// Refuses a file that isn't a store of exactly this schema.
pub(crate) fn check_current(connection: &Connection, path: &Path) -> Result<(), Failure> {
    let found = check_known(connection, path, SCHEMA_VERSION)?;
    if found < SCHEMA_VERSION {
        return Err(
            StoreError::TooOld { path: path.to_path_buf(), found, known: SCHEMA_VERSION }.into()
        );
    }
    Ok(())
}

fn run(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), Failure> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let found = check_known(connection, path, known)?;
    for (number, step) in (1_i64..).zip(steps).filter(|(number, _)| *number > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
        info!(path = %path.display(), schema = number, "migrated the store");
    }
    Ok(())
}

/// The schema number of the file: 0 for a new one. Refuses other programs' files and newer ones.
fn check_known(connection: &Connection, path: &Path, known: i64) -> Result<i64, Failure> {
    let application: i64 = pragma(connection, "application_id")?;
    let found: i64 = pragma(connection, "user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let new = application == 0 && found == 0 && tables == 0;
    if application != APPLICATION_ID && !new {
        return Err(StoreError::Foreign { path: path.to_path_buf(), found: application }.into());
    }
    if found > known {
        return Err(StoreError::TooNew { path: path.to_path_buf(), found, known }.into());
    }
    Ok(found)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    const ONE: &str = "CREATE TABLE one (a INTEGER) STRICT";
    const TWO: &str = "CREATE TABLE two (a INTEGER) STRICT";
    const BROKEN: &str = "CREATE TABLE three (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)";

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    #[test]
    fn only_missing_steps_run() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("store.db");
        run(&mut connection, path, &[ONE]).unwrap();
        run(&mut connection, path, &[ONE, TWO]).unwrap();
        run(&mut connection, path, &[ONE, TWO]).unwrap();
        assert_eq!(tables(&connection), ["one", "two"]);
        assert_eq!(pragma(&connection, "user_version").unwrap(), 2);
    }

    #[test]
    fn a_step_that_fails_leaves_the_schema_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("store.db");
        run(&mut connection, path, &[ONE, TWO, BROKEN]).unwrap_err();
        assert_eq!(tables(&connection), ["one", "two"]);
        assert_eq!(pragma(&connection, "user_version").unwrap(), 2);
    }

    #[test]
    fn a_newer_store_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("store.db");
        run(&mut connection, path, &[ONE, TWO]).unwrap();
        let error = run(&mut connection, path, &[ONE]).unwrap_err();
        assert!(error.to_string().contains("has schema 2, this program knows up to 1"));
    }

    #[test]
    fn another_programs_database_is_refused_and_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (a)").unwrap();
        let error = run(&mut connection, Path::new("x.db"), &[ONE]).unwrap_err();
        assert!(matches!(error, Failure::Store(StoreError::Foreign { found: 0, .. })));
        assert_eq!(tables(&connection), ["theirs"]);
    }
}
