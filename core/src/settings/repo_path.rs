//! A path inside a repository, as claims name folders and files.

use crate::ids::{BadId, text_id};
use serde::{Deserialize, Serialize};
use std::fmt;

text_id!(
    /// A folder or file of a repository, relative to its root; `.` is the whole repository.
    RepoPath,
    "path",
    "a relative path with '/' between its parts, without '.', '..', '\\', '*' or control \
     characters, such as apps/web; '.' alone is the whole repository",
    |s| s == "." || (s.len() <= 1024 && s.split('/').all(is_part))
);

impl RepoPath {
    /// Reads a path as people write it: one leading `./` and one trailing `/` are dropped.
    ///
    /// # Errors
    /// When the rest isn't a path within the repository.
    pub fn lenient(text: &str) -> Result<Self, BadId> {
        let short = text.strip_prefix("./").unwrap_or(text);
        let short = short.strip_suffix('/').unwrap_or(short);
        if short.is_empty() && matches!(text, "./" | ".") {
            return ".".parse();
        }
        short.parse()
    }

    /// The parts between the slashes; none for the whole repository.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('/').filter(|part| *part != ".")
    }

    /// What is left of `path` below this folder: empty when it is the path itself, `None` when it
    /// lies elsewhere. Parts are compared whole: `app` doesn't hold `apple/x`.
    #[must_use]
    pub fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.as_str() == "." {
            return Some(path);
        }
        let rest = path.strip_prefix(self.as_str())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// What is left of another prefix below this one: empty when both are one, `None` when the other
    /// lies elsewhere.
    #[must_use]
    pub fn holds<'p>(&self, other: &'p Self) -> Option<&'p str> {
        match other.as_str() {
            "." => (self.as_str() == ".").then_some(""),
            path => self.below(path),
        }
    }
}

fn is_part(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.chars().any(|c| c.is_control() || "\\*".contains(c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("app", Some("app"))]
    #[case("./app/", Some("app"))]
    #[case("./", Some("."))]
    #[case(".", Some("."))]
    #[case("a/b.d/c", Some("a/b.d/c"))]
    #[case("", None)]
    #[case("/", None)]
    #[case("/app", None)]
    #[case("a//b", None)]
    #[case("a/../b", None)]
    #[case("a/.", None)]
    #[case("app//", None)]
    #[case("app/*", None)]
    #[case("a\\b", None)]
    fn paths_stay_within_the_repository(#[case] text: &str, #[case] read: Option<&str>) {
        assert_eq!(RepoPath::lenient(text).ok().map(String::from).as_deref(), read);
    }

    #[rstest]
    #[case("app", "app/x", Some("x"))]
    #[case("app", "app", Some(""))]
    #[case("app", "apple/x", None)]
    #[case(".", "app/x", Some("app/x"))]
    fn a_folder_holds_whole_parts_only(
        #[case] folder: &str,
        #[case] path: &str,
        #[case] rest: Option<&str>,
    ) {
        assert_eq!(folder.parse::<RepoPath>().unwrap().below(path), rest);
    }

    #[rstest]
    #[case(".", ".", Some(""))]
    #[case(".", "app", Some("app"))]
    #[case("app", ".", None)]
    #[case("app", "app/web", Some("web"))]
    #[case("app", "apple", None)]
    fn prefixes_hold_each_other_like_folders(
        #[case] outer: &str,
        #[case] inner: &str,
        #[case] rest: Option<&str>,
    ) {
        let inner: RepoPath = inner.parse().unwrap();
        assert_eq!(outer.parse::<RepoPath>().unwrap().holds(&inner), rest);
    }
}
