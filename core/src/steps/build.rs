//! Makes steps out of events.

use super::error::StepsError;
use super::events::{Event, Side};
use super::operation::{EngineOp, Operation, ReadOperation};
use super::options::Declared;
use super::sources::{After, Sources, provider_urn};
use super::step::{Change, Old, OptionName, Read, Step};
use super::urn::Urn;
use super::val::{Hidden, Val};
use std::collections::{BTreeMap, BTreeSet};

/// The step of `event`; none for bookkeeping, reads, and what stays the same.
#[inline(never)]
pub(crate) fn step(event: &Event, sources: &mut Sources<'_>) -> Result<Option<Step>, StepsError> {
    let operation = match event.op {
        EngineOp::Step(operation) => operation,
        EngineOp::Same => Operation::Options,
        EngineOp::Replace | EngineOp::Read(_) => return Ok(None),
    };
    let options = options(event, sources)?;
    if operation == Operation::Options && options.values().all(|option| option.old == option.new) {
        return Ok(None);
    }
    let old = match &event.old {
        Some(side) => Some(sources.old(&event.urn, side)?),
        None => None,
    };
    let changes = match operation {
        Operation::Create | Operation::Update | Operation::CreateReplacement => {
            changes(event, old.as_ref(), sources)?
        }
        // An import takes what is there; what the program wants otherwise is a step after it.
        Operation::Import
        | Operation::Options
        | Operation::Outputs
        | Operation::Delete
        | Operation::DeleteReplaced => BTreeMap::new(),
    };
    let told = event.new.as_ref().or(event.old.as_ref());
    let mut step = Step {
        urn: event.urn.clone(),
        operation,
        resource_type: event.resource_type.clone(),
        custom: told.is_some_and(|side| side.custom),
        provider: match told {
            Some(side) => sources.provider(&event.urn, &side.provider)?,
            None => None,
        },
        options,
        old,
        changes,
        replace_keys: event.replace_keys.clone(),
        deletes_first: false,
        opaque: 0,
        unknown: 0,
        secrets: 0,
    };
    count(&mut step);
    Ok(Some(step))
}

/// The step of the stack's outputs, told by the last event of the stack itself.
#[inline(never)]
pub(crate) fn outputs(
    event: &Event,
    sources: &mut Sources<'_>,
) -> Result<Option<Step>, StepsError> {
    if event.new.is_none() {
        return Ok(None);
    }
    let (old, new) = sources.outputs(event)?;
    let changes = differences(old, &new);
    if changes.is_empty() {
        return Ok(None);
    }
    let mut step = Step {
        urn: event.urn.clone(),
        operation: Operation::Outputs,
        resource_type: event.resource_type.clone(),
        custom: false,
        provider: None,
        options: BTreeMap::new(),
        old: None,
        changes,
        replace_keys: BTreeSet::new(),
        deletes_first: false,
        opaque: 0,
        unknown: 0,
        secrets: 0,
    };
    count(&mut step);
    Ok(Some(step))
}

/// What `event` only looks at.
#[inline(never)]
pub(crate) fn read(event: &Event, sources: &mut Sources<'_>) -> Result<Option<Read>, StepsError> {
    let EngineOp::Read(operation) = event.op else { return Ok(None) };
    let side = match operation {
        ReadOperation::Read | ReadOperation::ReadReplacement => event.new.as_ref(),
        ReadOperation::Discard | ReadOperation::DiscardReplaced => event.old.as_ref(),
    };
    let Some(side) = side else {
        return Err(StepsError::Missing { urn: event.urn.clone(), what: "the state that is read" });
    };
    Ok(Some(Read {
        urn: event.urn.clone(),
        operation,
        resource_type: event.resource_type.clone(),
        provider: sources.provider(&event.urn, &side.provider)?,
        id: sources.id(&event.urn, &side.id)?,
    }))
}

/// Marks the replacements among `events` that delete before they create.
#[inline(never)]
pub(crate) fn mark_deletes_first(steps: &mut [Step], events: &[Event]) {
    let mut gone = BTreeSet::new();
    let mut first = BTreeSet::new();
    for event in events {
        let Some(old) = &event.old else { continue };
        let row = (old.urn.clone(), old.id.clone());
        if event.is(Operation::DeleteReplaced) {
            gone.insert(row);
        } else if event.is(Operation::CreateReplacement) && gone.contains(&row) {
            first.insert((event.urn.clone(), old.id.clone()));
            first.insert(row);
        }
    }
    for step in steps {
        let id = step.old_id().to_owned();
        let halves = [Operation::CreateReplacement, Operation::DeleteReplaced];
        step.deletes_first =
            halves.contains(&step.operation) && first.contains(&(step.urn.clone(), id));
    }
}

/// What changes between old inputs and new ones, and what the provider found changed by itself.
#[inline(never)]
fn changes(
    event: &Event,
    old: Option<&Old>,
    sources: &mut Sources<'_>,
) -> Result<BTreeMap<String, Change>, StepsError> {
    let new = sources.inputs(event)?;
    let before = old.map(|old| old.inputs.clone()).unwrap_or_default();
    let mut changes = differences(before, &new);
    let Some(side) = &event.old else { return Ok(changes) };
    for key in event.diffs.iter().chain(&event.replace_keys) {
        if !changes.contains_key(key) {
            let old = sources.old_output(&event.urn, side, key)?;
            let drifted = Change { old, new: new.properties.get(key).cloned(), drift: true };
            changes.insert(key.clone(), drifted);
        }
    }
    Ok(changes)
}

/// The keys whose values differ. What can't be seen differs, unless it is known to be as before.
#[inline(never)]
fn differences(old: BTreeMap<String, Val>, new: &After) -> BTreeMap<String, Change> {
    let mut changes = BTreeMap::new();
    for (key, after) in &new.properties {
        if !old.contains_key(key) {
            changes.insert(key.clone(), Change::new(None, Some(after.clone())));
        }
    }
    for (key, before) in old {
        let after = new.properties.get(&key);
        let seen = !before.is_opaque() || new.as_before.contains(&key);
        if after != Some(&before) || !seen {
            changes.insert(key, Change::new(Some(before), after.cloned()));
        }
    }
    changes
}

/// The options that are set or change.
#[inline(never)]
fn options(
    event: &Event,
    sources: &Sources<'_>,
) -> Result<BTreeMap<OptionName, Change>, StepsError> {
    let mut options = BTreeMap::new();
    let mut put = |name, old: Option<Val>, new: Option<Val>| {
        if old.is_some() || new.is_some() {
            options.insert(name, Change::new(old, new));
        }
    };
    let on = |side: Option<&Side>, flag: fn(&Side) -> bool| {
        side.is_some_and(flag).then_some(Val::Bool(true))
    };
    let (old, new) = (event.old.as_ref(), event.new.as_ref());
    put(OptionName::Protect, on(old, |s| s.protect), on(new, |s| s.protect));
    put(OptionName::RetainOnDelete, on(old, |s| s.retain), on(new, |s| s.retain));
    let Some(after) = new else { return Ok(options) };
    let declared = sources.new_declared(&event.urn);
    let before = match old {
        Some(side) => sources.old_declared(&event.urn, side)?.cloned(),
        None => Some(Declared::default()),
    };
    // The old side is known nowhere: a `same` with this option alone is no step.
    let first = declared.as_ref().and_then(|declared| declared.delete_before_replace);
    if event.op != EngineOp::Same {
        put(OptionName::DeleteBeforeReplace, None, first.map(Val::Bool));
    }
    if let (Some(declared), Some(before)) = (declared, before) {
        let mut put_changed = |name, value: fn(&Declared) -> Option<Val>| {
            let (old, new) = (value(&before), value(&declared));
            if old != new {
                put(name, old, new);
            }
        };
        put_changed(OptionName::IgnoreChanges, Declared::ignore_changes);
        put_changed(OptionName::AdditionalSecretOutputs, Declared::additional_secret_outputs);
        put_changed(OptionName::CustomTimeouts, Declared::custom_timeouts);
    }
    if let Some(before) = old {
        for (name, old, new) in moved(&event.urn, before, after)? {
            put(name, old, new);
        }
    }
    Ok(options)
}

/// Another parent, provider or URN.
#[allow(clippy::type_complexity)] // Three values that are taken apart at once.
#[inline(never)]
fn moved(
    urn: &Urn,
    old: &Side,
    new: &Side,
) -> Result<Vec<(OptionName, Option<Val>, Option<Val>)>, StepsError> {
    let mut moved = Vec::new();
    let text = |text: &str| (!text.is_empty()).then(|| Val::Text(text.to_owned()));
    if old.parent != new.parent {
        moved.push((OptionName::Parent, text(&old.parent), text(&new.parent)));
    }
    if old.urn != new.urn {
        moved.push((OptionName::Urn, text(old.urn.as_str()), text(new.urn.as_str())));
    }
    let (before, after) = (provider_urn(urn, &old.provider)?, provider_urn(urn, &new.provider)?);
    let default = |provider: &Option<Urn>| provider.as_ref().is_none_or(Urn::is_default_provider);
    if before != after && !(default(&before) && default(&after)) {
        let text = |provider: Option<Urn>| provider.map(|urn| Val::Text(urn.into()));
        moved.push((OptionName::Provider, text(before), text(after)));
    }
    Ok(moved)
}

fn count(step: &mut Step) {
    let Hidden { opaque, unknown, secrets } = step.hidden();
    (step.opaque, step.unknown, step.secrets) = (opaque, unknown, secrets);
}
