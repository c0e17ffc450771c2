//! The record: what the host wrote about a change, signed, beside it in Gerrit. It holds digests,
//! names, counts and operations, never a value.

use crate::ids::{
    AccountId, ChangeNumber, Digest, PatchSetNumber, Project, Revision, ServerId, StackId,
};
use crate::policy::Judgements;
use crate::settings::Floor;
use crate::verdict::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the host says of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The number of this form: [`Record::SCHEMA`].
    pub schema: u32,
    /// The server that the change lives on.
    pub server: ServerId,
    /// Its project.
    pub project: Project,
    /// Its number.
    pub number: ChangeNumber,
    /// The account that publishes plans: a message by anybody else publishes nothing.
    pub publisher: AccountId,
    /// The floor of the installation, under which the settings were read.
    pub floor: Floor,
    /// The patch set that was looked at.
    pub patch_set: PatchSetNumber,
    /// Its commit.
    pub revision: Revision,
    /// What came out.
    pub look: Look,
    /// Every list of bindings published on this change so far, oldest first.
    pub published: Vec<Published>,
}

impl Record {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;
}

/// What a look at a patch set came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
pub enum Look {
    /// No claimed stack is touched.
    AffectsNothing,
    /// No preview was made.
    NotPreviewed {
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// Previews were made, or are being made.
    Previewed {
        /// Each planned stack.
        stacks: BTreeMap<StackId, StackLook>,
        /// What stands against the patch set as a whole, such as a policy's finding.
        findings: Vec<Reason>,
        /// What the policy modules said of each plan.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        policies: Judgements,
    },
}

/// How one stack's preview went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
pub enum StackLook {
    /// It has not ended.
    Running,
    /// It failed.
    Failed {
        /// Why.
        reason: Reason,
    },
    /// It ended well; its plan is published once those of the other stacks are there.
    Unpublished,
    /// It ended well.
    Planned {
        /// The binding that holds for the present look.
        binding: Digest,
    },
}

/// One publication: the bindings of all stacks of a patch set, under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The digest of the list: names all of it in an approval.
    pub list: Digest,
    /// The patch set.
    pub patch_set: PatchSetNumber,
    /// The binding of each stack.
    pub bindings: BTreeMap<StackId, Binding>,
}

impl Published {
    /// The publication of `bindings` on `patch_set`.
    #[must_use]
    pub fn new(patch_set: PatchSetNumber, bindings: BTreeMap<StackId, Binding>) -> Self {
        let names: serde_json::Map<_, _> = bindings
            .iter()
            .map(|(stack, binding)| (stack.to_string(), binding.name().to_string().into()))
            .collect();
        let list = Digest::of(&crate::canonical::bytes(&names.into()));
        Self { list, patch_set, bindings }
    }
}

/// What an approval is worth: one stack's steps on one reviewed revision under given settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The stack.
    pub stack: StackId,
    /// The reviewed revision.
    pub revision: Revision,
    /// The digest of the canonical steps.
    pub steps: Digest,
    /// The digest of the settings that govern the stack.
    pub settings: Digest,
}

impl Binding {
    /// The binding's name: the digest of its four parts.
    #[must_use]
    pub fn name(&self) -> Digest {
        let parts = serde_json::json!({
            "stack": self.stack.as_str(),
            "revision": self.revision.as_str(),
            "steps": self.steps.as_str(),
            "settings": self.settings.as_str(),
        });
        let mut bytes = b"tidegate binding/v1\n".to_vec();
        bytes.extend(crate::canonical::bytes(&parts));
        Digest::of(&bytes)
    }
}
