//! Raw events: stored before anything else happens, handled once.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Failure;
use crate::limits::{
    MAX_EVENT_BYTES, check_name, check_size, collect_page, cut_reason, from_column, page, to_column,
};
use crate::store::Ending;
use crate::{Reader, Store, StoreError};

/// The store's name for a raw event; grows with each, and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// An event as it came in, at most [`MAX_EVENT_BYTES`] of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Its place in the source's own numbering, where the source has one (a journal has, a stream
    /// hasn't). Only positions let the store tell an event that came twice.
    pub position: Option<u64>,
    /// The event itself.
    pub body: Vec<u8>,
}

/// An event in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The store's name for it.
    pub id: EventId,
    /// Where it came from.
    pub source: String,
    /// Its place there.
    pub position: Option<u64>,
    /// When it was stored.
    pub received_ms: i64,
    /// The event itself.
    pub body: Vec<u8>,
}

/// What is known of an event's handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    Pending,
    Handled,
}

impl Store {
    /// Stores events of one source, all or none, and moves the source's cursor to the highest
    /// position among them. Returns the ids of those that are new, in the order given.
    ///
    /// A position that is stored already, or was before it was pruned, is skipped: following a
    /// journal again does nothing twice. So a source whose numbering starts over needs a new name.
    ///
    /// # Errors
    /// An event that is too large, a position over 63 bits, or the file's own errors; then none
    /// is stored.
    pub fn append_events(
        &self,
        source: &str,
        events: &[RawEvent],
        now_ms: i64,
    ) -> Result<Vec<EventId>, StoreError> {
        check_name("source", source)?;
        for event in events {
            check_size("event", event.body.len(), MAX_EVENT_BYTES)?;
        }
        let ids = self.write("store raw events", |tx| {
            let pruned = enter_source(tx, source)?;
            let mut ids = Vec::with_capacity(events.len());
            let mut highest = None;
            for event in events {
                let position =
                    event.position.map(|position| to_column("position", position)).transpose()?;
                highest = highest.max(position);
                if position.is_none() || position > pruned {
                    ids.extend(insert(tx, source, position, &event.body, now_ms)?);
                }
            }
            if let Some(highest) = highest {
                tx.prepare_cached(
                    "UPDATE sources SET cursor = max(coalesce(cursor, 0), ?2) WHERE name = ?1",
                )?
                .execute(params![source, highest])?;
            }
            Ok(Ending::Commit(ids))
        })?;
        if !ids.is_empty() {
            self.changes.announce();
        }
        Ok(ids)
    }

    /// Sets the cursor of a source, forwards or back.
    ///
    /// # Errors
    /// A position over 63 bits, or the file's own errors.
    pub fn set_cursor(&self, source: &str, position: u64) -> Result<(), StoreError> {
        check_name("source", source)?;
        let position = to_column("position", position)?;
        self.write("set a source's cursor", |tx| {
            enter_source(tx, source)?;
            tx.prepare_cached("UPDATE sources SET cursor = ?2 WHERE name = ?1")?
                .execute(params![source, position])?;
            Ok(Ending::Commit(()))
        })
    }

    /// Marks an event handled that leads to nothing, and keeps why. Returns whether it was still
    /// pending.
    ///
    /// # Errors
    /// An id that was never given out, or the file's own errors.
    pub fn ignore_event(&self, id: EventId, why: &str, now_ms: i64) -> Result<bool, StoreError> {
        self.write("ignore an event", |tx| match handling(tx, id)? {
            Handling::Handled => Ok(Ending::Abandon(false)),
            Handling::Pending => {
                mark_handled(tx, id, Some(cut_reason(why)), now_ms)?;
                Ok(Ending::Commit(true))
            }
        })
    }
}

impl Reader {
    /// The highest position stored of a source, or what [`Store::set_cursor`] made of it; `None`
    /// if there is none yet.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn cursor(&self, source: &str) -> Result<Option<u64>, StoreError> {
        self.read("read a source's cursor", |connection| {
            let cursor: Option<Option<i64>> = connection
                .prepare_cached("SELECT cursor FROM sources WHERE name = ?1")?
                .query_row([source], |row| row.get(0))
                .optional()?;
            Ok(cursor.flatten().map(from_column))
        })
    }

    /// The oldest events that are neither handled nor ignored, in the order they were stored; at
    /// most `limit` and [`crate::MAX_PAGE`], or until
    /// [`crate::MAX_PAGE_BYTES`] are reached.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn pending_events(&self, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.read("read pending events", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, source, position, received_ms, body FROM events
                 WHERE handled_ms IS NULL ORDER BY id LIMIT ?1",
            )?;
            let events = statement.query_map([page(limit)], stored_event)?;
            Ok(collect_page(events, |event| event.body.len())?)
        })
    }
}

/// Whether the event still waits. An id that was given out and is gone was handled and pruned.
pub(crate) fn handling(tx: &Connection, id: EventId) -> Result<Handling, Failure> {
    let handled: Option<bool> = tx
        .prepare_cached("SELECT handled_ms IS NOT NULL FROM events WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    match handled {
        Some(false) => Ok(Handling::Pending),
        Some(true) => Ok(Handling::Handled),
        None if id.0 >= 1 && id.0 <= last_id(tx)? => Ok(Handling::Handled),
        None => Err(StoreError::UnknownEvent(id).into()),
    }
}

/// Ends the event's waiting, with the reason if it led to nothing.
pub(crate) fn mark_handled(
    tx: &Transaction<'_>,
    id: EventId,
    ignored: Option<&str>,
    now_ms: i64,
) -> Result<(), Failure> {
    tx.prepare_cached("UPDATE events SET handled_ms = ?2, ignored = ?3 WHERE id = ?1")?
        .execute(params![id.0, now_ms, ignored])?;
    Ok(())
}

/// Makes the source known, and returns up to which position its events were pruned.
fn enter_source(tx: &Transaction<'_>, source: &str) -> Result<Option<i64>, Failure> {
    tx.prepare_cached("INSERT INTO sources (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
        .execute([source])?;
    Ok(tx
        .prepare_cached("SELECT pruned FROM sources WHERE name = ?1")?
        .query_row([source], |row| row.get(0))?)
}

fn insert(
    tx: &Transaction<'_>,
    source: &str,
    position: Option<i64>,
    body: &[u8],
    now_ms: i64,
) -> Result<Option<EventId>, Failure> {
    // Asked beforehand: an insertion that meets a conflict would use up an id, and `handling`
    // relies on each id up to the last having been an event's.
    if let Some(position) = position
        && is_stored(tx, source, position)?
    {
        return Ok(None);
    }
    let id = tx
        .prepare_cached(
            "INSERT INTO events (source, position, received_ms, size, body)
             VALUES (?1, ?2, ?3, length(?4), ?4) RETURNING id",
        )?
        .query_row(params![source, position, now_ms, body], |row| row.get(0))?;
    Ok(Some(EventId(id)))
}

fn is_stored(tx: &Connection, source: &str, position: i64) -> Result<bool, Failure> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM events WHERE source = ?1 AND position = ?2")?
        .exists(params![source, position])?)
}

fn last_id(tx: &Connection) -> Result<i64, Failure> {
    let last = tx
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0))
}

fn stored_event(row: &Row<'_>) -> Result<StoredEvent, rusqlite::Error> {
    Ok(StoredEvent {
        id: EventId(row.get(0)?),
        source: row.get(1)?,
        position: row.get::<_, Option<i64>>(2)?.map(from_column),
        received_ms: row.get(3)?,
        body: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use tempfile::TempDir;

    use super::*;
    use crate::MAX_REASON_BYTES;

    fn open() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        (folder, store)
    }

    fn event(position: impl Into<Option<u64>>, body: &str) -> RawEvent {
        RawEvent { position: position.into(), body: body.into() }
    }

    fn pending(store: &Store) -> Vec<String> {
        let events = store.pending_events(100).unwrap();
        let bodies = events.into_iter().map(|event| event.body);
        bodies.map(|body| String::from_utf8(body).unwrap()).collect()
    }

    #[test]
    fn events_come_back_in_order_and_move_the_cursor() {
        let (_folder, store) = open();
        assert_eq!(store.cursor("journal").unwrap(), None);
        let ids = store.append_events("journal", &[event(4, "a"), event(7, "b")], 10).unwrap();
        assert_eq!(store.cursor("journal").unwrap(), Some(7));
        let events = store.pending_events(100).unwrap();
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), ids);
        assert_eq!(
            events[1],
            StoredEvent {
                id: ids[1],
                source: "journal".into(),
                position: Some(7),
                received_ms: 10,
                body: b"b".to_vec(),
            }
        );
        assert_eq!(store.pending_events(1).unwrap(), events[..1]);
    }

    #[test]
    fn a_position_that_is_stored_is_skipped_for_that_source_only() {
        let (_folder, store) = open();
        store.append_events("journal", &[event(1, "a"), event(3, "c")], 1).unwrap();
        let again = [event(1, "again"), event(2, "late"), event(2, "twice"), event(4, "d")];
        assert_eq!(store.append_events("journal", &again, 2).unwrap().len(), 2);
        assert_eq!(store.append_events("other", &[event(1, "theirs")], 3).unwrap().len(), 1);
        assert_eq!(pending(&store), ["a", "c", "late", "d", "theirs"]);
        assert_eq!(store.cursor("journal").unwrap(), Some(4));
        assert_eq!(store.cursor("other").unwrap(), Some(1));
    }

    #[test]
    fn a_skipped_event_uses_up_no_id() {
        let (_folder, store) = open();
        let first = store.append_events("journal", &[event(1, "a"), event(1, "a")], 1).unwrap();
        let second = store.append_events("journal", &[event(1, "a")], 2).unwrap();
        let third = store.append_events("journal", &[event(2, "b")], 3).unwrap();
        assert_eq!((first, second, third), (vec![EventId(1)], vec![], vec![EventId(2)]));
        let error = store.ignore_event(EventId(3), "why", 4).unwrap_err();
        assert!(matches!(error, StoreError::UnknownEvent(EventId(3))));
    }

    #[test]
    fn events_without_position_are_all_stored_and_leave_the_cursor() {
        let (_folder, store) = open();
        store.append_events("stream", &[event(None, "a"), event(None, "a")], 1).unwrap();
        assert_eq!(pending(&store), ["a", "a"]);
        assert_eq!(store.cursor("stream").unwrap(), None);
    }

    #[test]
    fn position_zero_is_a_position() {
        let (_folder, store) = open();
        store.append_events("journal", &[event(0, "a")], 1).unwrap();
        store.append_events("journal", &[event(0, "a")], 1).unwrap();
        assert_eq!(pending(&store), ["a"]);
        assert_eq!(store.cursor("journal").unwrap(), Some(0));
    }

    #[test]
    fn a_cursor_can_be_set_back_and_forth() {
        let (_folder, store) = open();
        store.set_cursor("journal", 9).unwrap();
        store.set_cursor("journal", 2).unwrap();
        assert_eq!(store.cursor("journal").unwrap(), Some(2));
        assert!(store.set_cursor("journal", u64::MAX).is_err());
    }

    #[test]
    fn one_bad_event_refuses_the_whole_batch() {
        let (_folder, store) = open();
        let large = RawEvent { position: None, body: vec![b' '; MAX_EVENT_BYTES + 1] };
        let error = store.append_events("journal", &[event(1, "a"), large], 1).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { what: "event", .. }));
        let far = event(u64::MAX, "b");
        let error = store.append_events("journal", &[event(1, "a"), far], 1).unwrap_err();
        assert!(matches!(error, StoreError::NumberTooLarge { .. }));
        assert!(store.append_events("", &[event(1, "a")], 1).is_err());
        assert_eq!((pending(&store), store.cursor("journal").unwrap()), (vec![], None));
    }

    #[test]
    fn an_ignored_event_is_handled_once_and_keeps_why() {
        let (_folder, store) = open();
        let ids = store.append_events("journal", &[event(1, "a"), event(2, "b")], 1).unwrap();
        let why = "x".repeat(MAX_REASON_BYTES + 1);
        assert!(store.ignore_event(ids[0], &why, 2).unwrap());
        assert!(!store.ignore_event(ids[0], "again", 3).unwrap());
        assert_eq!(pending(&store), ["b"]);
        let kept: String = store
            .read("test", |connection| {
                Ok(connection
                    .query_row("SELECT ignored FROM events WHERE id = 1", [], |row| row.get(0))?)
            })
            .unwrap();
        assert_eq!(kept.len(), MAX_REASON_BYTES);
    }

    #[test]
    fn an_event_that_never_was_is_an_error() {
        let (_folder, store) = open();
        let error = store.ignore_event(EventId(1), "why", 1).unwrap_err();
        assert!(matches!(error, StoreError::UnknownEvent(EventId(1))));
    }

    #[test]
    fn a_hundred_thousand_events_go_in_and_stay_in_order() {
        let (_folder, store) = open();
        for batch in 0..100_u64 {
            let events: Vec<_> = (0..1_000)
                .map(|number| event(batch * 1_000 + number, "{\"type\":\"ref-updated\"}"))
                .collect();
            assert_eq!(store.append_events("journal", &events, 1).unwrap().len(), 1_000);
        }
        assert_eq!(store.cursor("journal").unwrap(), Some(99_999));
        assert_eq!(store.backlog(1).unwrap().pending, 100_000);
        let first = store.pending_events(usize::MAX).unwrap();
        let positions: Vec<_> = first.iter().filter_map(|event| event.position).collect();
        assert_eq!(positions, (0..1_000).collect::<Vec<_>>());
    }
}
