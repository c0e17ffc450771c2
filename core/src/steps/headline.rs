//! The worst that can happen, for the first line of a message.

use super::Steps;
use super::counts::{is_second_half, replaced};
use super::operation::Operation;
use super::step::{OptionName, Step};
use super::urn::Urn;
use serde::{Deserialize, Serialize};

/// One step in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// What happens, by the name of its [`Effect`].
    pub op: String,
    /// The type token.
    pub kind: String,
    /// The name that the program gave the resource.
    pub name: String,
    /// The resource.
    pub urn: Urn,
}

/// What a step comes to, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The old resource goes, and a new one comes in its place.
    Replace,
    /// The resource goes.
    Delete,
    /// The resource changes in place.
    Update,
    /// It may be deleted from now on.
    Unprotect,
    /// A new resource.
    Create,
    /// A resource of the cloud comes under Pulumi's care.
    Import,
    /// Pulumi forgets the resource and leaves it where it is.
    Forget,
    /// What the program asks of the engine changes.
    Options,
    /// The stack's outputs change.
    Outputs,
}

impl Steps {
    /// All steps in a few words, the worst first; both halves of a replacement are one. Providers
    /// that the engine makes by itself are left out.
    #[must_use]
    pub fn worst(&self) -> Vec<Headline> {
        let replaced = replaced(&self.steps);
        let mut shown: Vec<_> = self
            .steps
            .iter()
            .filter(|step| !step.is_internal() && !is_second_half(step, &replaced))
            .map(|step| (Effect::of(step), step.resource_type.as_str(), &step.urn))
            .collect();
        shown.sort();
        let headline = |(effect, kind, urn): (Effect, &str, &Urn)| Headline {
            op: effect.as_str().to_owned(),
            kind: kind.to_owned(),
            name: urn.name().to_owned(),
            urn: urn.clone(),
        };
        shown.into_iter().map(headline).collect()
    }
}

impl Effect {
    /// The effect's name, as people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Update => "update",
            Self::Unprotect => "unprotect",
            Self::Create => "create",
            Self::Import => "import",
            Self::Forget => "forget",
            Self::Options => "options",
            Self::Outputs => "outputs",
        }
    }

    /// What `step` comes to.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        let option = |name| step.options.get(&name);
        let retained =
            option(OptionName::RetainOnDelete).is_some_and(|option| option.old.is_some());
        let unprotected = option(OptionName::Protect)
            .is_some_and(|option| option.old.is_some() && option.new.is_none());
        match step.operation {
            Operation::CreateReplacement => Self::Replace,
            Operation::Delete | Operation::DeleteReplaced if retained => Self::Forget,
            Operation::Delete | Operation::DeleteReplaced => Self::Delete,
            Operation::Update => Self::Update,
            Operation::Create => Self::Create,
            Operation::Import => Self::Import,
            Operation::Options if unprotected => Self::Unprotect,
            Operation::Options => Self::Options,
            Operation::Outputs => Self::Outputs,
        }
    }
}
