//! What the core answers to each committed input.

use crate::cases::{Case, VERBS, all};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tidegate_core::Verb;

/// Set to write the answers of this core over the committed ones, to be looked at in the diff.
const UPDATE: &str = "TIDEGATE_UPDATE_CORPUS";

pub fn verb(name: &str) -> Verb {
    Verb::ALL.into_iter().find(|verb| verb.name() == name).expect(name)
}

#[test]
fn every_verb_has_cases_that_it_answers_and_cases_that_it_refuses() {
    assert_eq!(Verb::ALL.map(Verb::name), VERBS);
    for verb in VERBS {
        let cases: Vec<_> = all().into_iter().filter(|case| case.verb == verb).collect();
        let answered = cases.iter().filter(|case| case.answered.is_file()).count();
        let refused = cases.iter().filter(|case| case.refused.is_file()).count();
        assert!(answered > 0 && refused > 0, "{verb}: {answered} and {refused}");
        assert!(answered + refused >= cases.len(), "{verb}: some case has no answer");
    }
}

#[test]
fn each_committed_input_gives_its_committed_answer() {
    let mut wrong = Vec::new();
    for case in all() {
        let Some((file, found)) = difference(&case) else { continue };
        if std::env::var_os(UPDATE).is_some() {
            for other in [&case.answered, &case.refused] {
                if other != file && other.is_file() {
                    fs::remove_file(other).unwrap();
                }
            }
            fs::write(file, found).unwrap();
        } else {
            wrong.push(format!("{} {}: {}", case.verb, case.name, file.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "these answers are not the committed ones; if that is meant, run the test with \
         {UPDATE}=1 and look at the difference:\n{}",
        wrong.join("\n"),
    );
}

/// The file that the answer belongs in, and the answer, unless it stands there alone.
fn difference(case: &Case) -> Option<(&Path, String)> {
    let (file, other, found) = match verb(case.verb).call(&case.input) {
        Ok(output) => {
            let value: Value = serde_json::from_slice(&output).expect("the core writes JSON");
            (&case.answered, &case.refused, format!("{value:#}\n"))
        }
        Err(why) => (&case.refused, &case.answered, why + "\n"),
    };
    let committed = fs::read_to_string(file).unwrap_or_default();
    (committed != found || other.is_file()).then_some((file, found))
}
