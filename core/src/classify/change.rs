//! Events of one change.

use super::fields::Fields;
use super::refs::{self, Meaning};
use super::{Classified, ClassifyError, EventKind, Hint, Subject, Urgency};
use crate::ids::{ChangeNumber, Project};
use std::collections::BTreeSet;

/// Any event of a change: look at it.
#[inline(never)]
pub(super) fn change(
    kind: EventKind,
    urgency: Urgency,
    fields: &Fields<'_>,
) -> Result<Classified, ClassifyError> {
    let (project, number) = subject(fields)?;
    let subject = Subject::Change { project, number };
    Ok(Classified::Hints { hints: vec![Hint { subject, urgency, kind }] })
}

/// A merged change: its branch moved, too. Where `ref-updated` is switched off
/// (`event.stream-events.enableRefUpdatedEvents`), nothing else says so.
#[inline(never)]
pub(super) fn change_merged(fields: &Fields<'_>) -> Result<Classified, ClassifyError> {
    let (kind, urgency) = (EventKind::ChangeMerged, Urgency::Now);
    let (project, number) = subject(fields)?;
    let mut subjects = BTreeSet::new();
    let branch = match fields.text(&["refName"])? {
        Some(branch) => Some(branch),
        None => fields.text(&["change", "branch"])?,
    };
    match branch.map(refs::meaning) {
        Some(Ok(Meaning::Branch(r#ref))) => {
            subjects.insert(Subject::Branch { project: project.clone(), r#ref });
        }
        Some(Ok(Meaning::Settings)) => {
            subjects.insert(Subject::Settings { project: project.clone() });
        }
        // The change tells its branch when it is looked at.
        Some(Ok(Meaning::Nothing(_)) | Err(_)) | None => {}
    }
    subjects.insert(Subject::Change { project, number });
    let hints = subjects.into_iter().map(|subject| Hint { subject, urgency, kind });
    Ok(Classified::Hints { hints: hints.collect() })
}

/// Which change it is; the number stands in the patch set's ref as well.
#[inline(never)]
fn subject(fields: &Fields<'_>) -> Result<(Project, ChangeNumber), ClassifyError> {
    const NUMBER: &[&str] = &["change", "number"];
    let project = fields.project(&["change", "project"])?;
    let number = match fields.number(NUMBER)? {
        Some(number) => Some(number),
        None => fields.text(&["patchSet", "ref"])?.and_then(refs::change_number),
    };
    let number = number.ok_or_else(|| fields.missing(NUMBER, "the change's number"))?;
    Ok((project, number))
}
