//! Figures that follow from the log: results, holds, votes that were asked for again, and waits.

use crate::trail::Entry;
use std::collections::{BTreeMap, HashMap};

/// Figures over all entries so far. Times are in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Applies by result, such as `applied`.
    pub(crate) applies: BTreeMap<String, u64>,
    /// Holds by the code of their reason.
    pub(crate) holds: BTreeMap<String, u64>,
    /// Changes on which a plan was published.
    pub(crate) changes: u64,
    /// Plans that were published on a change after its first: each asks for votes again.
    pub(crate) revotes: u64,
    /// How long things waited.
    pub(crate) waits: BTreeMap<Wait, Sum>,
}

/// The figures, and what is needed to count on.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) figures: Figures,
    /// The last publication of each change.
    published: HashMap<String, i64>,
    /// Applies that began, by run.
    begun: HashMap<String, i64>,
    /// Stacks that are held, by branch, revision and stack.
    held: HashMap<String, i64>,
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// From the last plan of a change to its first apply: votes and the submit.
    Review,
    /// From a hold to what ended it.
    Hold,
    /// From the intent of an apply to its outcome.
    Apply,
}

/// How often, and how long altogether.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    pub(crate) total_ms: u64,
}

impl Wait {
    /// Who was waited for, and with what.
    pub(crate) fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Review => ("people", "review"),
            Self::Hold => ("people", "hold"),
            Self::Apply => ("machines", "apply"),
        }
    }
}

impl Tally {
    /// Counts one more entry; entries come in the order of the log.
    pub(crate) fn add(&mut self, entry: &Entry) {
        match entry.code.as_str() {
            "plan-published" => {
                let before = self.published.insert(entry.subject.clone(), entry.time);
                let count = if before.is_some() {
                    &mut self.figures.revotes
                } else {
                    &mut self.figures.changes
                };
                *count += 1;
            }
            "intent" => {
                if let Some(since) = self.published.get_mut(&reviewed(entry)) {
                    let since = std::mem::replace(since, i64::MIN);
                    // Once only: later stacks of a rollout wait for the ones before.
                    if since != i64::MIN {
                        self.waited(Wait::Review, since, entry.time);
                    }
                }
                self.end_hold(entry);
                self.begun.insert(entry.id("run").to_owned(), entry.time);
            }
            "outcome" => {
                *self.figures.applies.entry(entry.id("result").to_owned()).or_default() += 1;
                if let Some(since) = self.begun.remove(entry.id("run")) {
                    self.waited(Wait::Apply, since, entry.time);
                }
            }
            "hold" => {
                *self.figures.holds.entry(entry.id("code").to_owned()).or_default() += 1;
                self.held.entry(stack(entry)).or_insert(entry.time);
            }
            "retry" | "abort" | "adopted" => self.end_hold(entry),
            // Nothing is counted of the others.
            _ => {}
        }
    }

    fn end_hold(&mut self, entry: &Entry) {
        let one = stack(entry);
        let all = entry.id("stack") == "all";
        let ended: Vec<_> = self
            .held
            .iter()
            .filter(|(key, _)| **key == one || (all && key.starts_with(&rollout(entry))))
            .map(|(key, since)| (key.clone(), *since))
            .collect();
        for (key, since) in ended {
            self.held.remove(&key);
            self.waited(Wait::Hold, since, entry.time);
        }
    }

    fn waited(&mut self, wait: Wait, since: i64, until: i64) {
        let sum = self.figures.waits.entry(wait).or_default();
        sum.count += 1;
        // A clock that was set back makes no negative wait.
        let took = u64::try_from(until.saturating_sub(since)).unwrap_or(0);
        sum.total_ms = sum.total_ms.saturating_add(took);
    }
}

/// The review of the change that an intent names: `server/project/ref` without its ref.
fn reviewed(intent: &Entry) -> String {
    let before = intent.subject.split("/refs/").next().unwrap_or_default();
    format!("{before}/{}", intent.id("change"))
}

fn rollout(entry: &Entry) -> String {
    format!("{}\n{}\n", entry.subject, entry.id("revision"))
}

fn stack(entry: &Entry) -> String {
    format!("{}{}", rollout(entry), entry.id("stack"))
}
