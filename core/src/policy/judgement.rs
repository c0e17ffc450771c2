//! What asking a module came to.

use super::finding::misleads;
use super::{FAILURE_CHARS, Finding};
use crate::ids::{Digest, StackId};
use crate::settings::PolicyName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answers of all modules about all stacks of a look.
pub type Judgements = BTreeMap<StackId, BTreeMap<PolicyName, Judgement>>;

/// One module's answer about one stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// SHA-256 of the module that was asked: an answer of another one counts as none.
    pub module: Digest,
    /// What it said.
    pub outcome: PolicyOutcome,
}

/// What a module said, or that it said nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum PolicyOutcome {
    /// What it found, sorted; nothing means that it has nothing against it.
    Findings(Vec<Finding>),
    /// It could not be asked, or gave no answer that can be used.
    Failed {
        /// Why, in one line that names the module.
        text: String,
    },
}

impl PolicyOutcome {
    /// A failure, with a text that is fit to be shown whoever wrote it.
    #[must_use]
    pub fn failed(text: &str) -> Self {
        let fit = |c: char| if misleads(c) { ' ' } else { c };
        Self::Failed { text: text.trim().chars().take(FAILURE_CHARS).map(fit).collect() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_failures_text_is_one_short_line() {
        let long = format!("guard: line\none\u{202e}{}", "x".repeat(FAILURE_CHARS));
        let PolicyOutcome::Failed { text } = PolicyOutcome::failed(&long) else { unreachable!() };
        assert!(text.starts_with("guard: line one x"), "{text}");
        assert_eq!(text.chars().count(), FAILURE_CHARS);
    }

    #[test]
    fn outcomes_are_told_apart_by_name() {
        let failed = serde_json::to_string(&PolicyOutcome::failed("no")).unwrap();
        assert_eq!(failed, r#"{"failed":{"text":"no"}}"#);
        let none = serde_json::to_string(&PolicyOutcome::Findings(Vec::new())).unwrap();
        assert_eq!(none, r#"{"findings":[]}"#);
    }
}
