//! What tests of modules share: plans, limits, and asking.

use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tidegate_core::policy::{Finding, PolicyInput};
use tidegate_core::steps::{Steps, StepsInput, steps};
use tidegate_sandbox::{FindingsError, ModuleError, PolicyLimits, PolicyModule, PolicySandbox};

/// Limits that a test hits soon.
pub(crate) fn limits() -> PolicyLimits {
    PolicyLimits { fuel: 10_000_000, time: Duration::from_secs(60), memory: 4 << 20 }
}

pub(crate) fn load(bytes: &[u8]) -> Result<PolicyModule, ModuleError> {
    PolicySandbox::new(limits()).unwrap().load(bytes)
}

/// What a module says to a plan that deletes something.
pub(crate) fn ask(bytes: &[u8]) -> Result<Vec<Finding>, FindingsError> {
    load(bytes).expect("the guest can be used").evaluate(&input("delete", json!({})))
}

/// The input with the steps of a committed look and these settings.
pub(crate) fn input(case: &str, settings: Value) -> PolicyInput {
    let input = json!({
        "schema": 1,
        "change": {
            "project": "infra",
            "branch": "refs/heads/main",
            "number": 12,
            "patch_set": 3,
            "revision": "a".repeat(40),
        },
        "stack": { "id": "net", "project": "net", "stack": "dev", "environment": "prod" },
        "steps": look(case),
        "settings": settings,
    });
    serde_json::from_value(input).unwrap()
}

/// The steps of a committed look.
pub(crate) fn look(case: &str) -> Steps {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/steps").join(case);
    let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let json = |file: &str| serde_json::from_str::<Value>(&text(file)).unwrap();
    let look = json("look.json");
    let input = json!({
        "schema": 1,
        "stack": { "project": look["project"], "stack": look["stack"] },
        "events": text("events.jsonl"),
        "plan": json("plan.json"),
        "state": json("state.json"),
    });
    steps(&serde_json::from_value::<StepsInput>(input).unwrap()).unwrap()
}
