//! Why an event can't be classified.

/// Why an event can't be classified: what was found, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// More bytes than any event of Gerrit's has.
    #[error("event: {found} bytes, more than the {limit} that are read")]
    TooLarge {
        /// How many there are.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// Not JSON, cut short, or nested deeper than [`crate::limits::JSON_DEPTH`].
    #[error("event: {0}; expected one whole object in JSON")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("event: found {found}; expected an object")]
    NotAnObject {
        /// The type found.
        found: &'static str,
    },
    /// A field of another type than Gerrit writes.
    #[error("event {kind}: `{field}` is {found}; expected {expected}")]
    WrongType {
        /// The event's type, as it is shown.
        kind: String,
        /// The field.
        field: String,
        /// The type or value found.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The subject's fields are absent.
    #[error("event {kind}: `{field}` is absent; expected {expected}")]
    Missing {
        /// The event's type, as it is shown.
        kind: String,
        /// The field.
        field: String,
        /// What was expected.
        expected: &'static str,
    },
}
