//! What may go wrong between asking Gerrit and having an answer.

use std::time::Duration;

/// A question that Gerrit didn't answer as hoped. Every variant says what was asked, as method and
/// path; `said` is Gerrit's own text, as one short line without control characters.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// No connection: name, network, TLS or nobody listening. Nothing was sent.
    #[error("{asked}: Gerrit can't be reached; check the URL and that the server is up")]
    Unreachable {
        /// What was asked.
        asked: String,
        /// What the connection said.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke after the question was sent. Whether Gerrit acted is not known.
    #[error("{asked}: the connection broke before the answer was whole")]
    Interrupted {
        /// What was asked.
        asked: String,
        /// What the connection said.
        #[source]
        source: reqwest::Error,
    },
    /// Silence for too long. Whether Gerrit acted is not known.
    #[error("{asked}: Gerrit was silent for {} s", after.as_secs_f32())]
    TimedOut {
        /// What was asked.
        asked: String,
        /// For how long nothing came.
        after: Duration,
    },
    /// 401.
    #[error(
        "{asked}: Gerrit doesn't accept the credentials (401: {said}); check user and password or token, and that it hasn't expired"
    )]
    Unauthorized {
        /// What was asked.
        asked: String,
        /// What Gerrit said.
        said: String,
    },
    /// 403.
    #[error("{asked}: Gerrit doesn't permit it (403: {said}); grant it to the service account")]
    Forbidden {
        /// What was asked.
        asked: String,
        /// What Gerrit said.
        said: String,
    },
    /// 404: it doesn't exist, or this account may not see it.
    #[error("{asked}: Gerrit has no such thing, or doesn't show it to this account (404: {said})")]
    NotFound {
        /// What was asked.
        asked: String,
        /// What Gerrit said.
        said: String,
    },
    /// 409: the present state doesn't allow it.
    #[error("{asked}: refused in the present state (409: {said})")]
    Conflict {
        /// What was asked.
        asked: String,
        /// What Gerrit said.
        said: String,
    },
    /// 412: somebody else was quicker.
    #[error("{asked}: a precondition doesn't hold (412: {said})")]
    PreconditionFailed {
        /// What was asked.
        asked: String,
        /// What Gerrit said.
        said: String,
        /// The body, for answers that carry what was found instead.
        body: Vec<u8>,
    },
    /// 429: too many requests.
    #[error("{asked}: Gerrit asks us to slow down (429: {said})")]
    TooManyRequests {
        /// What was asked.
        asked: String,
        /// What Gerrit said.
        said: String,
        /// How long it wants us to wait, if it said so in seconds.
        retry_after: Option<Duration>,
    },
    /// Any other status that isn't success.
    #[error("{asked}: Gerrit answered {status}: {said}")]
    Status {
        /// What was asked.
        asked: String,
        /// The status.
        status: u16,
        /// What Gerrit said.
        said: String,
        /// How long it wants us to wait, if it said so in seconds.
        retry_after: Option<Duration>,
    },
    /// Somebody answered, but not Gerrit's REST interface.
    #[error(
        "{asked}: this is not Gerrit's REST answer but {found} (status {status}): a proxy or a login page?"
    )]
    NotGerrit {
        /// What was asked.
        asked: String,
        /// The status.
        status: u16,
        /// What came instead.
        found: String,
    },
    /// More bytes than are read.
    #[error("{asked}: the answer has more than {limit} bytes")]
    TooLarge {
        /// What was asked.
        asked: String,
        /// The bound.
        limit: usize,
    },
    /// JSON that doesn't parse, or not as what was asked for.
    #[error("{asked}: the answer can't be understood")]
    BadAnswer {
        /// What was asked.
        asked: String,
        /// Where it stopped to make sense.
        #[source]
        source: serde_json::Error,
    },
    /// JSON that parses and makes no sense.
    #[error("{asked}: {found}")]
    Unexpected {
        /// What was asked.
        asked: String,
        /// What is wrong, as a sentence part.
        found: String,
    },
}

impl RestError {
    /// Whether the thing doesn't exist or isn't visible.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether Gerrit may have acted although no good answer came. Such a request must not simply
    /// be sent again, unless twice is as good as once.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::NotGerrit { .. }
            | Self::TooLarge { .. }
            | Self::BadAnswer { .. }
            | Self::Unexpected { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            Self::Unreachable { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::PreconditionFailed { .. }
            | Self::TooManyRequests { .. } => false,
        }
    }

    /// Whether the same question may well be answered a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::TooManyRequests { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::PreconditionFailed { .. }
            | Self::NotGerrit { .. }
            | Self::TooLarge { .. }
            | Self::BadAnswer { .. }
            | Self::Unexpected { .. } => false,
        }
    }

    /// Whether a harmless request is repeated at once, after a wait. A silence isn't: it has cost
    /// its time already, and who asked knows better whether to go on.
    pub(crate) fn is_worth_repeating(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::TooManyRequests { .. } => {
                true
            }
            Self::Status { status, .. } => matches!(status, 502 | 503),
            _ => false,
        }
    }

    /// The wait that Gerrit asked for.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::Status { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}
