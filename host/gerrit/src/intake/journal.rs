//! Following the plugin's journal by long polls.

use crate::Backoff;
use crate::intake::{Batch, Gap, Position, RawEvent, Source};
use crate::rest::{Client, RestError};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::future::Future;
use std::time::Duration;
use tidegate_core::limits::EVENT_BYTES;
use tokio::sync::watch;
use tokio::time::sleep;

/// Most events of one answer.
const LIMIT: u64 = 500;

/// How long the plugin holds an answer back when there is nothing new.
const WAIT: Duration = Duration::from_secs(30);

/// Most bytes of one answer. With more, fewer events are asked for.
const ANSWER_BYTES: usize = 32 << 20;

/// How the journal is followed.
#[derive(Clone, Debug)]
pub struct JournalConfig {
    /// How long one poll may wait for news.
    pub wait: Duration,
    /// The waits after failures.
    pub backoff: Backoff,
}

impl Default for JournalConfig {
    fn default() -> Self {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        Self { wait: WAIT, backoff }
    }
}

/// `GET /config/server/tidegate~events`.
#[derive(Debug, Deserialize)]
struct Answer {
    /// The journal's UUID.
    journal: String,
    /// The events behind the number asked for, in order.
    events: Vec<Entry>,
    /// The oldest event that the journal still has, or the next one if it has none.
    first: u64,
    /// The newest, or one less than `first`.
    last: u64,
}

#[derive(Debug, Deserialize)]
struct Entry {
    seq: u64,
    event: Box<RawValue>,
}

/// Follows the journal from `from` on (or from its present end), until `stop` becomes true or its
/// sender is gone. Whatever Gerrit answers or doesn't, it goes on trying.
///
/// `sink` makes a batch durable, together with its position. The next events are asked for when it
/// is done.
///
/// # Errors
/// Only what `sink` gives: who can't keep events must not go on.
pub async fn follow<S, F, E>(
    client: &Client,
    config: JournalConfig,
    from: Option<Position>,
    mut stop: watch::Receiver<bool>,
    mut sink: S,
) -> Result<(), E>
where
    S: FnMut(Batch) -> F,
    F: Future<Output = Result<(), E>>,
{
    let mut follower = Follower { position: from, limit: LIMIT };
    let mut backoff = config.backoff;
    loop {
        let answer = tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            answer = follower.poll(client, config.wait) => answer,
        };
        let wait = match answer {
            Ok(answer) => {
                let batch = follower.taken(answer);
                backoff.reset();
                if let Some(batch) = batch {
                    let position = batch.position.clone();
                    sink(batch).await?;
                    follower.position = position;
                }
                continue;
            }
            Err(RestError::TooLarge { .. }) if follower.limit > 1 => {
                follower.limit /= 2;
                continue;
            }
            Err(RestError::TooLarge { .. }) => {
                let batch = follower.skipped();
                let position = batch.position.clone();
                sink(batch).await?;
                follower.position = position;
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "the event journal can't be read; trying again");
                backoff.wait()
            }
        };
        tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            () = sleep(wait) => {}
        }
    }
}

/// Ends when following is to end.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it who wanted events.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Where we are.
#[derive(Debug)]
struct Follower {
    position: Option<Position>,
    limit: u64,
}

impl Follower {
    async fn poll(&self, client: &Client, wait: Duration) -> Result<Answer, RestError> {
        // Without a position the journal's past isn't wanted, only its present end.
        let (after, limit, wait) = match &self.position {
            Some(position) => (position.seq, self.limit, wait),
            None => (0, 1, Duration::ZERO),
        };
        let call = client
            .get(&["config", "server", "tidegate~events"])
            .query("after", &after.to_string())
            .query("limit", &limit.to_string())
            .query("wait", &wait.as_secs().to_string())
            // A failed poll is our own business here: it would be silent for too long there.
            .once()
            .long_poll(wait, ANSWER_BYTES);
        client.ask(&call).await
    }

    /// The batch that an answer makes; none if it has nothing new.
    fn taken(&mut self, answer: Answer) -> Option<Batch> {
        let Some(position) = &self.position else {
            return Some(batch(answer.journal, answer.last, Vec::new(), Some(Gap::Started)));
        };
        let asked = position.seq;
        if answer.journal != position.journal || answer.last < asked {
            // All that this journal has is new to us; the next poll reads it from its start.
            let before_first = answer.first.saturating_sub(1);
            return Some(batch(answer.journal, before_first, Vec::new(), Some(Gap::NewJournal)));
        }
        let mut gap = None;
        let mut at = asked;
        let mut events = Vec::new();
        for entry in answer.events {
            // What isn't behind the last one was taken already.
            if entry.seq <= at {
                continue;
            }
            if entry.seq > at + 1 {
                gap = gap.or(Some(Gap::Missing { first: at + 1, last: entry.seq - 1 }));
            }
            at = entry.seq;
            let bytes = entry.event.get().as_bytes();
            if bytes.len() > EVENT_BYTES {
                gap = gap.or(Some(Gap::TooLarge));
            } else {
                events.push(RawEvent { seq: Some(at), bytes: bytes.to_vec() });
            }
        }
        if at == asked && answer.first > asked + 1 {
            gap = Some(Gap::Missing { first: asked + 1, last: answer.first - 1 });
            at = answer.first - 1;
        }
        self.limit = (self.limit * 2).min(LIMIT);
        (at > asked).then(|| batch(answer.journal, at, events, gap))
    }

    /// The batch that leaves out one event which no answer can carry.
    fn skipped(&mut self) -> Batch {
        self.limit = LIMIT;
        let position = self.position.clone();
        let seq = position.as_ref().map_or(0, |position| position.seq + 1);
        batch(
            position.map_or_else(String::new, |p| p.journal),
            seq,
            Vec::new(),
            Some(Gap::TooLarge),
        )
    }
}

fn batch(journal: String, seq: u64, events: Vec<RawEvent>, gap: Option<Gap>) -> Batch {
    Batch { source: Source::Journal, events, gap, position: Some(Position { journal, seq }) }
}

#[cfg(test)]
mod tests;
