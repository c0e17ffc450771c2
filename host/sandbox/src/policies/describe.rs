//! What a module says of itself.

use super::bindings::exports::tidegate::policy::checks as wit;
use super::failure::ModuleError;
use super::imports::granted;
use serde::Serialize;

/// Longest text of a description, in characters.
const TEXT_CHARS: usize = 1_000;

/// Longest name, key or version, in bytes.
const NAME_BYTES: usize = 64;

/// Most settings and wants.
const ENTRIES: usize = 100;

/// What a module says of itself, checked to be fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it looks for.
    pub summary: String,
    /// The settings that it takes.
    pub settings: Vec<SettingHelp>,
    /// What it wants of its host.
    pub wants: Vec<Want>,
}

/// A setting of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingHelp {
    /// Its key.
    pub key: String,
    /// What its value must be.
    pub kind: Kind,
    /// Whether the module needs it.
    pub required: bool,
    /// What it does.
    pub help: String,
}

/// The kind of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// Anything else.
    Json,
}

/// Something that a module wants of its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Want {
    /// The interface.
    pub capability: String,
    /// Why.
    pub reason: String,
}

/// A module wants something that nobody can grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it wants {}, which is not granted; granted are {}",
    wanted.join(", "),
    granted().collect::<Vec<_>>().join(", ")
)]
pub struct NotGranted {
    /// What it wants.
    pub wanted: Vec<String>,
}

impl Described {
    pub(super) fn check(raw: wit::Description) -> Result<Self, ModuleError> {
        let described = Self {
            name: name("name", raw.name)?,
            version: text("version", NAME_BYTES, raw.version)?,
            summary: text("summary", TEXT_CHARS, raw.summary)?,
            settings: few("settings", raw.settings)?
                .map(|setting| {
                    Ok(SettingHelp {
                        key: text("key of a setting", NAME_BYTES, setting.key)?,
                        kind: setting.kind.into(),
                        required: setting.required,
                        help: text("help of a setting", TEXT_CHARS, setting.help)?,
                    })
                })
                .collect::<Result<_, ModuleError>>()?,
            wants: few("wants", raw.wants)?
                .map(|want| {
                    Ok(Want {
                        capability: text("name of a want", TEXT_CHARS, want.capability)?,
                        reason: text("reason of a want", TEXT_CHARS, want.reason)?,
                    })
                })
                .collect::<Result<_, ModuleError>>()?,
        };
        let is_wanted = |want: &&Want| !super::imports::is_granted(&want.capability);
        let wanted: Vec<_> =
            described.wants.iter().filter(is_wanted).map(|want| want.capability.clone()).collect();
        if wanted.is_empty() { Ok(described) } else { Err(NotGranted { wanted }.into()) }
    }
}

impl From<wit::Kind> for Kind {
    fn from(kind: wit::Kind) -> Self {
        match kind {
            wit::Kind::Flag => Self::Flag,
            wit::Kind::Number => Self::Number,
            wit::Kind::Text => Self::Text,
            wit::Kind::Texts => Self::Texts,
            wit::Kind::Json => Self::Json,
        }
    }
}

fn name(what: &str, name: String) -> Result<String, ModuleError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(fits) {
        return Err(ModuleError::Described(format!(
            "its {what} is not 1 to {NAME_BYTES} lower-case letters, digits and '-'"
        )));
    }
    Ok(name)
}

fn text(what: &str, most: usize, text: String) -> Result<String, ModuleError> {
    if text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(ModuleError::Described(format!(
            "the {what} has more than {most} characters, or control characters"
        )));
    }
    Ok(text)
}

fn few<T>(what: &str, all: Vec<T>) -> Result<std::vec::IntoIter<T>, ModuleError> {
    if all.len() > ENTRIES {
        return Err(ModuleError::Described(format!("it has more than {ENTRIES} {what}")));
    }
    Ok(all.into_iter())
}
