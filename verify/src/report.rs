//! The answer of a verification.

use crate::finding::Finding;
use serde::Serialize;

/// More of one sort of trouble tells nobody more; the rest is counted.
const MAX_FINDINGS: usize = 200;

/// What was verified and what was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this form.
    pub v: u32,
    /// Whether everything asked for holds: there is no finding.
    pub verified: bool,
    /// The log, unless only a proof was verified or its checkpoint isn't valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogSummary>,
    /// The older checkpoints that the log was compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub since: Vec<SinceSummary>,
    /// The proof that was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofSummary>,
    /// What is wrong, at most 200 of it.
    pub findings: Vec<Finding>,
    /// How many findings there are beyond those.
    pub more_findings: u64,
    /// What is strange and no reason to distrust the log, at most 200 of it.
    pub warnings: Vec<Finding>,
    /// How many warnings there are beyond those.
    pub more_warnings: u64,
}

/// A log's valid checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogSummary {
    /// The log's name.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree, in base64.
    pub root: String,
}

/// An older checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SinceSummary {
    /// The file that it was read from.
    pub file: String,
    /// Its number of entries.
    pub size: u64,
    /// Whether the log extends it; absent when that could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended: Option<bool>,
}

/// A proof of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofSummary {
    /// The file that it was read from.
    pub file: String,
    /// The entry's index.
    pub index: u64,
    /// The number of entries of the proof's checkpoint.
    pub size: u64,
    /// The entry as it was logged, once the proof holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            v: 1,
            verified: true,
            log: None,
            since: Vec::new(),
            proof: None,
            findings: Vec::new(),
            more_findings: 0,
            warnings: Vec::new(),
            more_warnings: 0,
        }
    }
}

impl Report {
    pub(crate) fn find(&mut self, finding: Finding) {
        self.verified = false;
        keep(&mut self.findings, &mut self.more_findings, finding);
    }

    pub(crate) fn warn(&mut self, warning: Finding) {
        keep(&mut self.warnings, &mut self.more_warnings, warning);
    }
}

fn keep(list: &mut Vec<Finding>, more: &mut u64, finding: Finding) {
    if list.len() < MAX_FINDINGS {
        list.push(finding);
    } else {
        *more += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Kind;

    #[test]
    fn findings_without_end_are_counted() {
        let mut report = Report::default();
        for i in 0..203 {
            report.find(Finding::new(Kind::EntryRule, "x").entry(i));
        }
        assert!(!report.verified);
        assert_eq!((report.findings.len(), report.more_findings), (200, 3));
    }

    #[test]
    fn a_warning_is_no_finding() {
        let mut report = Report::default();
        report.warn(Finding::new(Kind::UnknownFile, "x"));
        assert!(report.verified);
    }
}
