//! Searching for changes.

use tidegate_core::ids::{Project, RefName, Revision};

/// A search in Gerrit's query language (`Documentation/user-search.txt`): all its terms must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeQuery {
    terms: Vec<String>,
    unaskable: Option<String>,
}

impl ChangeQuery {
    /// Open changes.
    #[must_use]
    pub fn open() -> Self {
        Self::of("status:open")
    }

    /// Merged changes.
    #[must_use]
    pub fn merged() -> Self {
        Self::of("status:merged")
    }

    /// Changes in any state.
    #[must_use]
    pub fn any() -> Self {
        Self::of("(status:open OR status:closed)")
    }

    /// Only of this project.
    #[must_use]
    pub fn project(self, project: &Project) -> Self {
        self.quoted("project", project.as_str())
    }

    /// Only for this branch, by its full name.
    #[must_use]
    pub fn branch(self, branch: &RefName) -> Self {
        self.quoted("ref", branch.as_str())
    }

    /// Only those updated at or after a time, in seconds since the epoch.
    #[must_use]
    pub fn updated_since(self, seconds: i64) -> Self {
        self.since("after", seconds)
    }

    /// Only those merged at or after a time, in seconds since the epoch.
    #[must_use]
    pub fn merged_since(self, seconds: i64) -> Self {
        self.since("mergedafter", seconds)
    }

    /// Only those with a patch set of this commit.
    #[must_use]
    pub fn commit(mut self, commit: &Revision) -> Self {
        self.terms.push(format!("commit:{commit}"));
        self
    }

    /// The query as Gerrit reads it.
    ///
    /// # Errors
    /// A sentence part that names a value which Gerrit's language can't quote.
    pub(crate) fn text(&self) -> Result<String, String> {
        match &self.unaskable {
            Some(value) => Err(format!("Gerrit's query language can't quote {value:?}")),
            None => Ok(self.terms.join(" ")),
        }
    }

    fn of(term: &str) -> Self {
        Self { terms: vec![term.to_owned()], unaskable: None }
    }

    fn since(mut self, operator: &str, seconds: i64) -> Self {
        let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.terms.push(format!("{operator}:\"{}\"", time.strftime("%Y-%m-%d %H:%M:%S")));
        self
    }

    fn quoted(mut self, operator: &str, value: &str) -> Self {
        match quote(value) {
            Some(quoted) => self.terms.push(format!("{operator}:{quoted}")),
            None => self.unaskable = Some(value.to_owned()),
        }
        self
    }
}

/// `value` as one word of the query language, which has two kinds of quotes and no escape.
pub(crate) fn quote(value: &str) -> Option<String> {
    if value.chars().any(char::is_control) {
        return None;
    }
    if !value.contains('"') {
        return Some(format!("\"{value}\""));
    }
    (!value.contains(['{', '}'])).then(|| format!("{{{value}}}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[test]
    fn terms_are_joined() {
        let query = ChangeQuery::open()
            .project(&"platform/infra".parse().unwrap())
            .branch(&"refs/heads/main".parse().unwrap())
            .updated_since(1_795_566_647);
        assert_eq!(
            query.text().unwrap(),
            "status:open project:\"platform/infra\" ref:\"refs/heads/main\" after:\"2026-11-25 00:30:47\""
        );
    }

    #[rstest]
    #[case::blank("a b", Some("\"a b\""))]
    #[case::quote("a\" OR status:open", Some("{a\" OR status:open}"))]
    #[case::both("a\"}", None)]
    #[case::control("a\nb", None)]
    fn values_are_quoted_or_refused(#[case] value: &str, #[case] quoted: Option<&str>) {
        assert_eq!(quote(value).as_deref(), quoted);
    }

    #[test]
    fn a_value_that_cannot_be_quoted_is_never_asked() {
        let query = ChangeQuery::any().project(&"a\"}".parse().unwrap());
        assert!(query.text().is_err());
    }
}
