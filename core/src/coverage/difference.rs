//! One way in which what would run now isn't what was approved.

use crate::steps::operation::Operation;
use crate::steps::step::Step;
use crate::steps::urn::Urn;
use crate::steps::val::Val;
use serde::{Deserialize, Serialize};

/// One way in which what would run now isn't what was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The resource.
    pub urn: Urn,
    /// The step of it.
    pub operation: Operation,
    /// The property, or the option, in which the step differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// How it differs.
    pub code: Code,
    /// What was approved; secrets by their keyed hashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Val>,
    /// What is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Val>,
}

/// How a step differs. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A delete that nobody approved.
    ExtraDelete,
    /// A property that was to be known later turned the update into a replacement.
    UnknownBecameReplace,
    /// A step that nobody approved.
    ExtraStep,
    /// An approved step was carried out, and is to be carried out again: somebody undid it.
    StepRepeated,
    /// An approved step is gone, and no recorded run carried it out.
    StepMissing,
    /// Another provider, or another version of it.
    ProviderChanged,
    /// An option gets another value than the approved one.
    OptionChanged,
    /// An option was moved by somebody else.
    OldOptionMoved,
    /// The provider wants a replacement for one more property.
    ReplaceKeyAdded,
    /// One more property changes.
    ChangeAdded,
    /// A property's approved change is gone, and no recorded run carried it out.
    ChangeMissing,
    /// A property gets another value than the approved one.
    ValueChanged,
    /// A value that was approved is known only later now.
    BecameUnknown,
    /// A value that is known only later depends on something else than before.
    UnknownChanged,
    /// A value can't be seen, and the circumstances that it comes from changed.
    OpaqueValue,
    /// A value holds the output of another stack, and no output is recorded.
    MarkerUnresolved,
    /// Another resource is there than the approved one.
    OldIdMoved,
    /// A value that is there was set by somebody else.
    OldValueMoved,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 18] = [
        Self::ExtraDelete,
        Self::UnknownBecameReplace,
        Self::ExtraStep,
        Self::StepRepeated,
        Self::StepMissing,
        Self::ProviderChanged,
        Self::OptionChanged,
        Self::OldOptionMoved,
        Self::ReplaceKeyAdded,
        Self::ChangeAdded,
        Self::ChangeMissing,
        Self::ValueChanged,
        Self::BecameUnknown,
        Self::UnknownChanged,
        Self::OpaqueValue,
        Self::MarkerUnresolved,
        Self::OldIdMoved,
        Self::OldValueMoved,
    ];
}

impl Difference {
    /// A difference of the step as a whole.
    pub(crate) fn step(step: &Step, code: Code) -> Self {
        Self {
            urn: step.urn.clone(),
            operation: step.operation,
            property: None,
            code,
            approved: None,
            found: None,
        }
    }

    /// A difference in one property.
    pub(crate) fn property(
        step: &Step,
        code: Code,
        property: &str,
        approved: Option<&Val>,
        found: Option<&Val>,
    ) -> Self {
        Self {
            property: Some(property.to_owned()),
            approved: approved.cloned(),
            found: found.cloned(),
            ..Self::step(step, code)
        }
    }

    /// The difference in words that hold no value.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = self.urn.name();
        let what = match self.code {
            Code::ExtraDelete => "would be deleted, which nobody approved",
            Code::UnknownBecameReplace => "would be replaced, since a value came out otherwise",
            Code::ExtraStep => "would be worked on, which nobody approved",
            Code::StepRepeated => "was done already, and somebody undid it",
            Code::StepMissing => "would not be worked on any more, and no run of ours did it",
            Code::ProviderChanged => "has another provider",
            Code::OptionChanged => "gets another value than the approved one",
            Code::OldOptionMoved | Code::OldValueMoved => "was changed by somebody else",
            Code::ReplaceKeyAdded => "asks for a replacement, which nobody approved",
            Code::ChangeAdded => "would change, which nobody approved",
            Code::ChangeMissing => "would not change any more, and no run of ours changed it",
            Code::ValueChanged => "gets another value than the approved one",
            Code::BecameUnknown => "is known only later now",
            Code::UnknownChanged => "depends on something else now",
            Code::OpaqueValue => "can't be seen, and what it comes from changed",
            Code::MarkerUnresolved => "holds an output of another stack that is not recorded",
            Code::OldIdMoved => "is another resource now",
        };
        let operation = self.operation.as_str();
        match &self.property {
            Some(property) => format!("{operation} {name}: {property} {what}"),
            None => format!("{operation} {name}: it {what}"),
        }
    }

    pub(crate) fn order(&self) -> (Code, &Urn, Operation, Option<&str>) {
        (self.code, &self.urn, self.operation, self.property.as_deref())
    }
}
