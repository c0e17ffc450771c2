//! What waits, in numbers.

use crate::limits::from_column;
use crate::{Reader, StoreError};

/// The open effects of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStats {
    /// Which kind.
    pub kind: String,
    /// Due and waiting for a runner, or for their lane.
    pub ready: u64,
    /// Not due yet.
    pub delayed: u64,
    /// With a runner.
    pub leased: u64,
    /// With a runner whose lease ran out.
    pub expired: u64,
    /// For how long the oldest ready one has been due, in milliseconds.
    pub oldest_ready_ms: Option<u64>,
}

/// The events that are neither handled nor ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub pending: u64,
    /// How long ago the oldest was stored, in milliseconds.
    pub oldest_ms: Option<u64>,
}

impl Reader {
    /// The open effects of each kind that has any, in the order of the kinds.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn queues(&self, now_ms: i64) -> Result<Vec<QueueStats>, StoreError> {
        self.read("count effects", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT kind,
                     count(*) FILTER (WHERE status = 'waiting' AND not_before_ms <= ?1),
                     count(*) FILTER (WHERE status = 'waiting' AND not_before_ms > ?1),
                     count(*) FILTER (WHERE status = 'leased' AND lease_until_ms > ?1),
                     count(*) FILTER (WHERE status = 'leased' AND lease_until_ms <= ?1),
                     min(max(made_ms, not_before_ms))
                         FILTER (WHERE status = 'waiting' AND not_before_ms <= ?1)
                 FROM effects WHERE status IN ('waiting', 'leased') GROUP BY kind ORDER BY kind",
            )?;
            let queues = statement.query_map([now_ms], |row| {
                Ok(QueueStats {
                    kind: row.get(0)?,
                    ready: from_column(row.get(1)?),
                    delayed: from_column(row.get(2)?),
                    leased: from_column(row.get(3)?),
                    expired: from_column(row.get(4)?),
                    oldest_ready_ms: age(row.get(5)?, now_ms),
                })
            })?;
            Ok(queues.collect::<Result<_, _>>()?)
        })
    }

    /// The events that wait.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn backlog(&self, now_ms: i64) -> Result<Backlog, StoreError> {
        self.read("count pending events", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT count(*), min(received_ms) FROM events WHERE handled_ms IS NULL",
            )?;
            Ok(statement.query_row([], |row| {
                Ok(Backlog {
                    pending: from_column(row.get(0)?),
                    oldest_ms: age(row.get(1)?, now_ms),
                })
            })?)
        })
    }
}

/// How long ago `then` was; nothing for a time to come, which a clock set back makes.
fn age(then: Option<i64>, now_ms: i64) -> Option<u64> {
    then.map(|then| from_column(now_ms.saturating_sub(then)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::convert::Infallible;
    use std::slice;

    use super::*;
    use crate::{Cause, NewEffect, RawEvent, Store, Transition};

    #[test]
    fn queues_count_open_effects_by_kind() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let mut transition = Transition::to("{}");
        for (id, kind, not_before_ms) in [
            ("expires", "apply", 0),
            ("runs", "apply", 0),
            ("ready", "apply", 150),
            ("delayed", "apply", 500),
            ("old", "vote", 0),
        ] {
            transition.effects.push(NewEffect {
                id: id.into(),
                kind: kind.into(),
                body: Vec::new(),
                priority: 0,
                not_before_ms,
                lane: None,
            });
        }
        store.advance(Cause::Other, "a", "x", 100, |_| Ok::<_, Infallible>(transition)).unwrap();
        store.lease(&["apply"], "w", 100, 50).unwrap().unwrap();
        store.lease(&["apply"], "w", 100, 500).unwrap().unwrap();
        let apply = QueueStats {
            kind: "apply".into(),
            ready: 1,
            delayed: 1,
            leased: 1,
            expired: 1,
            oldest_ready_ms: Some(50),
        };
        let vote = QueueStats {
            kind: "vote".into(),
            ready: 1,
            delayed: 0,
            leased: 0,
            expired: 0,
            oldest_ready_ms: Some(100),
        };
        assert_eq!(store.queues(200).unwrap(), [apply, vote]);
    }

    #[test]
    fn the_backlog_counts_pending_events_and_their_age() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let backlog = |pending, oldest_ms| Backlog { pending, oldest_ms };
        assert_eq!(store.backlog(5).unwrap(), backlog(0, None));
        let event = RawEvent { position: None, body: Vec::new() };
        let ids = store.append_events("journal", slice::from_ref(&event), 10).unwrap();
        store.append_events("journal", &[event], 20).unwrap();
        assert_eq!(store.backlog(25).unwrap(), backlog(2, Some(15)));
        assert_eq!(store.backlog(5).unwrap(), backlog(2, Some(0)));
        store.ignore_event(ids[0], "nothing", 26).unwrap();
        assert_eq!(store.backlog(25).unwrap(), backlog(1, Some(5)));
    }
}
