//! Changes of a few files, made without a checkout and pushed for review.

use crate::git::{GitError, Mirror};
use crate::text::said;
use std::time::Duration;
use tidegate_core::ids::{ChangeNumber, RefName, Revision};

/// How long a push may take: Gerrit's plugins and replication may look at it first.
const PUSH: Duration = Duration::from_secs(180);

/// Most files of a tree that are listed.
const PATHS: usize = 500_000;

/// Largest difference that is shown, in bytes.
const DIFFERENCE_BYTES: usize = 4 << 20;

/// Who makes a commit. Gerrit wants the committer's address to be one of the pushing account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committer {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl Mirror {
    /// The paths of all plain files of a commit. Names that aren't UTF-8 are left out.
    ///
    /// # Errors
    /// When git fails, or there are more than 500,000.
    pub async fn paths(&self, commit: &Revision) -> Result<Vec<String>, GitError> {
        let arguments = ["-r", "-z", "--full-tree", commit.as_str()];
        let listed = self.git("ls-tree", arguments).output().await?;
        let mut paths = Vec::new();
        for line in listed.split(|byte| *byte == 0) {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let Some((about, path)) = line.split_once('\t') else { continue };
            if about.starts_with("100") {
                paths.push(path.to_owned());
            }
            if paths.len() > PATHS {
                let what = format!("the tree of {commit}");
                return Err(GitError::TooMany { what, limit: PATHS });
            }
        }
        Ok(paths)
    }

    /// Makes a commit on top of `base` in which `files` (path and content) are plain files with these
    /// bytes, and everything else is as it was.
    ///
    /// # Errors
    /// When git fails.
    pub async fn commit_files(
        &self,
        base: &Revision,
        files: &[(&str, &[u8])],
        message: &str,
        who: &Committer,
    ) -> Result<Revision, GitError> {
        let folder = self.throw_away("commit-")?;
        let index = folder.path().join("index");
        self.git("read-tree", [base.as_str()]).index(&index).output().await?;
        for (path, bytes) in files {
            let write = self.git("hash-object", ["-w", "--stdin"]).input(*bytes);
            let blob = write.line().await?;
            let entry = format!("100644,{blob},{path}");
            let update = self.git("update-index", ["--add", "--cacheinfo", &entry]);
            update.index(&index).output().await?;
        }
        let tree = self.git("write-tree", [""; 0]).index(&index).line().await?;
        let commit = self
            .git("commit-tree", [tree.as_str(), "-p", base.as_str()])
            .input(message)
            .environment("GIT_AUTHOR_NAME", &who.name)
            .environment("GIT_AUTHOR_EMAIL", &who.email)
            .environment("GIT_COMMITTER_NAME", &who.name)
            .environment("GIT_COMMITTER_EMAIL", &who.email);
        let id = commit.line().await?;
        id.parse().map_err(|error| GitError::Unexpected {
            asked: "commit-tree".to_owned(),
            found: format!("no commit: {error}"),
        })
    }

    /// The only parent of a commit, and the address of who committed it. No parent where there is
    /// none or several.
    ///
    /// # Errors
    /// When git fails.
    pub async fn parent_and_committer(
        &self,
        commit: &Revision,
    ) -> Result<(Option<Revision>, String), GitError> {
        let raw = self.raw_commit(commit).await?;
        let parent = match raw.parents.as_slice() {
            [parent] => Some(parent.clone()),
            _ => None,
        };
        Ok((parent, raw.committer.email))
    }

    /// What differs between two commits, as people read it; empty if nothing does.
    ///
    /// # Errors
    /// When git fails, or there is more than 4 MiB.
    pub async fn difference(&self, from: &Revision, to: &Revision) -> Result<String, GitError> {
        let arguments =
            ["-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"];
        let arguments = arguments.into_iter().chain([from.as_str(), to.as_str()]);
        let text = self.git("diff-tree", arguments).bound(DIFFERENCE_BYTES).output().await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Pushes a commit for review on `branch`: a new change, or the next patch set of the open one
    /// with the same Change-Id. Gives the change's number, if the answer tells it.
    ///
    /// # Errors
    /// [`GitError::Refused`] with what Gerrit said.
    pub async fn push_for_review(
        &self,
        commit: &Revision,
        branch: &RefName,
    ) -> Result<Option<ChangeNumber>, GitError> {
        let url = self.remote().url(self.project());
        let spec = format!("{commit}:refs/for/{branch}");
        let push = self.git("push", ["--no-verify", "--no-signed", "--", &url, &spec]);
        let push = push.remote(self.remote()).patience(PUSH).good_codes(&[0, 1, 128]);
        let finished = push.run().await?;
        let text = String::from_utf8_lossy(&finished.stderr);
        if finished.status.success() {
            return Ok(change_in(&text));
        }
        Err(GitError::Refused {
            project: self.project().clone(),
            branch: branch.clone(),
            said: said(complaint(&text).as_bytes()),
        })
    }
}

/// The number in a line such as `remote:   http://host/c/infra/+/12 Subject [NEW]`.
fn change_in(text: &str) -> Option<ChangeNumber> {
    text.lines().filter(|line| line.starts_with("remote:")).find_map(|line| {
        let (_, rest) = line.split_once("/+/")?;
        rest.split_whitespace().next()?.parse().ok().map(ChangeNumber)
    })
}

/// The lines that say why a push was refused, without progress.
fn complaint(text: &str) -> String {
    let kept = text.lines().filter_map(|line| {
        let line = line.strip_prefix("remote:").unwrap_or(line).trim();
        let noise = line.is_empty()
            || line.starts_with("Processing changes")
            || line.starts_with("To ")
            || line.starts_with("error: failed to push");
        (!noise).then_some(line)
    });
    kept.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Repo, mirrors};
    use tempfile::TempDir;

    async fn at(repo: &Repo) -> (Mirror, Revision, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        let commit = repo.revision("HEAD");
        mirror.fetch_commit(&commit, &[]).await.unwrap();
        (mirror, commit, folder)
    }

    fn ana() -> Committer {
        Committer { name: "Ana".to_owned(), email: "ana@example.com".to_owned() }
    }

    #[tokio::test]
    async fn files_are_changed_and_added_and_the_rest_stays() {
        let repo = Repo::with(&[("groups", "one\n"), ("other/x", "2\n")]);
        let (mirror, base, _folder) = at(&repo).await;
        let files: [(&str, &[u8]); 2] = [("groups", b"one\ntwo\n"), ("new.toml", b"x = 1\n")];
        let commit = mirror.commit_files(&base, &files, "Add two\n", &ana()).await.unwrap();
        assert_eq!(
            mirror.paths(&commit).await.unwrap(),
            ["groups", "new.toml", "other/x"].map(str::to_owned)
        );
        let bytes = mirror.file(&commit, "groups").await.unwrap();
        assert_eq!(bytes.as_deref(), Some(b"one\ntwo\n".as_slice()));
        let told = mirror.parent_and_committer(&commit).await.unwrap();
        assert_eq!(told, (Some(base.clone()), "ana@example.com".to_owned()));
        let shown = mirror.difference(&base, &commit).await.unwrap();
        assert!(shown.contains("+two") && shown.contains("+x = 1"), "{shown}");
        assert_eq!(mirror.difference(&base, &base).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_commit_is_pushed_to_the_magic_ref_of_its_branch() {
        let repo = Repo::with(&[("a", "1\n")]);
        let (mirror, base, _folder) = at(&repo).await;
        let commit = mirror.commit_files(&base, &[("a", b"2\n")], "Two\n", &ana()).await.unwrap();
        let branch = "refs/meta/config".parse().unwrap();
        mirror.push_for_review(&commit, &branch).await.unwrap();
        assert_eq!(repo.revision("refs/for/refs/meta/config"), commit);
        // Nothing but a plain repository takes the same ref for another line of history.
        let other = mirror.commit_files(&base, &[("a", b"3\n")], "Three\n", &ana()).await.unwrap();
        let refused = mirror.push_for_review(&other, &branch).await.unwrap_err().to_string();
        assert!(refused.contains("was not taken for review"), "{refused}");
    }

    #[tokio::test]
    async fn only_plain_files_are_listed() {
        let repo = Repo::with(&[("app/Pulumi.yaml", "name: app\n")]);
        std::os::unix::fs::symlink("app/Pulumi.yaml", repo.path().join("Pulumi.yaml")).unwrap();
        repo.commit(&[]);
        let (mirror, commit, _folder) = at(&repo).await;
        assert_eq!(mirror.paths(&commit).await.unwrap(), ["app/Pulumi.yaml"]);
    }

    #[test]
    fn gerrits_answer_to_a_push_is_understood() {
        let taken = "remote: Processing changes: new: 1, done\nremote: SUCCESS\n\
            remote:   http://h/c/team/infra/+/21 Guard it [NEW]\n";
        assert_eq!(change_in(taken), Some(ChangeNumber(21)));
        let refused = "remote: Processing changes: refs: 1, done\n\
            To http://h/a/infra\n ! [remote rejected] x -> refs/for/y (prohibited by Gerrit)\n\
            error: failed to push some refs to 'http://h/a/infra'\n";
        assert_eq!(
            complaint(refused),
            "! [remote rejected] x -> refs/for/y (prohibited by Gerrit)"
        );
    }
}
