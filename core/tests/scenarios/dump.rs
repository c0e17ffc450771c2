//! Writes what the scenarios asked the core into the corpus, where every host answers it.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

/// Set to write inputs and outputs of the corpus anew, to be looked at in the diff.
const UPDATE: &str = "TIDEGATE_UPDATE_CORPUS";

/// Inputs of `advance` that are kept of one scenario: its later ones are much like those of others.
const OF_ONE_SCENARIO: usize = 6;

/// What was written by this process: many scenarios begin alike.
static WRITTEN: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

thread_local! {
    static ASKED: std::cell::RefCell<BTreeMap<&'static str, usize>> = const {
        std::cell::RefCell::new(BTreeMap::new())
    };
}

/// Notes that the scenario of this thread asked `verb` about `input`.
pub fn dump(verb: &'static str, input: &impl Serialize) {
    if std::env::var_os(UPDATE).is_none() {
        return;
    }
    let text = serde_json::to_string_pretty(input).unwrap() + "\n";
    let scenario = std::thread::current().name().unwrap_or("main").to_owned();
    let asked = ASKED.with_borrow_mut(|asked| {
        let asked = asked.entry(verb).or_default();
        *asked += 1;
        *asked
    });
    if asked > OF_ONE_SCENARIO || !WRITTEN.lock().unwrap().insert(text.clone()) {
        return;
    }
    let name = scenario.replace("::", ".").replace('_', "-");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/verbs").join(verb);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.{asked}.in.json")), text).unwrap();
}
