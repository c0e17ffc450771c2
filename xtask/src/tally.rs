use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::terminal::{plain, say};

/// What test runners said at their ends.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// The runners' closing lines.
    pub(crate) lines: Vec<String>,
    /// Runners that ended with an error.
    pub(crate) errors: Vec<String>,
}

impl Tally {
    /// Runs a test runner, passes on what it prints, and notes its closing lines.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {program}"))?;
        let output = child.stdout.take().context("the runner has no output")?;
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            say(&line);
            self.note(&plain(&line));
        }
        let status = child.wait()?;
        if !status.success() {
            self.errors.push(format!("{program} ({status})"));
        }
        Ok(())
    }

    /// Notes a line if it closes a run of libtest or of Maven's Surefire.
    fn note(&mut self, line: &str) {
        if line.starts_with("test result: ") {
            self.add(before(line, " passed"), before(line, " failed"), line);
        } else if let Some((_, counts)) = line.split_once("Tests run: ") {
            // Each class has a line too, with its time.
            if counts.contains("Time elapsed") {
                return;
            }
            let run = counts.split(',').next().and_then(|count| count.trim().parse().ok());
            let bad = after(counts, "Failures: ") + after(counts, "Errors: ");
            let skipped = after(counts, "Skipped: ");
            let run: u64 = run.unwrap_or_default();
            self.add(run.saturating_sub(bad + skipped), bad, line);
        }
    }

    fn add(&mut self, passed: u64, failed: u64, line: &str) {
        self.passed += passed;
        self.failed += failed;
        // Most crates have no documentation tests; their lines say nothing.
        if passed + failed > 0 {
            self.lines.push(line.to_owned());
        }
    }
}

/// The number that stands before a word.
fn before(line: &str, word: &str) -> u64 {
    line.split_once(word)
        .and_then(|(left, _)| left.rsplit(' ').next()?.parse().ok())
        .unwrap_or_default()
}

/// The number that stands after a word.
fn after(line: &str, word: &str) -> u64 {
    line.split_once(word)
        .and_then(|(_, right)| right.split(',').next()?.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::libtest("test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured", 12, 0)]
    #[case::libtest_failure("test result: FAILED. 5 passed; 2 failed; 0 ignored", 5, 2)]
    #[case::in_colour("test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 7 passed; 0 failed;", 7, 0)]
    #[case::surefire("[INFO] Tests run: 9, Failures: 1, Errors: 1, Skipped: 2", 5, 2)]
    #[case::one_class("[INFO] Tests run: 4, Failures: 0, Time elapsed: 0.2 s -- in X", 0, 0)]
    #[case::another_line("running 12 tests", 0, 0)]
    fn closing_lines_are_counted(#[case] line: &str, #[case] passed: u64, #[case] failed: u64) {
        let mut tally = Tally::default();
        tally.note(&plain(line));
        assert_eq!((tally.passed, tally.failed), (passed, failed));
    }
}
