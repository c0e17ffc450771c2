//! May a push move a ref past review?

use crate::ids::{AccountId, Project, RefName, Revision, ServerId};
use crate::settings::{Floor, Mode, Settings, SettingsLayer};
use crate::verdict::{Code, Reason, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The facts about a push of a ref.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PushFacts {
    /// The number of this form: 1.
    pub schema: u32,
    /// The server.
    pub server: ServerId,
    /// The project.
    pub project: Project,
    /// The ref that would move.
    #[serde(rename = "ref")]
    pub ref_name: RefName,
    /// Its present revision; absent or zeros if it is created.
    pub old: Option<Revision>,
    /// Its next revision; absent or zeros if it is deleted.
    pub new: Option<Revision>,
    /// What would happen to it.
    pub kind: PushKind,
    /// Who pushes.
    pub account: Option<AccountId>,
    /// The project's settings, from the root of the inheritance down.
    pub settings: Vec<SettingsLayer>,
    /// For `refs/meta/config`: whether Tidegate's settings file differs between old and new.
    pub changes_settings: Option<bool>,
}

/// What a push does to a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PushKind {
    /// It makes it.
    Create,
    /// It moves it forward.
    Update,
    /// It moves it elsewhere.
    NonFastForward,
    /// It deletes it.
    Delete,
}

/// Where Tidegate keeps its records in a project.
const RESERVED: &str = "refs/tidegate/";

/// The branch of a project's settings.
const SETTINGS_REF: &str = "refs/meta/config";

/// Decides whether a push may go through.
#[must_use]
pub fn decide_push(push: &PushFacts) -> Verdict {
    let name = &push.ref_name;
    if name.as_str().starts_with(RESERVED) {
        let text = format!("{name} belongs to Tidegate and is written by it alone");
        return refuse(Code::ReservedRef, text, "push to another ref");
    }
    let settings = match Settings::read(&push.settings, &Floor::default()) {
        Ok(settings) => settings,
        // Whoever may push to the settings' branch must be able to mend them.
        Err(_) if name.as_str() == SETTINGS_REF => {
            return Verdict::not_ours("the settings can't be read; this push may mend them".into());
        }
        Err(error) => {
            let text = format!("whether {name} is guarded can't be told: {error}");
            return refuse(Code::SettingsError, text, "mend tidegate.toml on refs/meta/config");
        }
    };
    if settings.stacks.is_empty() || settings.mode == Mode::Observe {
        return Verdict::not_ours(format!("{name} is not guarded by Tidegate"));
    }
    if name.as_str() == SETTINGS_REF {
        return match push.changes_settings {
            Some(false) => Verdict::not_ours("Tidegate's settings stay as they are".into()),
            Some(true) | None => refuse(
                Code::SettingsPush,
                "Tidegate's settings change by review only".to_owned(),
                "push to refs/for/refs/meta/config and have it reviewed",
            ),
        };
    }
    if settings.on_branch(name).next().is_none() {
        return Verdict::not_ours(format!("no stack is claimed on {name}"));
    }
    let short = name.as_str().strip_prefix("refs/heads/").unwrap_or(name.as_str());
    let what = match push.kind {
        PushKind::Create => "made",
        PushKind::Update => "moved",
        PushKind::NonFastForward => "rewritten",
        PushKind::Delete => "deleted",
    };
    refuse(
        Code::DirectPush,
        format!("{short} is guarded by Tidegate and can't be {what} by a push"),
        &format!("push to refs/for/{short} and have it reviewed"),
    )
}

fn refuse(code: Code, text: String, cure: &str) -> Verdict {
    Verdict::from_reasons(vec![Reason::new(code, text, cure)], BTreeMap::new())
}
