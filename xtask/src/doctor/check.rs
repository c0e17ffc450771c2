use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use tidegate_tests::finish;

use crate::terminal::plain;

/// A tool that prints its version takes a fraction of a second; Maven starts a JVM.
const ASK: Duration = Duration::from_secs(60);

/// How a thing stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// There, and good enough.
    Ok,
    /// There or not; nothing fails without it, but something is less.
    Warning,
    /// Not there, and needed.
    Missing,
}

/// One thing that was looked for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Check {
    /// What, e.g. `git`.
    pub(crate) name: &'static str,
    /// How it stands.
    pub(crate) state: State,
    /// What was found.
    pub(crate) found: String,
    /// What to do; empty where there is nothing to do.
    pub(crate) get: String,
}

impl Check {
    pub(crate) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), get: String::new() }
    }

    pub(crate) fn warning(name: &'static str, found: impl Into<String>, get: &str) -> Self {
        Self { name, state: State::Warning, found: found.into(), get: get.to_owned() }
    }

    pub(crate) fn missing(name: &'static str, found: impl Into<String>, get: &str) -> Self {
        Self { name, state: State::Missing, found: found.into(), get: get.to_owned() }
    }

    /// A program that is needed in at least this version: what it prints when asked for it.
    pub(crate) fn program(name: &'static str, question: &[&str], least: &[u32], get: &str) -> Self {
        let Some(answer) = ask(question) else {
            return Self::missing(name, "not found", get);
        };
        let line = answer.lines().find(|line| !line.trim().is_empty());
        let line = line.unwrap_or_default().trim();
        if version(line).as_slice() >= least {
            return Self::ok(name, line);
        }
        let least: Vec<String> = least.iter().map(u32::to_string).collect();
        Self::missing(name, format!("{line}, but {} is needed", least.join(".")), get)
    }
}

/// What a program prints on either of its outputs; `None` if it isn't there or fails.
pub(crate) fn ask(question: &[&str]) -> Option<String> {
    let (program, arguments) = question.split_first()?;
    let finished = finish(Command::new(program).args(arguments), ASK).ok()?;
    (finished.code == Some(0)).then(|| plain(&(finished.stdout + &finished.stderr)))
}

/// The first number with a dot in a line, e.g. that of `git version 2.39.5`.
pub(crate) fn version(line: &str) -> Vec<u32> {
    line.split(|character: char| !character.is_ascii_digit() && character != '.')
        .find(|word| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit()))
        .into_iter()
        .flat_map(|word| word.split('.'))
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::git("git version 2.39.5 (Apple Git-154)", &[2, 39, 5])]
    #[case::go("go version go1.26.8 linux/amd64", &[1, 26, 8])]
    #[case::ssh("OpenSSH_9.2p1 Debian-2", &[9, 2])]
    #[case::none("no number here", &[])]
    fn the_version_is_the_first_number_with_a_dot(#[case] line: &str, #[case] expected: &[u32]) {
        assert_eq!(version(line), expected);
    }

    #[test]
    fn a_program_that_is_too_old_is_missing_with_both_versions() {
        let check = Check::program("cargo", &["cargo", "--version"], &[9999], "get it");
        assert_eq!(check.state, State::Missing);
        assert!(check.found.ends_with("but 9999 is needed"), "{}", check.found);
        let check = Check::program("cargo", &["cargo", "--version"], &[1, 0], "get it");
        assert_eq!(check.state, State::Ok);
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        let check = Check::program("x", &["no-such-program-at-all"], &[], "get it");
        assert_eq!((check.state, check.get.as_str()), (State::Missing, "get it"));
    }
}
