use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use url::Url;

use crate::cache::Key;
use crate::change::Change;
use crate::finished::{Finished, finish};
use crate::user::User;

/// A push may wait for Gerrit's plugins.
const TIMEOUT: Duration = Duration::from_secs(180);

/// A user's clone of a project.
#[derive(Clone, Debug)]
pub struct Repository {
    project: String,
    folder: PathBuf,
    user: User,
}

/// A commit made in a clone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Commit {
    /// Its SHA-1 in hex.
    pub id: String,
    /// The `Change-Id` in its message.
    pub change_id: String,
}

/// How a push went.
#[derive(Clone, Debug)]
pub struct Push {
    /// Whether every ref was accepted.
    pub accepted: bool,
    /// What git and Gerrit said.
    pub output: String,
    /// The changes that Gerrit named, in order of their numbers.
    pub changes: Vec<Change>,
}

impl Push {
    /// The one change of an accepted push.
    ///
    /// # Errors
    /// The push was refused, or made several changes or none.
    pub fn change(self) -> Result<Change> {
        ensure!(self.accepted, "the push was refused:\n{}", self.output);
        let [change] = self.changes.as_slice() else {
            anyhow::bail!("the push didn't make one change:\n{}", self.output)
        };
        Ok(change.clone())
    }
}

impl Repository {
    /// Clones `project` from the Gerrit at `url` into `folder`, as `user` and with their password.
    ///
    /// # Errors
    /// git or Gerrit refuses.
    pub fn clone(url: &str, project: &str, user: &User, folder: &Path) -> Result<Self> {
        let mut remote = Url::parse(url)?.join(&format!("a/{project}"))?;
        let with_user = remote.set_username(&user.name);
        let with_password = remote.set_password(Some(&user.password));
        ensure!(with_user.is_ok() && with_password.is_ok(), "{url} can't carry a user's name");
        let mut clone = git(user);
        clone.args(["clone", "--quiet", remote.as_str()]).arg(folder);
        finish(&mut clone, TIMEOUT)?.ok()?;
        Ok(Self { project: project.to_owned(), folder: folder.to_path_buf(), user: user.clone() })
    }

    /// The work tree's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file of the work tree, with the folders above it.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// Reads a file of the work tree.
    ///
    /// # Errors
    /// There is no such text file.
    pub fn read(&self, path: &str) -> Result<String> {
        let path = self.folder.join(path);
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
    }

    /// Replaces a text in a file of the work tree.
    ///
    /// # Errors
    /// The file doesn't contain the text.
    pub fn replace(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let text = self.read(path)?;
        ensure!(text.contains(from), "{path} doesn't contain {from:?}");
        self.write(path, &text.replace(from, to))
    }

    /// Copies a folder's files into a folder of the work tree.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn copy_in(&self, from: &Path, to: &str) -> Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let path = format!("{to}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.copy_in(&entry.path(), &path)?;
            } else {
                self.write(&path, &fs::read_to_string(entry.path())?)?;
            }
        }
        Ok(())
    }

    /// Removes a file or folder from the work tree.
    ///
    /// # Errors
    /// git doesn't know it.
    pub fn remove(&self, path: &str) -> Result<()> {
        self.git(&["rm", "-r", "--quiet", path])?;
        Ok(())
    }

    /// Commits everything in the work tree as a new change.
    ///
    /// # Errors
    /// There is nothing to commit.
    pub fn commit(&self, subject: &str) -> Result<Commit> {
        let change_id = new_change_id(&self.folder, subject);
        self.git(&["add", "--all"])?;
        let message = format!("{subject}\n\nChange-Id: {change_id}\n");
        self.git(&["commit", "--quiet", "--message", &message])?;
        let id = self.head()?;
        Ok(Commit { id, change_id })
    }

    /// Adds everything in the work tree to the last commit: the next patch set of its change.
    ///
    /// # Errors
    /// There is no commit yet.
    pub fn amend(&self) -> Result<Commit> {
        self.git(&["add", "--all"])?;
        // A date of its own, or an amend without content could give the same commit again.
        self.git(&["commit", "--quiet", "--amend", "--no-edit", "--allow-empty"])?;
        let message = self.git(&["log", "-1", "--format=%B"])?;
        let change_id = message.lines().rev().find_map(|line| line.strip_prefix("Change-Id: "));
        let change_id = change_id.context("the commit has no Change-Id")?.to_owned();
        let id = self.head()?;
        Ok(Commit { id, change_id })
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// There is none.
    pub fn head(&self) -> Result<String> {
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Makes the work tree that of a revision, e.g. of `origin/main`, after a fetch.
    ///
    /// # Errors
    /// There is no such revision.
    pub fn reset(&self, revision: &str) -> Result<()> {
        self.git(&["fetch", "--quiet", "origin"])?;
        self.git(&["reset", "--quiet", "--hard", revision])?;
        Ok(())
    }

    /// Pushes for review, with options such as `wip` or `topic=x`; it may be refused.
    ///
    /// # Errors
    /// git can't be run.
    pub fn push_for(&self, branch: &str, options: &[&str]) -> Result<Push> {
        let options = options.join(",");
        let percent = if options.is_empty() { "" } else { "%" };
        self.push(&[&format!("HEAD:refs/for/{branch}{percent}{options}")])
    }

    /// Pushes straight to a branch, around the review; it may be refused.
    ///
    /// # Errors
    /// git can't be run.
    pub fn push_directly(&self, branch: &str) -> Result<Push> {
        self.push(&[&format!("HEAD:refs/heads/{branch}")])
    }

    /// Pushes with git's own arguments after the remote; it may be refused.
    ///
    /// # Errors
    /// git can't be run.
    pub fn push(&self, arguments: &[&str]) -> Result<Push> {
        let mut words = vec!["push", "origin"];
        words.extend(arguments);
        let finished = self.run(&words)?;
        let output = format!("{}{}", finished.stderr, finished.stdout);
        Ok(Push {
            accepted: finished.code == Some(0),
            changes: changes_in(&output, &self.project),
            output,
        })
    }

    /// Runs git in the work tree.
    ///
    /// # Errors
    /// It ends with another code than 0.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        self.run(arguments)?.ok()
    }

    fn run(&self, arguments: &[&str]) -> Result<Finished> {
        let mut command = git(&self.user);
        command.args(arguments).current_dir(&self.folder);
        finish(&mut command, TIMEOUT)
    }
}

/// git with nobody's configuration, and the user's name on commits.
fn git(user: &User) -> Command {
    let mut git = Command::new("git");
    git.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", &user.name)
        .env("GIT_AUTHOR_EMAIL", &user.email)
        .env("GIT_COMMITTER_NAME", &user.name)
        .env("GIT_COMMITTER_EMAIL", &user.email);
    git
}

/// Numbers in lines such as `remote:   http://…/c/infra/+/1 Subject [NEW]`.
fn changes_in(output: &str, project: &str) -> Vec<Change> {
    let numbers: BTreeSet<u64> = output
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(&format!("/c/{project}/+/"))?;
            rest.split_whitespace().next()?.parse().ok()
        })
        .collect();
    numbers.into_iter().map(|number| Change::new(project, number)).collect()
}

fn new_change_id(folder: &Path, subject: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let hex = Key::new()
        .text(&folder.to_string_lossy())
        .text(subject)
        .text(&now.as_nanos().to_string())
        .text(&COUNT.fetch_add(1, Ordering::Relaxed).to_string())
        .hex();
    format!("I{}", &hex[..40])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changes_of_a_push_are_read_from_gerrits_answer() {
        let output = "remote: SUCCESS\n\
            remote:   http://127.0.0.1:8080/c/team/infra/+/21 More replicas [NEW]\n\
            remote:   http://127.0.0.1:8080/c/team/infra/+/3 Another network [WIP]\n\
            remote:   http://127.0.0.1:8080/c/other/+/4 Not ours\n";
        let expected = [Change::new("team/infra", 3), Change::new("team/infra", 21)];
        assert_eq!(changes_in(output, "team/infra"), expected);
    }
}
