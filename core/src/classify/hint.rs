//! What the verb `classify` answers.

use super::EventKind;
use crate::ids::{ChangeNumber, Project, RefName};
use crate::settings::apart;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an event means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Classified {
    /// There is something to look at again.
    Hints {
        /// The subjects: at least one, each once, sorted.
        #[serde(serialize_with = "apart")]
        hints: Vec<Hint>,
    },
    /// It says nothing to us.
    Ignored {
        /// The event's type, shortened and with unusual characters replaced by `?`.
        kind: String,
        /// Why it says nothing.
        why: Why,
    },
}

/// One subject to look at again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// The subject.
    #[serde(serialize_with = "apart")]
    pub subject: Subject,
    /// How urgent it is.
    pub urgency: Urgency,
    /// The event's type.
    pub kind: EventKind,
}

/// What to look at. The event doesn't name its server; the host knows from whom it has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A change: its patch sets, votes, messages and state.
    Change {
        /// Its project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
    },
    /// A branch's tip.
    Branch {
        /// The project.
        project: Project,
        /// The branch's full name.
        r#ref: RefName,
    },
    /// A project's settings, and those of its children.
    Settings {
        /// The project.
        project: Project,
    },
    /// Everything: events were lost.
    Server,
}

/// How soon a subject is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Somebody waits for what follows from it, or it opens or closes a door.
    Now,
    /// The verdict may change, but nobody waits for it.
    Soon,
    /// Only what is shown may change, or a requirement that asks for it.
    Later,
}

/// Why an event says nothing to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A change's own bookkeeping moved; an event of its own tells what happened.
    ChangeMeta,
    /// A patch set's or another ref below a change; an event of its own tells what happened.
    ChangeRef,
    /// A ref that is neither a branch nor the settings.
    OtherRef,
    /// It updates no ref at all.
    NoRefs,
    /// It says what somebody asked for, not what happened.
    BeforeTheFact,
    /// Nothing here depends on what it tells.
    NoEffect,
    /// It is about copies on other servers.
    Replication,
    /// It is between other plugins.
    OtherPlugin,
    /// Its type isn't known.
    Unknown,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChangeMeta => "a change's own bookkeeping; another event tells what happened",
            Self::ChangeRef => "a ref below a change; another event tells what happened",
            Self::OtherRef => "a ref that is neither a branch nor the settings",
            Self::NoRefs => "it updates no ref",
            Self::BeforeTheFact => "it says what somebody asked for, not what happened",
            Self::NoEffect => "nothing here depends on it",
            Self::Replication => "it is about copies on other servers",
            Self::OtherPlugin => "it is between other plugins",
            Self::Unknown => "its type isn't known",
        })
    }
}
