//! Where the values of a step come from, and how they are put together.

use super::deployment::{Deployment, Row};
use super::error::StepsError;
use super::events::{Event, Log, Side};
use super::marker::Markers;
use super::operation::Operation;
use super::options::Declared;
use super::plan::Plan;
use super::reader::{FaultKind, Mode, OLD, Reader, is_internal, only_in};
use super::shown::Shown;
use super::step::{Old, Provider};
use super::urn::Urn;
use super::val::Val;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Who tells the new values: the saved plan of a preview, or the gate.
#[derive(Debug)]
pub(crate) enum New<'a> {
    Plan(Plan<'a>),
    Gate(BTreeMap<&'a Urn, Gated<'a>>),
}

/// The properties of a resource after a step.
#[derive(Debug, Default)]
pub(crate) struct After {
    pub(crate) properties: BTreeMap<String, Val>,
    /// Properties that are known to be as before, though they can't be seen.
    pub(crate) as_before: BTreeSet<String>,
}

/// One resource at the gate.
#[derive(Debug)]
pub(crate) struct Gated<'a> {
    shown: &'a Shown,
    dependencies: BTreeMap<&'a str, Vec<Urn>>,
}

/// Everything that steps are told from, beside the events.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) new: New<'a>,
    pub(crate) deployment: Option<Deployment<'a>>,
    /// Provider to the version that it is pinned to.
    versions: BTreeMap<Urn, String>,
    /// Resources whose old state was read by this preview and lies in no deployment.
    imported: BTreeSet<Urn>,
    reader: Reader,
}

const PLAN: &str = "the saved plan";
const GATE: &str = "what the gate was shown";
const STATE: &str = "the state";

impl<'a> Sources<'a> {
    #[inline(never)]
    pub(crate) fn new(
        new: New<'a>,
        deployment: Option<Deployment<'a>>,
        log: &Log,
        markers: Markers,
    ) -> Self {
        let is_import = |event: &&Event| event.is(Operation::Import);
        Self {
            versions: versions(deployment.as_ref(), log),
            imported: log.announced.iter().filter(is_import).map(|e| e.urn.clone()).collect(),
            new,
            deployment,
            reader: Reader::new(markers),
        }
    }

    /// The row of the state that `side`, the old side of an event, tells of. None without a state,
    /// and for what this preview imports.
    fn row(&self, urn: &Urn, side: &Side) -> Result<Option<&Row<'a>>, StepsError> {
        row(self.deployment.as_ref(), &self.imported, urn, side)
    }

    /// What was declared for the old side.
    pub(crate) fn old_declared(
        &self,
        urn: &Urn,
        side: &Side,
    ) -> Result<Option<&Declared>, StepsError> {
        Ok(self.row(urn, side)?.map(|row| &row.declared))
    }

    /// What is declared for the new side.
    pub(crate) fn new_declared(&self, urn: &Urn) -> Option<Declared> {
        match &self.new {
            New::Plan(plan) => plan.get(urn).map(|planned| planned.declared.clone()),
            New::Gate(shown) => shown.get(urn).map(|gated| gated.shown.options.declared()),
        }
    }

    /// The old side of a step.
    #[inline(never)]
    pub(crate) fn old(&mut self, urn: &Urn, side: &Side) -> Result<Old, StepsError> {
        let row = row(self.deployment.as_ref(), &self.imported, urn, side)?;
        let full = row.map(|row| row.inputs);
        let inputs = old_properties(&mut self.reader, urn, &side.inputs, full)?;
        let id = (!side.id.is_empty()).then(|| side.id.clone());
        Ok(Old { id, inputs })
    }

    /// One property of what the provider said is there.
    #[inline(never)]
    pub(crate) fn old_output(
        &mut self,
        urn: &Urn,
        side: &Side,
        key: &str,
    ) -> Result<Option<Val>, StepsError> {
        let Some(shown) = side.outputs.get(key).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let row = row(self.deployment.as_ref(), &self.imported, urn, side)?;
        let full = row.and_then(|row| row.outputs?.get(key));
        let read = self.reader.read(shown, full, OLD);
        read.map(Some).map_err(|fault| StepsError::fault(urn, STATE, fault.at(key)))
    }

    /// The new inputs of a step.
    #[inline(never)]
    pub(crate) fn inputs(&mut self, event: &Event) -> Result<After, StepsError> {
        let mut after = After::default();
        let Some(new) = &event.new else { return Ok(after) };
        let old = match &event.old {
            Some(old) => row(self.deployment.as_ref(), &self.imported, &event.urn, old)?,
            None => None,
        };
        for (key, shown) in new.inputs.iter().filter(|(_, value)| !value.is_null()) {
            let (told, name, on) = told(&self.new, &event.urn, key)?;
            let mode = Mode { on, markers: true };
            let before = old.and_then(|old| old.inputs?.get(key));
            let read = match told {
                Some(told) => self.reader.read(shown, Some(told), mode),
                None => unchanged(&mut self.reader, shown, before, mode),
            };
            let val = read.map_err(|fault| StepsError::fault(&event.urn, name, fault.at(key)))?;
            let as_before = match (&self.new, told) {
                (New::Plan(_), None) => before.is_some(),
                (_, told) => val.is_opaque() && same_in_clear(&mut self.reader, told, before),
            };
            if as_before {
                after.as_before.insert(key.clone());
            }
            after.properties.insert(key.clone(), val);
        }
        self.nothing_more(event, new)?;
        Ok(after)
    }

    /// The plan or the gate has no input that the event lacks.
    fn nothing_more(&self, event: &Event, new: &Side) -> Result<(), StepsError> {
        let (extra, source_name) = match &self.new {
            New::Plan(plan) => {
                (plan.get(&event.urn).and_then(|planned| planned.extra(&new.inputs)), PLAN)
            }
            New::Gate(shown) => {
                let inputs = shown.get(&event.urn).and_then(|gated| gated.shown.inputs.as_ref());
                (inputs.and_then(|inputs| only_in(inputs, &new.inputs)), GATE)
            }
        };
        match extra {
            None => Ok(()),
            Some(place) => Err(StepsError::Disagree { urn: event.urn.clone(), source_name, place }),
        }
    }

    /// The stack's outputs before and after, from the last event that tells of them.
    #[inline(never)]
    pub(crate) fn outputs(
        &mut self,
        event: &Event,
    ) -> Result<(BTreeMap<String, Val>, After), StepsError> {
        let (urn, mut after) = (&event.urn, After::default());
        let row = match &event.old {
            Some(side) => row(self.deployment.as_ref(), &self.imported, urn, side)?,
            None => None,
        };
        let before = row.and_then(|row| row.outputs);
        let old = match &event.old {
            Some(side) => {
                let full = row.map(|row| row.outputs);
                old_properties(&mut self.reader, urn, &side.outputs, full)?
            }
            None => BTreeMap::new(),
        };
        let Some(side) = &event.new else { return Ok((old, after)) };
        let (full, name) = match &self.new {
            New::Plan(plan) => (plan.get(urn).and_then(|planned| planned.outputs), PLAN),
            New::Gate(shown) => {
                (shown.get(urn).and_then(|gated| gated.shown.outputs.as_ref()), GATE)
            }
        };
        let Some(full) = full else {
            let what = "what the stack's outputs become";
            return Err(StepsError::Missing { urn: urn.clone(), what });
        };
        let mode = Mode { on: &[], markers: true };
        after.properties =
            properties(&mut self.reader, urn, &side.outputs, Some(full), name, mode)?;
        for (key, val) in after.properties.iter().filter(|(_, val)| val.is_opaque()) {
            let before = before.and_then(|before| before.get(key));
            if val.is_opaque() && same_in_clear(&mut self.reader, full.get(key), before) {
                after.as_before.insert(key.clone());
            }
        }
        Ok((old, after))
    }

    /// The provider named by `<urn>::<id>`.
    #[inline(never)]
    pub(crate) fn provider(
        &self,
        urn: &Urn,
        reference: &str,
    ) -> Result<Option<Provider>, StepsError> {
        let Some(provider) = provider_urn(urn, reference)? else { return Ok(None) };
        let version = self.versions.get(&provider).cloned();
        Ok(Some(Provider { urn: provider, version }))
    }

    /// The value `shown` of an old id or of a read, which may be unknown.
    pub(crate) fn id(&mut self, urn: &Urn, id: &str) -> Result<Val, StepsError> {
        let read =
            self.reader.read(&Value::String(id.to_owned()), None, Mode { on: &[], markers: true });
        read.map_err(|fault| StepsError::fault(urn, "itself", fault.at("id")))
    }
}

impl<'a> Gated<'a> {
    pub(crate) fn new(shown: &'a Shown) -> Self {
        let on =
            |(key, on): (&'a String, &BTreeSet<Urn>)| (key.as_str(), on.iter().cloned().collect());
        Self { shown, dependencies: shown.property_dependencies.iter().map(on).collect() }
    }
}

/// What the plan or the gate tells of one input, who tells it, and what the input depends on.
#[allow(clippy::type_complexity)] // A tuple that is taken apart at once.
#[inline(never)]
fn told<'s>(
    new: &'s New<'_>,
    urn: &Urn,
    key: &str,
) -> Result<(Option<&'s Value>, &'static str, &'s [Urn]), StepsError> {
    match new {
        New::Plan(plan) => Ok(match plan.get(urn) {
            Some(planned) => (planned.input(key), PLAN, planned.dependencies(key)),
            None => (None, PLAN, &[]),
        }),
        New::Gate(shown) => {
            let Some(gated) = shown.get(urn) else { return Ok((None, GATE, &[])) };
            let on = gated.dependencies.get(key).map_or(&[][..], Vec::as_slice);
            let inputs = gated.shown.inputs.as_ref();
            let told = inputs.and_then(|inputs| inputs.get(key));
            if inputs.is_some() && told.is_none() && !is_internal(key) {
                let (urn, place) = (urn.clone(), key.to_owned());
                return Err(StepsError::Disagree { urn, source_name: GATE, place });
            }
            Ok((told, GATE, on))
        }
    }
}

/// The row of the state that the old side of an event tells of.
fn row<'d, 'a>(
    deployment: Option<&'d Deployment<'a>>,
    imported: &BTreeSet<Urn>,
    urn: &Urn,
    side: &Side,
) -> Result<Option<&'d Row<'a>>, StepsError> {
    let Some(deployment) = deployment else { return Ok(None) };
    match deployment.row(&side.urn, &side.id, side.delete) {
        Some(row) => Ok(Some(row)),
        None if imported.contains(urn) => Ok(None),
        None => Err(StepsError::Missing { urn: urn.clone(), what: "its row in the state" }),
    }
}

/// Reads the old properties of one resource; `full` is what its row in the state holds.
pub(crate) fn old_properties(
    reader: &mut Reader,
    urn: &Urn,
    shown: &Map<String, Value>,
    full: Option<Option<&Map<String, Value>>>,
) -> Result<BTreeMap<String, Val>, StepsError> {
    let none = Map::new();
    let full = full.map(|full| full.unwrap_or(&none));
    properties(reader, urn, shown, full, STATE, OLD)
}

/// Reads all properties of one resource from two sources that have to list the same ones.
#[inline(never)]
fn properties(
    reader: &mut Reader,
    urn: &Urn,
    shown: &Map<String, Value>,
    full: Option<&Map<String, Value>>,
    source_name: &'static str,
    mode: Mode<'_>,
) -> Result<BTreeMap<String, Val>, StepsError> {
    let disagree = |place: &str| StepsError::Disagree {
        urn: urn.clone(),
        source_name,
        place: place.to_owned(),
    };
    if let Some(extra) = full.and_then(|full| only_in(full, shown)) {
        return Err(disagree(&extra));
    }
    let mut properties = BTreeMap::new();
    for (key, shown) in shown.iter().filter(|(_, value)| !value.is_null()) {
        let value = full.and_then(|full| full.get(key));
        if full.is_some() && value.is_none() && !is_internal(key) {
            return Err(disagree(key));
        }
        let read = reader.read(shown, value, mode);
        let val = read.map_err(|fault| StepsError::fault(urn, source_name, fault.at(key)))?;
        properties.insert(key.clone(), val);
    }
    Ok(properties)
}

/// Whether two values that are shown masked can be seen in clear, and are equal.
#[inline(never)]
fn same_in_clear(reader: &mut Reader, new: Option<&Value>, old: Option<&Value>) -> bool {
    let mut clear =
        |value: &Value| reader.read(value, None, OLD).ok().filter(|val| !val.is_opaque());
    match (new.and_then(&mut clear), old.and_then(&mut clear)) {
        (Some(new), Some(old)) => new == old,
        _ => false,
    }
}

/// An input that the plan doesn't list is as it was: what is masked in it is filled from the state.
#[inline(never)]
fn unchanged(
    reader: &mut Reader,
    shown: &Value,
    old: Option<&Value>,
    mode: Mode<'_>,
) -> Result<Val, super::reader::Fault> {
    match old.map(|old| reader.read(shown, Some(old), Mode { markers: false, ..mode })) {
        Some(Err(fault)) if fault.kind == FaultKind::Disagree => reader.read(shown, None, mode),
        Some(read) => read,
        None => reader.read(shown, None, mode),
    }
}

/// The URN of a provider reference, `<urn>::<id>`; none for an empty one.
pub(crate) fn provider_urn(urn: &Urn, reference: &str) -> Result<Option<Urn>, StepsError> {
    if reference.is_empty() {
        return Ok(None);
    }
    let parsed = reference.rsplit_once("::").and_then(|(provider, _)| provider.parse().ok());
    let bad =
        || StepsError::BadField { urn: urn.clone(), what: "a state", field: "provider".into() };
    parsed.map(Some).ok_or_else(bad)
}

/// The versions that providers are pinned to: by this preview, else by the state.
#[inline(never)]
fn versions(deployment: Option<&Deployment<'_>>, log: &Log) -> BTreeMap<Urn, String> {
    let mut versions = BTreeMap::new();
    let version = |inputs: &Map<String, Value>| {
        inputs.get("version").and_then(Value::as_str).map(str::to_owned)
    };
    let is_provider = |urn: &Urn| urn.resource_type().starts_with("pulumi:providers:");
    for (urn, row) in deployment.iter().flat_map(|d| d.iter()).filter(|(urn, _)| is_provider(urn)) {
        if let Some(version) = row.inputs.and_then(version) {
            versions.insert(urn.clone(), version);
        }
    }
    for event in log.announced.iter().filter(|event| is_provider(&event.urn)) {
        match event.new.as_ref().map(|new| version(&new.inputs)) {
            Some(Some(version)) => drop(versions.insert(event.urn.clone(), version)),
            Some(None) => drop(versions.remove(&event.urn)),
            None => {}
        }
    }
    versions
}
