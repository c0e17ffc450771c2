//! The plan that `preview --save-plan` writes (`sdk/go/common/apitype/plan.go` of Pulumi 3.259).

use super::error::StepsError;
use super::fields::{Is, known, object, texts};
use super::limits;
use super::operation::EngineOp;
use super::options::Declared;
use super::reader::only_in;
use super::urn::Urn;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The resources of a saved plan.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    resources: BTreeMap<Urn, Planned<'a>>,
}

/// What is planned for one resource.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    /// Inputs that are added or change, with their new values.
    adds: Option<&'a Map<String, Value>>,
    updates: Option<&'a Map<String, Value>>,
    /// All outputs after the step.
    pub(crate) outputs: Option<&'a Map<String, Value>>,
    pub(crate) declared: Declared,
    dependencies: BTreeMap<String, Vec<Urn>>,
    /// The engine's operations, in order of their names.
    pub(crate) operations: Vec<String>,
}

const FIELDS: [(&str, Is); 4] =
    [("goal", Is::Object), ("steps", Is::Texts), ("state", Is::Object), ("seed", Is::Text)];

/// `dependencies` order the operations, `structuredAliases` show as another URN of the old state,
/// `id` is what an import reads.
const GOAL: [(&str, Is); 17] = [
    ("type", Is::Text),
    ("name", Is::Text),
    ("custom", Is::Flag),
    ("inputDiff", Is::Object),
    ("outputDiff", Is::Object),
    ("parent", Is::Text),
    ("protect", Is::Flag),
    ("dependencies", Is::Texts),
    ("provider", Is::Text),
    ("propertyDependencies", Is::Object),
    ("deleteBeforeReplace", Is::Flag),
    ("ignoreChanges", Is::Texts),
    ("additionalSecretOutputs", Is::Texts),
    ("aliases", Is::Any),
    ("structuredAliases", Is::Any),
    ("id", Is::Text),
    ("customTimeouts", Is::Object),
];

const DIFF: [(&str, Is); 3] =
    [("adds", Is::Object), ("updates", Is::Object), ("deletes", Is::Texts)];

impl<'a> Plan<'a> {
    #[inline(never)]
    pub(crate) fn read(plan: &'a Value) -> Result<Self, StepsError> {
        let bad = |reason: &str| StepsError::Input(format!("the saved plan: {reason}"));
        let plan = plan.as_object().ok_or_else(|| bad("expected an object"))?;
        let fields = ["manifest", "config", "resourcePlans"];
        if let Some(field) = plan.keys().find(|key| !fields.contains(&key.as_str())) {
            let field: String = field.chars().take(80).collect();
            return Err(bad(&format!("unknown field {field:?}; this core is older")));
        }
        let listed = object(plan, "resourcePlans").ok_or_else(|| bad("expected resource plans"))?;
        if listed.len() > limits::RESOURCES {
            return Err(StepsError::TooMany {
                what: "resources of the saved plan",
                limit: limits::RESOURCES,
            });
        }
        let mut resources = BTreeMap::new();
        for (urn, planned) in listed {
            let urn: Urn = urn.parse().map_err(|_| bad("expected URNs as keys"))?;
            let planned = planned.as_object().ok_or_else(|| bad("expected resource plans"))?;
            let planned = Planned::read(&urn, planned)?;
            resources.insert(urn, planned);
        }
        Ok(Self { resources })
    }

    pub(crate) fn get(&self, urn: &Urn) -> Option<&Planned<'a>> {
        self.resources.get(urn)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Urn, &Planned<'a>)> {
        self.resources.iter()
    }
}

impl<'a> Planned<'a> {
    #[inline(never)]
    fn read(urn: &Urn, map: &'a Map<String, Value>) -> Result<Self, StepsError> {
        known(map, &FIELDS, urn, "the saved plan")?;
        // A delete has no goal.
        let empty = Map::new();
        let goal = object(map, "goal");
        let diff = goal.and_then(|goal| object(goal, "inputDiff"));
        known(goal.unwrap_or(&empty), &GOAL, urn, "the goal in the saved plan")?;
        known(diff.unwrap_or(&empty), &DIFF, urn, "the input difference in the saved plan")?;
        let goal = goal.unwrap_or(&empty);
        let mut operations = Vec::new();
        for name in map.get("steps").and_then(Value::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            let operation = EngineOp::parse(name).ok().and_then(EngineOp::planned_name);
            operations.push(operation.unwrap_or(name).to_owned());
        }
        operations.sort_unstable();
        Ok(Self {
            adds: diff.and_then(|diff| object(diff, "adds")),
            updates: diff.and_then(|diff| object(diff, "updates")),
            outputs: object(map, "state"),
            declared: Declared {
                delete_before_replace: goal.get("deleteBeforeReplace").and_then(Value::as_bool),
                ignore_changes: texts(goal, "ignoreChanges"),
                additional_secret_outputs: texts(goal, "additionalSecretOutputs"),
                custom_timeouts: Declared::timeouts(object(goal, "customTimeouts")),
            },
            dependencies: dependencies(urn, object(goal, "propertyDependencies"))?,
            operations,
        })
    }

    /// The new value of an input that is added or changes.
    pub(crate) fn input(&self, key: &str) -> Option<&'a Value> {
        self.adds.and_then(|adds| adds.get(key)).or_else(|| self.updates?.get(key))
    }

    /// An input of the plan that `inputs` lacks.
    pub(crate) fn extra(&self, inputs: &Map<String, Value>) -> Option<String> {
        let planned = [self.adds, self.updates].into_iter().flatten();
        planned.into_iter().find_map(|planned| only_in(planned, inputs))
    }

    /// What the input `key` depends on.
    pub(crate) fn dependencies(&self, key: &str) -> &[Urn] {
        self.dependencies.get(key).map_or(&[], Vec::as_slice)
    }
}

/// The property dependencies of a goal: property to URNs, sorted, each once.
#[inline(never)]
pub(crate) fn dependencies(
    urn: &Urn,
    map: Option<&Map<String, Value>>,
) -> Result<BTreeMap<String, Vec<Urn>>, StepsError> {
    let mut all = BTreeMap::new();
    for key in map.into_iter().flat_map(Map::keys) {
        let mut on = Vec::new();
        for text in map.map(|map| texts(map, key)).unwrap_or_default() {
            on.push(text.parse().map_err(|_| StepsError::BadField {
                urn: urn.clone(),
                what: "the property dependencies",
                field: key.chars().take(80).collect(),
            })?);
        }
        all.insert(key.clone(), on);
    }
    Ok(all)
}
