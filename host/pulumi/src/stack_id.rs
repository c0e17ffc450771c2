//! The name of a stack on a self-managed backend.

use std::fmt;

/// Longest project or stack name: Pulumi's own limit.
const NAME_CHARS: usize = 100;

/// A stack, by its project and its own name, both within Pulumi's alphabet and fit for a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId {
    project: String,
    stack: String,
}

/// Why a text is no stack's name.
#[derive(Debug, thiserror::Error)]
pub enum StackIdError {
    /// A part has characters that Pulumi does not allow, or is empty or too long.
    #[error(
        "cannot use {0:?} as the name of a project or stack: Pulumi allows 1 to 100 letters, \
         digits, hyphens, underscores and periods, and not only periods"
    )]
    Name(String),
    /// Not `organization/<project>/<stack>`.
    #[error(
        "cannot read {0:?} as a stack of a self-managed backend: expected \
         organization/<project>/<stack>"
    )]
    Shape(String),
}

impl StackId {
    /// A stack of a project.
    ///
    /// # Errors
    /// If one of the names is not one that Pulumi allows.
    pub fn new(project: &str, stack: &str) -> Result<Self, StackIdError> {
        for name in [project, stack] {
            if !is_name(name) {
                return Err(StackIdError::Name(name.chars().take(NAME_CHARS).collect()));
            }
        }
        Ok(Self { project: project.to_owned(), stack: stack.to_owned() })
    }

    /// Reads a fully qualified name, as the CLI prints it.
    ///
    /// # Errors
    /// If it does not have three parts, the first one `organization`.
    pub fn parse(text: &str) -> Result<Self, StackIdError> {
        match text.split('/').collect::<Vec<_>>()[..] {
            ["organization", project, stack] => Self::new(project, stack),
            _ => Err(StackIdError::Shape(text.chars().take(3 * NAME_CHARS).collect())),
        }
    }

    /// The project's name, as in `Pulumi.yaml`.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The stack's own name.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.stack
    }
}

impl fmt::Display for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "organization/{}/{}", self.project, self.stack)
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !name.bytes().all(|b| b == b'.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::traversal("..", "dev")]
    #[case::slash("app/x", "dev")]
    #[case::empty("app", "")]
    #[case::newline("app", "dev\n")]
    #[case::not_ascii("app", "dév")]
    fn names_that_could_leave_their_folder_are_refused(#[case] project: &str, #[case] stack: &str) {
        assert!(StackId::new(project, stack).is_err());
    }

    #[test]
    fn a_printed_name_is_read_back() {
        let id = StackId::new("net-work_1", "dev.eu").unwrap();
        assert_eq!(StackId::parse(&id.to_string()).unwrap(), id);
        assert!(StackId::parse("acme/network/dev").is_err());
        assert!(StackId::parse("dev").is_err());
    }
}
