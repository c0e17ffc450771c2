//! What an update did, told by its event log and the state after it.

use super::StackName;
use super::deployment::{Deployment, Row};
use super::error::StepsError;
use super::events::{Event, Log, Pass, Side};
use super::marker::Markers;
use super::operation::{EngineOp, Operation};
use super::reader::Reader;
use super::sources::{old_properties, provider_urn};
use super::step::{OptionName, Step};
use super::urn::Urn;
use super::val::Val;
use serde_json::Value;
use std::collections::BTreeMap;

/// What an update did.
#[derive(Debug)]
pub(crate) struct Done<'a> {
    log: Log,
    deployment: Deployment<'a>,
}

/// What a step left.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) id: Option<String>,
    pub(crate) values: BTreeMap<String, Val>,
    pub(crate) options: BTreeMap<OptionName, Val>,
}

impl<'a> Done<'a> {
    pub(crate) fn read(
        events: &str,
        stack: &StackName,
        state: &'a Value,
    ) -> Result<Self, StepsError> {
        let log = Log::read(events, Pass::Update, stack)?;
        Ok(Self { log, deployment: Deployment::read(state)? })
    }

    /// What `step` left; none if it wasn't carried out.
    #[inline(never)]
    pub(crate) fn of(&self, step: &Step) -> Result<Option<Left>, StepsError> {
        if step.operation == Operation::Outputs {
            return self.outputs(step);
        }
        let Some(event) = self.event(step) else { return Ok(None) };
        if matches!(step.operation, Operation::Delete | Operation::DeleteReplaced) {
            let id = step.old.as_ref().and_then(|old| old.id.clone());
            return Ok(Some(Left { id, ..Left::default() }));
        }
        let Some(side) = &event.new else { return Ok(None) };
        // A run that ended before its state was written left nothing that it can prove.
        let Some(row) = self.deployment.row(&step.urn, &side.id, false) else { return Ok(None) };
        left(&step.urn, side, row).map(Some)
    }

    /// The event of `step`, if it succeeded. Only custom resources tell that they are finished.
    fn event(&self, step: &Step) -> Option<&Event> {
        let op = match step.operation {
            Operation::Options => EngineOp::Same,
            operation => EngineOp::Step(operation),
        };
        let is_it = |event: &&Event| {
            let id = event.old.as_ref().map(|old| old.id.as_str()).unwrap_or_default();
            let deletes = matches!(step.operation, Operation::Delete | Operation::DeleteReplaced);
            event.op == op && event.urn == step.urn && (!deletes || id == step.old_id())
        };
        if self.log.failed.iter().any(|event| is_it(&event)) {
            return None;
        }
        let told = if step.custom { &self.log.finished } else { &self.log.announced };
        told.iter().rfind(is_it)
    }

    /// What the update rewrote in the state without a step: a provider may find no difference in
    /// inputs that differ, and the engine then keeps the new ones.
    #[inline(never)]
    pub(crate) fn rewritten(&self) -> Result<Vec<(Urn, Left)>, StepsError> {
        let mut rewritten = Vec::new();
        for event in self.log.finished.iter().filter(|event| event.op == EngineOp::Same) {
            let (Some(old), Some(new)) = (&event.old, &event.new) else { continue };
            let row = self.deployment.row(&event.urn, &new.id, false);
            if let Some(row) = row.filter(|_| old.inputs != new.inputs) {
                rewritten.push((event.urn.clone(), left(&event.urn, new, row)?));
            }
        }
        Ok(rewritten)
    }

    /// The stack's outputs, as the last event of the stack and the state tell them.
    #[inline(never)]
    fn outputs(&self, step: &Step) -> Result<Option<Left>, StepsError> {
        let event = self.log.finished.iter().rfind(|event| event.urn == step.urn);
        let side = event.and_then(|event| event.new.as_ref());
        let (Some(side), Some(row)) = (side, self.deployment.row(&step.urn, "", false)) else {
            return Ok(None);
        };
        let mut reader = Reader::new(Markers::new(&[]));
        let values = old_properties(&mut reader, &step.urn, &side.outputs, Some(row.outputs))?;
        Ok(Some(Left { values, ..Left::default() }))
    }
}

/// The outputs of the stack itself that `state` holds; none of a stack without resources.
#[inline(never)]
pub(crate) fn stack_outputs(state: &Value) -> Result<BTreeMap<String, Val>, StepsError> {
    let deployment = Deployment::read(state)?;
    let Some((urn, row)) = deployment.iter().find(|(urn, _)| urn.is_stack()) else {
        return Ok(BTreeMap::new());
    };
    let none = serde_json::Map::new();
    let shown = row.outputs.unwrap_or(&none);
    old_properties(&mut Reader::new(Markers::new(&[])), urn, shown, None)
}

/// What there is after an operation, by the event and the state.
#[inline(never)]
fn left(urn: &Urn, side: &Side, row: &Row<'_>) -> Result<Left, StepsError> {
    let mut reader = Reader::new(Markers::new(&[]));
    let values = old_properties(&mut reader, urn, &side.inputs, Some(row.inputs))?;
    let mut options = BTreeMap::new();
    let mut put = |name, val: Option<Val>| {
        if let Some(val) = val {
            options.insert(name, val);
        }
    };
    let text = |text: &str| (!text.is_empty()).then(|| Val::Text(text.to_owned()));
    let provider = provider_urn(urn, row.provider)?;
    put(OptionName::Protect, row.protect.then_some(Val::Bool(true)));
    put(OptionName::RetainOnDelete, row.retain.then_some(Val::Bool(true)));
    put(OptionName::IgnoreChanges, row.declared.ignore_changes());
    put(OptionName::AdditionalSecretOutputs, row.declared.additional_secret_outputs());
    put(OptionName::CustomTimeouts, row.declared.custom_timeouts());
    put(OptionName::Parent, text(row.parent));
    put(OptionName::Provider, provider.map(|urn| Val::Text(urn.into())));
    let id = (!row.id.is_empty()).then(|| row.id.to_owned());
    Ok(Left { id, values, options })
}
