//! The three hosts.

use crate::question::Question;
use std::fmt;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;
use tidegate_core::Verb;
use tidegate_sandbox::{CallError, Rules};
use tidegate_tests::{Tools, finish, workspace};

/// Enough for inputs that nest as deep as any may, in a build that isn't optimised.
const STACK: usize = 64 << 20;

/// Loading, and every case on code that isn't compiled yet, on a busy machine.
const JVM: Duration = Duration::from_secs(10 * 60);

/// The class in the plugin's tests that answers a file of cases.
const PROGRAM: &str = "dev.tidegate.core.AnswerCases";

/// What a host says.
#[derive(PartialEq, Eq)]
pub enum Answer {
    /// The output.
    Ok(Vec<u8>),
    /// The refusal's message.
    Refused(Vec<u8>),
    /// It gave no answer.
    Failed(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short =
            |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned();
        match self {
            Self::Ok(bytes) => write!(f, "{} bytes: {}", bytes.len(), short(bytes)),
            Self::Refused(why) => write!(f, "refused: {}", short(why)),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// The core as Rust.
pub fn native(questions: &[Question]) -> Vec<Answer> {
    let answer = |question: &Question| match verb(question) {
        None => Answer::Ok(tidegate_core::describe()),
        Some(verb) => match verb.call(&question.input) {
            Ok(output) => Answer::Ok(output),
            Err(why) => Answer::Refused(why.into_bytes()),
        },
    };
    thread::scope(|scope| {
        let all = || questions.iter().map(answer).collect();
        thread::Builder::new().stack_size(STACK).spawn_scoped(scope, all).unwrap().join().unwrap()
    })
}

/// The core as `tidegate` runs it: a fresh instance for each question.
pub fn wasmtime(rules: &Rules, questions: &[Question]) -> Vec<Answer> {
    let answer = |question: &Question| {
        let output = match verb(question) {
            None => rules.describe(),
            Some(verb) => rules.call(verb, &question.input),
        };
        match output {
            Ok(output) => Answer::Ok(output),
            Err(CallError::Refused(why)) => Answer::Refused(why.into_bytes()),
            Err(other) => Answer::Failed(other.to_string()),
        }
    };
    questions.iter().map(answer).collect()
}

/// The core as the plugin runs it, by the plugin's own classes. `digest` is the core's, which the
/// plugin must have been built from.
pub fn jvm(digest: &str, questions: &[Question]) -> Vec<Answer> {
    let built = plugin().join("classes/dev/tidegate/core/core.sha256");
    let found = fs::read_to_string(&built).unwrap_or_default();
    assert_eq!(found.trim(), digest, "the plugin has another core; run `cargo xtask build`");
    let scratch = tempfile::tempdir().unwrap();
    let (cases, answers) = (scratch.path().join("cases"), scratch.path().join("answers"));
    let mut file = fs::File::create(&cases).unwrap();
    for question in questions {
        for part in [question.verb.as_bytes(), &question.input] {
            file.write_all(&u32::try_from(part.len()).unwrap().to_be_bytes()).unwrap();
            file.write_all(part).unwrap();
        }
    }
    let classes = fs::read_to_string(plugin().join("test.classpath"))
        .expect("the plugin's tests are built by `cargo xtask build`");
    let mut java = Command::new(Tools::shared().unwrap().jdk().program("java"));
    java.args(["-XX:+UseSerialGC", "-Xmx1g", "-cp", classes.trim(), PROGRAM]);
    finish(java.arg(&cases).arg(&answers), JVM).unwrap().ok().unwrap();
    read(&fs::read(&answers).unwrap())
}

/// Where Maven puts what it builds of the plugin.
fn plugin() -> PathBuf {
    workspace::root().join("plugin-shim/target")
}

/// Answers as the program writes them: a tag, a length, bytes.
fn read(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let mut head = [0; 5];
        bytes.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let (body, rest) = bytes.split_at(usize::try_from(length).unwrap());
        bytes = rest;
        answers.push(match head[0] {
            0 => Answer::Ok(body.to_vec()),
            1 => Answer::Refused(body.to_vec()),
            _ => Answer::Failed(String::from_utf8_lossy(body).into_owned()),
        });
    }
    answers
}

fn verb(question: &Question) -> Option<Verb> {
    Verb::ALL.into_iter().find(|verb| verb.name() == question.verb)
}
