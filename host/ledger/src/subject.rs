//! What a leaf is about.

use crate::token;
use std::fmt;

/// The longest subject, encoded: server, project and ref at their longest, and some encoding.
pub(crate) const MAX_SUBJECT_BYTES: usize = 2048;

/// The thing that a leaf is about: a change, a branch, a stack, or the host itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

/// Why a text is no subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("subject {found:?}: {what}")]
pub struct SubjectError {
    /// The text, shortened.
    pub found: String,
    /// The rule that it breaks.
    pub what: &'static str,
}

impl Subject {
    /// The subject with this key, such as `server/platform/infra/1042`; bytes that a token can't
    /// hold are encoded.
    ///
    /// # Errors
    /// When the key is empty or too long.
    pub fn new(key: &str) -> Result<Self, SubjectError> {
        Self::parse(&token::encode(key))
    }

    /// A change: `<server id>/<project>/<number>`. Numbers alone collide after an import.
    ///
    /// # Errors
    /// When it gets too long.
    pub fn change(server: &str, project: &str, number: u32) -> Result<Self, SubjectError> {
        Self::new(&format!("{server}/{project}/{number}"))
    }

    /// A branch: `<server id>/<project>/<full ref>`.
    ///
    /// # Errors
    /// When it gets too long.
    pub fn branch(server: &str, project: &str, full_ref: &str) -> Result<Self, SubjectError> {
        Self::new(&format!("{server}/{project}/{full_ref}"))
    }

    /// A stack: `stack/<id>`.
    ///
    /// # Errors
    /// When it gets too long.
    pub fn stack(id: &str) -> Result<Self, SubjectError> {
        Self::new(&format!("stack/{id}"))
    }

    /// The host itself: its settings, its core, its salts.
    #[must_use]
    pub fn host() -> Self {
        Self("host".to_owned())
    }

    /// The subject as it stands in a leaf.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a subject as it stands in a leaf.
    pub(crate) fn parse(text: &str) -> Result<Self, SubjectError> {
        let refuse = |what| Err(SubjectError { found: text.chars().take(80).collect(), what });
        if text.is_empty() {
            return refuse("it is empty; name a change, a branch, a stack or the host");
        }
        if text.len() > MAX_SUBJECT_BYTES {
            return refuse("it is longer than 2048 bytes");
        }
        if !token::is_token(text) {
            return refuse("it has bytes that must be written as %XX");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn subjects_are_keyed_by_server_project_and_number_or_ref() {
        let change = Subject::change("srv", "platform/infra", 12).unwrap();
        assert_eq!(change.as_str(), "srv/platform/infra/12");
        let branch = Subject::branch("srv", "my project", "refs/heads/main").unwrap();
        assert_eq!(branch.as_str(), "srv/my%20project/refs/heads/main");
        assert_eq!(Subject::stack("app-prod").unwrap().as_str(), "stack/app-prod");
        assert_eq!(Subject::parse("host").unwrap(), Subject::host());
    }

    #[test]
    fn empty_and_endless_subjects_are_refused() {
        assert!(Subject::new("").is_err());
        assert!(Subject::new(&"a".repeat(2048)).is_ok());
        assert!(Subject::new(&"a".repeat(2049)).is_err());
    }
}
