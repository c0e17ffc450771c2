//! Who comes before whom.

use crate::git::{GitError, Mirror};
use tidegate_core::ids::Revision;

/// Most commits between two revisions that are walked: some years of a busy branch.
const COMMITS: usize = 50_000;

/// A commit and what it was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: Revision,
    /// Its parents, the branch's own first.
    pub parents: Vec<Revision>,
}

impl Mirror {
    /// Whether `ancestor` is `descendant`, or comes before it.
    ///
    /// # Errors
    /// When one of them wasn't fetched.
    pub async fn is_ancestor(
        &self,
        ancestor: &Revision,
        descendant: &Revision,
    ) -> Result<bool, GitError> {
        let arguments = ["--is-ancestor", ancestor.as_str(), descendant.as_str()];
        let run = self.git("merge-base", arguments).good_codes(&[0, 1]).run().await?;
        Ok(run.status.success())
    }

    /// The commits that `to` has and `from` hasn't, along first parents only, oldest first.
    ///
    /// # Errors
    /// When one of them wasn't fetched, or there are more than are walked.
    pub async fn first_parent_commits(
        &self,
        from: &Revision,
        to: &Revision,
    ) -> Result<Vec<Commit>, GitError> {
        self.between(from, to, &["--first-parent"]).await
    }

    /// The commits that `to` has and `from` hasn't, parents before children.
    ///
    /// # Errors
    /// As [`Mirror::first_parent_commits`].
    pub async fn commits(&self, from: &Revision, to: &Revision) -> Result<Vec<Commit>, GitError> {
        self.between(from, to, &[]).await
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// When it wasn't fetched.
    pub async fn tree(&self, commit: &Revision) -> Result<Revision, GitError> {
        Ok(self.raw_commit(commit).await?.tree)
    }

    /// The best common ancestors of two commits, in git's order.
    pub(crate) async fn merge_bases(&self, a: &str, b: &str) -> Result<Vec<String>, GitError> {
        let run = self.git("merge-base", ["--all", a, b]).good_codes(&[0, 1]).run().await?;
        Ok(String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect())
    }

    async fn between(
        &self,
        from: &Revision,
        to: &Revision,
        options: &[&str],
    ) -> Result<Vec<Commit>, GitError> {
        let most = (COMMITS + 1).to_string();
        let range = format!("{from}..{to}");
        let usual = ["--topo-order", "--reverse", "--parents", "--max-count", &most];
        let arguments = usual.into_iter().chain(options.iter().copied()).chain([range.as_str()]);
        let listed = self.git("rev-list", arguments).line().await?;
        let commits: Result<Vec<Commit>, GitError> = listed.lines().map(commit).collect();
        let commits = commits?;
        if commits.len() > COMMITS {
            return Err(GitError::TooMany { what: format!("the history {range}"), limit: COMMITS });
        }
        Ok(commits)
    }
}

fn commit(line: &str) -> Result<Commit, GitError> {
    let names: Result<Vec<Revision>, _> = line.split(' ').map(str::parse).collect();
    let unexpected = |found| GitError::Unexpected { asked: "rev-list".to_owned(), found };
    let mut names = names.map_err(|error| unexpected(error.to_string()))?.into_iter();
    let id = names.next().ok_or_else(|| unexpected("an empty line".to_owned()))?;
    Ok(Commit { id, parents: names.collect() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Repo, mirrors};

    #[tokio::test]
    async fn the_walk_follows_first_parents_and_the_other_walk_all() {
        let repo = Repo::with(&[("a", "1")]);
        let from = repo.revision("main");
        repo.branch("side", "main");
        let side = repo.commit(&[("s", "1")]);
        repo.git(&["checkout", "--quiet", "main"]);
        let own = repo.commit(&[("m", "1")]);
        repo.git(&["merge", "--quiet", "--no-ff", "--message=Merge", "side"]);
        let to = repo.revision("HEAD");

        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        mirror.fetch_commit(&to, &[]).await.unwrap();
        let merge = Commit { id: to.clone(), parents: vec![own.clone(), side.clone()] };
        let first = Commit { id: own.clone(), parents: vec![from.clone()] };
        assert_eq!(mirror.first_parent_commits(&from, &to).await.unwrap(), [first, merge]);
        let all = mirror.commits(&from, &to).await.unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all.last().map(|commit| commit.id.clone()), Some(to.clone()));
        assert_eq!(mirror.first_parent_commits(&to, &to).await.unwrap(), []);

        assert!(mirror.is_ancestor(&side, &to).await.unwrap());
        assert!(mirror.is_ancestor(&to, &to).await.unwrap());
        assert!(!mirror.is_ancestor(&to, &side).await.unwrap());
        let nowhere = "1".repeat(40).parse().unwrap();
        assert!(mirror.is_ancestor(&nowhere, &to).await.is_err());
    }
}
