//! Forgetting what nothing refers to any more.

use std::iter;

use rusqlite::{Row, Transaction, params};
use tracing::info;

use crate::error::Failure;
use crate::limits::{MAX_PAGE, from_column, page};
use crate::store::Ending;
use crate::{Digest, EventId, Reader, Store, StoreError};

/// A blob that no subject refers to stays at least this long after it was last put, whatever the
/// policy says: a runner puts its output first, and its result refers to it later. A day is longer
/// than any effect runs.
pub const LOOSE_BLOB_GRACE_MS: u64 = 24 * 60 * 60 * 1000;

/// Most rows deleted in one transaction, for which other writers wait.
const BATCH_ROWS: usize = 100;

/// Bytes after which such a transaction ends: deleted bytes are overwritten, which is what takes
/// time.
const BATCH_BYTES: u64 = 16 << 20;

/// Pages given back to the file system after a call that deleted something, at most: 32 MiB with
/// SQLite's pages of 4 KiB. The rest follows with later calls, or is used again.
const VACUUM_PAGES: u32 = 8192;

/// How long to keep what could be forgotten. Pending events, states, effects, leaves, and blobs
/// that a subject refers to are never forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrunePolicy {
    /// Handled events go this long after they were handled, in milliseconds.
    pub handled_events_ms: u64,
    /// And the oldest of them before that, while they hold more bytes than this.
    pub handled_events_bytes: Option<u64>,
    /// Blobs that no subject refers to go this long after they were last put, in milliseconds;
    /// [`LOOSE_BLOB_GRACE_MS`] at least.
    pub loose_blobs_ms: u64,
    /// And the oldest of them before that (but for the grace), while they hold more bytes than
    /// this.
    pub loose_blobs_bytes: Option<u64>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events.
    pub events: u64,
    /// Their bytes.
    pub event_bytes: u64,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
}

/// A row that may go.
struct Candidate<I> {
    id: I,
    size: u64,
    since_ms: i64,
}

impl Store {
    /// Forgets what the policy doesn't keep, in small transactions between which others write.
    ///
    /// # Errors
    /// The file's own errors; what was forgotten before stays forgotten.
    pub fn prune(&self, now_ms: i64, policy: &PrunePolicy) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        self.prune_events(now_ms, policy, &mut pruned)?;
        self.prune_blobs(now_ms, policy, &mut pruned)?;
        if pruned != Pruned::default() {
            self.give_back_pages()?;
            info!(?pruned, "pruned the store");
        }
        Ok(pruned)
    }

    fn prune_events(
        &self,
        now_ms: i64,
        policy: &PrunePolicy,
        pruned: &mut Pruned,
    ) -> Result<(), StoreError> {
        let cutoff = now_ms.saturating_sub_unsigned(policy.handled_events_ms);
        let mut excess = excess(self.handled_event_bytes()?, policy.handled_events_bytes);
        loop {
            let mut candidates = self.handled_events()?;
            let complete = candidates.len() < MAX_PAGE;
            retain_due(&mut candidates, cutoff, &mut excess);
            let due = candidates.len();
            for batch in batches(&candidates) {
                self.write("prune events", |tx| {
                    for event in batch {
                        delete_event(tx, event.id)?;
                    }
                    Ok(Ending::Commit(()))
                })?;
                pruned.events += batch.len() as u64;
                pruned.event_bytes += batch.iter().map(|event| event.size).sum::<u64>();
            }
            if complete || due < MAX_PAGE {
                return Ok(());
            }
        }
    }

    fn prune_blobs(
        &self,
        now_ms: i64,
        policy: &PrunePolicy,
        pruned: &mut Pruned,
    ) -> Result<(), StoreError> {
        self.write("let go of blobs", |tx| {
            tx.prepare_cached("DELETE FROM blob_refs WHERE until_ms <= ?1")?.execute([now_ms])?;
            Ok(Ending::Commit(()))
        })?;
        let graced = now_ms.saturating_sub_unsigned(LOOSE_BLOB_GRACE_MS);
        let cutoff = now_ms.saturating_sub_unsigned(policy.loose_blobs_ms);
        let mut excess = excess(self.loose_blob_bytes()?, policy.loose_blobs_bytes);
        loop {
            let mut candidates = self.loose_blobs(graced)?;
            let complete = candidates.len() < MAX_PAGE;
            retain_due(&mut candidates, cutoff, &mut excess);
            let due = candidates.len();
            for batch in batches(&candidates) {
                let gone = self.write("prune blobs", |tx| {
                    let mut gone = Vec::with_capacity(batch.len());
                    for blob in batch {
                        gone.extend(delete_blob(tx, blob)?.then_some(blob.size));
                    }
                    Ok(Ending::Commit(gone))
                })?;
                pruned.blobs += gone.len() as u64;
                pruned.blob_bytes += gone.iter().sum::<u64>();
            }
            if complete || due < MAX_PAGE {
                return Ok(());
            }
        }
    }

    fn give_back_pages(&self) -> Result<(), StoreError> {
        self.write("give back free pages", |tx| {
            let mut statement =
                tx.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(Ending::Commit(()))
        })
    }
}

impl Reader {
    fn handled_event_bytes(&self) -> Result<u64, StoreError> {
        self.read("measure handled events", |connection| {
            let bytes: i64 = connection.query_row(
                "SELECT coalesce(sum(size), 0) FROM events WHERE handled_ms IS NOT NULL",
                [],
                |row| row.get(0),
            )?;
            Ok(from_column(bytes))
        })
    }

    fn handled_events(&self) -> Result<Vec<Candidate<EventId>>, StoreError> {
        self.read("look for events to prune", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, size, handled_ms FROM events
                 WHERE handled_ms IS NOT NULL ORDER BY handled_ms, id LIMIT ?1",
            )?;
            let rows = statement
                .query_map([page(MAX_PAGE)], |row| candidate(row, EventId(row.get(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn loose_blob_bytes(&self) -> Result<u64, StoreError> {
        self.read("measure loose blobs", |connection| {
            let bytes: i64 = connection.query_row(
                "SELECT coalesce(sum(size), 0) FROM blobs WHERE NOT EXISTS
                     (SELECT 1 FROM blob_refs WHERE blob_refs.digest = blobs.digest)",
                [],
                |row| row.get(0),
            )?;
            Ok(from_column(bytes))
        })
    }

    fn loose_blobs(&self, put_until_ms: i64) -> Result<Vec<Candidate<Digest>>, StoreError> {
        self.read("look for blobs to prune", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT digest, size, put_ms FROM blobs WHERE put_ms <= ?1 AND NOT EXISTS
                     (SELECT 1 FROM blob_refs WHERE blob_refs.digest = blobs.digest)
                 ORDER BY put_ms, digest LIMIT ?2",
            )?;
            let rows = statement.query_map(params![put_until_ms, page(MAX_PAGE)], |row| {
                candidate(row, row.get::<_, [u8; 32]>(0)?.into())
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn candidate<I>(row: &Row<'_>, id: I) -> Result<Candidate<I>, rusqlite::Error> {
    Ok(Candidate { id, size: from_column(row.get(1)?), since_ms: row.get(2)? })
}

/// By how much `bytes` are over a limit.
fn excess(bytes: u64, limit: Option<u64>) -> u64 {
    limit.map_or(0, |limit| bytes.saturating_sub(limit))
}

/// Keeps, of rows with the oldest first, those that are too old or in excess.
fn retain_due<I>(candidates: &mut Vec<Candidate<I>>, cutoff_ms: i64, excess: &mut u64) {
    candidates.retain(|candidate| {
        let due = candidate.since_ms <= cutoff_ms || *excess > 0;
        if due {
            *excess = excess.saturating_sub(candidate.size);
        }
        due
    });
}

/// The candidates in portions that are each fit for one transaction.
fn batches<I>(mut rest: &[Candidate<I>]) -> impl Iterator<Item = &[Candidate<I>]> {
    iter::from_fn(move || {
        let mut bytes = 0;
        let fit = rest.iter().take(BATCH_ROWS).take_while(|row| {
            let fits = bytes < BATCH_BYTES;
            bytes = bytes.saturating_add(row.size);
            fits
        });
        let (batch, after) = rest.split_at(fit.count());
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Deletes a handled event, and lets its source know that its position was there.
fn delete_event(tx: &Transaction<'_>, id: EventId) -> Result<(), Failure> {
    tx.prepare_cached(
        "UPDATE sources SET pruned = max(coalesce(pruned, 0), event.position)
         FROM (SELECT source, position FROM events WHERE id = ?1) AS event
         WHERE sources.name = event.source AND event.position IS NOT NULL",
    )?
    .execute([id.0])?;
    tx.prepare_cached("DELETE FROM events WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Deletes a blob unless it was put again or referred to since it was chosen.
fn delete_blob(tx: &Transaction<'_>, blob: &Candidate<Digest>) -> Result<bool, Failure> {
    let deleted = tx
        .prepare_cached(
            "DELETE FROM blobs WHERE digest = ?1 AND put_ms = ?2 AND NOT EXISTS
                 (SELECT 1 FROM blob_refs WHERE blob_refs.digest = blobs.digest)",
        )?
        .execute(params![blob.id.as_bytes(), blob.since_ms])?;
    Ok(deleted > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::convert::Infallible;

    use rstest::rstest;
    use tempfile::TempDir;

    use super::*;
    use crate::{Cause, Keep, RawEvent, Transition};

    const DAY: i64 = LOOSE_BLOB_GRACE_MS as i64;
    const KEEP_ALL: PrunePolicy = PrunePolicy {
        handled_events_ms: u64::MAX,
        handled_events_bytes: None,
        loose_blobs_ms: u64::MAX,
        loose_blobs_bytes: None,
    };

    fn open() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        (folder, store)
    }

    /// Ten bytes each, positions from 1.
    fn append(store: &Store, count: u64) -> Vec<EventId> {
        let events: Vec<_> = (1..=count)
            .map(|position| RawEvent { position: Some(position), body: b"0123456789".to_vec() })
            .collect();
        store.append_events("journal", &events, 0).unwrap()
    }

    fn keep(store: &Store, digest: Digest, until_ms: Option<i64>) {
        let mut transition = Transition::to("{}");
        transition.keep.push(Keep { digest, until_ms });
        store.advance(Cause::Other, "a", "x", 0, |_| Ok::<_, Infallible>(transition)).unwrap();
    }

    #[rstest]
    #[case::nothing(KEEP_ALL, 0)]
    #[case::by_age(PrunePolicy { handled_events_ms: 97, ..KEEP_ALL }, 3)]
    #[case::by_size(PrunePolicy { handled_events_bytes: Some(25), ..KEEP_ALL }, 2)]
    #[case::within_size(PrunePolicy { handled_events_bytes: Some(40), ..KEEP_ALL }, 0)]
    #[case::all(PrunePolicy { handled_events_bytes: Some(0), ..KEEP_ALL }, 4)]
    fn handled_events_go(#[case] policy: PrunePolicy, #[case] expected: u64) {
        let (_folder, store) = open();
        let ids = append(&store, 5);
        for (now_ms, id) in (1..).zip(&ids[..4]) {
            store.ignore_event(*id, "nothing", now_ms).unwrap();
        }
        let pruned = store.prune(100, &policy).unwrap();
        assert_eq!((pruned.events, pruned.event_bytes), (expected, expected * 10));
        assert_eq!(store.pending_events(10).unwrap().len(), 1);
        assert_eq!(store.prune(100, &policy).unwrap(), Pruned::default());
    }

    #[test]
    fn a_pruned_position_is_still_known() {
        let (_folder, store) = open();
        let ids = append(&store, 3);
        store.ignore_event(ids[1], "nothing", 1).unwrap();
        let policy = PrunePolicy { handled_events_ms: 0, ..KEEP_ALL };
        assert_eq!(store.prune(2, &policy).unwrap().events, 1);
        assert_eq!(append(&store, 4).len(), 1);
        assert_eq!(store.cursor("journal").unwrap(), Some(4));
    }

    #[test]
    fn more_events_than_a_page_all_go() {
        let (_folder, store) = open();
        let ids = append(&store, 2 * MAX_PAGE as u64 + 1);
        store
            .write("test", |tx| {
                Ok(Ending::Commit(tx.execute("UPDATE events SET handled_ms = 1", [])?))
            })
            .unwrap();
        let policy = PrunePolicy { handled_events_ms: 0, ..KEEP_ALL };
        assert_eq!(store.prune(2, &policy).unwrap().events, ids.len() as u64);
    }

    #[rstest]
    #[case::within_the_grace(0, None, DAY - 1, 0)]
    #[case::after_the_grace(0, None, DAY, 1)]
    #[case::younger_than_the_policy(3 * LOOSE_BLOB_GRACE_MS, None, 2 * DAY, 0)]
    #[case::as_old_as_the_policy(3 * LOOSE_BLOB_GRACE_MS, None, 3 * DAY, 1)]
    #[case::too_large_but_within_the_grace(u64::MAX, Some(0), DAY - 1, 0)]
    #[case::too_large(u64::MAX, Some(3), DAY, 1)]
    #[case::not_too_large(u64::MAX, Some(4), DAY, 0)]
    fn a_loose_blob_goes(
        #[case] loose_blobs_ms: u64,
        #[case] loose_blobs_bytes: Option<u64>,
        #[case] now_ms: i64,
        #[case] expected: u64,
    ) {
        let (_folder, store) = open();
        store.put_blob(b"plan", false, 0).unwrap();
        let policy = PrunePolicy { loose_blobs_ms, loose_blobs_bytes, ..KEEP_ALL };
        let pruned = store.prune(now_ms, &policy).unwrap();
        assert_eq!((pruned.blobs, pruned.blob_bytes), (expected, expected * 4));
    }

    #[test]
    fn a_blob_stays_while_a_subject_needs_it() {
        let (_folder, store) = open();
        let policy = PrunePolicy { loose_blobs_ms: 0, loose_blobs_bytes: Some(0), ..KEEP_ALL };
        let digest = store.put_blob(b"plan", false, 0).unwrap();
        keep(&store, digest, None);
        assert_eq!(store.prune(i64::MAX, &policy).unwrap().blobs, 0);
        keep(&store, digest, Some(3 * DAY));
        assert_eq!(store.prune(3 * DAY - 1, &policy).unwrap().blobs, 0);
        assert_eq!(store.prune(3 * DAY, &policy).unwrap().blobs, 1);
        assert_eq!(store.blob(&digest).unwrap(), None);
    }

    #[test]
    fn a_blob_that_is_put_again_starts_anew() {
        let (_folder, store) = open();
        let policy = PrunePolicy { loose_blobs_ms: 0, ..KEEP_ALL };
        store.put_blob(b"plan", false, 0).unwrap();
        store.put_blob(b"plan", false, DAY - 1).unwrap();
        assert_eq!(store.prune(DAY, &policy).unwrap().blobs, 0);
    }

    #[test]
    fn a_blob_that_was_put_again_since_it_was_chosen_stays() {
        let (_folder, store) = open();
        let digest = store.put_blob(b"plan", false, 0).unwrap();
        let chosen = store.loose_blobs(0).unwrap();
        store.put_blob(b"plan", false, 1).unwrap();
        let deleted =
            store.write("test", |tx| Ok(Ending::Commit(delete_blob(tx, &chosen[0])?))).unwrap();
        assert!(!deleted);
        assert!(store.blob(&digest).unwrap().is_some());
    }

    #[test]
    fn pruning_gives_space_back_and_leaves_no_deleted_bytes() {
        let (folder, store) = open();
        let marker = b"TOP-SECRET-MARKER".repeat(100_000);
        store.put_blob(&marker, true, 0).unwrap();
        let policy = PrunePolicy { loose_blobs_ms: 0, ..KEEP_ALL };
        assert_eq!(store.prune(DAY, &policy).unwrap().blobs, 1);
        // Closing moves the write-ahead log into the file.
        drop(store);
        let file = std::fs::read(folder.path().join("store.db")).unwrap();
        assert!(file.len() < marker.len() / 2, "{} bytes are left", file.len());
        assert!(!file.windows(17).any(|window| window == b"TOP-SECRET-MARKER"));
    }

    #[test]
    fn a_batch_is_bounded_by_rows_and_by_bytes() {
        let row = |size| Candidate { id: (), size, since_ms: 0 };
        let sizes = |rows: &[Candidate<()>]| batches(rows).map(<[_]>::len).collect::<Vec<_>>();
        let small: Vec<_> = (0..BATCH_ROWS + 1).map(|_| row(1)).collect();
        assert_eq!(sizes(&small), [BATCH_ROWS, 1]);
        assert_eq!(sizes(&[row(BATCH_BYTES), row(1), row(BATCH_BYTES), row(1)]), [1, 2, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
