mod check;
mod checks;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;

use crate::doctor::check::{Check, State};
use crate::terminal::{painted, say};

/// Prints what is on this machine. Code 1 if something that is needed is missing.
pub(crate) fn doctor(json: bool) -> Result<ExitCode> {
    let checks = checks::all();
    if json {
        say(&serde_json::to_string_pretty(&checks)?);
    } else {
        print(&checks);
    }
    let missing = checks.iter().any(|check| check.state == State::Missing);
    Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is missing and needed, each with how to get it.
pub(crate) fn missing() -> Vec<String> {
    checks::all()
        .iter()
        .filter(|check| check.state == State::Missing)
        .map(|check| format!("  {}: {}; {}", check.name, check.found, check.get))
        .collect()
}

fn print(checks: &[Check]) {
    let colour = io::stdout().is_terminal();
    for check in checks {
        let (mark, code) = match check.state {
            State::Ok => ("ok     ", "32"),
            State::Warning => ("warning", "33"),
            State::Missing => ("missing", "1;31"),
        };
        say(&format!("{} {}: {}", painted(mark, code, colour), check.name, check.found));
        if !check.get.is_empty() {
            say(&format!("        {}", check.get));
        }
    }
}
