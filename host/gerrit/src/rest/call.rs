//! One question to Gerrit, before it is sent.

use reqwest::Method;
use serde::Serialize;
use std::time::Duration;
use url::Url;

/// Largest usual answer, in bytes. A change's messages have at most 3 MiB of text
/// (`change.cumulativeCommentSizeLimit`); a page of 500 changes has about 1 MiB.
const ANSWER_BYTES: usize = 16 << 20;

/// A request: what to ask, and within which bounds.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Method and path, for messages.
    pub(crate) asked: String,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether sending it twice is as good as sending it once.
    pub(crate) repeatable: bool,
    /// How much longer than usual Gerrit may be silent: a long poll's wait.
    pub(crate) patience: Duration,
    /// Most bytes of the answer.
    pub(crate) bound: usize,
    /// Whether it counts against the requests in flight.
    pub(crate) counted: bool,
}

impl Call {
    /// A question to the path of `segments` below `base`/a/. Each segment is encoded, so that a
    /// project's slashes stay within its segment; an empty last one gives a slash at the end.
    pub(crate) fn new(method: Method, base: &Url, segments: &[&str]) -> Self {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("a").extend(segments);
        }
        let asked = format!("{method} {}", segments.join("/"));
        let repeatable = method != Method::POST;
        Self {
            method,
            url,
            asked,
            body: None,
            repeatable,
            patience: Duration::ZERO,
            bound: ANSWER_BYTES,
            counted: true,
        }
    }

    /// Adds `key=value` to the query.
    pub(crate) fn query(mut self, key: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(key, value);
        self
    }

    /// Sends `body` as JSON.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        // Our own bodies are structs of strings and numbers, which always have a JSON form.
        self.body = serde_json::to_vec(body).ok();
        self
    }

    /// Bounds the answer.
    pub(crate) fn bound(mut self, bytes: usize) -> Self {
        self.bound = bytes;
        self
    }

    /// Says that twice is as good as once.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Says that it is sent once, whatever comes.
    pub(crate) fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// Makes it a long poll of `wait`: it may be silent that much longer, and isn't counted among
    /// the requests in flight, because it is always in flight.
    pub(crate) fn long_poll(mut self, wait: Duration, bound: usize) -> Self {
        self.patience = wait;
        self.counted = false;
        self.bound = bound;
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::root("http://h/", &["changes", "infra~1"], "http://h/a/changes/infra~1")]
    #[case::below("http://h/r/", &["projects", "platform/infra", "branches", ""], "http://h/r/a/projects/platform%2Finfra/branches/")]
    #[case::blank("http://h/", &["groups", "Service Users"], "http://h/a/groups/Service%20Users")]
    #[case::percent("http://h/", &["projects", "a%2Fb"], "http://h/a/projects/a%252Fb")]
    #[case::query_signs("http://h/", &["projects", "a?b#c"], "http://h/a/projects/a%3Fb%23c")]
    fn segments_are_encoded(#[case] base: &str, #[case] segments: &[&str], #[case] url: &str) {
        let call = Call::new(Method::GET, &base.parse().unwrap(), segments);
        assert_eq!(call.url.as_str(), url);
    }

    #[test]
    fn posts_are_not_repeated_unless_they_say_so() {
        let base = "http://h/".parse().unwrap();
        assert!(Call::new(Method::GET, &base, &[]).repeatable);
        assert!(Call::new(Method::PUT, &base, &[]).repeatable);
        assert!(!Call::new(Method::POST, &base, &[]).repeatable);
        assert!(Call::new(Method::POST, &base, &[]).repeatable().repeatable);
    }
}
