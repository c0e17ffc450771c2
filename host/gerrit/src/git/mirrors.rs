//! All mirrors of one server.

use crate::git::{GitError, GitProgram, Mirror, Remote};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::ids::{Digest, Project};
use tokio::sync::Mutex;

/// Where mirrors live and how they are fetched.
#[derive(Clone, Debug)]
pub struct MirrorsConfig {
    /// The folder that the bare repositories are in. It may be deleted while nothing runs: all of
    /// it can be fetched again.
    pub folder: PathBuf,
    /// The folder that throw-away checkouts are made in.
    pub scratch: PathBuf,
    /// The program.
    pub git: GitProgram,
    /// How long a commit that was announced may take to be fetchable: replicas lag.
    pub patience: Duration,
}

impl MirrorsConfig {
    /// Mirrors in `folder`, checkouts in `scratch`, the git on `PATH`, a minute of patience.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            scratch: scratch.into(),
            git: GitProgram::on_path(),
            patience: Duration::from_secs(60),
        }
    }
}

/// A bare mirror for each project, made when it is first asked for. Clones share them.
#[derive(Clone, Debug)]
pub struct Mirrors {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: MirrorsConfig,
    remote: Arc<Remote>,
    open: Mutex<HashMap<Project, Mirror>>,
}

impl Mirrors {
    /// Mirrors of what `remote` has.
    #[must_use]
    pub fn new(config: MirrorsConfig, remote: Remote) -> Self {
        let inner = Inner { config, remote: Arc::new(remote), open: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Where throw-away things are made.
    pub(crate) fn scratch(&self) -> &Path {
        &self.inner.config.scratch
    }

    /// The mirror of `project`, empty if it is new.
    ///
    /// # Errors
    /// When its folder can't be made, or git is missing.
    pub async fn mirror(&self, project: &Project) -> Result<Mirror, GitError> {
        let mut open = self.inner.open.lock().await;
        if let Some(mirror) = open.get(project) {
            return Ok(mirror.clone());
        }
        let dir = self.inner.config.folder.join(folder_name(project));
        let remote = Arc::clone(&self.inner.remote);
        let mirror = Mirror::open(&self.inner.config, dir, project.clone(), remote).await?;
        open.insert(project.clone(), mirror.clone());
        Ok(mirror)
    }
}

/// One folder name for each project, readable where it can be: what isn't a letter, digit, `-` or
/// `_` is percent-encoded, and a name that gets too long for a file system ends with its digest.
fn folder_name(project: &Project) -> String {
    /// File systems allow 255 bytes; `.git.lock` and the digest must fit too.
    const LONGEST: usize = 180;
    let mut name = String::new();
    for byte in project.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.len() > LONGEST {
        name.truncate(100);
        // '%' before something that isn't hex can't come from encoding, so no short name is equal.
        name.push_str("%x");
        name.push_str(Digest::of(project.as_str().as_bytes()).as_str());
    }
    name + ".git"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("infra", "infra.git")]
    #[case::slash("platform/infra", "platform%2Finfra.git")]
    #[case::dots("a/../b", "a%2F%2E%2E%2Fb.git")]
    #[case::percent("a%2Fb", "a%252Fb.git")]
    fn projects_have_folders_of_their_own(#[case] project: &str, #[case] folder: &str) {
        assert_eq!(folder_name(&project.parse().unwrap()), folder);
    }

    #[test]
    fn long_names_stay_short_and_apart() {
        let names: Vec<String> = ["a", "b"]
            .iter()
            .map(|end| folder_name(&format!("{}{end}", "x/".repeat(200)).parse().unwrap()))
            .collect();
        assert!(names.iter().all(|name| name.len() < 200), "{names:?}");
        assert_ne!(names.first(), names.last());
    }
}
