//! Effects: what is still to be carried out, and what became of it.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Failure;
use crate::limits::{MAX_PAGE, from_column, page, to_column};
use crate::{Reader, StoreError};

/// An effect to be carried out at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// Its name, unique in the store for ever: an id that is known already, also from long ago,
    /// is passed over. It should begin with its subject's key.
    pub id: String,
    /// Who carries it out.
    pub kind: String,
    /// What to do, as bytes of the core; at most [`crate::MAX_EFFECT_BYTES`].
    pub body: Vec<u8>,
    /// Higher ones go first.
    pub priority: i64,
    /// Not before this time.
    pub not_before_ms: i64,
    /// At most one effect of a lane is at hand at any time (a stack, a change).
    pub lane: Option<String>,
}

/// The number of one lease. Each lease of the store has a larger one than all before it, so a
/// system that an effect writes to can refuse a runner that was overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// Where an effect stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectStatus {
    /// It waits for a runner.
    Waiting,
    /// A runner has it, or had it when the lease ran out.
    Leased {
        /// Which one.
        worker: String,
        /// Until when; the past if it ran out or was released.
        until_ms: i64,
        /// Whether the subject wants it no more.
        cancel_requested: bool,
    },
    /// Its result was taken.
    Done {
        /// When.
        ended_ms: i64,
    },
    /// It was cancelled, and no runner is at it.
    Cancelled {
        /// When.
        ended_ms: i64,
    },
}

/// An effect, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectInfo {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// Who carries it out.
    pub kind: String,
    /// Where it stands.
    pub status: EffectStatus,
    /// How often it was begun.
    pub attempt: u64,
    /// Not before this time.
    pub not_before_ms: i64,
    /// Why the last attempt is to be repeated.
    pub error: Option<String>,
    /// When it was made.
    pub made_ms: i64,
}

/// What a cause finds when it names an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The lease is the present one.
    Held,
    /// This very lease ended the effect.
    Ended,
    /// Another lease, or none.
    Lost,
}

impl fmt::Display for Fence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Reader {
    /// Whether the subject wants the effect no more. A runner asks this from time to time (or
    /// learns it when it renews), then stops as soon as it safely can and ends the effect.
    ///
    /// # Errors
    /// An id that was never stored, or the file's own errors.
    pub fn cancelled(&self, id: &str) -> Result<bool, StoreError> {
        self.read("look whether an effect is cancelled", |connection| {
            let cancelled = connection
                .prepare_cached(
                    "SELECT cancel_requested OR status = 'cancelled' FROM effects WHERE id = ?1",
                )?
                .query_row([id], |row| row.get(0))
                .optional()?;
            cancelled.ok_or_else(|| StoreError::UnknownEffect(id.to_owned()).into())
        })
    }

    /// One effect.
    ///
    /// # Errors
    /// The file's own errors.
    pub fn effect(&self, id: &str) -> Result<Option<EffectInfo>, StoreError> {
        self.read("read an effect", |connection| {
            let mut statement = connection.prepare_cached(&format!("{INFO} WHERE id = ?1"))?;
            Ok(statement.query_row([id], info).optional()?)
        })
    }

    /// A subject's effects, the latest first; at most [`MAX_PAGE`].
    ///
    /// # Errors
    /// The file's own errors.
    pub fn effects_of(&self, subject: &str) -> Result<Vec<EffectInfo>, StoreError> {
        self.read("list effects", |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{INFO} WHERE subject = ?1 ORDER BY number DESC LIMIT ?2"
            ))?;
            let effects = statement.query_map(params![subject, page(MAX_PAGE)], info)?;
            Ok(effects.collect::<Result<_, _>>()?)
        })
    }
}

/// Stores a new effect of `subject`; `false` if its id is known.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    subject: &str,
    effect: &NewEffect,
    leaves_before: u64,
    now_ms: i64,
) -> Result<bool, Failure> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO effects (id, subject, kind, lane, priority, status, not_before_ms,
                                  made_ms, leaves_before, body)
             VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            effect.id,
            subject,
            effect.kind,
            effect.lane,
            effect.priority,
            effect.not_before_ms,
            now_ms,
            to_column("leaf count", leaves_before)?,
            effect.body,
        ])?;
    if inserted == 0 {
        // Passing over another subject's effect would lose this one without a word.
        refuse_foreign(tx, subject, &effect.id)?;
    }
    Ok(inserted > 0)
}

/// Marks an effect of `subject` as no longer wanted.
pub(crate) fn cancel(
    tx: &Transaction<'_>,
    subject: &str,
    id: &str,
    now_ms: i64,
) -> Result<(), Failure> {
    refuse_foreign(tx, subject, id)?;
    tx.prepare_cached(
        "UPDATE effects SET cancel_requested = 1,
             status = iif(status = 'waiting', 'cancelled', status),
             ended_ms = iif(status = 'waiting', ?2, ended_ms)
         WHERE id = ?1 AND status IN ('waiting', 'leased')",
    )?
    .execute(params![id, now_ms])?;
    Ok(())
}

/// Whether `fence` is the effect's present lease. One that ran out counts until another has it.
pub(crate) fn hold(tx: &Connection, id: &str, fence: Fence) -> Result<Hold, Failure> {
    let found: Option<(String, i64)> = tx
        .prepare_cached("SELECT status, fence FROM effects WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((status, present)) = found else {
        return Err(StoreError::UnknownEffect(id.to_owned()).into());
    };
    Ok(match status.as_str() {
        _ if from_column(present) != fence.0 => Hold::Lost,
        "leased" => Hold::Held,
        "done" => Hold::Ended,
        _ => Hold::Lost,
    })
}

/// Ends a leased effect: its result was taken.
pub(crate) fn finish(tx: &Transaction<'_>, id: &str, now_ms: i64) -> Result<(), Failure> {
    tx.prepare_cached(
        "UPDATE effects SET status = 'done', worker = NULL, lease_until_ms = NULL, ended_ms = ?2
         WHERE id = ?1 AND status = 'leased'",
    )?
    .execute(params![id, now_ms])?;
    Ok(())
}

fn refuse_foreign(tx: &Connection, subject: &str, id: &str) -> Result<(), Failure> {
    let owner: Option<String> = tx
        .prepare_cached("SELECT subject FROM effects WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match owner {
        Some(owner) if owner != subject => {
            Err(StoreError::ForeignEffect { id: id.to_owned(), owner, subject: subject.to_owned() }
                .into())
        }
        _ => Ok(()),
    }
}

const INFO: &str = "SELECT id, subject, kind, status, worker, lease_until_ms, cancel_requested,
                           ended_ms, attempt, not_before_ms, error, made_ms FROM effects";

fn info(row: &Row<'_>) -> Result<EffectInfo, rusqlite::Error> {
    let status: String = row.get("status")?;
    Ok(EffectInfo {
        id: row.get("id")?,
        subject: row.get("subject")?,
        kind: row.get("kind")?,
        status: match status.as_str() {
            "leased" => EffectStatus::Leased {
                worker: row.get("worker")?,
                until_ms: row.get("lease_until_ms")?,
                cancel_requested: row.get("cancel_requested")?,
            },
            "done" => EffectStatus::Done { ended_ms: row.get("ended_ms")? },
            "cancelled" => EffectStatus::Cancelled { ended_ms: row.get("ended_ms")? },
            // The schema allows no fifth.
            _ => EffectStatus::Waiting,
        },
        attempt: from_column(row.get("attempt")?),
        not_before_ms: row.get("not_before_ms")?,
        error: row.get("error")?,
        made_ms: row.get("made_ms")?,
    })
}
