//! What a Gerrit event says: which subjects to look at again, or that it says nothing to us.
//!
//! An event is only ever a hint. Its fields are shown to nobody and no fact is taken from them;
//! what it names is read anew from Gerrit. So a lost, doubled or forged event costs a look at most.

mod change;
mod classify_error;
mod event_kind;
mod fields;
mod hint;
mod refs;
#[cfg(test)]
mod tests;

pub use classify_error::ClassifyError;
pub use event_kind::EventKind;
pub use hint::{Classified, Hint, Subject, Urgency, Why};

use crate::json;
use crate::limits;
use change::{change, change_merged};
use fields::Fields;
use refs::{one_ref, several_refs};
use serde_json::Value;

/// Most subjects that one event names; beyond it, the hint is to look at everything.
pub const SUBJECTS: usize = 1_000;

/// Says what an event means. `event` is one JSON object as Gerrit writes it, on a line of
/// `stream-events` or in the plugin's journal.
///
/// # Errors
/// When it is too large, isn't an object in JSON with a `type`, or is of a known type and doesn't
/// tell its subject.
#[inline(never)]
pub fn classify(event: &[u8]) -> Result<Classified, ClassifyError> {
    let value = parse(event)?;
    let fields = Fields::new(&value)?;
    match fields.kind() {
        Some(kind) => known(kind, &fields),
        None => Ok(ignored(&fields, Why::Unknown)),
    }
}

/// The verb `classify`: a raw event to [`Classified`] as JSON.
///
/// # Errors
/// A text that says what was expected of the event.
#[inline(never)]
pub fn verb(event: &[u8]) -> Result<Vec<u8>, String> {
    let classified = classify(event).map_err(|error| error.to_string())?;
    json::write(&classified)
}

#[inline(never)]
fn parse(event: &[u8]) -> Result<Value, ClassifyError> {
    let (found, limit) = (event.len(), limits::EVENT_BYTES);
    if found > limit {
        return Err(ClassifyError::TooLarge { found, limit });
    }
    Ok(serde_json::from_slice(event)?)
}

#[inline(never)]
fn known(kind: EventKind, fields: &Fields<'_>) -> Result<Classified, ClassifyError> {
    use EventKind as K;
    match kind {
        K::PatchsetCreated
        | K::CommentAdded
        | K::VoteDeleted
        | K::ChangeRestored
        | K::WipStateChanged
        | K::PrivateStateChanged => change(kind, Urgency::Now, fields),
        K::ReviewerDeleted | K::ChangeAbandoned | K::ChangeDeleted | K::TopicChanged => {
            change(kind, Urgency::Soon, fields)
        }
        K::ReviewerAdded | K::HashtagsChanged | K::CustomKeyedValuesChanged => {
            change(kind, Urgency::Later, fields)
        }
        K::ChangeMerged => change_merged(fields),
        K::RefUpdated => one_ref(fields),
        K::BatchRefUpdated => several_refs(fields),
        K::ProjectCreated | K::ProjectDeleted => {
            let subject = Subject::Settings { project: fields.project(&["projectName"])? };
            Ok(Classified::Hints { hints: vec![Hint { subject, urgency: Urgency::Soon, kind }] })
        }
        K::DroppedOutput | K::TidegateGap => {
            let (subject, urgency) = (Subject::Server, Urgency::Now);
            Ok(Classified::Hints { hints: vec![Hint { subject, urgency, kind }] })
        }
        K::CommitReceived | K::RefReceived => Ok(ignored(fields, Why::BeforeTheFact)),
        K::ProjectHeadUpdated => Ok(ignored(fields, Why::NoEffect)),
        K::RefReplicated
        | K::RefReplicationScheduled
        | K::RefReplicationDone
        | K::FetchRefReplicated
        | K::FetchRefReplicationScheduled
        | K::FetchRefReplicationDone => Ok(ignored(fields, Why::Replication)),
        K::CacheEviction | K::PendingCheck | K::RerunCheck => Ok(ignored(fields, Why::OtherPlugin)),
    }
}

fn ignored(fields: &Fields<'_>, why: Why) -> Classified {
    Classified::Ignored { kind: fields.type_shown(), why }
}
