//! One change for review on `refs/meta/config`: made, amended, or left as it is.

use anyhow::{Result, bail};
use serde::Serialize;
use tidegate_core::ids::{BadId, Digest, Project, RefName, Revision};
use tidegate_gerrit::CONFIG_BRANCH;
use tidegate_gerrit::git::{Committer, Mirror, change_ref};
use tidegate_gerrit::rest::{ChangeRef, ChangeStatus, Client};

/// Most changes of ours that a project may have had: each set-up is one.
const CHANGES: u32 = 1000;

/// The files of a project's configuration as they should be.
pub(super) struct Proposal<'a> {
    pub(super) client: &'a Client,
    pub(super) mirror: &'a Mirror,
    /// The tip that the files are based on.
    pub(super) base: &'a Revision,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
    pub(super) who: &'a Committer,
    /// Gerrit's URL, for links.
    pub(super) url: &'a str,
    pub(super) dry_run: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// The branch says all of it.
    NothingToDo,
    /// An open change of ours says all of it.
    Waiting,
    /// A new change was pushed.
    Proposed,
    /// Our open change got another patch set.
    Amended,
    /// Nothing was pushed, because nothing should be.
    DryRun,
}

/// The result.
#[derive(Debug, Serialize)]
pub(super) struct Proposed {
    pub(super) project: Project,
    pub(super) outcome: Outcome,
    /// The change's page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// What differs from the branch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) difference: String,
}

impl Proposal<'_> {
    /// Pushes what differs from the branch.
    ///
    /// # Errors
    /// Gerrit or git refuses, or somebody else worked on our change.
    pub(super) async fn push(self) -> Result<Proposed> {
        let project = self.mirror.project();
        let done = |outcome, url, difference| {
            Ok(Proposed { project: project.clone(), outcome, url, difference })
        };
        let mut changed = Vec::new();
        for (path, bytes) in &self.files {
            let before = self.mirror.file(self.base, path).await?;
            if before.as_deref().unwrap_or_default() != bytes.as_slice() {
                changed.push((*path, bytes.as_slice()));
            }
        }
        if changed.is_empty() {
            return done(Outcome::NothingToDo, None, String::new());
        }
        let branch: RefName = CONFIG_BRANCH.parse()?;
        let (key, open) = self.own_change(&branch).await?;
        let message = format!("{}\n\n{}\n\nChange-Id: {key}\n", self.subject, self.body);
        let commit = self.mirror.commit_files(self.base, &changed, &message, self.who).await?;
        let difference = self.mirror.difference(self.base, &commit).await?;
        if self.dry_run {
            let url = open.map(|change| self.page(change.number.0));
            return done(Outcome::DryRun, url, difference);
        }
        if let Some(change) = &open {
            let reference = change_ref(change.number, change.patch_set)?;
            self.mirror.fetch_commit(&change.revision, &[reference]).await?;
            let (parent, by) = self.mirror.parent_and_committer(&change.revision).await?;
            let same = self.mirror.difference(&commit, &change.revision).await?.is_empty();
            let url = self.page(change.number.0);
            if same && parent.as_ref() == Some(self.base) {
                return done(Outcome::Waiting, Some(url), difference);
            }
            if by != self.who.email {
                bail!("{url} was changed by {by} since: submit it or abandon it, and try again");
            }
        }
        let pushed = self.mirror.push_for_review(&commit, &branch).await?;
        let number = open.as_ref().map(|change| change.number).or(pushed);
        let outcome = if open.is_some() { Outcome::Amended } else { Outcome::Proposed };
        done(outcome, number.map(|number| self.page(number.0)), difference)
    }

    /// The Change-Id to use, and the open change that has it. A Change-Id is never used again once
    /// its change is closed, so the n-th one is the first that isn't.
    async fn own_change(&self, branch: &RefName) -> Result<(String, Option<ChangeRef>)> {
        let project = self.mirror.project();
        for number in 0..CHANGES {
            let key = change_key(project, number);
            match self.client.change_by_key(project, branch, &key).await? {
                None => return Ok((key, None)),
                Some(change) if change.status == ChangeStatus::New => {
                    return Ok((key, Some(change)));
                }
                Some(_) => {}
            }
        }
        bail!("{project} has had {CHANGES} changes by `tidegate init`; edit its settings by hand")
    }

    fn page(&self, number: u32) -> String {
        let project = self.mirror.project();
        format!("{}/c/{project}/+/{number}", self.url.trim_end_matches('/'))
    }
}

/// The Change-Id of a project's `number`-th change of ours.
fn change_key(project: &Project, number: u32) -> String {
    let digest = Digest::of(format!("tidegate init\n{project}\n{number}").as_bytes());
    format!("I{}", digest.as_str().get(..40).unwrap_or_default())
}

/// The ref of a branch that people name in short.
///
/// # Errors
/// When it is no name.
pub(super) fn branch_ref(name: &str) -> Result<RefName, BadId> {
    if name.starts_with("refs/") { name.parse() } else { format!("refs/heads/{name}").parse() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[test]
    fn each_projects_changes_have_change_ids_of_their_own() {
        let key = |project: &str, number| change_key(&project.parse().unwrap(), number);
        assert_eq!(key("infra", 0).len(), 41);
        assert_eq!(key("infra", 0), key("infra", 0));
        assert_ne!(key("infra", 0), key("infra", 1));
        assert_ne!(key("infra", 0), key("other", 0));
    }

    #[rstest]
    #[case("main", Some("refs/heads/main"))]
    #[case("release/1", Some("refs/heads/release/1"))]
    #[case("refs/heads/main", Some("refs/heads/main"))]
    #[case("a b", None)]
    fn branches_have_short_names(#[case] name: &str, #[case] full: Option<&str>) {
        assert_eq!(branch_ref(name).ok().as_ref().map(RefName::as_str), full);
    }
}
