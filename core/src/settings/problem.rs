//! Problems with their places, and the error that carries them.

use super::Fault;
use crate::ids::Project;
use std::fmt;

/// Most problems that one error tells: more are counted only, since people mend a screenful at once.
pub const PROBLEMS: usize = 20;

/// Where in a file something stands, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One problem with a project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The project whose `refs/meta/config` holds the file.
    pub project: Project,
    /// The file's name.
    pub file: &'static str,
    /// Where in the file; absent when it concerns the whole file.
    pub place: Option<Place>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.file, self.project)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ", line {line}, column {column}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

/// Why settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No layer was given: without the project's own, "nothing is claimed" would be a guess.
    #[error("settings without a layer: give those of the project itself, if only empty ones")]
    NoLayers,
    /// Too many layers.
    #[error("settings of {found} projects above each other, more than the {limit} that are read")]
    TooManyLayers {
        /// How many were given.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// The files have problems.
    #[error("{}", told(problems, *more))]
    Refused {
        /// The first ones, in the order of layers and text.
        problems: Vec<Problem>,
        /// How many there are beside.
        more: usize,
    },
    /// The effective settings have no JSON form.
    #[error("taking the digest of the settings: {0}")]
    Digest(#[from] serde_json::Error),
}

#[inline(never)]
fn told(problems: &[Problem], more: usize) -> String {
    let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    if more > 0 {
        lines.push(format!("and {more} more problems"));
    }
    lines.join("\n")
}
