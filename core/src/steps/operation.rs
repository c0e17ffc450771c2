//! What a step does, in our words, and what the engine calls it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a step does. The order is the one in which steps of one resource are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// An existing resource of the cloud comes under Pulumi's care.
    Import,
    /// A new resource.
    Create,
    /// A change in place.
    Update,
    /// The new half of a replacement.
    CreateReplacement,
    /// The old half of a replacement.
    DeleteReplaced,
    /// A resource goes.
    Delete,
    /// Only what the program asks of the engine changes (`protect` and its like), no property.
    Options,
    /// The stack's outputs change.
    Outputs,
}

impl Operation {
    /// The operation's name, as it is written in steps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Create => "create",
            Self::Update => "update",
            Self::CreateReplacement => "create-replacement",
            Self::DeleteReplaced => "delete-replaced",
            Self::Delete => "delete",
            Self::Options => "options",
            Self::Outputs => "outputs",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a resource that Pulumi doesn't manage is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReadOperation {
    /// It is read.
    Read,
    /// It is read under another id than before.
    ReadReplacement,
    /// It was read once and is no longer.
    Discard,
    /// What was read under the earlier id is forgotten.
    DiscardReplaced,
}

/// The engine's operations that the core knows (`sdk/go/common/apitype/history.go` and
/// `pkg/resource/deploy/step.go` of Pulumi 3.259).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EngineOp {
    Same,
    /// Bookkeeping between the halves of a replacement: it does nothing.
    Replace,
    Step(Operation),
    Read(ReadOperation),
}

/// Why the engine's operation `name` is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoOp {
    Unknown,
    /// Known, but nothing that a person could approve as a step.
    Unsupported(&'static str),
}

impl EngineOp {
    /// Reads the engine's own name.
    pub(crate) fn parse(name: &str) -> Result<Self, NoOp> {
        Ok(match name {
            "same" => Self::Same,
            "replace" => Self::Replace,
            "create" => Self::Step(Operation::Create),
            "update" => Self::Step(Operation::Update),
            "delete" => Self::Step(Operation::Delete),
            "create-replacement" => Self::Step(Operation::CreateReplacement),
            "delete-replaced" => Self::Step(Operation::DeleteReplaced),
            "import" => Self::Step(Operation::Import),
            "read" => Self::Read(ReadOperation::Read),
            "read-replacement" => Self::Read(ReadOperation::ReadReplacement),
            "discard" => Self::Read(ReadOperation::Discard),
            "discard-replaced" => Self::Read(ReadOperation::DiscardReplaced),
            "refresh" => {
                return Err(NoOp::Unsupported(
                    "a refresh changes the state that the steps are told from; preview without it",
                ));
            }
            "import-replacement" => {
                return Err(NoOp::Unsupported("import and replace in two changes"));
            }
            "remove-pending-replace" | "diff" | "extend-parameterize" => {
                return Err(NoOp::Unsupported("its effect is not known well enough to show it"));
            }
            _ => return Err(NoOp::Unknown),
        })
    }

    /// The engine's own name of an operation that stands in a saved plan's list. Imports and reads
    /// don't (seen with 3.259).
    pub(crate) fn planned_name(self) -> Option<&'static str> {
        match self {
            Self::Same => Some("same"),
            Self::Replace => Some("replace"),
            Self::Step(Operation::Import) => None,
            Self::Step(operation) => Some(operation.as_str()),
            Self::Read(ReadOperation::Discard) => Some("discard"),
            Self::Read(ReadOperation::DiscardReplaced) => Some("discard-replaced"),
            Self::Read(ReadOperation::Read | ReadOperation::ReadReplacement) => None,
        }
    }
}
