//! Projects: branches, inheritance, and how changes are submitted.

use crate::rest::{Client, RestError};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidegate_core::ids::{Project, RefName, Revision};

/// Longest chain of parents. Real ones have three or four; Gerrit itself refuses cycles.
const PARENTS: usize = 32;

/// How Gerrit makes the branch's new tip from a change
/// (`Documentation/config-project-config.txt`, "submit.action").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubmitType {
    /// The change's own commit, or a merge if the branch has moved.
    MergeIfNecessary,
    /// Always a merge.
    MergeAlways,
    /// The change's own commit, or refused.
    FastForwardOnly,
    /// The change's own commit, or a rebased copy if the branch has moved.
    RebaseIfNecessary,
    /// Always a rebased copy.
    RebaseAlways,
    /// Always a copy of the commit alone, without its ancestors.
    CherryPick,
}

/// What decides how a project's changes are merged, inheritance resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectConfig {
    /// How changes are submitted.
    pub submit_type: SubmitType,
    /// Whether a file that both sides changed is merged line by line, or is a conflict.
    pub content_merge: bool,
}

impl Client {
    /// The tips of all branches that are visible to us, `refs/meta/config` among them.
    ///
    /// # Errors
    /// When Gerrit can't be asked, or the project isn't visible.
    pub async fn branches(
        &self,
        project: &Project,
    ) -> Result<BTreeMap<RefName, Revision>, RestError> {
        let call = self.get(&["projects", project.as_str(), "branches", ""]);
        let branches: Vec<BranchInfo> = self.ask(&call).await?;
        // HEAD is listed too, with a branch's name in the place of a revision.
        Ok(branches
            .into_iter()
            .filter_map(|b| Some((b.name.parse().ok()?, b.revision.parse().ok()?)))
            .collect())
    }

    /// The tip of one branch; none if it doesn't exist or isn't visible.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn branch(
        &self,
        project: &Project,
        branch: &RefName,
    ) -> Result<Option<Revision>, RestError> {
        let call = self.get(&["projects", project.as_str(), "branches", branch.as_str()]);
        match self.ask::<BranchInfo>(&call).await {
            Ok(info) => info.revision.parse().map(Some).map_err(|error| RestError::Unexpected {
                asked: call.asked,
                found: format!("the branch's tip is no commit: {error}"),
            }),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The chain of projects that `project` inherits from, the root first and `project` last.
    ///
    /// # Errors
    /// When Gerrit can't be asked, or the chain is longer than 32.
    pub async fn project_parents(&self, project: &Project) -> Result<Vec<Project>, RestError> {
        let mut chain = vec![project.clone()];
        let mut child = project.clone();
        loop {
            let call = self.get(&["projects", child.as_str(), "parent"]);
            let parent: String = self.ask(&call).await?;
            if parent.is_empty() {
                chain.reverse();
                return Ok(chain);
            }
            let unexpected = |found| RestError::Unexpected { asked: call.asked.clone(), found };
            child = parent
                .parse()
                .map_err(|error| unexpected(format!("the parent's name: {error}")))?;
            if chain.len() >= PARENTS || chain.contains(&child) {
                return Err(unexpected(format!(
                    "the inheritance doesn't end within {PARENTS} projects"
                )));
            }
            chain.push(child.clone());
        }
    }

    /// How changes of `project` are merged.
    ///
    /// # Errors
    /// When Gerrit can't be asked, or answers with a submit type that isn't known.
    pub async fn project_config(&self, project: &Project) -> Result<ProjectConfig, RestError> {
        let info: ConfigInfo =
            self.ask(&self.get(&["projects", project.as_str(), "config"])).await?;
        Ok(ProjectConfig {
            submit_type: info.submit_type,
            content_merge: info.use_content_merge.is_some_and(|merge| merge.effective()),
        })
    }
}

#[derive(Debug, Deserialize)]
struct BranchInfo {
    #[serde(rename = "ref")]
    name: String,
    revision: String,
}

#[derive(Debug, Deserialize)]
struct ConfigInfo {
    submit_type: SubmitType,
    use_content_merge: Option<InheritedBoolean>,
}

/// Gerrit's `InheritedBooleanInfo`; its own `value` is left out where it is false *or* inherited.
#[derive(Debug, Deserialize)]
struct InheritedBoolean {
    configured_value: String,
    #[serde(default)]
    inherited_value: bool,
}

impl InheritedBoolean {
    fn effective(&self) -> bool {
        match self.configured_value.as_str() {
            "TRUE" => true,
            "INHERIT" => self.inherited_value,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Fake, Reply};
    use rstest::rstest;

    #[rstest]
    #[case("TRUE", false, true)]
    #[case("FALSE", true, false)]
    #[case("INHERIT", true, true)]
    #[case("INHERIT", false, false)]
    #[case("MAYBE", true, false)]
    fn inherited_switches_resolve(
        #[case] own: &str,
        #[case] inherited: bool,
        #[case] effective: bool,
    ) {
        let switch =
            InheritedBoolean { configured_value: own.to_owned(), inherited_value: inherited };
        assert_eq!(switch.effective(), effective);
    }

    #[tokio::test]
    async fn branches_are_those_with_a_tip() {
        let tip = "1".repeat(40);
        let listed = format!(
            "[{{\"ref\":\"HEAD\",\"revision\":\"main\"}},{{\"ref\":\"refs/heads/main\",\"revision\":\"{tip}\"}}]"
        );
        let fake = Fake::start(move |_| Reply::Json(listed.clone())).await;
        let branches = fake.client().branches(&"a/b".parse().unwrap()).await.unwrap();
        assert_eq!(branches.keys().map(RefName::as_str).collect::<Vec<_>>(), ["refs/heads/main"]);
        assert_eq!(fake.asked(), ["GET /a/projects/a%2Fb/branches/"]);
    }

    #[rstest]
    #[case::chain("\"b\"", Some(&["All-Projects", "b", "a"][..]))]
    #[case::cycle("\"a\"", None)]
    #[case::nonsense("\"/x\"", None)]
    #[tokio::test]
    async fn parents_come_root_first(#[case] parent: &'static str, #[case] chain: Option<&[&str]>) {
        let fake = Fake::start(move |request| {
            let parent = match request.path.as_str() {
                "/a/projects/a/parent" => parent,
                "/a/projects/b/parent" => "\"All-Projects\"",
                _ => "\"\"",
            };
            Reply::Json(parent.to_owned())
        })
        .await;
        let found = fake.client().project_parents(&"a".parse().unwrap()).await.ok();
        let found: Option<Vec<String>> =
            found.map(|chain| chain.iter().map(Project::to_string).collect());
        assert_eq!(found, chain.map(|chain| chain.iter().map(|p| (*p).to_owned()).collect()));
    }
}
