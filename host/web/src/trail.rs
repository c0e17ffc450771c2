//! What the log's outbox tells, read as it grows: which entries are about what, and the figures that
//! follow from them.
//!
//! Entries are never changed or removed, so each is read once. Only places are kept, a few bytes for
//! each entry; the entries themselves are read again when somebody looks at them.

use crate::tally::{Figures, Tally};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_store::{Leaf, Reader, StoreError};

/// How many entries are read at a time.
const BATCH: usize = 1_000;

/// An entry as the core asked for it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    /// Its index in the log.
    #[serde(skip)]
    pub(crate) index: u64,
    /// When it was made, in milliseconds since the epoch.
    pub(crate) time: i64,
    pub(crate) code: String,
    pub(crate) subject: String,
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) digests: BTreeMap<String, String>,
}

/// The trail of the whole log. Clones share what was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    read: Arc<Mutex<Read>>,
}

#[derive(Debug, Default)]
struct Read {
    next: u64,
    places: BTreeMap<String, Vec<u64>>,
    tally: Tally,
}

impl Entry {
    fn of(leaf: &Leaf) -> Option<Self> {
        let entry: Self = serde_json::from_slice(&leaf.body).ok()?;
        Some(Self { index: leaf.index, ..entry })
    }

    /// An id, or nothing.
    pub(crate) fn id(&self, name: &str) -> &str {
        self.ids.get(name).map_or("", String::as_str)
    }

    /// What it is found by: its subject, and the revision where the subject is a branch.
    fn key(&self) -> String {
        key(&self.subject, self.ids.get("revision").map(String::as_str))
    }
}

impl Trail {
    /// The figures, as of now.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn figures(&self, store: &Reader) -> Result<Figures, StoreError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.catch_up(store)?;
        Ok(read.tally.figures.clone())
    }

    /// The last `most` entries about a subject, oldest first; about one revision of it, if given.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn entries(
        &self,
        store: &Reader,
        subject: &str,
        revision: Option<&str>,
        most: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let places = {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.catch_up(store)?;
            let all = read.places.get(&key(subject, revision)).cloned().unwrap_or_default();
            all.get(all.len().saturating_sub(most)..).map(<[u64]>::to_vec).unwrap_or_default()
        };
        let mut entries = Vec::new();
        for place in places {
            entries.extend(store.take_leaves(place, 1)?.iter().filter_map(Entry::of));
        }
        Ok(entries)
    }
}

impl Read {
    fn catch_up(&mut self, store: &Reader) -> Result<(), StoreError> {
        loop {
            let leaves = store.take_leaves(self.next, BATCH)?;
            let Some(last) = leaves.last() else { return Ok(()) };
            let next = last.index + 1;
            for leaf in &leaves {
                // What can't be read is the logkeeper's to complain of.
                let Some(entry) = Entry::of(leaf) else { continue };
                self.places.entry(entry.key()).or_default().push(leaf.index);
                self.tally.add(&entry);
            }
            self.next = next;
        }
    }
}

fn key(subject: &str, revision: Option<&str>) -> String {
    // Neither has a line break.
    format!("{subject}\n{}", revision.unwrap_or_default())
}
