//! The bare mirror of one project.

use crate::Backoff;
use crate::git::command::GitCommand;
use crate::git::leftovers::remove_locks;
use crate::git::{GitError, GitProgram, MirrorsConfig, Remote};
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::ids::{BadId, ChangeNumber, PatchSetNumber, Project, RefName, Revision};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// How long a fetch may take: the first one of a large repository is a clone.
const FETCH: Duration = Duration::from_secs(15 * 60);

/// How long another process may hold the mirror: a fetch, and a little.
const LOCK: Duration = Duration::from_secs(16 * 60);

/// Attributes for everything that is read or checked out: bytes stay as they were reviewed, whatever
/// a tree's own `.gitattributes` say about line ends, encodings, keywords or filters.
const ATTRIBUTES: &str = "* -text -eol -ident -filter -working-tree-encoding -crlf\n";

/// One project's repository, fetched from Gerrit. Clones are the same mirror.
#[derive(Clone, Debug)]
pub struct Mirror {
    program: GitProgram,
    dir: PathBuf,
    scratch: PathBuf,
    project: Project,
    remote: Arc<Remote>,
    patience: Duration,
    /// One fetch at a time: two would fight for the refs.
    fetching: Arc<Mutex<()>>,
}

impl Mirror {
    pub(crate) async fn open(
        config: &MirrorsConfig,
        dir: PathBuf,
        project: Project,
        remote: Arc<Remote>,
    ) -> Result<Self, GitError> {
        let mirror = Self {
            program: config.git.clone(),
            scratch: config.scratch.clone(),
            project,
            remote,
            patience: config.patience,
            fetching: Arc::default(),
            dir,
        };
        let _lock = mirror.lock().await?;
        mirror.make().await?;
        Ok(mirror)
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Fetches refs, each to its own name in the mirror.
    ///
    /// # Errors
    /// [`GitError::NoSuchRef`] for the first that isn't there or isn't visible; then none is fetched.
    pub async fn fetch(&self, refs: &[RefName]) -> Result<(), GitError> {
        let specs: Vec<String> = refs.iter().map(|name| format!("+{name}:{name}")).collect();
        self.fetch_specs(&specs).await
    }

    /// Fetches `commit`, through `refs` if they lead to it, and waits within the mirror's patience
    /// until it can be had. Does nothing if it is there.
    ///
    /// # Errors
    /// [`GitError::NotFetchable`], or what hindered the last attempt.
    pub async fn fetch_commit(&self, commit: &Revision, refs: &[RefName]) -> Result<(), GitError> {
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        loop {
            if self.has(commit).await? {
                return Ok(());
            }
            let fetched = self.fetch_either(commit, refs).await;
            if fetched.is_ok() && self.has(commit).await? {
                return Ok(());
            }
            let waited = started.elapsed();
            match fetched {
                Err(error @ (GitError::Unauthorized { .. } | GitError::Start { .. })) => {
                    return Err(error);
                }
                Err(error) if waited >= self.patience => return Err(error),
                Ok(()) if waited >= self.patience => {
                    let (project, revision) = (self.project.clone(), commit.clone());
                    return Err(GitError::NotFetchable { project, revision, waited });
                }
                _ => sleep(backoff.wait()).await,
            }
        }
    }

    /// Whether the mirror has `commit`.
    ///
    /// # Errors
    /// When git can't be run.
    pub async fn has(&self, commit: &Revision) -> Result<bool, GitError> {
        let object = format!("{commit}^{{commit}}");
        let run = self.git("cat-file", ["-e", &object]).good_codes(&[0, 1, 128]).run().await?;
        Ok(run.status.success())
    }

    /// Where `reference` was when it was last fetched.
    ///
    /// # Errors
    /// When git can't be run.
    pub async fn fetched_tip(&self, reference: &RefName) -> Result<Option<Revision>, GitError> {
        let arguments = ["--verify", "--quiet", "--end-of-options", reference.as_str()];
        let run = self.git("rev-parse", arguments).good_codes(&[0, 1]).run().await?;
        Ok(String::from_utf8_lossy(&run.stdout).trim().parse().ok())
    }

    /// Packs what has piled up, and drops what nothing refers to and is two weeks old. For quiet
    /// hours.
    ///
    /// # Errors
    /// When git can't be run, or another process holds the mirror.
    pub async fn maintain(&self) -> Result<(), GitError> {
        let _one = self.fetching.lock().await;
        let _lock = self.lock().await?;
        let arguments = ["--quiet", "--prune=2.weeks.ago"];
        self.git("gc", arguments).patience(FETCH).output().await.map(drop)
    }

    /// A git command in this mirror.
    pub(crate) fn git<S: AsRef<OsStr>>(
        &self,
        asked: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> GitCommand {
        self.program.command(&self.dir, asked, arguments)
    }

    /// The remote, as git names it.
    pub(crate) fn remote_url(&self) -> String {
        self.remote.url(&self.project)
    }

    /// A git command that speaks to the remote.
    pub(crate) fn remote_git<S: AsRef<OsStr>>(
        &self,
        asked: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> GitCommand {
        self.git(asked, arguments).remote(&self.remote).patience(FETCH)
    }

    /// Where it is fetched from.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Where throw-away things are made.
    pub(crate) fn scratch(&self) -> &Path {
        &self.scratch
    }

    async fn fetch_either(&self, commit: &Revision, refs: &[RefName]) -> Result<(), GitError> {
        if !refs.is_empty() {
            self.fetch(refs).await?;
            if self.has(commit).await? {
                return Ok(());
            }
        }
        self.fetch_specs(&[commit.to_string()]).await
    }

    async fn fetch_specs(&self, specs: &[String]) -> Result<(), GitError> {
        let url = self.remote.url(&self.project);
        let options =
            ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--", &url];
        let arguments = options.into_iter().chain(specs.iter().map(String::as_str));
        let _one = self.fetching.lock().await;
        let _lock = self.lock().await?;
        let command = self.git("fetch", arguments).remote(&self.remote).patience(FETCH);
        command.output().await.map(drop).map_err(|error| self.explained(error))
    }

    /// Finds the usual reasons in what git said.
    fn explained(&self, error: GitError) -> GitError {
        let GitError::Failed { asked, code, said } = error else { return error };
        let project = self.project.clone();
        let says = |text: &str| said.contains(text);
        if let Some((_, reference)) = said.split_once("couldn't find remote ref ")
            && let Some(Ok(reference)) = reference.split(' ').next().map(str::parse)
        {
            return GitError::NoSuchRef { project, reference };
        }
        if says("Authentication failed") || says("could not read Username") {
            return GitError::Unauthorized { project, said };
        }
        // Gerrit says 403 for both, so that nobody learns which projects there are.
        let hidden = says("returned error: 403") || says("not appear to be a git repository");
        if hidden || (says("repository") && says("not found")) {
            return GitError::NoSuchProject { project };
        }
        GitError::Failed { asked, code, said }
    }

    /// Makes the repository, or finishes making it.
    async fn make(&self) -> Result<(), GitError> {
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| GitError::Io { what, path, source }
        };
        let info = self.dir.join("info");
        tokio::fs::create_dir_all(&info).await.map_err(failed("can't make the mirror", &info))?;
        tokio::fs::create_dir_all(&self.scratch)
            .await
            .map_err(failed("can't make the scratch folder", &self.scratch))?;
        let dir = self.dir.clone();
        let removed = tokio::task::spawn_blocking(move || remove_locks(&dir)).await;
        let removed = removed.unwrap_or_else(|join| Err(io::Error::other(join)));
        removed.map_err(failed("can't remove old locks from", &self.dir))?;
        let made = self.dir.join("HEAD").exists() && self.dir.join("config").exists();
        if !made {
            let arguments = ["--bare", "--quiet", "--template=", "--initial-branch=main"];
            self.git("init", arguments).output().await?;
        }
        let attributes = info.join("attributes");
        tokio::fs::write(&attributes, ATTRIBUTES)
            .await
            .map_err(failed("can't write the mirror's attributes", &attributes))
    }

    /// Keeps other processes out until the file is dropped.
    async fn lock(&self) -> Result<File, GitError> {
        let path = self.dir.with_extension("git.lock");
        let io =
            |source| GitError::Io { what: "can't lock the mirror by", path: path.clone(), source };
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(io)?;
        }
        let file = File::options().create(true).append(true).open(&path).map_err(io)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(io(source)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= LOCK => {
                    return Err(GitError::Locked { path, waited: LOCK });
                }
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// The ref of a change's history: `refs/changes/NN/NNNN/meta`.
///
/// # Errors
/// Never, but for a type that can't promise it.
pub fn meta_ref(number: ChangeNumber) -> Result<RefName, BadId> {
    under_change(number, "meta")
}

/// The ref of a patch set: `refs/changes/NN/NNNN/P`.
///
/// # Errors
/// Never, but for a type that can't promise it.
pub fn change_ref(number: ChangeNumber, patch_set: PatchSetNumber) -> Result<RefName, BadId> {
    under_change(number, &patch_set.to_string())
}

fn under_change(number: ChangeNumber, last: &str) -> Result<RefName, BadId> {
    format!("refs/changes/{:02}/{number}/{last}", number.0 % 100).parse()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::git::Mirrors;
    use crate::testing::{Fake, Reply, Repo, mirrors};
    use rstest::rstest;

    #[rstest]
    #[case(1, "refs/changes/01/1/meta")]
    #[case(1234, "refs/changes/34/1234/meta")]
    #[case(4_294_967_295, "refs/changes/95/4294967295/meta")]
    fn a_changes_refs_are_sharded_by_its_last_two_digits(#[case] number: u32, #[case] name: &str) {
        assert_eq!(meta_ref(ChangeNumber(number)).unwrap().as_str(), name);
    }

    fn infra() -> Project {
        "infra".parse().unwrap()
    }

    fn main() -> RefName {
        "refs/heads/main".parse().unwrap()
    }

    #[tokio::test]
    async fn a_ref_is_fetched_to_its_own_name_and_moves_with_the_server() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mirror = mirrors(repo.server(), folder.path()).mirror(&infra()).await.unwrap();
        assert_eq!(mirror.fetched_tip(&main()).await.unwrap(), None);
        mirror.fetch(&[main()]).await.unwrap();
        assert_eq!(mirror.fetched_tip(&main()).await.unwrap(), Some(repo.revision("main")));
        repo.git(&["commit", "--quiet", "--amend", "--message=Another"]);
        mirror.fetch(&[main()]).await.unwrap();
        assert_eq!(mirror.fetched_tip(&main()).await.unwrap(), Some(repo.revision("main")));
    }

    #[tokio::test]
    async fn a_commit_is_fetched_by_its_id_alone() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mirror = mirrors(repo.server(), folder.path()).mirror(&infra()).await.unwrap();
        let commit = repo.revision("main");
        assert!(!mirror.has(&commit).await.unwrap());
        mirror.fetch_commit(&commit, &[]).await.unwrap();
        assert!(mirror.has(&commit).await.unwrap());
        mirror.maintain().await.unwrap();
        assert!(mirror.has(&commit).await.unwrap(), "it is younger than two weeks");
    }

    #[tokio::test]
    async fn what_the_server_does_not_have_is_named() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&infra()).await.unwrap();
        let gone: RefName = "refs/heads/gone".parse().unwrap();
        let error = mirror.fetch(&[main(), gone.clone()]).await.unwrap_err();
        assert!(
            matches!(&error, GitError::NoSuchRef { reference, .. } if *reference == gone),
            "{error}"
        );
        let nowhere = "1".repeat(40).parse().unwrap();
        assert!(mirror.fetch_commit(&nowhere, &[]).await.is_err());
        let other = mirrors.mirror(&"other".parse().unwrap()).await.unwrap();
        let error = other.fetch(&[main()]).await.unwrap_err();
        assert!(matches!(error, GitError::NoSuchProject { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_commit_that_appears_late_is_waited_for() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mut mirror = mirrors(repo.server(), folder.path()).mirror(&infra()).await.unwrap();
        mirror.patience = Duration::from_secs(600);
        // The replica doesn't have the repository yet.
        let away = folder.path().join("away");
        std::fs::rename(repo.path(), &away).unwrap();
        let commit: Revision = {
            let head = std::fs::read_to_string(away.join(".git/refs/heads/main")).unwrap();
            head.trim().parse().unwrap()
        };
        let (fetching, wanted) = (mirror.clone(), commit.clone());
        let task = tokio::spawn(async move { fetching.fetch_commit(&wanted, &[]).await });
        tokio::task::yield_now().await;
        std::fs::rename(&away, repo.path()).unwrap();
        task.await.unwrap().unwrap();
        assert!(mirror.has(&commit).await.unwrap());
    }

    #[tokio::test]
    async fn two_mirrors_of_one_folder_fetch_one_after_the_other() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mut fetched = tokio::task::JoinSet::new();
        for _ in 0..4 {
            // As separate programs would: no mutex in common, only the lock file.
            let mirror = mirrors(repo.server(), folder.path()).mirror(&infra()).await.unwrap();
            fetched.spawn(async move { mirror.fetch(&[main()]).await });
        }
        for result in fetched.join_all().await {
            result.unwrap();
        }
    }

    #[rstest]
    #[case::credential(401, "doesn't accept the credentials")]
    #[case::project(403, "there is no such project, or this account may not read it")]
    #[tokio::test]
    async fn a_refusal_is_told_and_the_credential_goes_by_header_only(
        #[case] status: u16,
        #[case] text: &str,
    ) {
        let fake = Fake::start(move |_| Reply::Text(status, "no")).await;
        let folder = tempfile::tempdir().unwrap();
        let config = MirrorsConfig::new(folder.path().join("m"), folder.path().join("s"));
        let mirrors = Mirrors::new(config, Remote::gerrit(&fake.config()).unwrap());
        let mirror = mirrors.mirror(&"platform/infra".parse().unwrap()).await.unwrap();
        let error = mirror.fetch(&[main()]).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(
            fake.asked().iter().all(|asked| asked.starts_with("GET /a/platform/infra/info/refs"))
        );
        let headers = fake.seen().first().unwrap().headers.to_ascii_lowercase();
        assert!(headers.contains("authorization: basic dglkzwdhdgu6c2vzyw1l"), "{headers}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let fake = Fake::start(|request| {
            assert!(request.path.starts_with("/a/infra/"), "{}", request.path);
            Reply::Full(302, "Location: /stolen/\r\n", String::new())
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let config = MirrorsConfig::new(folder.path().join("m"), folder.path().join("s"));
        let mirrors = Mirrors::new(config, Remote::gerrit(&fake.config()).unwrap());
        let mirror = mirrors.mirror(&infra()).await.unwrap();
        assert!(mirror.fetch(&[main()]).await.is_err());
        assert!(!fake.asked().is_empty());
        assert!(fake.asked().iter().all(|asked| asked.contains("/a/infra/")));
    }
}
