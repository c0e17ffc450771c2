//! Prints the JSON Schemas of what goes into the core and comes out of it, as one JSON object:
//! each schema's text under the name of its file in `docs/schemas`, where `cargo xtask schemas`
//! writes it. Texts, since only this build keeps the order of a type's fields.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use tidegate_core::advance::{AdvanceInput, Advanced};
use tidegate_core::classify::Classified;
use tidegate_core::coverage::admit::{AdmitInput, Admitted};
use tidegate_core::coverage::allow::{AllowInput, Allowed};
use tidegate_core::coverage::ran::{RanInput, RanOutput};
use tidegate_core::coverage::{Coverage, CoverageInput};
use tidegate_core::decide::DecideInput;
use tidegate_core::facts::ChangeFacts;
use tidegate_core::needs::{Needs, NeedsInput};
use tidegate_core::plan::{PlanInput, Planning};
use tidegate_core::record::Record;
use tidegate_core::review::Review;
use tidegate_core::rollout::Branch;
use tidegate_core::settings::{Settings, SettingsInput};
use tidegate_core::steps::{Steps, StepsInput};
use tidegate_core::verdict::Verdict;
use tidegate_core::watch::Watch;

/// Every schema, by the name of its file. A new type is added here and nowhere else.
fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("classify-output", read_back::<Classified>()),
        ("settings-input", of::<SettingsInput>()),
        ("settings-output", read_back::<Settings>()),
        ("needs-input", of::<NeedsInput>()),
        ("needs-output", read_back::<Needs>()),
        ("plan-input", of::<PlanInput>()),
        ("plan-output", read_back::<Planning>()),
        ("steps-input", of::<StepsInput>()),
        ("steps-output", read_back::<Steps>()),
        ("covers-input", of::<CoverageInput>()),
        ("covers-output", read_back::<Coverage>()),
        ("admit-input", of::<AdmitInput>()),
        ("admit-output", read_back::<Admitted>()),
        ("allow-input", of::<AllowInput>()),
        ("allow-output", read_back::<Allowed>()),
        ("ran-input", of::<RanInput>()),
        ("ran-output", read_back::<RanOutput>()),
        ("decide-input", of::<DecideInput>()),
        ("decide-output", read_back::<Verdict>()),
        ("advance-input", of::<AdvanceInput>()),
        ("advance-output", read_back::<Advanced>()),
        ("change-facts", of::<ChangeFacts>()),
        ("record", of::<Record>()),
        ("state-review", of::<Review>()),
        ("state-branch", of::<Branch>()),
        ("state-watch", of::<Watch>()),
    ]
}

/// What the core reads: a field that has a default may be absent.
fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}

/// What the core writes: a field is absent only where the core leaves it out.
fn read_back<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

fn main() -> Result<(), serde_json::Error> {
    let mut all = BTreeMap::new();
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema)? + "\n";
        all.insert(format!("{name}.json"), text);
    }
    serde_json::to_writer(std::io::stdout().lock(), &all)
}
