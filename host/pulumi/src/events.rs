//! Reads the engine's event log: while a run goes on, and as a whole at its end.

use crate::mask::{mask_plain, mask_shown_secrets};
use crate::process::Stop;
use crate::{HmacKey, Redactor, limits};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::watch;

/// What stands in a diagnostic in which the engine would have printed values.
const DROPPED: &str = "[dropped: the engine prints values in messages about violated plans]";

/// Members of events that are words of Pulumi's or names, and not text for people.
const WORDS: [&str; 8] = [
    "color",
    "enforcementLevel",
    "policyName",
    "policyPackName",
    "prefix",
    "resourceUrn",
    "severity",
    "urn",
];

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events so far.
    pub events: u64,
    /// Steps that were begun, by their operation, such as `create`.
    pub steps: BTreeMap<String, u64>,
    /// Steps that failed.
    pub failed: u64,
    /// Messages of severity `error`.
    pub errors: u64,
    /// The URN of the last step that was begun.
    pub current: Option<String>,
    /// The result, once the summary was read.
    pub result: Option<String>,
}

/// One event of interest to somebody who watches. No values: they are in the whole log only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventNote {
    /// A step was begun.
    Begun {
        /// The operation.
        op: String,
        /// The resource.
        urn: String,
    },
    /// A step was carried out, or planned, in a preview.
    Done {
        /// The operation.
        op: String,
        /// The resource.
        urn: String,
    },
    /// A step failed.
    Failed {
        /// The operation.
        op: String,
        /// The resource.
        urn: String,
    },
    /// The engine or the program said something.
    Message {
        /// `debug`, `info`, `warning` or `error`.
        severity: String,
    },
    /// The run's result.
    Summary {
        /// `succeeded`, `failed` or `canceled`.
        result: String,
    },
    /// Anything else.
    Other,
}

/// Why an event log can't be read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A line that is no event.
    #[error("line {line} of the event log is no event")]
    NotAnEvent {
        /// The line's number, from 1.
        line: usize,
        /// The parser's complaint.
        #[source]
        source: serde_json::Error,
    },
    /// A line beyond the limit.
    #[error("line {line} of the event log is longer than {} bytes", limits::EVENT_LINE_BYTES)]
    LongLine {
        /// The line's number, from 1.
        line: usize,
    },
    /// The log ends in the middle of a line.
    #[error("the event log ends in the middle of line {line}: was the disk full?")]
    Truncated {
        /// The line's number, from 1.
        line: usize,
    },
    /// Not text.
    #[error("the event log is not UTF-8")]
    NotText,
    /// An event is missing or stands twice.
    #[error("line {line} of the event log has the sequence number {found}, expected {expected}")]
    Sequence {
        /// The line's number, from 1.
        line: usize,
        /// The number of this event.
        found: u64,
        /// The number that should have come.
        expected: u64,
    },
    /// The log doesn't end with the summary of a preview or update that succeeded.
    #[error("the event log has no summary of success: found {found}")]
    NoSuccess {
        /// What was found instead.
        found: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    sequence: u64,
    resource_pre_event: Option<Step>,
    res_outputs_event: Option<Step>,
    res_op_failed_event: Option<Step>,
    diagnostic_event: Option<Diagnostic>,
    summary_event: Option<Summary>,
    cancel_event: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Step {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    op: String,
    urn: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    #[serde(default)]
    is_preview: bool,
    /// Not written by older versions, which then write no summary for a failed run.
    result: Option<String>,
}

/// Reads an event log that is still being written, piece by piece.
#[derive(Default)]
pub struct EventLogReader {
    partial: Vec<u8>,
    lines: usize,
    progress: Progress,
}

impl EventLogReader {
    /// One at the log's start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, and gives the events that they complete.
    ///
    /// # Errors
    /// If a line is no event, or longer than [`limits::EVENT_LINE_BYTES`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<EventNote>, EventError> {
        let mut notes = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if self.partial.len() > limits::EVENT_LINE_BYTES {
                return Err(EventError::LongLine { line: self.lines + 1 });
            }
            if piece.ends_with(b"\n") {
                self.lines += 1;
                let line = serde_json::from_slice(&self.partial)
                    .map_err(|source| EventError::NotAnEvent { line: self.lines, source })?;
                self.partial.clear();
                notes.push(self.note(line));
            }
        }
        Ok(notes)
    }

    /// How far the run has come.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    fn note(&mut self, line: Line) -> EventNote {
        let progress = &mut self.progress;
        progress.events += 1;
        if let Some(Step { metadata: Metadata { op, urn } }) = line.resource_pre_event {
            *progress.steps.entry(op.clone()).or_default() += 1;
            progress.current = Some(urn.clone());
            EventNote::Begun { op, urn }
        } else if let Some(Step { metadata: Metadata { op, urn } }) = line.res_outputs_event {
            EventNote::Done { op, urn }
        } else if let Some(Step { metadata: Metadata { op, urn } }) = line.res_op_failed_event {
            progress.failed += 1;
            EventNote::Failed { op, urn }
        } else if let Some(Diagnostic { severity, .. }) = line.diagnostic_event {
            progress.errors += u64::from(severity == "error");
            EventNote::Message { severity }
        } else if let Some(summary) = line.summary_event {
            let result = summary.result.unwrap_or_else(|| "succeeded".to_owned());
            progress.result = Some(result.clone());
            EventNote::Summary { result }
        } else {
            EventNote::Other
        }
    }
}

/// Follows the log at `path` as it grows and reports how far the run is. Resolves only when the log
/// exceeds `limit` bytes; a log that can't be read is judged at the end of the run.
pub(crate) async fn follow(
    path: &Path,
    limit: u64,
    report: Option<watch::Sender<Progress>>,
) -> Stop {
    let mut reader = Some(EventLogReader::new());
    let mut file: Option<File> = None;
    let mut here: u64 = 0;
    let (mut restarts, mut again) = (0, false);
    let mut chunk = vec![0; 64 << 10];
    loop {
        if file.is_none() {
            file = File::open(path).await.ok();
        }
        if let Some(open) = &mut file
            && (again || open.metadata().await.is_ok_and(|data| data.len() < here))
        {
            // An update begins the log of its own preview anew.
            restarts += 1;
            again = false;
            here = 0;
            reader = Some(EventLogReader::new());
            if open.rewind().await.is_err() {
                file = None;
            }
        }
        let count = match &mut file {
            Some(file) => file.read(&mut chunk).await.unwrap_or(0),
            None => 0,
        };
        here += count as u64;
        if here > limit {
            return Stop::EventLogTooLarge;
        }
        if count == 0 {
            tokio::time::sleep(limits::EVENT_POLL).await;
            continue;
        }
        match reader.as_mut().map(|reader| reader.feed(&chunk[..count])) {
            Some(Err(EventError::LongLine { .. })) => return Stop::EventLogTooLarge,
            // The log may just have begun anew; if not, there is nothing to report.
            Some(Err(_)) if restarts < limits::EVENT_LOG_RESTARTS => again = true,
            Some(Err(_)) => reader = None,
            Some(Ok(_)) | None => {}
        }
        if let (Some(report), Some(reader)) = (&report, &reader) {
            report.send_replace(reader.progress().clone());
        }
    }
}

/// What a log tells of a run that may have failed: as many lines as can be read.
#[derive(Default)]
pub(crate) struct Told {
    /// Messages of severity `error`.
    pub(crate) errors: Vec<String>,
    /// The result in the summary.
    pub(crate) result: Option<String>,
}

impl Told {
    pub(crate) fn read(log: &[u8]) -> Self {
        let mut told = Self::default();
        for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok(line) = serde_json::from_slice::<Line>(line) else { break };
            if let Some(diagnostic) = line.diagnostic_event
                && diagnostic.severity == "error"
            {
                told.errors.push(diagnostic.message);
            }
            if let Some(summary) = line.summary_event {
                told.result = summary.result;
            }
        }
        told
    }
}

/// Which of the engine's passes a log is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Preview,
    Update,
}

/// Checks that `log` is the whole log of a pass that succeeded: every line an event, none left
/// out, a summary, and the engine's last word.
pub(crate) fn check(log: &[u8], pass: Pass) -> Result<&str, EventError> {
    let text = std::str::from_utf8(log).map_err(|_| EventError::NotText)?;
    let mut summary: Option<Summary> = None;
    let mut is_closed = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index + 1;
        if line.len() > limits::EVENT_LINE_BYTES {
            return Err(EventError::LongLine { line: number });
        }
        if !line.ends_with('\n') {
            return Err(EventError::Truncated { line: number });
        }
        let line: Line = serde_json::from_str(line)
            .map_err(|source| EventError::NotAnEvent { line: number, source })?;
        if line.sequence != index as u64 {
            return Err(EventError::Sequence {
                line: number,
                found: line.sequence,
                expected: index as u64,
            });
        }
        if line.summary_event.is_some() && summary.is_some() {
            return Err(EventError::NoSuccess { found: "two summaries".to_owned() });
        }
        summary = line.summary_event.or(summary);
        is_closed = line.cancel_event.is_some();
    }
    let found = match summary {
        None => "none".to_owned(),
        Some(Summary { is_preview, .. }) if is_preview != (pass == Pass::Preview) => {
            if is_preview { "that of a preview" } else { "that of an update" }.to_owned()
        }
        Some(Summary { result: Some(result), .. }) if result != "succeeded" => {
            format!("the result {:?}", result.chars().take(40).collect::<String>())
        }
        Some(_) if !is_closed => "no event that closes it".to_owned(),
        Some(_) => return Ok(text),
    };
    Err(EventError::NoSuccess { found })
}

/// The log without secrets: those that the engine shows hashed, known ones struck out of messages
/// and unmarked values. Lines without any stay as the engine wrote them. Returns the log and how
/// many values were struck.
pub(crate) fn masked(log: &str, key: &HmacKey, redactor: &mut Redactor) -> (String, usize) {
    let mut out = String::with_capacity(log.len());
    let mut values = 0;
    for line in log.lines() {
        let Ok(mut event) = serde_json::from_str::<Value>(line) else { continue };
        let before = event.clone();
        values += mask_event(&mut event, key, redactor);
        if event == before {
            out.push_str(line);
        } else {
            out.push_str(&event.to_string());
        }
        out.push('\n');
    }
    (out, values)
}

fn mask_event(event: &mut Value, key: &HmacKey, redactor: &mut Redactor) -> usize {
    let Value::Object(members) = event else { return 0 };
    let mut values = 0;
    for (name, member) in members.iter_mut() {
        mask_shown_secrets(member, key, redactor);
        if name.starts_with("res") {
            values += mask_plain(member, key, redactor);
        } else {
            strike_all(member, redactor);
        }
    }
    values
}

/// What is not a resource is text for people, but for some words.
fn strike_all(value: &mut Value, redactor: &mut Redactor) {
    match value {
        Value::String(text) if text.contains("violates plan") => *text = DROPPED.to_owned(),
        Value::String(text) => *text = redactor.strike(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strike_all(item, redactor)),
        Value::Object(map) => map
            .iter_mut()
            .filter(|(name, _)| !WORDS.contains(&name.as_str()))
            .for_each(|(_, item)| strike_all(item, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    const LOG: &str = concat!(
        r#"{"sequence":0,"timestamp":1,"preludeEvent":{"config":{"app:port":"80"}}}"#,
        "\n",
        r#"{"sequence":1,"resourcePreEvent":{"metadata":{"op":"create","urn":"u::a"}}}"#,
        "\n",
        r#"{"sequence":2,"diagnosticEvent":{"message":"pw is hunter2!","severity":"error"}}"#,
        "\n",
        r#"{"sequence":3,"resOutputsEvent":{"metadata":{"op":"create","urn":"u::a","new":{"inputs":{"x":"correcthorse99"}}}}}"#,
        "\n",
        r#"{"sequence":4,"summaryEvent":{"isPreview":true,"result":"succeeded"}}"#,
        "\n",
        r#"{"sequence":5,"cancelEvent":{}}"#,
        "\n",
    );

    #[test]
    fn a_whole_log_of_a_succeeded_preview_is_accepted() {
        assert_eq!(check(LOG.as_bytes(), Pass::Preview).unwrap(), LOG);
    }

    #[rstest]
    #[case::cut_in_a_line(LOG[..LOG.len() - 5].to_owned(), "in the middle of line 6")]
    #[case::cut_at_a_line(LOG[..LOG.len() - 32].to_owned(), "no event that closes it")]
    #[case::empty(String::new(), "found none")]
    #[case::failed(LOG.replace("succeeded", "failed"), "\"failed\"")]
    #[case::of_an_update(LOG.replace("true", "false"), "of an update")]
    #[case::event_lost(LOG.replace("\"sequence\":3", "\"sequence\":4"), "expected 3")]
    #[case::garbage(LOG.replace("{\"sequence\":2,", "<html>"), "line 3")]
    #[case::two_summaries(
        LOG.replace("\"cancelEvent\":{}", "\"summaryEvent\":{\"isPreview\":true}"),
        "two summaries"
    )]
    fn any_other_log_is_refused(#[case] log: String, #[case] expected: &str) {
        let error = check(log.as_bytes(), Pass::Preview).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_before_it_is_kept() {
        let mut reader = EventLogReader::new();
        let line = vec![b'x'; limits::EVENT_LINE_BYTES + 1];
        assert!(matches!(reader.feed(&line), Err(EventError::LongLine { line: 1 })));
        assert!(matches!(check(&line, Pass::Preview), Err(EventError::LongLine { line: 1 })));
    }

    #[test]
    fn secrets_are_struck_and_other_lines_stay_as_they_were() {
        let mut redactor = Redactor::new();
        redactor.add_value(&json!(["hunter2", "correcthorse99"]));
        let key = HmacKey::new([5; 32]);
        let (text, values) = masked(LOG, &key, &mut redactor);
        assert_eq!(values, 1);
        assert!(!text.contains("hunter2") && !text.contains("correcthorse99"), "{text}");
        assert!(text.contains("pw is [secret]!") && text.contains("[secret:"), "{text}");
        let lines: Vec<_> = LOG.lines().zip(text.lines()).collect();
        assert!([0, 1, 4, 5].iter().all(|i| lines[*i].0 == lines[*i].1), "{text}");
    }

    #[test]
    fn text_about_a_violated_plan_is_dropped_wholly() {
        let line = r#"{"sequence":0,"diagnosticEvent":{"message":"u violates plan: {pw}"}}"#;
        let (text, _) = masked(line, &HmacKey::new([5; 32]), &mut Redactor::new());
        assert!(!text.contains("{pw}"), "{text}");
    }

    #[test]
    fn errors_and_result_are_told_as_far_as_the_log_goes() {
        let cut = &LOG[..LOG.len() - 20];
        let told = Told::read(cut.as_bytes());
        assert_eq!(told.errors, ["pw is hunter2!"]);
        assert_eq!(told.result.as_deref(), Some("succeeded"));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_log_is_cut_while_reading(
            cuts in prop::collection::vec(0..LOG.len(), 0..8)
        ) {
            let mut cuts = cuts;
            cuts.extend([0, LOG.len()]);
            cuts.sort_unstable();
            let mut reader = EventLogReader::new();
            let mut notes = Vec::new();
            for pair in cuts.windows(2) {
                notes.extend(reader.feed(&LOG.as_bytes()[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(notes.len(), 6);
            let progress = reader.progress();
            prop_assert_eq!(progress.events, 6);
            prop_assert_eq!(progress.errors, 1);
            prop_assert_eq!(progress.steps.get("create"), Some(&1));
            prop_assert_eq!(progress.result.as_deref(), Some("succeeded"));
        }
    }
}
