//! Why no steps can be told. No message holds a value of a property.

use super::reader::{Fault, FaultKind};
use super::urn::Urn;

/// Why no steps can be told from what the engine said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepsError {
    /// The input isn't what the verb takes.
    #[error("reading the input of steps: {0}")]
    Input(String),
    /// A schema that this core doesn't read.
    #[error("reading the input of steps: schema {0}, expected 1; upgrade the core")]
    Schema(u32),
    /// A limit is passed.
    #[error("reading {what}: more than {limit}; split the stack")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A line of the event log can't be read.
    #[error("reading line {line} of the event log: {reason}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An event of another stack.
    #[error("reading the event of {urn}: expected the stack {stack} of the project {project}")]
    OtherStack {
        /// The resource.
        urn: Urn,
        /// The project that the log should be of.
        project: String,
        /// The stack that the log should be of.
        stack: String,
    },
    /// A field that the core doesn't know and that could mean something.
    #[error("reading {what} of {urn}: unknown field {field:?}; this core is older than the engine")]
    UnknownField {
        /// The resource.
        urn: Urn,
        /// The record with the field.
        what: &'static str,
        /// Its name.
        field: String,
    },
    /// A field that holds something else than it always did.
    #[error("reading {what} of {urn}: field {field:?} holds an unexpected type of value")]
    BadField {
        /// The resource.
        urn: Urn,
        /// The record with the field.
        what: &'static str,
        /// Its name.
        field: String,
    },
    /// An operation that the core doesn't know.
    #[error("reading the event of {urn}: unknown operation {operation:?}")]
    UnknownOperation {
        /// The resource.
        urn: Urn,
        /// The engine's name for it.
        operation: String,
    },
    /// An operation that can't be shown as a step.
    #[error("reading the event of {urn}: operation {operation:?} is not supported: {why}")]
    Unsupported {
        /// The resource.
        urn: Urn,
        /// The engine's name for it.
        operation: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// A step of the preview failed.
    #[error("previewing {urn}: {operation} failed; nothing can be told of the steps after it")]
    Failed {
        /// The resource.
        urn: Urn,
        /// The engine's name for the operation.
        operation: String,
    },
    /// The preview as a whole failed.
    #[error("previewing: {0}")]
    Preview(String),
    /// What a step consists of isn't all there.
    #[error("reading {urn}: {what} is missing")]
    Missing {
        /// The resource.
        urn: Urn,
        /// What isn't there.
        what: &'static str,
    },
    /// Two of the sources don't tell of one look.
    #[error("reading {urn}: the event log and {source_name} differ in {place}")]
    Disagree {
        /// The resource.
        urn: Urn,
        /// The other source.
        source_name: &'static str,
        /// Where.
        place: String,
    },
    /// A value that can't be read.
    #[error("reading {place} of {urn}: {reason}")]
    Value {
        /// The resource.
        urn: Urn,
        /// The property and the place in it.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// One step is listed twice.
    #[error("reading the event of {urn}: {operation} comes twice; are these two logs in one?")]
    Twice {
        /// The resource.
        urn: Urn,
        /// The engine's name for the operation.
        operation: String,
    },
}

impl StepsError {
    /// A fault in a property of `urn`, read from the event log and `source_name`.
    pub(crate) fn fault(urn: &Urn, source_name: &'static str, fault: Fault) -> Self {
        let place = fault.place();
        let reason = match fault.kind {
            FaultKind::Disagree => {
                return Self::Disagree { urn: urn.clone(), source_name, place };
            }
            FaultKind::Markers => {
                return Self::TooMany {
                    what: "markers in values",
                    limit: super::limits::MARKER_PLACES,
                };
            }
            FaultKind::Dependencies => {
                return Self::TooMany {
                    what: "dependencies of unknown values",
                    limit: super::limits::DEPENDENCIES,
                };
            }
            FaultKind::PlainSecret => "found a secret in clear; hide secrets first",
            FaultKind::Malformed => "found a special form of value without its parts",
            FaultKind::Marker => "found a marker that was not planted for this preview",
            FaultKind::Depth => "the value is nested too deep",
        };
        Self::Value { urn: urn.clone(), place, reason }
    }
}
