//! What git says of a patch set.

use crate::git::{GitError, Mirror};
use std::collections::BTreeSet;
use tidegate_core::ids::Revision;
use tidegate_core::limits::CHANGED_PATHS;

/// A patch set's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchSetCommit {
    /// Its id.
    pub revision: Revision,
    /// Its parents.
    pub parents: Vec<Revision>,
    /// Paths that differ from the first parent, without rename detection, sorted by bytes. A path
    /// that isn't UTF-8 has U+FFFD in the place of what isn't.
    pub paths: Vec<String>,
    /// The e-mails of author and committer, as anybody may have written them.
    pub emails: BTreeSet<String>,
}

impl Mirror {
    /// Reads a patch set's commit, which must have been fetched.
    ///
    /// # Errors
    /// When it changes more paths than are read, or git fails.
    pub async fn patch_set_commit(&self, revision: &Revision) -> Result<PatchSetCommit, GitError> {
        let commit = self.raw_commit(revision).await?;
        let paths = self.changed_paths(commit.parents.first(), revision).await?;
        let emails = [commit.author.email, commit.committer.email];
        Ok(PatchSetCommit {
            revision: commit.id,
            parents: commit.parents,
            paths,
            emails: emails.into_iter().filter(|email| !email.is_empty()).collect(),
        })
    }

    /// Paths that differ between two commits, without rename detection, sorted by bytes; all paths
    /// of `to` if there is no `from`.
    ///
    /// # Errors
    /// When there are more than are read, or git fails.
    pub async fn changed_paths(
        &self,
        from: Option<&Revision>,
        to: &Revision,
    ) -> Result<Vec<String>, GitError> {
        let command = match from {
            // `.gitmodules` of the tree could otherwise hide a submodule that moves.
            Some(from) => self.git(
                "diff-tree",
                [
                    "-r",
                    "-z",
                    "--name-only",
                    "--no-renames",
                    "--no-ext-diff",
                    "--ignore-submodules=none",
                    from.as_str(),
                    to.as_str(),
                ],
            ),
            None => self.git("ls-tree", ["-r", "-z", "--name-only", "--full-tree", to.as_str()]),
        };
        let output = command.output().await?;
        let mut paths: Vec<&[u8]> =
            output.split(|b| *b == 0).filter(|path| !path.is_empty()).collect();
        if paths.len() > CHANGED_PATHS {
            return Err(GitError::TooMany {
                what: format!("the difference to {to}"),
                limit: CHANGED_PATHS,
            });
        }
        paths.sort_unstable();
        paths.dedup();
        Ok(paths.into_iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Repo, mirrors};

    async fn read(repo: &Repo, revision: &Revision) -> PatchSetCommit {
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        mirror.fetch_commit(revision, &[]).await.unwrap();
        mirror.patch_set_commit(revision).await.unwrap()
    }

    #[tokio::test]
    async fn a_root_commit_changes_all_its_paths() {
        let repo = Repo::with(&[("b", "1"), ("a/x", "2")]);
        let commit = read(&repo, &repo.revision("main")).await;
        assert_eq!(commit.paths, ["a/x", "b"]);
        assert!(commit.parents.is_empty());
        let emails = ["olivia@example.com", "ravi@example.com"].map(str::to_owned);
        assert_eq!(commit.emails, BTreeSet::from(emails));
    }

    #[tokio::test]
    async fn a_rename_is_both_its_paths_and_paths_are_sorted_by_bytes() {
        let repo =
            Repo::with(&[("B/old", "some text\n"), ("a-b", "1"), ("a/b", "1"), ("same", "1")]);
        let base = repo.revision("main");
        let revision = repo.commit(&[
            ("B/old", ""),
            ("\u{e4}/new", "some text\n"),
            ("a-b", "2"),
            ("a/b", "2"),
        ]);
        let commit = read(&repo, &revision).await;
        assert_eq!(commit.paths, ["B/old", "a-b", "a/b", "\u{e4}/new"]);
        assert_eq!(commit.parents, [base]);
    }

    #[tokio::test]
    async fn a_merge_is_compared_with_its_first_parent() {
        let repo = Repo::with(&[("a", "1")]);
        repo.branch("side", "main");
        repo.commit(&[("s", "1")]);
        repo.branch("main", "main");
        repo.commit(&[("m", "1")]);
        repo.git(&["merge", "--quiet", "--no-ff", "--message=Merge", "side"]);
        assert_eq!(read(&repo, &repo.revision("HEAD")).await.paths, ["s"]);
    }

    #[tokio::test]
    async fn a_moved_submodule_is_seen_although_the_tree_asks_to_ignore_it() {
        let ignoring = "[submodule \"sub\"]\n\tpath = sub\n\turl = ../sub\n\tignore = all\n";
        let repo = Repo::with(&[("a", "1"), (".gitmodules", ignoring)]);
        let link = |digit: &str| {
            let info = format!("160000,{},sub", digit.repeat(40));
            repo.git(&["update-index", "--add", "--cacheinfo", &info]);
            repo.git(&["commit", "--quiet", "--message=Link"]);
        };
        link("1");
        link("2");
        assert_eq!(read(&repo, &repo.revision("HEAD")).await.paths, ["sub"]);
    }
}
