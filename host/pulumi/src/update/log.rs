//! The event log of a run that is held, or that ended early.

use crate::events::{EventLogReader, EventNote};
use crate::job::Job;
use crate::{Failure, limits};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;
use zeroize::Zeroizing;

/// The log's name in the job's folder.
pub(super) const EVENTS: &str = "events.jsonl";

/// The log of the preview at whose end the engine waits. It writes from a buffer of its own, so the
/// file may lag behind: waits until it tells of all that has to be in it, and no longer grows.
///
/// A log that never gets there is given as it is after a while. The core proves that nothing is
/// missing; this only keeps it from being asked too early.
pub(super) async fn settled(
    job: &Job,
    limit: u64,
    resources: &Value,
    deployment: &Value,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let expected = expected(resources, deployment);
    let started = Instant::now();
    let mut before = 0;
    loop {
        let log = job.read(EVENTS, limit)?;
        let is_late = started.elapsed() > limits::SETTLE_TIME;
        if is_late || (log.len() == before && tells_of(&log, &expected)) {
            return Ok(log);
        }
        before = log.len();
        tokio::time::sleep(limits::SETTLE_POLL).await;
    }
}

/// The URNs of all resources that the gate was shown, and of all that were there before.
fn expected<'a>(resources: &'a Value, deployment: &'a Value) -> BTreeSet<&'a str> {
    let rows = deployment.get("resources").and_then(Value::as_array);
    let shown = resources.as_array();
    let all = shown.into_iter().chain(rows).flatten();
    all.filter_map(|resource| resource.get("urn").and_then(Value::as_str)).collect()
}

fn tells_of(log: &[u8], expected: &BTreeSet<&str>) -> bool {
    let Ok(notes) = EventLogReader::new().feed(log) else { return false };
    let told: BTreeSet<&str> = notes
        .iter()
        .filter_map(|note| match note {
            EventNote::Begun { urn, .. } => Some(urn.as_str()),
            _ => None,
        })
        .collect();
    log.ends_with(b"\n") && expected.is_subset(&told)
}

/// The whole lines of a log, as far as they are text.
pub(super) fn whole_lines(log: &[u8]) -> &str {
    let end = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    match std::str::from_utf8(&log[..end]) {
        Ok(text) => text,
        Err(error) => {
            let valid = std::str::from_utf8(&log[..error.valid_up_to()]).unwrap_or_default();
            valid.rfind('\n').map_or("", |at| &valid[..=at])
        }
    }
}

/// Whether a log is that of an update and not of the preview before it, by its first event about
/// a resource or its summary. An empty one is of neither.
pub(super) fn is_of_update(log: &[u8]) -> bool {
    for line in whole_lines(log).lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { return false };
        let planning = |kind: &str| event.get(kind).map(|event| event.get("planning").cloned());
        let preview = event.get("summaryEvent").map(|event| event.get("isPreview").cloned());
        let said = planning("resourcePreEvent").or_else(|| planning("resOutputsEvent")).or(preview);
        if let Some(said) = said {
            // The engine leaves the member out where it is false.
            return said.unwrap_or_default() != true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::half_a_line("a\nb", "a\n")]
    #[case::no_line("ab", "")]
    #[case::whole("a\n", "a\n")]
    fn only_whole_lines_are_taken(#[case] log: &str, #[case] expected: &str) {
        assert_eq!(whole_lines(log.as_bytes()), expected);
    }

    #[test]
    fn what_is_no_text_ends_the_log_before_its_line() {
        assert_eq!(whole_lines(b"a\nb\xff\nc\n"), "a\n");
    }

    #[rstest]
    #[case::update(r#"{"resourcePreEvent":{"metadata":{}}}"#, true)]
    #[case::preview(r#"{"resourcePreEvent":{"metadata":{},"planning":true}}"#, false)]
    #[case::empty_update(r#"{"summaryEvent":{"isPreview":false}}"#, true)]
    #[case::empty_preview(r#"{"summaryEvent":{"isPreview":true}}"#, false)]
    #[case::neither(r#"{"preludeEvent":{}}"#, false)]
    fn a_log_of_an_update_is_told_from_that_of_a_preview(
        #[case] line: &str,
        #[case] expected: bool,
    ) {
        let log = format!("{{\"cancelEvent\":{{}}}}\n{line}\n");
        assert_eq!(is_of_update(log.as_bytes()), expected);
    }

    #[test]
    fn a_log_is_complete_when_it_tells_of_all_that_is_shown_and_all_that_was() {
        let resources = json!([{"urn": "u::a"}]);
        let deployment = json!({"resources": [{"urn": "u::b"}]});
        let expected = expected(&resources, &deployment);
        let line = |sequence: u32, urn: &str| {
            format!(
                r#"{{"sequence":{sequence},"resourcePreEvent":{{"metadata":{{"op":"same","urn":"{urn}"}}}}}}"#
            )
        };
        let half = format!("{}\n", line(0, "u::a"));
        assert!(!tells_of(half.as_bytes(), &expected));
        assert!(!tells_of(format!("{half}{}", line(1, "u::b")).as_bytes(), &expected));
        assert!(tells_of(format!("{half}{}\n", line(1, "u::b")).as_bytes(), &expected));
    }
}
