//! Leases: who carries out which effect, and until when the others keep off.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::effect::{Hold, hold};
use crate::error::Failure;
use crate::limits::{check_name, cut_reason, from_column, to_column};
use crate::store::Ending;
use crate::{Fence, Reader, Store, StoreError};

/// The end of a lease that its worker gave back: in the past at any time.
const RELEASED_MS: i64 = i64::MIN;

/// An effect that the caller is to carry out, until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Its name.
    pub id: String,
    /// Its kind, one of those asked for.
    pub kind: String,
    /// Whose it is.
    pub subject: String,
    /// What to do.
    pub body: Vec<u8>,
    /// Which attempt this is, from 1. Over 1, an earlier one failed or its runner vanished.
    pub attempt: u64,
    /// The number of this lease.
    pub fence: Fence,
    /// The subject wants it no more, but an earlier runner vanished while it was at it. What it
    /// did must be found out and told; nothing more is to be done.
    pub cancelled: bool,
    /// How many leaves the log must hold ([`Reader::logged`]) before this effect may touch the
    /// world: all up to the decision that made it.
    pub leaves_before: u64,
}

/// What became of a wish to keep a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The lease goes on.
    Renewed,
    /// The lease goes on, but the effect is no longer wanted.
    RenewedButCancelled,
    /// Another has the effect, or it has ended; the caller must stop.
    Stale,
}

/// What became of a wish to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The effect waits for its next attempt.
    Waiting,
    /// The effect is no longer wanted, so there is no next attempt.
    Cancelled,
    /// Another has the effect, or it has ended; nothing was written.
    Stale,
}

impl Store {
    /// Takes the next effect of one of these kinds for `ttl_ms`: the one of the highest priority,
    /// and of those the oldest. `None` if there is nothing to do.
    ///
    /// A lease that ran out is taken over, with a larger fence. Until then its lane stays closed
    /// to other effects, since its runner may still be at it.
    ///
    /// # Errors
    /// A worker's name that is empty or too long; the file's own errors.
    pub fn lease(
        &self,
        kinds: &[&str],
        worker: &str,
        now_ms: i64,
        ttl_ms: u64,
    ) -> Result<Option<Leased>, StoreError> {
        check_name("worker", worker)?;
        self.write("lease an effect", |tx| {
            let Some(number) = next(tx, kinds, now_ms)? else {
                return Ok(Ending::Abandon(None));
            };
            let fence = next_fence(tx)?;
            let until_ms = now_ms.saturating_add_unsigned(ttl_ms);
            let leased = tx
                .prepare_cached(
                    "UPDATE effects SET status = 'leased', worker = ?2, lease_until_ms = ?3,
                         fence = ?4, attempt = attempt + 1
                     WHERE number = ?1
                     RETURNING id, kind, subject, body, attempt, fence, cancel_requested,
                         leaves_before",
                )?
                .query_row(params![number, worker, until_ms, fence], leased)?;
            Ok(Ending::Commit(Some(leased)))
        })
    }

    /// Keeps a lease until `ttl_ms` from now. One that ran out can be renewed while nobody has
    /// taken it over.
    ///
    /// # Errors
    /// An id that was never stored, or the file's own errors.
    pub fn renew(
        &self,
        id: &str,
        fence: Fence,
        now_ms: i64,
        ttl_ms: u64,
    ) -> Result<Renewal, StoreError> {
        self.write("renew a lease", |tx| {
            if hold(tx, id, fence)? != Hold::Held {
                return Ok(Ending::Abandon(Renewal::Stale));
            }
            let cancelled = tx
                .prepare_cached(
                    "UPDATE effects SET lease_until_ms = ?2 WHERE id = ?1
                     RETURNING cancel_requested",
                )?
                .query_row(params![id, now_ms.saturating_add_unsigned(ttl_ms)], |row| row.get(0))?;
            Ok(Ending::Commit(match cancelled {
                true => Renewal::RenewedButCancelled,
                false => Renewal::Renewed,
            }))
        })
    }

    /// Gives an effect back that did nothing to the world, or may do it twice: it waits until
    /// `not_before_ms` for its next attempt, unless it was cancelled meanwhile. How many attempts
    /// are enough is for the caller to say, who then ends it by [`Store::advance`] instead.
    ///
    /// # Errors
    /// An id that was never stored, or the file's own errors.
    pub fn retry(
        &self,
        id: &str,
        fence: Fence,
        not_before_ms: i64,
        error: &str,
        now_ms: i64,
    ) -> Result<Retry, StoreError> {
        let retried = self.write("retry an effect", |tx| {
            if hold(tx, id, fence)? != Hold::Held {
                return Ok(Ending::Abandon(Retry::Stale));
            }
            let cancelled = tx
                .prepare_cached(
                    "UPDATE effects SET worker = NULL, lease_until_ms = NULL, error = ?2,
                         not_before_ms = ?3,
                         status = iif(cancel_requested, 'cancelled', 'waiting'),
                         ended_ms = iif(cancel_requested, ?4, NULL)
                     WHERE id = ?1 RETURNING cancel_requested",
                )?
                .query_row(params![id, cut_reason(error), not_before_ms, now_ms], |row| {
                    row.get(0)
                })?;
            Ok(Ending::Commit(match cancelled {
                true => Retry::Cancelled,
                false => Retry::Waiting,
            }))
        })?;
        if retried != Retry::Stale {
            // The lane is free, too.
            self.changes.announce();
        }
        Ok(retried)
    }

    /// Ends all leases of a worker, as if they had run out now; others take over at once. For a
    /// worker that shuts down, and at the start of one whose predecessor of the same name was
    /// killed. Returns how many there were.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn release_worker(&self, worker: &str) -> Result<usize, StoreError> {
        let released = self.write("release a worker's leases", |tx| {
            let released = tx
                .prepare_cached(
                    "UPDATE effects SET lease_until_ms = ?2
                     WHERE status = 'leased' AND worker = ?1",
                )?
                .execute(params![worker, RELEASED_MS])?;
            Ok(Ending::Commit(released))
        })?;
        if released > 0 {
            self.changes.announce();
        }
        Ok(released)
    }
}

impl Reader {
    /// The next time after `now_ms` at which an effect comes due or a lease ends, if nothing is
    /// committed before. With [`Store::wait_changed`], an engine sleeps exactly until then.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn next_due_ms(&self, now_ms: i64) -> Result<Option<i64>, StoreError> {
        self.read("look when effects come due", |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT min(due_ms) FROM (
                     SELECT min(not_before_ms) AS due_ms FROM effects
                     WHERE status = 'waiting' AND not_before_ms > ?1
                     UNION ALL
                     SELECT min(lease_until_ms) FROM effects
                     WHERE status = 'leased' AND lease_until_ms > ?1)",
            )?;
            Ok(statement.query_row([now_ms], |row| row.get(0))?)
        })
    }
}

/// The best candidate of one kind. Asked for each kind by itself, since then the index of open
/// effects gives the order and the first that fits is the answer.
const CANDIDATE: &str = "
    SELECT number, priority FROM effects AS candidate
    WHERE kind = ?1 AND status IN ('waiting', 'leased')
      AND iif(status = 'leased',
              lease_until_ms <= ?2,
              not_before_ms <= ?2
              AND NOT EXISTS (SELECT 1 FROM effects AS holder
                              WHERE holder.lane = candidate.lane AND holder.status = 'leased'))
    ORDER BY priority DESC, number LIMIT 1";

fn next(tx: &Connection, kinds: &[&str], now_ms: i64) -> Result<Option<i64>, Failure> {
    let mut best: Option<(i64, i64)> = None;
    let mut statement = tx.prepare_cached(CANDIDATE)?;
    for kind in kinds {
        let found: Option<(i64, i64)> = statement
            .query_row(params![kind, now_ms], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        best = match (best, found) {
            (Some(best), Some(found)) if (found.1, -found.0) <= (best.1, -best.0) => Some(best),
            (best, found) => found.or(best),
        };
    }
    Ok(best.map(|(number, _)| number))
}

fn next_fence(tx: &Transaction<'_>) -> Result<i64, Failure> {
    let fence: i64 = tx
        .prepare_cached(
            "UPDATE counters SET value = value + 1 WHERE name = 'fence' RETURNING value",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(to_column("fence", from_column(fence))?)
}

fn leased(row: &Row<'_>) -> Result<Leased, rusqlite::Error> {
    Ok(Leased {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject: row.get(2)?,
        body: row.get(3)?,
        attempt: from_column(row.get(4)?),
        fence: Fence(from_column(row.get(5)?)),
        cancelled: row.get(6)?,
        leaves_before: from_column(row.get(7)?),
    })
}

#[cfg(test)]
mod tests;
