//! The history of a change: the commits of its meta ref, handed on as they are.

use crate::git::{GitError, Mirror};
use tidegate_core::ids::{ChangeNumber, Revision};
use tidegate_core::limits::{INPUT_BYTES, META_COMMITS};
use tidegate_core::meta_log::{MetaCommit, MetaLog};

impl Mirror {
    /// The history that ends at `tip`, which must have been fetched.
    ///
    /// # Errors
    /// When it is too long, or isn't a plain line of commits as Gerrit writes it.
    pub async fn meta_log(
        &self,
        number: ChangeNumber,
        tip: &Revision,
    ) -> Result<MetaLog, GitError> {
        let most = (META_COMMITS + 1).to_string();
        let arguments = ["--parents", "--topo-order", "--max-count", &most, tip.as_str()];
        let listed = self.git("rev-list", arguments).line().await?;
        let mut ids = line_of(&listed)?;
        if ids.len() > META_COMMITS {
            return Err(GitError::MetaTooLong { number: number.0, limit: META_COMMITS });
        }
        ids.reverse();
        let commits = self.raw_commits(&ids, INPUT_BYTES).await?;
        let commits = commits.into_iter().map(|commit| MetaCommit {
            id: commit.id,
            author: commit.author.email,
            time: commit.author.time,
            message: commit.message,
        });
        Ok(MetaLog { tip: tip.clone(), commits: commits.collect() })
    }
}

/// The ids of commits of which each is the only parent of the one before. Order is what approvals
/// hang on, so a history that has none isn't guessed at.
fn line_of(listed: &str) -> Result<Vec<Revision>, GitError> {
    let unexpected = |found| GitError::Unexpected { asked: "rev-list".to_owned(), found };
    let mut ids: Vec<Revision> = Vec::new();
    let mut next: Option<Revision> = None;
    for line in listed.lines() {
        let names: Result<Vec<Revision>, _> = line.split(' ').map(str::parse).collect();
        let mut names = names.map_err(|error| unexpected(error.to_string()))?.into_iter();
        let Some(id) = names.next() else { continue };
        if next.as_ref().is_some_and(|expected| *expected != id)
            || (next.is_none() && !ids.is_empty())
        {
            return Err(unexpected(format!("the change's history doesn't lead to {id} in a line")));
        }
        next = names.next();
        if names.next().is_some() {
            return Err(unexpected(format!("the change's history has a merge, {id}")));
        }
        ids.push(id);
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::git::meta_ref;
    use crate::testing::{Repo, mirrors};
    use rstest::rstest;

    fn listed(lines: &[&str]) -> String {
        let line = |line: &&str| -> Vec<String> { line.split(' ').map(|d| d.repeat(40)).collect() };
        lines.iter().map(|l| line(l).join(" ") + "\n").collect()
    }

    #[test]
    fn a_line_of_commits_is_taken_newest_first() {
        let ids = line_of(&listed(&["3 2", "2 1", "1"])).unwrap();
        assert_eq!(
            ids.iter().map(Revision::as_str).collect::<Vec<_>>(),
            ["3".repeat(40), "2".repeat(40), "1".repeat(40)]
        );
    }

    #[rstest]
    #[case::merge(&["3 2 1", "2 1", "1"])]
    #[case::two_roots(&["3", "2"])]
    #[case::jump(&["3 1", "2 1", "1"])]
    #[case::nonsense(&["x"])]
    fn a_history_without_order_is_refused(#[case] lines: &[&str]) {
        assert!(line_of(&listed(lines)).is_err());
    }

    #[tokio::test]
    async fn messages_are_whole_although_they_hold_a_nul() {
        let repo = Repo::with(&[("a", "1")]);
        let tree = repo.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let head = |parent: &str, account: u32| {
            format!(
                "tree {tree}\n{parent}author Gerrit User {account} <{account}@server> 1700000000 +0000\n\
                 committer Gerrit <g@h> 1700000001 +0000\n\n"
            )
        };
        let created = "Create change\n\nPatch-set: 1\n";
        let first = repo.raw_commit(&format!("{}{created}", head("", 1)));
        let voted = "Update patch set 1\n\nhi\0there\n\nPatch-set: 1\nLabel: Code-Review=-2\n";
        let second = repo.raw_commit(&format!("{}{voted}", head(&format!("parent {first}\n"), 2)));
        repo.git(&["update-ref", "refs/changes/07/7/meta", second.as_str()]);

        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        let number = ChangeNumber(7);
        mirror.fetch_commit(&second, &[meta_ref(number).unwrap()]).await.unwrap();
        let log = mirror.meta_log(number, &second).await.unwrap();
        let commit = |id, author: &str, message: &str| MetaCommit {
            id,
            author: author.to_owned(),
            time: 1_700_000_000,
            message: message.to_owned(),
        };
        let commits =
            vec![commit(first, "1@server", created), commit(second.clone(), "2@server", voted)];
        assert_eq!(log, MetaLog { tip: second, commits });
    }
}
