//! Labels, as they apply to a change.

use crate::rest::changes::change_id;
use crate::rest::{ChangeRef, Client, RestError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use tidegate_core::facts::LabelRange;
use tidegate_core::ids::RefName;

impl Client {
    /// The range of each label that votes on `change` can be on: those of its project, inherited
    /// ones included, without those that are restricted to other branches.
    ///
    /// # Errors
    /// When Gerrit can't be asked; [`RestError::Forbidden`] when we may not read `refs/meta/config`
    /// of a project in the chain.
    pub async fn labels(
        &self,
        change: &ChangeRef,
    ) -> Result<BTreeMap<String, LabelRange>, RestError> {
        let call =
            self.get(&["projects", change.project.as_str(), "labels", ""]).query("inherited", "");
        let definitions: Vec<LabelInfo> = self.ask(&call).await?;
        let mut ranges = BTreeMap::new();
        let mut shown: Option<ShownLabels> = None;
        for label in effective(definitions) {
            let applies = match label.applies_to(&change.branch) {
                Applies::Yes => true,
                Applies::No => false,
                // Gerrit's regular expressions are its own; a change shows the labels that it has.
                Applies::OnlyGerritKnows => {
                    if shown.is_none() {
                        let id = change_id(&change.project, change.number);
                        let call = self.get(&["changes", &id]).query("o", "DETAILED_LABELS");
                        shown = Some(self.ask(&call).await?);
                    }
                    shown.as_ref().is_some_and(|shown| shown.labels.contains_key(&label.name))
                }
            };
            if let Some(range) = label.range().filter(|_| applies) {
                ranges.insert(label.name, range);
            }
        }
        Ok(ranges)
    }
}

/// Gerrit's `LabelDefinitionInfo`, as far as it is read.
#[derive(Debug, Deserialize)]
struct LabelInfo {
    name: String,
    values: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    can_override: bool,
    /// Names and patterns of the branches that it is for; all, if there is no list.
    branches: Option<Vec<String>>,
}

/// The labels of a change, for their names.
#[derive(Debug, Deserialize)]
struct ShownLabels {
    #[serde(default)]
    labels: BTreeMap<String, IgnoredAny>,
}

/// Whether a label is for a branch.
#[derive(Debug, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    OnlyGerritKnows,
}

impl LabelInfo {
    /// As Gerrit's `RefPatternMatcher`: a name, a prefix that ends with `/*`, or a regular
    /// expression that begins with `^`.
    fn applies_to(&self, branch: &RefName) -> Applies {
        let Some(patterns) = &self.branches else { return Applies::Yes };
        let fits = |pattern: &String| match pattern.strip_suffix('*').filter(|p| p.ends_with('/')) {
            Some(prefix) => branch.as_str().starts_with(prefix),
            None => branch.as_str() == pattern,
        };
        let (expressions, names): (Vec<_>, Vec<_>) =
            patterns.iter().partition(|p| p.starts_with('^'));
        if names.into_iter().any(fits) {
            Applies::Yes
        } else if expressions.is_empty() {
            Applies::No
        } else {
            Applies::OnlyGerritKnows
        }
    }

    /// Values are written "-2", " 0", "+1".
    fn range(&self) -> Option<LabelRange> {
        let values: Vec<i32> = self.values.keys().filter_map(|v| v.trim().parse().ok()).collect();
        Some(LabelRange { min: *values.iter().min()?, max: *values.iter().max()? })
    }
}

/// Definitions come from the root of the inheritance down. As in Gerrit's own `ProjectState`, a name
/// is taken without regard to case, and a later definition wins unless an earlier one forbids it.
fn effective(definitions: Vec<LabelInfo>) -> Vec<LabelInfo> {
    let mut labels: BTreeMap<String, LabelInfo> = BTreeMap::new();
    for definition in definitions {
        let key = definition.name.to_lowercase();
        if labels.get(&key).is_none_or(|earlier| earlier.can_override) {
            labels.insert(key, definition);
        }
    }
    labels.into_values().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn label(json: &str) -> LabelInfo {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_child_project_redefines_a_label_unless_its_parent_forbids_it() {
        let labels = effective(vec![
            label(
                r#"{"name":"Code-Review","values":{"-2":""," 0":"","+2":""},"can_override":true}"#,
            ),
            label(r#"{"name":"Verified","values":{"-1":""," 0":"","+1":""}}"#),
            label(r#"{"name":"code-review","values":{" 0":"","+1":""},"can_override":true}"#),
            label(r#"{"name":"Verified","values":{" 0":"","+5":""},"can_override":true}"#),
        ]);
        let ranges: Vec<_> =
            labels.iter().map(|label| (label.name.as_str(), label.range().unwrap())).collect();
        assert_eq!(
            ranges,
            [
                ("code-review", LabelRange { min: 0, max: 1 }),
                ("Verified", LabelRange { min: -1, max: 1 })
            ]
        );
    }

    #[rstest]
    #[case::everywhere("null", Applies::Yes)]
    #[case::nowhere("[]", Applies::No)]
    #[case::name(r#"["refs/heads/x","refs/heads/main"]"#, Applies::Yes)]
    #[case::other_name(r#"["refs/heads/mai"]"#, Applies::No)]
    #[case::prefix(r#"["refs/heads/*"]"#, Applies::Yes)]
    #[case::other_prefix(r#"["refs/heads/release/*"]"#, Applies::No)]
    #[case::expression(r#"["^refs/heads/(main|x)"]"#, Applies::OnlyGerritKnows)]
    #[case::name_before_expression(r#"["^refs/x","refs/heads/main"]"#, Applies::Yes)]
    fn a_label_may_be_for_some_branches_only(#[case] branches: &str, #[case] expected: Applies) {
        let label = label(&format!(r#"{{"name":"X","values":{{}},"branches":{branches}}}"#));
        assert_eq!(label.applies_to(&"refs/heads/main".parse().unwrap()), expected);
    }
}
