//! Proves that no step is missing from an event log.
//!
//! The engine writes its log from a buffer of its own: when the gate is asked, the file may still
//! lag behind. A step that isn't in the log would be approved by nobody. So the log must account
//! for what the other sources say is there.

use super::deployment::Deployment;
use super::error::StepsError;
use super::events::{Event, Log};
use super::operation::EngineOp;
use super::plan::Plan;
use super::shown::Shown;
use super::urn::Urn;
use std::collections::{BTreeMap, BTreeSet};

const NOT_LOGGED: &str = "its event (is the event log complete?)";

/// Each row of the state is kept, changed, deleted or no longer read by some event. This is what
/// proves that all deletes are there.
#[inline(never)]
pub(crate) fn rows(log: &Log, deployment: &Deployment<'_>) -> Result<(), StepsError> {
    let old = |event: &'_ Event| event.old.as_ref().map(|old| (old.urn.clone(), old.id.clone()));
    let told: BTreeSet<_> = log.announced.iter().filter_map(old).collect();
    for (urn, row) in deployment.iter() {
        if !row.is_view && !told.contains(&(urn.clone(), row.id.to_owned())) {
            return Err(StepsError::Missing { urn: urn.clone(), what: NOT_LOGGED });
        }
    }
    Ok(())
}

/// The log has the operations that the saved plan lists, and no others.
#[inline(never)]
pub(crate) fn planned(log: &Log, plan: &Plan<'_>) -> Result<(), StepsError> {
    let mut logged: BTreeMap<&Urn, Vec<&str>> = BTreeMap::new();
    for event in &log.announced {
        if let Some(name) = event.op.planned_name() {
            logged.entry(&event.urn).or_default().push(name);
        }
    }
    for (urn, planned) in plan.iter() {
        let mut logged = logged.remove(urn).unwrap_or_default();
        logged.sort_unstable();
        if logged != planned.operations {
            return Err(StepsError::Disagree {
                urn: urn.clone(),
                source_name: "the saved plan",
                place: "the operations".into(),
            });
        }
    }
    match logged.into_keys().next() {
        None => Ok(()),
        Some(urn) => {
            Err(StepsError::Missing { urn: urn.clone(), what: "its entry in the saved plan" })
        }
    }
}

/// Each resource that the gate was shown has an event that leaves it there.
#[inline(never)]
pub(crate) fn shown(log: &Log, shown: &[Shown]) -> Result<(), StepsError> {
    let told: BTreeSet<&Urn> = log
        .announced
        .iter()
        .filter(|event| event.new.is_some() && event.op != EngineOp::Replace)
        .map(|event| &event.urn)
        .collect();
    match shown.iter().find(|shown| !told.contains(&shown.urn)) {
        None => Ok(()),
        Some(shown) => Err(StepsError::Missing { urn: shown.urn.clone(), what: NOT_LOGGED }),
    }
}

/// No step is listed twice.
#[inline(never)]
pub(crate) fn once(log: &Log) -> Result<(), StepsError> {
    let mut seen = BTreeSet::new();
    for event in &log.announced {
        let id = event.old.as_ref().map(|old| old.id.as_str());
        if matches!(event.op, EngineOp::Step(_)) && !seen.insert((&event.urn, event.op, id)) {
            let (urn, operation) = (event.urn.clone(), event.op_name.clone());
            return Err(StepsError::Twice { urn, operation });
        }
    }
    Ok(())
}
