//! The core answers with the same bytes on its three hosts: as native Rust, in wasmtime as
//! `tidegate` runs it, and in a JVM as Gerrit's plugin runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod generate;
mod hosts;
mod question;
mod random;

// The corpus is core's own; this only asks its questions once more.
#[allow(dead_code, reason = "the answers are checked by core's own tests")]
#[path = "../../../core/tests/corpus/cases.rs"]
mod cases;

use crate::hosts::{Answer, jvm, native, wasmtime};
use crate::question::Question;
use std::fs;
use tidegate_sandbox::Rules;
use tidegate_tests::workspace;

/// Where generated cases begin. Another one looks elsewhere; a failure prints it.
const SEED: &str = "TIDEGATE_SEED";

/// How many cases are generated: what takes the JVM half a minute.
const GENERATED: usize = 2_000;

/// Most differences that are told; the rest is counted.
const TOLD: usize = 5;

#[test]
fn every_case_has_the_same_answer_on_every_host() {
    let seed = std::env::var(SEED).map_or(1, |seed| seed.parse().expect("a number"));
    let questions = questions(seed);
    let rules = Rules::embedded().unwrap();
    let native = native(&questions);
    let answered = native.iter().filter(|answer| matches!(answer, Answer::Ok(_))).count();
    assert!(answered > GENERATED / 3, "only {answered} of {} are answered", questions.len());
    compare(&questions, &native, "wasmtime", &wasmtime(&rules, &questions), seed);
    compare(&questions, &native, "the JVM", &jvm(rules.digest(), &questions), seed);
}

fn questions(seed: u64) -> Vec<Question> {
    let cases = cases::all();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let mut questions = vec![Question::describe()];
    questions.extend(cases.iter().map(Question::of));
    questions.extend(generate::edges());
    questions.extend(generate::generate(seed, GENERATED, &cases));
    questions
}

fn compare(questions: &[Question], native: &[Answer], host: &str, found: &[Answer], seed: u64) {
    assert_eq!(questions.len(), found.len(), "{host} answers each question once");
    let folder = workspace::target_dir().join("same-bytes");
    let mut told = Vec::new();
    for ((question, native), found) in questions.iter().zip(native).zip(found) {
        if native == found {
            continue;
        }
        let file = folder.join(format!("{}.json", told.len()));
        if told.len() < TOLD {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &question.input).unwrap();
        }
        told.push(format!(
            "{} of {} (in {})\n  native: {native}\n  {host}: {found}",
            question.verb,
            question.name,
            file.display(),
        ));
    }
    let many = told.len();
    told.truncate(TOLD);
    assert!(
        told.is_empty(),
        "{many} of {} answers differ; generated from {SEED}={seed}:\n{}",
        questions.len(),
        told.join("\n"),
    );
}
