//! The log's outbox: leaves are written with the decision that made them, and stay.

use std::ops::Range;

use rusqlite::{Connection, Transaction, params};

use crate::error::Failure;
use crate::limits::{collect_page, from_column, page, to_column};
use crate::store::Ending;
use crate::{Reader, Store, StoreError};

/// One leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its index in the log; the first is 0, and there are no gaps.
    pub index: u64,
    /// When it was written here.
    pub added_ms: i64,
    /// The leaf's bytes.
    pub body: Vec<u8>,
}

impl Store {
    /// Says that the log holds the first `up_to` leaves, under a checkpoint. Saying it again does
    /// nothing.
    ///
    /// # Errors
    /// More leaves than there are, or fewer than were logged before: then log and store don't
    /// belong together, or the log was cut.
    pub fn set_logged(&self, up_to: u64) -> Result<(), StoreError> {
        let moved = self.write("acknowledge leaves", |tx| {
            let (count, before) = (count(tx)?, logged(tx)?);
            if up_to > count {
                return Err(StoreError::LoggedBeyond { up_to, count }.into());
            }
            if up_to < before {
                return Err(StoreError::LoggedBackwards { up_to, logged: before }.into());
            }
            if up_to == before {
                return Ok(Ending::Abandon(false));
            }
            tx.prepare_cached("UPDATE counters SET value = ?1 WHERE name = 'logged'")?
                .execute([to_column("leaf count", up_to)?])?;
            Ok(Ending::Commit(true))
        })?;
        if moved {
            // Effects may wait for their intent to be in the log.
            self.changes.announce();
        }
        Ok(())
    }
}

impl Reader {
    /// Leaves from `from_index` on, at most `limit` and [`crate::MAX_PAGE`], or until
    /// [`crate::MAX_PAGE_BYTES`] are reached.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn take_leaves(&self, from_index: u64, limit: usize) -> Result<Vec<Leaf>, StoreError> {
        // No leaf has an index over SQLite's range, so there is none from there on either.
        let Ok(from) = i64::try_from(from_index) else {
            return Ok(Vec::new());
        };
        self.read("read leaves", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT number, added_ms, body FROM leaves
                 WHERE number >= ?1 ORDER BY number LIMIT ?2",
            )?;
            let leaves = statement.query_map(params![from, page(limit)], |row| {
                Ok(Leaf {
                    index: from_column(row.get(0)?),
                    added_ms: row.get(1)?,
                    body: row.get(2)?,
                })
            })?;
            Ok(collect_page(leaves, |leaf| leaf.body.len())?)
        })
    }

    /// How many leaves there are; the index of the next one.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn leaves_count(&self) -> Result<u64, StoreError> {
        self.read("count leaves", count)
    }

    /// How many leaves the log holds under a checkpoint, as [`Store::set_logged`] said.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn logged(&self) -> Result<u64, StoreError> {
        self.read("read how much is logged", logged)
    }
}

/// Appends leaves and returns their indices.
pub(crate) fn append(
    tx: &Transaction<'_>,
    leaves: &[Vec<u8>],
    now_ms: i64,
) -> Result<Range<u64>, Failure> {
    let first = count(tx)?;
    let mut next = first;
    let mut statement =
        tx.prepare_cached("INSERT INTO leaves (number, added_ms, body) VALUES (?1, ?2, ?3)")?;
    for leaf in leaves {
        statement.execute(params![to_column("leaf index", next)?, now_ms, leaf])?;
        next += 1;
    }
    Ok(first..next)
}

fn count(connection: &Connection) -> Result<u64, Failure> {
    // Leaves are never deleted, so the last index tells the count.
    let next: i64 = connection
        .prepare_cached("SELECT coalesce(max(number) + 1, 0) FROM leaves")?
        .query_row([], |row| row.get(0))?;
    Ok(from_column(next))
}

fn logged(connection: &Connection) -> Result<u64, Failure> {
    let logged: i64 = connection
        .prepare_cached("SELECT value FROM counters WHERE name = 'logged'")?
        .query_row([], |row| row.get(0))?;
    Ok(from_column(logged))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::convert::Infallible;

    use tempfile::TempDir;

    use super::*;
    use crate::{Cause, Transition};

    fn store_with(transitions: &[&[&str]]) -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        for leaves in transitions {
            let mut transition = Transition::to(b"{}");
            transition.leaves = leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect();
            store.advance(Cause::Other, "a", "x", 1, |_| Ok::<_, Infallible>(transition)).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn leaves_count_from_zero_without_gaps_over_transitions() {
        let (_folder, store) = store_with(&[&["a", "b"], &[], &["c"]]);
        assert_eq!(store.leaves_count().unwrap(), 3);
        let leaves = store.take_leaves(1, 10).unwrap();
        let found: Vec<_> = leaves.iter().map(|leaf| (leaf.index, &leaf.body[..])).collect();
        assert_eq!(found, [(1, &b"b"[..]), (2, &b"c"[..])]);
        assert_eq!(store.take_leaves(0, 1).unwrap().len(), 1);
        assert_eq!(store.take_leaves(3, 10).unwrap(), []);
        assert_eq!(store.take_leaves(u64::MAX, 10).unwrap(), []);
    }

    #[test]
    fn the_log_can_neither_outrun_the_store_nor_shrink() {
        let (_folder, store) = store_with(&[&["a", "b"]]);
        assert_eq!(store.logged().unwrap(), 0);
        store.set_logged(1).unwrap();
        store.set_logged(1).unwrap();
        let error = store.set_logged(3).unwrap_err();
        assert!(matches!(error, StoreError::LoggedBeyond { up_to: 3, count: 2 }));
        let error = store.set_logged(0).unwrap_err();
        assert!(matches!(error, StoreError::LoggedBackwards { up_to: 0, logged: 1 }));
        assert_eq!(store.logged().unwrap(), 1);
    }
}
