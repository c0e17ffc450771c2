//! Events in, hints out. A raw event is on disk before anything else happens.

use crate::{ApplyError, Engine, Executor, SubjectInput};
use tidegate_core::Verb;
use tidegate_core::classify::{Classified, Subject};
use tidegate_store::{Cause, RawEvent, StoreError, StoredEvent};

/// How many stored events are looked at before the store is asked for more.
const BATCH: usize = 500;

/// What a source brings.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    /// The source: the journal's id, or the stream's.
    pub source: String,
    /// Events, with their position where the source counts them.
    pub events: Vec<RawEvent>,
    /// Where the source goes on after these, if it counts.
    pub position: Option<u64>,
    /// Whether some may have been lost before these.
    pub gap: bool,
}

impl<E: Executor> Engine<E> {
    /// Makes what a source brought durable. After a gap every watched project is read.
    ///
    /// # Errors
    /// The store's; the source must bring the same again then.
    pub fn take(&self, incoming: &Incoming) -> Result<(), ApplyError> {
        let now_ms = self.clock().now_ms();
        if !incoming.events.is_empty() {
            self.store().append_events(&incoming.source, &incoming.events, now_ms)?;
        }
        if let Some(position) = incoming.position
            && self.store().cursor(&incoming.source)?.is_none_or(|cursor| cursor < position)
        {
            self.store().set_cursor(&incoming.source, position)?;
        }
        if incoming.gap {
            self.reconcile()?;
        }
        Ok(())
    }

    /// Has every watched project read.
    ///
    /// # Errors
    /// The store's, or the core's.
    pub fn reconcile(&self) -> Result<(), ApplyError> {
        for project in &self.settings().projects {
            let hint = SubjectInput::project_hint(self.server(), project);
            self.apply(Cause::Other, &hint, Vec::new())?;
        }
        Ok(())
    }

    /// Turns stored events into hints until none is left.
    pub(crate) fn dispatch(&self) -> Result<(), StoreError> {
        loop {
            let events = self.store().pending_events(BATCH)?;
            if events.is_empty() {
                return Ok(());
            }
            for event in &events {
                self.dispatch_one(event)?;
            }
        }
    }

    fn dispatch_one(&self, event: &StoredEvent) -> Result<(), StoreError> {
        let now_ms = self.clock().now_ms();
        let hints = match self.hints(&event.body) {
            Ok(hints) => hints,
            Err(why) => {
                self.store().ignore_event(event.id, &why, now_ms)?;
                return Ok(());
            }
        };
        let Some((last, others)) = hints.split_last() else {
            self.store().ignore_event(event.id, "it is about no watched project", now_ms)?;
            return Ok(());
        };
        // Hints may come twice; so only the last one uses the event up.
        for hint in others {
            self.hint(Cause::Other, hint)?;
        }
        if !self.hint(Cause::Event(event.id), last)? {
            self.store().ignore_event(event.id, "the core could not take it", now_ms)?;
        }
        Ok(())
    }

    /// Gives a hint; `false` if the core would not take it.
    fn hint(&self, cause: Cause<'_>, hint: &SubjectInput) -> Result<bool, StoreError> {
        match self.apply(cause, hint, Vec::new()) {
            Ok(_) => Ok(true),
            Err(ApplyError::Store(error)) => Err(error),
            Err(ApplyError::Core(why)) => {
                tracing::error!(subject = hint.key(self.server()), why, "a hint was refused");
                Ok(false)
            }
        }
    }

    /// The subjects that an event hints at, or why there are none.
    fn hints(&self, body: &[u8]) -> Result<Vec<SubjectInput>, String> {
        let answer = self.rules().call(Verb::Classify, body).map_err(|error| error.to_string())?;
        let classified: Classified =
            serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let hints = match classified {
            Classified::Hints { hints, .. } => hints,
            Classified::Ignored { kind, why } => return Err(format!("{kind}: {why}")),
        };
        let watched = |project: &_| self.settings().projects.contains(project);
        let mut inputs = Vec::new();
        for hint in hints {
            match hint.subject {
                Subject::Change { project, number } if watched(&project) => {
                    inputs.push(SubjectInput::change_hint(self.server(), &project, number));
                }
                Subject::Branch { project, .. } if watched(&project) => {
                    inputs.push(SubjectInput::project_hint(self.server(), &project));
                }
                // Settings are inherited: a parent's matter to every project below it.
                Subject::Settings { .. } | Subject::Server => inputs.extend(
                    self.settings()
                        .projects
                        .iter()
                        .map(|project| SubjectInput::project_hint(self.server(), project)),
                ),
                Subject::Change { .. } | Subject::Branch { .. } => {}
            }
        }
        Ok(inputs)
    }
}
