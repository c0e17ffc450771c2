//! Guardrails: a policy module that finds what most teams never want to happen unseen.
//!
//! - A resource of a protected type is deleted or replaced, or loses its protection.
//! - A plan deletes or changes more resources than a limit.

#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]
mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "policy" });
}

mod pattern;
mod rules;
mod settings;

use bindings::exports::tidegate::policy::checks::{
    Description, Finding, Guest, Input, SettingHelp,
};
use settings::Settings;

/// The module.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
struct Guardrails;

impl Guest for Guardrails {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Protects resource types, and limits how much one plan may change".to_owned(),
            settings: settings::HELP
                .iter()
                .map(|(key, kind, help)| SettingHelp {
                    key: (*key).to_owned(),
                    kind: *kind,
                    required: false,
                    help: (*help).to_owned(),
                })
                .collect(),
            wants: Vec::new(),
        }
    }

    fn evaluate(input: Input) -> Result<Vec<Finding>, String> {
        let settings = Settings::read(&input.settings)?;
        Ok(rules::findings(&input.plan, &settings))
    }
}

// The names that are exported are no symbols of a native library; tests need none.
#[cfg(target_arch = "wasm32")]
bindings::export!(Guardrails with_types_in bindings);

/// What the tests share.
#[cfg(test)]
mod sample {
    use crate::bindings::exports::tidegate::policy::checks::{
        Counts, Hidden, Operation, Plan, Step,
    };

    pub(crate) fn step(operation: Operation, resource_type: &str, name: &str) -> Step {
        Step {
            urn: format!("urn:pulumi:dev::shop::{resource_type}::{name}"),
            operation,
            resource_type: resource_type.to_owned(),
            name: name.to_owned(),
            custom: true,
            provider: None,
            protect: false,
            options: Vec::new(),
            old_id: None,
            before: Vec::new(),
            after: Vec::new(),
            changes: Vec::new(),
            replace_keys: Vec::new(),
            deletes_first: false,
            hidden: Hidden { unknown: 0, secrets: 0, opaque: 0 },
        }
    }

    pub(crate) fn plan(steps: Vec<Step>) -> Plan {
        let count = |operation| {
            let found = steps.iter().filter(|step| step.operation == operation).count();
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        let counts = Counts {
            create: count(Operation::Create),
            update: count(Operation::Update),
            replace: count(Operation::CreateReplacement),
            delete: count(Operation::Delete),
            import: count(Operation::Import),
            options: count(Operation::Options),
            outputs: 0,
            same: 0,
        };
        let hidden = Hidden { unknown: 0, secrets: 0, opaque: 0 };
        Plan { steps, reads: Vec::new(), counts, hidden, digest: "0".repeat(64) }
    }
}
