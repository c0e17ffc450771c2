//! Files and trees, read without a checkout.

use crate::git::{GitError, Mirror};
use tidegate_core::ids::{Digest, Revision};

/// Largest file that is read into memory. Settings and project files are far smaller.
const FILE_BYTES: usize = 4 << 20;

/// What the digest of inputs starts with, so that a later form can't be mistaken for this one.
const INPUTS_V1: &[u8] = b"tidegate inputs/v1\n";

impl Mirror {
    /// The bytes of a file; none if the commit has no such path.
    ///
    /// # Errors
    /// When the path is a folder, a symbolic link or a submodule, or isn't a path within a
    /// repository, or the file has more than 4 MiB.
    pub async fn file(&self, commit: &Revision, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        if !is_path(path) {
            return Err(GitError::BadPath { path: path.to_owned() });
        }
        let arguments = ["-z", "--full-tree", commit.as_str(), "--", path];
        let listed = self.git("ls-tree", arguments).output().await?;
        let entry = String::from_utf8_lossy(&listed).into_owned();
        if entry.is_empty() {
            return Ok(None);
        }
        let mut words = entry.split([' ', '\t']);
        let mode = words.next().unwrap_or_default();
        let found = match mode {
            "100644" | "100755" => {
                let blob = words.nth(1).unwrap_or_default();
                let bytes = self.git("cat-file", ["blob", blob]).bound(FILE_BYTES).output().await?;
                return Ok(Some(bytes));
            }
            "040000" => "a folder",
            "120000" => "a symbolic link",
            "160000" => "a submodule",
            _ => "something else",
        };
        Err(GitError::NotAFile { commit: commit.clone(), path: path.to_owned(), found })
    }

    /// A digest of everything below `prefixes` in `tree` (or a commit): of the modes, ids and paths
    /// that `git ls-tree -r` lists, each path once. A prefix is a whole file or folder name; `.`
    /// or an empty one is the whole tree. Equal digests mean equal bytes.
    ///
    /// # Errors
    /// When a prefix isn't a path within a repository, or git fails.
    pub async fn inputs_digest(
        &self,
        tree: &Revision,
        prefixes: &[&str],
    ) -> Result<Digest, GitError> {
        let mut arguments = vec!["-r", "-z", "--full-tree", tree.as_str(), "--"];
        let mut whole = false;
        for prefix in prefixes {
            match prefix.strip_suffix('/').unwrap_or(prefix) {
                "" | "." if !prefix.starts_with('/') => whole = true,
                path if is_path(path) => arguments.push(path),
                _ => return Err(GitError::BadPath { path: (*prefix).to_owned() }),
            }
        }
        // No paths at all would mean all paths.
        if prefixes.is_empty() {
            return Ok(Digest::of(INPUTS_V1));
        }
        if whole {
            arguments.truncate(5);
        }
        let mut bytes = INPUTS_V1.to_vec();
        bytes.extend(self.git("ls-tree", arguments).output().await?);
        Ok(Digest::of(&bytes))
    }
}

/// Whether `path` is one within a repository.
fn is_path(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Repo, mirrors};
    use rstest::rstest;
    use tempfile::TempDir;

    struct At {
        mirror: Mirror,
        commit: Revision,
        _folder: TempDir,
    }

    async fn at(repo: &Repo) -> At {
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        let commit = repo.revision("HEAD");
        mirror.fetch_commit(&commit, &[]).await.unwrap();
        At { mirror, commit, _folder: folder }
    }

    #[rstest]
    #[case::there("app/Pulumi.yaml", Ok(Some("name: app\n")))]
    #[case::glob("app/*", Ok(None))]
    #[case::missing("app/nothing", Ok(None))]
    #[case::folder("app", Err("a folder"))]
    #[case::link("link", Err("a symbolic link"))]
    #[case::above("../app/Pulumi.yaml", Err("no path"))]
    #[case::absolute("/app/Pulumi.yaml", Err("no path"))]
    #[case::empty("", Err("no path"))]
    #[tokio::test]
    async fn only_plain_files_are_read(
        #[case] path: &str,
        #[case] expected: Result<Option<&str>, &str>,
    ) {
        let repo = Repo::with(&[("app/Pulumi.yaml", "name: app\n")]);
        std::os::unix::fs::symlink("app", repo.path().join("link")).unwrap();
        repo.commit(&[]);
        let at = at(&repo).await;
        match (at.mirror.file(&at.commit, path).await, expected) {
            (Ok(bytes), Ok(text)) => assert_eq!(bytes.as_deref(), text.map(str::as_bytes)),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (found, _) => assert!(found.is_err() == expected.is_err(), "{found:?}"),
        }
    }

    #[tokio::test]
    async fn a_huge_file_is_refused() {
        let repo = Repo::with(&[("big", &"x".repeat(FILE_BYTES + 1))]);
        let at = at(&repo).await;
        let error = at.mirror.file(&at.commit, "big").await.unwrap_err();
        assert!(matches!(error, GitError::TooMuch { .. }), "{error}");
    }

    #[tokio::test]
    async fn the_digest_of_inputs_changes_with_them_and_with_nothing_else() {
        let repo = Repo::with(&[("app/x", "1"), ("apple/x", "1"), ("lib/y", "1"), ("other", "1")]);
        let before = at(&repo).await;
        let digest = async |at: &At, prefixes: &[&str]| {
            at.mirror.inputs_digest(&at.commit, prefixes).await.unwrap()
        };
        let app = digest(&before, &["app"]).await;
        let both = digest(&before, &["app", "lib"]).await;
        let all = digest(&before, &[""]).await;
        assert_eq!(digest(&before, &["lib/", "app/x", "app"]).await, both, "order and repetition");
        assert_eq!(digest(&before, &["app", "."]).await, all);
        let tree = before.mirror.tree(&before.commit).await.unwrap();
        assert_eq!(before.mirror.inputs_digest(&tree, &["app"]).await.unwrap(), app);

        repo.commit(&[("apple/x", "2"), ("other", "2")]);
        let after = at(&repo).await;
        assert_eq!(digest(&after, &["app"]).await, app);
        assert_eq!(digest(&after, &["app", "lib"]).await, both);
        assert_ne!(digest(&after, &[""]).await, all);

        repo.git(&["update-index", "--chmod=+x", "app/x"]);
        repo.git(&["commit", "--quiet", "--message=Mode"]);
        let executable = at(&repo).await;
        assert_ne!(digest(&executable, &["app"]).await, app);
        assert_ne!(digest(&executable, &["nothing"]).await, app);
        assert_eq!(digest(&executable, &[]).await, digest(&executable, &["nothing"]).await);
        for bad in ["../x", "/", "/app", "app//x", "app/./x"] {
            let digest = executable.mirror.inputs_digest(&executable.commit, &[bad]).await;
            assert!(digest.is_err(), "{bad}");
        }
    }
}
