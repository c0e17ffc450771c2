//! Events of refs.

use super::fields::Fields;
use super::{Classified, ClassifyError, EventKind, Hint, SUBJECTS, Subject, Urgency, Why};
use crate::ids::{BadId, ChangeNumber, RefName};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a ref is to us.
pub(super) enum Meaning {
    /// A branch.
    Branch(RefName),
    /// The settings.
    Settings,
    /// Nothing.
    Nothing(Why),
}

/// What the update of `name` says. The refs of changes are told apart first: they are most of all
/// updates. A short name is a branch's.
#[inline(never)]
pub(super) fn meaning(name: &str) -> Result<Meaning, BadId> {
    if let Some(rest) = name.strip_prefix("refs/changes/") {
        let why = if rest.ends_with("/meta") { Why::ChangeMeta } else { Why::ChangeRef };
        return Ok(Meaning::Nothing(why));
    }
    if name == "refs/meta/config" {
        return Ok(Meaning::Settings);
    }
    let is_branch = name.starts_with("refs/heads/");
    if !is_branch && (name.starts_with("refs/") || name == "HEAD") {
        return Ok(Meaning::Nothing(Why::OtherRef));
    }
    let name = if is_branch { name.to_owned() } else { format!("refs/heads/{name}") };
    Ok(Meaning::Branch(name.parse()?))
}

/// The number in a ref of a change, such as `refs/changes/34/1234/5`.
pub(super) fn change_number(name: &str) -> Option<ChangeNumber> {
    let number = name.strip_prefix("refs/changes/")?.split('/').nth(1)?.parse().ok()?;
    (number > 0).then_some(ChangeNumber(number))
}

/// The update of one ref.
#[inline(never)]
pub(super) fn one_ref(fields: &Fields<'_>) -> Result<Classified, ClassifyError> {
    let kind = EventKind::RefUpdated;
    Ok(match update(fields, &["refUpdate", "refName"], &["refUpdate", "project"])? {
        Ok(subject) => {
            Classified::Hints { hints: vec![Hint { subject, urgency: Urgency::Now, kind }] }
        }
        Err(why) => Classified::Ignored { kind: fields.type_shown(), why },
    })
}

/// The update of several refs. What can't be read in the list, or is too much, means to look at
/// everything: dropping it would lose a branch.
#[inline(never)]
pub(super) fn several_refs(fields: &Fields<'_>) -> Result<Classified, ClassifyError> {
    const LIST: &[&str] = &["refUpdates"];
    const EXPECTED: &str = "a list of ref updates";
    let Some(list) = fields.value(LIST)? else { return Err(fields.missing(LIST, EXPECTED)) };
    let Value::Array(updates) = list else { return Err(fields.wrong(LIST, list, EXPECTED)) };
    let mut subjects = BTreeSet::new();
    let mut why = Why::NoRefs;
    for entry in updates {
        let read = match entry {
            Value::Object(entry) => update(&fields.within(entry), &["refName"], &["project"]),
            _ => Ok(Ok(Subject::Server)),
        };
        match read {
            Ok(Ok(subject)) => {
                subjects.insert(subject);
            }
            Ok(Err(found)) => why = found,
            Err(_) => {
                subjects.insert(Subject::Server);
            }
        }
        if subjects.len() > SUBJECTS {
            subjects = BTreeSet::from([Subject::Server]);
            break;
        }
    }
    if subjects.is_empty() {
        return Ok(Classified::Ignored { kind: fields.type_shown(), why });
    }
    let (kind, urgency) = (EventKind::BatchRefUpdated, Urgency::Now);
    let hints = subjects.into_iter().map(|subject| Hint { subject, urgency, kind });
    Ok(Classified::Hints { hints: hints.collect() })
}

#[inline(never)]
fn update(
    fields: &Fields<'_>,
    name_at: &[&str],
    project_at: &[&str],
) -> Result<Result<Subject, Why>, ClassifyError> {
    let name = match fields.text(name_at)? {
        Some(name) => Some(name),
        None => fields.text(&["refName"])?,
    };
    let name = name.ok_or_else(|| fields.missing(name_at, "the ref's name"))?;
    Ok(match meaning(name).map_err(|error| fields.bad_id(name_at, &error))? {
        Meaning::Nothing(why) => Err(why),
        Meaning::Settings => Ok(Subject::Settings { project: fields.project(project_at)? }),
        Meaning::Branch(r#ref) => {
            Ok(Subject::Branch { project: fields.project(project_at)?, r#ref })
        }
    })
}
