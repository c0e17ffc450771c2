//! Subjects: the things that states are kept of.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::Failure;
use crate::limits::{collect_page, from_column, page};
use crate::{Reader, StoreError};

/// A subject with its present state. Its key belongs to one kind for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name, unique over all kinds.
    pub key: String,
    /// What it is (a review, a rollout); the store doesn't care.
    pub kind: String,
    /// The state that the last transition left, as bytes of the core.
    pub state: Vec<u8>,
    /// How many transitions it went through; 1 after the first.
    pub seq: u64,
    /// When the last one was.
    pub updated_ms: i64,
}

/// Where a page of [`Reader::recent_subjects`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentMark {
    /// `updated_ms` of the page's last subject.
    pub updated_ms: i64,
    /// Its key.
    pub key: String,
}

impl Subject {
    /// The mark after which the next page begins, if this is the last one of a page.
    pub fn mark(&self) -> RecentMark {
        RecentMark { updated_ms: self.updated_ms, key: self.key.clone() }
    }
}

impl Reader {
    /// The subject of this key.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn subject(&self, key: &str) -> Result<Option<Subject>, StoreError> {
        self.read("read a subject", |connection| find(connection, key))
    }

    /// Subjects of a kind in the order of their keys, those after `after`; at most `limit` and
    /// [`crate::MAX_PAGE`]. Walking page by page meets each subject that is there throughout
    /// exactly once.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn subjects(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Subject>, StoreError> {
        self.read("list subjects", |connection| {
            // No key is empty, so all of them are after the empty one.
            let mut statement = connection.prepare_cached(
                "SELECT key, kind, state, seq, updated_ms FROM subjects
                 WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
            )?;
            let rows =
                statement.query_map(params![kind, after.unwrap_or(""), page(limit)], subject)?;
            Ok(collect_page(rows, |subject| subject.state.len())?)
        })
    }

    /// Subjects of a kind, the latest changed first, those before `before`; at most `limit` and
    /// [`crate::MAX_PAGE`]. A subject that changes meanwhile moves to the front, so a later page
    /// may lack it.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn recent_subjects(
        &self,
        kind: &str,
        before: Option<&RecentMark>,
        limit: usize,
    ) -> Result<Vec<Subject>, StoreError> {
        self.read("list recent subjects", |connection| {
            let mut statement = connection.prepare_cached(match before {
                None => {
                    "SELECT key, kind, state, seq, updated_ms FROM subjects
                     WHERE kind = ?1 ORDER BY updated_ms DESC, key DESC LIMIT ?4"
                }
                Some(_) => {
                    "SELECT key, kind, state, seq, updated_ms FROM subjects
                     WHERE kind = ?1 AND (updated_ms, key) < (?2, ?3)
                     ORDER BY updated_ms DESC, key DESC LIMIT ?4"
                }
            })?;
            let (updated_ms, key) = before.map(|mark| (mark.updated_ms, mark.key.as_str())).unzip();
            let rows = statement.query_map(params![kind, updated_ms, key, page(limit)], subject)?;
            Ok(collect_page(rows, |subject| subject.state.len())?)
        })
    }
}

/// The subject as the transaction sees it.
pub(crate) fn find(connection: &Connection, key: &str) -> Result<Option<Subject>, Failure> {
    Ok(connection
        .prepare_cached("SELECT key, kind, state, seq, updated_ms FROM subjects WHERE key = ?1")?
        .query_row([key], subject)
        .optional()?)
}

fn subject(row: &Row<'_>) -> Result<Subject, rusqlite::Error> {
    Ok(Subject {
        key: row.get(0)?,
        kind: row.get(1)?,
        state: row.get(2)?,
        seq: from_column(row.get(3)?),
        updated_ms: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::convert::Infallible;

    use tempfile::TempDir;

    use super::*;
    use crate::{Cause, Store, Transition};

    fn store_of(subjects: &[(&str, &str, i64)]) -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        for (key, kind, now_ms) in subjects {
            store
                .advance(Cause::Other, key, kind, *now_ms, |_| {
                    Ok::<_, Infallible>(Transition::to(key.as_bytes()))
                })
                .unwrap();
        }
        (folder, store)
    }

    fn keys(subjects: &[Subject]) -> Vec<&str> {
        subjects.iter().map(|subject| subject.key.as_str()).collect()
    }

    #[test]
    fn a_subject_that_never_advanced_is_none() {
        let (_folder, store) = store_of(&[]);
        assert_eq!(store.subject("a").unwrap(), None);
    }

    #[test]
    fn pages_by_key_meet_every_subject_of_the_kind_once() {
        let (_folder, store) =
            store_of(&[("b", "x", 1), ("a", "x", 2), ("c", "y", 3), ("d", "x", 4)]);
        let first = store.subjects("x", None, 2).unwrap();
        assert_eq!(keys(&first), ["a", "b"]);
        let second = store.subjects("x", Some("b"), 2).unwrap();
        assert_eq!(keys(&second), ["d"]);
        assert_eq!(store.subjects("z", None, 2).unwrap(), []);
    }

    #[test]
    fn recent_pages_begin_with_the_latest_and_split_equal_times() {
        let (_folder, store) =
            store_of(&[("a", "x", 5), ("b", "x", 5), ("c", "x", 9), ("d", "y", 7)]);
        let first = store.recent_subjects("x", None, 2).unwrap();
        assert_eq!(keys(&first), ["c", "b"]);
        let second = store.recent_subjects("x", Some(&first[1].mark()), 2).unwrap();
        assert_eq!(keys(&second), ["a"]);
    }
}
