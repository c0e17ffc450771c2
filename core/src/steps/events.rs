//! The engine's event log, read strictly.
//!
//! One JSON object a line (`--event-log`; `sdk/go/common/apitype/events.go` of Pulumi 3.259). Of
//! each event the log holds exactly one kind. Diagnostics are not read: they carry text that
//! Pulumi doesn't mask, and no facts.

use super::error::StepsError;
use super::fields::{Is, flag, known, object, take_object, text, texts};
use super::limits;
use super::operation::{EngineOp, NoOp, Operation};
use super::urn::Urn;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Which of the engine's two passes a log is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Preview,
    Update,
}

/// What a log says.
#[derive(Debug)]
pub(crate) struct Log {
    /// What was about to be done, in order.
    pub(crate) announced: Vec<Event>,
    /// What was done, in order: with ids, outputs, and what an import read.
    pub(crate) finished: Vec<Event>,
    /// What failed.
    pub(crate) failed: Vec<Event>,
    /// Whether the log's summary says that the pass succeeded; none without a summary.
    pub(crate) succeeded: Option<bool>,
}

/// One operation on one resource.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) op: EngineOp,
    /// The engine's name for it.
    pub(crate) op_name: String,
    pub(crate) urn: Urn,
    pub(crate) resource_type: String,
    pub(crate) old: Option<Side>,
    pub(crate) new: Option<Side>,
    pub(crate) replace_keys: BTreeSet<String>,
    /// The properties that the provider says differ, by what it knows.
    pub(crate) diffs: BTreeSet<String>,
}

/// A resource before or after.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) urn: Urn,
    pub(crate) custom: bool,
    pub(crate) delete: bool,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) protect: bool,
    pub(crate) retain: bool,
    pub(crate) inputs: Map<String, Value>,
    pub(crate) outputs: Map<String, Value>,
    /// `<urn>::<id>`, or empty.
    pub(crate) provider: String,
}

/// Kinds of events that say nothing about steps.
const OTHER_KINDS: [&str; 12] = [
    "cancelEvent",
    "stdoutEvent",
    "diagnosticEvent",
    "preludeEvent",
    "policyEvent",
    "policyLoadEvent",
    "policyAnalyzeSummaryEvent",
    "policyRemediateSummaryEvent",
    "policyAnalyzeStackSummaryEvent",
    "startDebuggingEvent",
    "progressEvent",
    "policyRemediationEvent",
];

impl Log {
    /// Reads the log of one pass over the stack `stack` of `project`.
    #[inline(never)]
    pub(crate) fn read(
        text: &str,
        pass: Pass,
        stack: &super::StackName,
    ) -> Result<Self, StepsError> {
        let mut log = Self {
            announced: Vec::new(),
            finished: Vec::new(),
            failed: Vec::new(),
            succeeded: None,
        };
        let mut last = None;
        for (i, line) in text.lines().enumerate() {
            if i >= limits::EVENT_LINES {
                return Err(StepsError::TooMany {
                    what: "lines of the event log",
                    limit: limits::EVENT_LINES,
                });
            }
            let bad = |reason: &str| StepsError::Line { line: i + 1, reason: reason.to_owned() };
            let value: Value = serde_json::from_str(line)
                .map_err(|_| bad("expected one JSON object; was the log cut off?"))?;
            let Value::Object(mut event) = value else {
                return Err(bad("expected a JSON object"));
            };
            let sequence = event.remove("sequence").and_then(|n| n.as_u64());
            if sequence.is_none() || sequence <= last {
                return Err(bad("expected a sequence number above the last one"));
            }
            last = sequence;
            event.remove("timestamp");
            log.take(event, pass, &bad)?;
        }
        if log.announced.len() > limits::RESOURCES {
            return Err(StepsError::TooMany { what: "resource events", limit: limits::RESOURCES });
        }
        let events = log.announced.iter().chain(&log.finished).chain(&log.failed);
        for event in events {
            stack.check(&event.urn)?;
        }
        Ok(log)
    }

    #[inline(never)]
    fn take(
        &mut self,
        event: Map<String, Value>,
        pass: Pass,
        bad: &dyn Fn(&str) -> StepsError,
    ) -> Result<(), StepsError> {
        let mut kinds = event.into_iter();
        let (Some((kind, body)), None) = (kinds.next(), kinds.next()) else {
            return Err(bad("expected exactly one kind of event"));
        };
        let body = match body {
            Value::Object(body) => body,
            _ => return Err(bad("expected an object in the event")),
        };
        match kind.as_str() {
            "resourcePreEvent" => self.announced.push(resource(body, Some(pass), bad)?),
            "resOutputsEvent" => self.finished.push(resource(body, Some(pass), bad)?),
            "resOpFailedEvent" => self.failed.push(resource(body, None, bad)?),
            "summaryEvent" => {
                if body.get("isPreview").and_then(Value::as_bool) != Some(pass == Pass::Preview) {
                    return Err(bad(pass.expected()));
                }
                let result = body.get("result").and_then(Value::as_str);
                self.succeeded = Some(result == Some("succeeded"));
            }
            "errorEvent" => return Err(bad("the engine reports an error of its own")),
            known if OTHER_KINDS.contains(&known) => {}
            other => {
                let other: String = other.chars().take(80).collect();
                return Err(bad(&format!("unknown kind of event {other:?}")));
            }
        }
        Ok(())
    }
}

impl Pass {
    fn expected(self) -> &'static str {
        match self {
            Self::Preview => "expected an event of a preview, found one of an update",
            Self::Update => "expected an event of an update, found one of a preview",
        }
    }
}

/// `logical` and `provider` repeat what the states say.
const METADATA: [(&str, Is); 10] = [
    ("op", Is::Text),
    ("urn", Is::Text),
    ("type", Is::Text),
    ("old", Is::Object),
    ("new", Is::Object),
    ("keys", Is::Texts),
    ("diffs", Is::Texts),
    ("detailedDiff", Is::Object),
    ("logical", Is::Flag),
    ("provider", Is::Text),
];

/// `hideDiffs` and `initErrors` are texts for people; `taint` and `external` show in the operation.
const SIDE: [(&str, Is); 15] = [
    ("type", Is::Text),
    ("urn", Is::Text),
    ("custom", Is::Flag),
    ("delete", Is::Flag),
    ("id", Is::Text),
    ("parent", Is::Text),
    ("protect", Is::Flag),
    ("taint", Is::Flag),
    ("external", Is::Flag),
    ("retainOnDelete", Is::Flag),
    ("inputs", Is::Object),
    ("outputs", Is::Object),
    ("provider", Is::Text),
    ("initErrors", Is::Any),
    ("hideDiffs", Is::Any),
];

#[inline(never)]
fn resource(
    mut body: Map<String, Value>,
    pass: Option<Pass>,
    bad: &dyn Fn(&str) -> StepsError,
) -> Result<Event, StepsError> {
    let mut meta = take_object(&mut body, "metadata");
    let urn: Urn = text(&meta, "urn").parse().map_err(|_| bad("expected a resource's metadata"))?;
    known(&meta, &METADATA, &urn, "the metadata")?;
    let fields = [("planning", Is::Flag), ("status", Is::Number), ("steps", Is::Number)];
    known(&body, &fields, &urn, "an event")?;
    if pass.is_some_and(|pass| flag(&body, "planning") != (pass == Pass::Preview)) {
        return Err(bad(pass.map_or("", Pass::expected)));
    }
    let op_name = text(&meta, "op").to_owned();
    let mut diffs = texts(&meta, "diffs");
    diffs.extend(object(&meta, "detailedDiff").into_iter().flatten().map(|(p, _)| top_of(p)));
    let event = Event {
        op: operation(&op_name, &urn)?,
        op_name,
        resource_type: text(&meta, "type").to_owned(),
        old: side(meta.remove("old"), &urn)?,
        new: side(meta.remove("new"), &urn)?,
        replace_keys: texts(&meta, "keys"),
        diffs,
        urn,
    };
    event.check()?;
    Ok(event)
}

impl Event {
    /// Each operation has the sides that it needs.
    #[inline(never)]
    fn check(&self) -> Result<(), StepsError> {
        let missing = |what| StepsError::Missing { urn: self.urn.clone(), what };
        if self.resource_type.is_empty() {
            return Err(missing("the type"));
        }
        let (old, new) = match self.op {
            EngineOp::Same | EngineOp::Replace => (true, true),
            EngineOp::Step(operation) => match operation {
                Operation::Create | Operation::Import => (false, true),
                Operation::Update | Operation::CreateReplacement => (true, true),
                Operation::Delete | Operation::DeleteReplaced => (true, false),
                Operation::Options | Operation::Outputs => (true, true),
            },
            EngineOp::Read(_) => (false, false),
        };
        if old && self.old.is_none() {
            return Err(missing("the state before the step"));
        }
        if new && self.new.is_none() {
            return Err(missing("the state after the step"));
        }
        Ok(())
    }

    /// Whether it is the step `operation`.
    pub(crate) fn is(&self, operation: Operation) -> bool {
        self.op == EngineOp::Step(operation)
    }
}

#[inline(never)]
fn operation(name: &str, urn: &Urn) -> Result<EngineOp, StepsError> {
    EngineOp::parse(name).map_err(|no| {
        let (urn, operation) = (urn.clone(), name.chars().take(80).collect());
        match no {
            NoOp::Unknown => StepsError::UnknownOperation { urn, operation },
            NoOp::Unsupported(why) => StepsError::Unsupported { urn, operation, why },
        }
    })
}

#[inline(never)]
fn side(value: Option<Value>, urn: &Urn) -> Result<Option<Side>, StepsError> {
    let Some(Value::Object(mut map)) = value else { return Ok(None) };
    known(&map, &SIDE, urn, "a state in an event")?;
    let missing = |_| StepsError::Missing { urn: urn.clone(), what: "the URN in a state" };
    Ok(Some(Side {
        urn: text(&map, "urn").parse().map_err(missing)?,
        custom: flag(&map, "custom"),
        delete: flag(&map, "delete"),
        id: text(&map, "id").to_owned(),
        parent: text(&map, "parent").to_owned(),
        protect: flag(&map, "protect"),
        retain: flag(&map, "retainOnDelete"),
        inputs: take_object(&mut map, "inputs"),
        outputs: take_object(&mut map, "outputs"),
        provider: text(&map, "provider").to_owned(),
    }))
}

/// The property that a path of a detailed diff lies in: `tags` of `tags.owner`, `rules` of
/// `rules[2].port`, `a.b` of `["a.b"].c`.
#[inline(never)]
fn top_of(path: &str) -> String {
    if let Some(quoted) = path.strip_prefix("[\"") {
        return quoted.split_once("\"]").map_or(path, |(key, _)| key).to_owned();
    }
    path.split(['.', '[']).next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn read(lines: &str) -> Result<Log, StepsError> {
        let stack = super::super::StackName { project: "p".into(), stack: "dev".into() };
        Log::read(lines, Pass::Preview, &stack)
    }

    #[rstest]
    #[case("tags.owner", "tags")]
    #[case("rules[2].port", "rules")]
    #[case("[\"a.b\"].c", "a.b")]
    #[case("name", "name")]
    fn the_property_of_a_diff_path_is_its_first_step(#[case] path: &str, #[case] top: &str) {
        assert_eq!(top_of(path), top);
    }

    #[rstest]
    #[case::cut("{\"sequence\":1,\"cancelEve", "cut off")]
    #[case::no_sequence("{\"cancelEvent\":{}}", "sequence")]
    #[case::sequence_back(
        "{\"sequence\":2,\"cancelEvent\":{}}\n{\"sequence\":2,\"cancelEvent\":{}}",
        "line 2"
    )]
    #[case::two_kinds("{\"sequence\":1,\"cancelEvent\":{},\"preludeEvent\":{}}", "exactly one")]
    #[case::a_new_kind("{\"sequence\":1,\"wonderEvent\":{}}", "wonderEvent")]
    #[case::engine_error("{\"sequence\":1,\"errorEvent\":{\"error\":\"x\"}}", "error of its own")]
    #[case::an_update(
        "{\"sequence\":1,\"summaryEvent\":{\"isPreview\":false,\"result\":\"succeeded\"}}",
        "of an update"
    )]
    #[case::no_metadata("{\"sequence\":1,\"resourcePreEvent\":{}}", "metadata")]
    fn a_log_that_is_not_one_is_refused(#[case] lines: &str, #[case] reason: &str) {
        let error = read(lines).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    fn event(meta: &str) -> Result<Log, StepsError> {
        read(&format!(
            "{{\"sequence\":1,\"resourcePreEvent\":{{\"planning\":true,\"metadata\":{{\
             \"urn\":\"urn:pulumi:dev::p::t:t:T::a\",\"type\":\"t:t:T\",{meta}}}}}}}"
        ))
    }

    #[rstest]
    #[case::operation("\"op\":\"vanish\"", "unknown operation \"vanish\"")]
    #[case::refresh("\"op\":\"refresh\"", "without it")]
    #[case::field("\"op\":\"read\",\"spell\":1", "unknown field \"spell\"")]
    #[case::no_state("\"op\":\"delete\"", "the state before the step is missing")]
    #[case::state_field(
        "\"op\":\"delete\",\"old\":{\"urn\":\"urn:pulumi:dev::p::t:t:T::a\",\"curse\":1}",
        "unknown field \"curse\""
    )]
    fn what_an_event_says_in_words_unknown_to_us_is_refused(
        #[case] meta: &str,
        #[case] reason: &str,
    ) {
        let error = event(meta).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("T::a"), "{error}");
    }
}
