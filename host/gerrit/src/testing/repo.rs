//! Real repositories, made by the real git.

use crate::git::{Mirrors, MirrorsConfig, Remote};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tidegate_core::ids::Revision;

/// A repository with a work tree, in a folder that stands for the server.
pub(crate) struct Repo {
    folder: Rc<TempDir>,
    name: &'static str,
}

impl Repo {
    /// A repository `infra` with one commit of `files` on `main`.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self::new(Rc::new(tempfile::tempdir().unwrap()), "infra", files)
    }

    /// Another repository on the same server.
    pub(crate) fn beside(&self, name: &'static str, files: &[(&str, &str)]) -> Self {
        Self::new(Rc::clone(&self.folder), name, files)
    }

    fn new(folder: Rc<TempDir>, name: &'static str, files: &[(&str, &str)]) -> Self {
        let repo = Self { folder, name };
        std::fs::create_dir(repo.path()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.commit(files);
        repo
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    /// The folder that stands for the server.
    pub(crate) fn server(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git, and gives its output without the last line end.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).unwrap_or_else(|error| panic!("git {arguments:?}: {error}"))
    }

    pub(crate) fn try_git(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs([
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("HOME", "/nonexistent"),
            ])
            .envs([("GIT_AUTHOR_NAME", "Olivia"), ("GIT_AUTHOR_EMAIL", "olivia@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Ravi"), ("GIT_COMMITTER_EMAIL", "ravi@example.com")])
            .envs([
                ("GIT_EDITOR", "true"),
                ("GIT_AUTHOR_DATE", "1700000000 +0000"),
                ("GIT_COMMITTER_DATE", "1700000000 +0000"),
            ])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Writes `files` (an empty text deletes) and commits everything.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> Revision {
        for (path, text) in files {
            let path = self.path().join(path);
            if text.is_empty() {
                std::fs::remove_file(&path).unwrap();
                // An empty folder isn't in git; one that isn't empty stays.
                let _ = std::fs::remove_dir(path.parent().unwrap());
            } else {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, text).unwrap();
            }
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=A change"]);
        self.revision("HEAD")
    }

    /// Moves to a new branch that begins at `start`.
    pub(crate) fn branch(&self, name: &str, start: &str) {
        self.git(&["checkout", "--quiet", "-B", name, start]);
    }

    pub(crate) fn revision(&self, name: &str) -> Revision {
        self.git(&["rev-parse", "--verify", name]).parse().unwrap()
    }

    /// Stores a commit object of these very bytes.
    pub(crate) fn raw_commit(&self, bytes: &str) -> Revision {
        let file = self.folder.path().join("object");
        std::fs::write(&file, bytes).unwrap();
        self.git(&["hash-object", "-t", "commit", "-w", file.to_str().unwrap()]).parse().unwrap()
    }
}

/// Mirrors of what is in `server`, within `folder`.
pub(crate) fn mirrors(server: &Path, folder: &Path) -> Mirrors {
    let mut config = MirrorsConfig::new(folder.join("mirrors"), folder.join("scratch"));
    config.patience = Duration::ZERO;
    Mirrors::new(config, Remote::folder(server).unwrap())
}
