//! The Gerrit plugin runs these cases when it starts. Only the native core can say that they are
//! right: a JVM that computes wrongly would agree with itself.

use crate::answers::verb;
use serde::Deserialize;
use std::path::Path;
use tidegate_core::ids::Digest;

const FILE: &str = "../plugin-shim/src/main/resources/dev/tidegate/core/known-cases.json";

/// As `KnownCases.java` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownCase {
    verb: String,
    input: String,
    answer: String,
    sha256: String,
}

#[test]
fn the_known_cases_of_the_plugin_are_what_the_native_core_answers() {
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap();
    let cases: Vec<KnownCase> = serde_json::from_slice(&text).unwrap();
    assert!(!cases.is_empty());
    for (number, case) in cases.iter().enumerate() {
        let answer = match case.verb.as_str() {
            "describe" => Ok(tidegate_core::describe()),
            name => verb(name).call(case.input.as_bytes()),
        };
        let (word, bytes) = match answer {
            Ok(output) => ("ok", output),
            Err(why) => ("refused", why.into_bytes()),
        };
        assert_eq!(
            (word, Digest::of(&bytes).as_str()),
            (case.answer.as_str(), case.sha256.as_str()),
            "known case {number}, {}: accept the cases again as CONTRIBUTING.md says",
            case.verb,
        );
    }
}
