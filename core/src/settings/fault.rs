//! What can be wrong with a settings file: each says what was found and what to do.

use crate::ids::{BadId, StackId};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file isn't TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// Tables in tables beyond need.
    #[error("nested deeper than {limit} levels; nothing here needs that: write it flat")]
    TooDeep {
        /// The bound.
        limit: u32,
    },
    /// A file or list beyond its bound.
    #[error("{what}: {found}, more than the {limit} that are read; remove some")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// The count.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// `schema` is absent.
    #[error("no `schema`: write `schema = 1` as the first line")]
    NoSchema,
    /// `schema` is a number that this version doesn't read.
    #[error(
        "schema {0} is not one that this version reads: write `schema = 1`; \
         a file for a newer Tidegate needs a newer plugin and host"
    )]
    Schema(String),
    /// A key that nobody reads.
    #[error("unknown key {key} in {table}; known there: {known}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        table: String,
        /// What may stand there.
        known: String,
    },
    /// A key that must be there.
    #[error("{table} lacks `{key}`: add {what}")]
    Missing {
        /// The key.
        key: &'static str,
        /// Where it should stand.
        table: String,
        /// What it holds.
        what: &'static str,
    },
    /// A value of another type.
    #[error("`{key}` in {table} is {found}; write {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// Where it stands.
        table: String,
        /// The type found.
        found: &'static str,
        /// The type expected.
        expected: &'static str,
    },
    /// A text that breaks its rule.
    #[error("`{key}` in {table}: {source}")]
    Text {
        /// The key.
        key: &'static str,
        /// Where it stands.
        table: String,
        /// The rule.
        source: BadId,
    },
    /// A number out of range.
    #[error("`{key}` in {table} is {found}; write a number from {least} to {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// Where it stands.
        table: String,
        /// The number's text.
        found: String,
        /// The least allowed.
        least: u32,
        /// The most allowed.
        most: u32,
    },
    /// A word that isn't one of the known ones.
    #[error("`{key}` in {table} is {found}; write one of {known}")]
    Choice {
        /// The key.
        key: &'static str,
        /// Where it stands.
        table: String,
        /// The word.
        found: String,
        /// The known words.
        known: String,
    },
    /// A backend URL with a password, which isn't repeated here.
    #[error(
        "`backend` in {table} is a URL with a password, and everybody who reads the settings reads \
         it: change the password, and write a name that the host's own file explains"
    )]
    Password {
        /// Where it stands.
        table: String,
    },
    /// A group that no `groups` file names.
    #[error(
        "the group {0} is neither a UUID nor named in the `groups` file of this project or a \
         parent: add a line \"UUID<TAB>name\" there, or write the UUID"
    )]
    UnknownGroup(String),
    /// A name that a `groups` file gives to two groups.
    #[error("the `groups` file gives the name {0} to more than one group: write the UUID")]
    AmbiguousGroup(String),
    /// A name of the host's own.
    #[error("policy names that start with `floor-` are the host's own: write another than {0}")]
    ReservedPolicy(String),
    /// Something that may be there once is there twice.
    #[error("{what} is there twice, first on line {first}; keep one")]
    Twice {
        /// What it is.
        what: String,
        /// The line of the first, from 1.
        first: u32,
    },
    /// A claim without an environment, where there are some.
    #[error("{table} lacks `environment`: write one of {known}, here or in [defaults]")]
    NoEnvironment {
        /// The claim.
        table: String,
        /// The declared ones.
        known: String,
    },
    /// An environment that isn't declared.
    #[error(
        "{table} is in the environment {found}, which is not declared; declared: {known}; \
         add [[environment]] or write one of these"
    )]
    UnknownEnvironment {
        /// The claim.
        table: String,
        /// The environment.
        found: String,
        /// The declared ones.
        known: String,
    },
    /// A branch outside `refs/heads/`.
    #[error("`branch` in {table} is {found}; a stack is rolled out from a branch, such as main")]
    NotABranch {
        /// Where it stands.
        table: String,
        /// The ref.
        found: String,
    },
    /// A backend that the host doesn't allow.
    #[error("{table} keeps its state in {found}, which the host doesn't allow; allowed: {known}")]
    ForbiddenBackend {
        /// The claim.
        table: String,
        /// The backend.
        found: String,
        /// The allowed ones.
        known: String,
    },
    /// One folder claimed for two Pulumi projects.
    #[error(
        "{table} claims the folder {path} for the Pulumi project {project}, and {other} claims \
         it for {other_project}; a folder has one Pulumi.yaml: write the same `project` in both"
    )]
    TwoProjects {
        /// The later claim.
        table: String,
        /// The folder.
        path: String,
        /// Its project.
        project: String,
        /// The earlier claim.
        other: StackId,
        /// Its project.
        other_project: String,
    },
    /// A reference to a stack that isn't claimed here.
    #[error("{table} reads {found}, which is not claimed in this file: claim it or remove it")]
    UnknownRead {
        /// The reader.
        table: String,
        /// The id.
        found: StackId,
    },
    /// A stack that reads itself.
    #[error("{0} reads itself: remove its own id from `reads`")]
    ReadsItself(String),
    /// Stacks that read each other in a circle, or against the order of environments.
    #[error("{0}")]
    Order(String),
}

/// A user's text as it is shown in a message: escaped and shortened.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        match c {
            '"' | '\'' => shown.push(c),
            c => shown.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Words as they are listed in a message.
pub(super) fn listed<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    const MOST: usize = 40;
    let mut text = String::new();
    let mut more = 0_usize;
    for (i, word) in words.into_iter().enumerate() {
        if i >= MOST {
            more += 1;
            continue;
        }
        if i > 0 {
            text.push_str(", ");
        }
        text.push_str(word.as_ref());
    }
    match (text.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => text,
        (false, more) => format!("{text} and {more} more"),
    }
}
