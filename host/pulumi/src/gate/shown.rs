//! Turns what the engine shows the gate into the JSON that the core takes.

use super::wire::{AnalyzeRequest, AnalyzeStackRequest, AnalyzerResource, AnalyzerResourceOptions};
use prost_types::value::Kind;
use prost_types::{Struct, Value as Wire};
use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;

/// Whole numbers up to here are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How the URN of the stack itself says what it is.
const STACK_TYPE: &str = "::pulumi:pulumi:Stack::";

/// One resource as `Analyze` showed it, secrets in clear.
pub(super) fn analyzed(request: AnalyzeRequest) -> (String, Value) {
    let shown = json!({
        "urn": request.urn,
        "inputs": properties(request.properties),
        "options": options(request.options.unwrap_or_default()),
    });
    (request.urn, shown)
}

/// All resources that `Analyze` and `AnalyzeStack` showed, sorted by URN, secrets in clear.
pub(super) fn held(mut analyzed: BTreeMap<String, Value>, stack: AnalyzeStackRequest) -> Value {
    for resource in stack.resources {
        let AnalyzerResource { urn, properties: outputs, property_dependencies } = resource;
        let shown = analyzed.entry(urn.clone()).or_insert_with(|| json!({ "urn": urn }));
        let Value::Object(shown) = shown else { continue };
        // Of other resources these are what the provider says, and not what was asked for.
        if urn.contains(STACK_TYPE) {
            shown.insert("outputs".to_owned(), properties(outputs));
        }
        let dependencies: BTreeMap<_, _> =
            property_dependencies.into_iter().map(|(key, on)| (key, on.urns)).collect();
        if !dependencies.is_empty() {
            shown.insert("propertyDependencies".to_owned(), json!(dependencies));
        }
    }
    Value::Array(analyzed.into_values().collect())
}

fn options(options: AnalyzerResourceOptions) -> Value {
    let mut shown = Map::new();
    if options.delete_before_replace_defined {
        shown.insert("deleteBeforeReplace".to_owned(), options.delete_before_replace.into());
    }
    for (name, list) in [
        ("ignoreChanges", options.ignore_changes),
        ("additionalSecretOutputs", options.additional_secret_outputs),
    ] {
        if !list.is_empty() {
            shown.insert(name.to_owned(), json!(list));
        }
    }
    let timeouts = options.custom_timeouts.unwrap_or_default();
    let timeouts: Map<String, Value> = [
        ("create", timeouts.create),
        ("update", timeouts.update),
        ("delete", timeouts.delete),
        ("read", timeouts.read),
    ]
    .into_iter()
    .filter(|(_, seconds)| *seconds != 0.0)
    .map(|(name, seconds)| (name.to_owned(), number(seconds)))
    .collect();
    if !timeouts.is_empty() {
        shown.insert("customTimeouts".to_owned(), Value::Object(timeouts));
    }
    Value::Object(shown)
}

fn properties(properties: Option<Struct>) -> Value {
    let fields = properties.unwrap_or_default().fields;
    Value::Object(fields.into_iter().map(|(key, value)| (key, plain(value))).collect())
}

/// As deep as the decoder goes, which stops at a hundred levels.
fn plain(value: Wire) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::NumberValue(double)) => number(double),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(plain).collect()),
        Some(Kind::StructValue(map)) => properties(Some(map)),
    }
}

/// Numbers are doubles on this wire. One that JSON has no number for becomes a text, which equals
/// nothing that an event tells.
fn number(double: f64) -> Value {
    if double.fract() == 0.0 && double.abs() < EXACT {
        return format!("{:.0}", double + 0.0).parse::<Number>().map_or(Value::Null, Value::Number);
    }
    Number::from_f64(double)
        .map_or_else(|| Value::String(format!("not a number: {double}")), Value::Number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::wire::AnalyzerPropertyDependencies;
    use super::super::wire::analyzer_resource_options::CustomTimeouts;
    use super::*;
    use rstest::rstest;

    const STACK: &str = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev";

    fn wire(kind: Kind) -> Wire {
        Wire { kind: Some(kind) }
    }

    fn fields(fields: &[(&str, Kind)]) -> Option<Struct> {
        let fields = fields.iter().map(|(key, kind)| ((*key).to_owned(), wire(kind.clone())));
        Some(Struct { fields: fields.collect() })
    }

    #[rstest]
    #[case::whole(3.0, "3")]
    #[case::negative_zero(-0.0, "0")]
    #[case::fraction(1.5, "1.5")]
    #[case::beyond_what_is_exact(1e21, "1e+21")]
    #[case::no_number(f64::NAN, "\"not a number: NaN\"")]
    fn numbers_are_written_as_the_engine_writes_them(#[case] double: f64, #[case] text: &str) {
        assert_eq!(number(double).to_string(), text);
    }

    #[test]
    fn inputs_and_options_come_from_the_resource_and_outputs_only_from_the_stack() {
        let request = AnalyzeRequest {
            urn: "urn:a".to_owned(),
            properties: fields(&[("size", Kind::NumberValue(2.0)), ("gone", Kind::NullValue(0))]),
            options: Some(AnalyzerResourceOptions {
                ignore_changes: vec!["size".to_owned()],
                delete_before_replace: false,
                delete_before_replace_defined: true,
                additional_secret_outputs: Vec::new(),
                custom_timeouts: Some(CustomTimeouts { create: 300.0, ..Default::default() }),
            }),
        };
        let (urn, shown) = analyzed(request);
        let on = AnalyzerPropertyDependencies { urns: vec!["urn:b".to_owned()] };
        let resource = |urn: &str| AnalyzerResource {
            urn: urn.to_owned(),
            properties: fields(&[("out", Kind::BoolValue(true))]),
            property_dependencies: [("size".to_owned(), on.clone())].into(),
        };
        let stack = AnalyzeStackRequest { resources: vec![resource("urn:a"), resource(STACK)] };
        assert_eq!(
            held([(urn, shown)].into(), stack),
            json!([
                {
                    "urn": "urn:a",
                    "inputs": {"size": 2, "gone": null},
                    "options": {
                        "deleteBeforeReplace": false,
                        "ignoreChanges": ["size"],
                        "customTimeouts": {"create": 300},
                    },
                    "propertyDependencies": {"size": ["urn:b"]},
                },
                {
                    "urn": STACK,
                    "outputs": {"out": true},
                    "propertyDependencies": {"size": ["urn:b"]},
                },
            ])
        );
    }
}
