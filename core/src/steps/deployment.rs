//! The state before the preview: `stack export --show-secrets`, with its secrets hidden.

use super::error::StepsError;
use super::fields::{Is, flag, object, shaped, text, texts};
use super::limits;
use super::options::Declared;
use super::urn::Urn;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The rows of a state, by URN.
#[derive(Debug)]
pub(crate) struct Deployment<'a> {
    rows: BTreeMap<Urn, Vec<Row<'a>>>,
}

/// One resource of a state. A resource that is being replaced has two.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    pub(crate) delete: bool,
    pub(crate) protect: bool,
    pub(crate) retain: bool,
    pub(crate) parent: &'a str,
    pub(crate) provider: &'a str,
    /// Made up by a provider as a part of another resource; its events come only with changes.
    pub(crate) is_view: bool,
    pub(crate) inputs: Option<&'a Map<String, Value>>,
    pub(crate) outputs: Option<&'a Map<String, Value>>,
    pub(crate) declared: Declared,
}

/// Other fields are let pass: a state tells what was, and the steps come from the events.
const FIELDS: [(&str, Is); 13] = [
    ("id", Is::Text),
    ("delete", Is::Flag),
    ("protect", Is::Flag),
    ("retainOnDelete", Is::Flag),
    ("parent", Is::Text),
    ("provider", Is::Text),
    ("viewOf", Is::Text),
    ("inputs", Is::Object),
    ("outputs", Is::Object),
    ("ignoreChanges", Is::Texts),
    ("additionalSecretOutputs", Is::Texts),
    ("customTimeouts", Is::Object),
    ("pendingReplacement", Is::Flag),
];

impl<'a> Deployment<'a> {
    /// Reads an export (`{"version": …, "deployment": …}`) or the deployment in it.
    #[inline(never)]
    pub(crate) fn read(state: &'a Value) -> Result<Self, StepsError> {
        let bad = |reason: &str| StepsError::Input(format!("the state: {reason}"));
        let state = state.as_object().ok_or_else(|| bad("expected an object"))?;
        let deployment = object(state, "deployment").unwrap_or(state);
        let listed = match deployment.get("resources") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(listed)) => listed.as_slice(),
            Some(_) => return Err(bad("expected a list of resources")),
        };
        if listed.len() > limits::RESOURCES {
            return Err(StepsError::TooMany {
                what: "resources of the state",
                limit: limits::RESOURCES,
            });
        }
        let mut rows: BTreeMap<Urn, Vec<Row<'a>>> = BTreeMap::new();
        for row in listed {
            let row = row.as_object().ok_or_else(|| bad("expected objects as resources"))?;
            let urn: Urn =
                text(row, "urn").parse().map_err(|_| bad("expected a URN in each resource"))?;
            let read = Row::read(&urn, row)?;
            rows.entry(urn).or_default().push(read);
        }
        Ok(Self { rows })
    }

    /// The row of `urn` under `id`; of two with one id, the one that is or isn't to be deleted.
    pub(crate) fn row(&self, urn: &Urn, id: &str, delete: bool) -> Option<&Row<'a>> {
        let rows = || self.rows.get(urn).into_iter().flatten().filter(|row| row.id == id);
        rows().find(|row| row.delete == delete).or_else(|| rows().next())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Urn, &Row<'a>)> {
        self.rows.iter().flat_map(|(urn, rows)| rows.iter().map(move |row| (urn, row)))
    }
}

impl<'a> Row<'a> {
    #[inline(never)]
    fn read(urn: &Urn, row: &'a Map<String, Value>) -> Result<Self, StepsError> {
        shaped(row, &FIELDS, urn, "the state")?;
        Ok(Self {
            id: text(row, "id"),
            delete: flag(row, "delete"),
            protect: flag(row, "protect"),
            retain: flag(row, "retainOnDelete"),
            parent: text(row, "parent"),
            provider: text(row, "provider"),
            is_view: !text(row, "viewOf").is_empty(),
            inputs: object(row, "inputs"),
            outputs: object(row, "outputs"),
            declared: Declared {
                delete_before_replace: None,
                ignore_changes: texts(row, "ignoreChanges"),
                additional_secret_outputs: texts(row, "additionalSecretOutputs"),
                custom_timeouts: Declared::timeouts(object(row, "customTimeouts")),
            },
        })
    }
}
