//! What a machine that died in the middle of things leaves behind.

use crate::git::{GitError, Mirrors};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Git's own locks are files that an untimely end leaves behind, and every later fetch fails of
/// them. No command of ours runs for this long, so an older one belongs to nobody.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Deepest folder below a mirror that is looked into: `refs/changes/NN/NNNN` and a few more, since
/// branches have slashes.
const DEPTH: usize = 32;

impl Mirrors {
    /// Removes checkouts and temporary files of an earlier run, and says how many there were. For
    /// the start of a program, while nothing else uses the scratch folder.
    ///
    /// # Errors
    /// When something can't be removed.
    pub async fn sweep(&self) -> Result<usize, GitError> {
        let scratch = self.scratch().to_owned();
        let path = scratch.clone();
        let io = move |source| GitError::Io { what: "can't tidy up", path, source };
        match tokio::task::spawn_blocking(move || empty(&scratch)).await {
            Ok(swept) => swept.map_err(io),
            Err(join) => Err(io(io::Error::other(join))),
        }
    }
}

fn empty(folder: &Path) -> io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
        removed += 1;
    }
    Ok(removed)
}

/// Removes git's abandoned locks from the mirror at `dir`.
pub(crate) fn remove_locks(dir: &Path) -> io::Result<()> {
    for lock in ["packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock"] {
        remove_if_old(&dir.join(lock))?;
    }
    let mut folders: Vec<(PathBuf, usize)> = vec![(dir.join("refs"), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "lock") {
                remove_if_old(&path)?;
            } else if path.is_dir() && depth < DEPTH {
                folders.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

fn remove_if_old(path: &Path) -> io::Result<()> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let modified = match std::fs::symlink_metadata(path) {
        Err(error) if gone(&error) => return Ok(()),
        metadata => metadata?.modified()?,
    };
    // A time in the future has no age yet.
    if modified.elapsed().is_ok_and(|age| age > ABANDONED) {
        match std::fs::remove_file(path) {
            Err(error) if gone(&error) => {}
            removed => removed?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::testing::{Repo, mirrors};
    use std::fs::File;
    use std::time::{Duration, SystemTime};
    use tidegate_core::ids::{Project, RefName};

    #[tokio::test]
    async fn a_lock_that_a_crash_left_behind_hinders_no_fetch() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let project: Project = "infra".parse().unwrap();
        let main: RefName = "refs/heads/main".parse().unwrap();
        mirrors(repo.server(), folder.path()).mirror(&project).await.unwrap();
        let heads = folder.path().join("mirrors/infra.git/refs/heads");
        let (old, fresh) = (heads.join("main.lock"), heads.join("other.lock"));
        let file = File::create(&old).unwrap();
        File::create(&fresh).unwrap();
        let mirror = mirrors(repo.server(), folder.path()).mirror(&project).await.unwrap();
        assert!(mirror.fetch(std::slice::from_ref(&main)).await.is_err(), "it may be somebody's");
        file.set_modified(SystemTime::now() - 2 * super::ABANDONED).unwrap();
        let mirror = mirrors(repo.server(), folder.path()).mirror(&project).await.unwrap();
        mirror.fetch(&[main]).await.unwrap();
        assert!(!old.exists() && fresh.exists());
        File::open(&fresh)
            .unwrap()
            .set_modified(SystemTime::now() + Duration::from_secs(9))
            .unwrap();
        super::remove_locks(&folder.path().join("mirrors/infra.git")).unwrap();
        assert!(fresh.exists());
    }

    #[tokio::test]
    async fn checkouts_of_an_earlier_run_are_swept() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        assert_eq!(mirrors.sweep().await.unwrap(), 0);
        let scratch = folder.path().join("scratch");
        std::fs::create_dir_all(scratch.join("tree-1/a/b")).unwrap();
        std::fs::write(scratch.join("file"), "x").unwrap();
        assert_eq!(mirrors.sweep().await.unwrap(), 2);
        assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0);
    }
}
