//! The report for people.

use std::fmt::{self, Write};
use tidegate_verify::{Finding, Report};

/// More lines than these hide the first ones, which matter most; `--json` has more.
const MAX_LINES: usize = 20;

/// Puts colour around words, or doesn't.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) colour: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The report's lines.
pub(crate) fn report(report: &Report, style: Style) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let head = if report.verified {
        style.paint("1;32", "verified")
    } else {
        style.paint("1;31", "NOT VERIFIED")
    };
    match &report.log {
        Some(log) => {
            writeln!(out, "{head}  {}, {} entries, root {}", log.origin, log.size, log.root)?;
        }
        None => writeln!(out, "{head}")?,
    }
    for since in &report.since {
        let extended = match since.extended {
            Some(true) => "the log extends its",
            Some(false) => "the log does NOT extend its",
            None => "the log is too damaged to compare it with its",
        };
        writeln!(out, "  since {}: {extended} {} entries", since.file, since.size)?;
    }
    if let Some(proof) = &report.proof
        && let Some(entry) = &proof.entry
    {
        let (index, size) = (proof.index, proof.size);
        writeln!(out, "  proof {}: entry {index} is in the log of {size} entries", proof.file)?;
        writeln!(out, "    {}", printable(entry))?;
    }
    let wrong = style.paint("31", "wrong");
    list(&mut out, &wrong, &report.findings, report.more_findings)?;
    let warning = style.paint("33", "warning");
    list(&mut out, &warning, &report.warnings, report.more_warnings)?;
    Ok(out)
}

fn list(out: &mut String, label: &str, findings: &[Finding], more: u64) -> fmt::Result {
    for finding in findings.iter().take(MAX_LINES) {
        writeln!(out, "  {label}  {}", printable(&finding.to_string()))?;
    }
    let left = findings.len().saturating_sub(MAX_LINES) as u64 + more;
    if left > 0 {
        writeln!(out, "  {label}  and {left} more")?;
    }
    Ok(())
}

/// Names of files and parts of broken entries may hold anything, also commands for the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
