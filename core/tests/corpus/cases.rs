//! The committed inputs of the verbs, each with what the core answered when somebody looked at it.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// One input, and where its answer stands.
pub struct Case {
    /// The verb's name.
    pub verb: &'static str,
    /// What the input is, in words.
    pub name: String,
    /// Its bytes.
    pub input: Vec<u8>,
    /// The file of the answer.
    pub answered: PathBuf,
    /// The file of the refusal.
    pub refused: PathBuf,
}

/// The verbs that take an input.
pub const VERBS: [&str; 11] = [
    "classify", "settings", "needs", "plan", "steps", "covers", "admit", "allow", "ran", "decide",
    "advance",
];

/// Every case, sorted by verb and name.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for verb in VERBS {
        let inputs = inputs(&folder("verbs").join(verb));
        cases.extend(inputs.into_iter().map(|(name, path)| beside(verb, name, &path)));
    }
    // Events and looks stand elsewhere for tests of their own.
    for path in entries(&folder("events")) {
        if let Some(name) = stem(&path, ".json") {
            let case = beside("classify", format!("event-{name}"), &path);
            cases.push(case);
        }
    }
    for look in entries(&folder("steps")).iter().filter(|path| path.is_dir()) {
        cases.extend(looks(look));
    }
    cases
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(name)
}

fn beside(verb: &'static str, name: String, input: &Path) -> Case {
    let answers = folder("verbs").join(verb);
    Case {
        verb,
        input: fs::read(input).unwrap(),
        answered: answers.join(format!("{name}.out.json")),
        refused: answers.join(format!("{name}.refused.txt")),
        name,
    }
}

/// One look at a stack as its preview told it, and as the gate told it.
fn looks(folder: &Path) -> Vec<Case> {
    let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let value = |file: &str| text(file).map(|text| serde_json::from_str(&text).unwrap());
    let look: Value = value("look.json").unwrap();
    let name = folder.file_name().unwrap().to_string_lossy();
    let case = |by: &str, events: &str, seen: &str| {
        let mut input = json!({
            "schema": 1,
            "stack": { "project": look["project"], "stack": look["stack"] },
            "events": text(events)?,
            "markers": look.get("markers").unwrap_or(&json!([])),
        });
        for (field, file) in [(seen, seen), ("state", "state")] {
            if let Some(value) = value(&format!("{file}.json")) {
                input[field] = value;
            }
        }
        Some(Case {
            verb: "steps",
            name: format!("{name} by {by}"),
            input: serde_json::to_vec(&input).unwrap(),
            answered: folder.join("steps.json"),
            refused: folder.join("refused.txt"),
        })
    };
    let plan = case("its plan", "events.jsonl", "plan");
    plan.into_iter().chain(case("the gate", "gate.jsonl", "resources")).collect()
}

fn inputs(folder: &Path) -> Vec<(String, PathBuf)> {
    let inputs = entries(folder).into_iter();
    inputs.filter_map(|path| Some((stem(&path, ".in.json")?, path))).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path, ending: &str) -> Option<String> {
    Some(path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned())
}
