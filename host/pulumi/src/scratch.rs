//! The folder in which runs keep what nobody may see, and remove it afterwards.

use crate::strays;
use rustix::fs::Mode;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How the folders of runs and of state copies begin, so that leftovers are known as ours.
const PREFIX: &str = "tidegate-run-";

/// A folder for the throw-away files of runs: homes, state copies, plans with secrets in clear.
///
/// It should be on a disk of this machine, or in memory, and belong to one program at a time.
#[derive(Clone, Debug)]
pub struct Scratch {
    path: PathBuf,
}

/// Why scratch space cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt} in the scratch folder {path}: is it writable, and is there space left?")]
pub struct ScratchError {
    attempt: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Scratch {
    /// Uses the folder at `path`, and makes it, readable by its owner alone, if it is not there.
    ///
    /// # Errors
    /// If it can't be made or is not a folder.
    pub fn open(path: &Path) -> Result<Self, ScratchError> {
        let scratch = Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) };
        let error = |source| scratch.error("open or make the folder", source);
        if !scratch.path.is_dir() {
            if let Some(parent) = scratch.path.parent() {
                std::fs::create_dir_all(parent).map_err(error)?;
            }
            match rustix::fs::mkdir(&scratch.path, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(errno) => return Err(error(errno.into())),
            }
        }
        std::fs::read_dir(&scratch.path).map_err(error)?;
        Ok(scratch)
    }

    /// Removes what runs of a killed program left here, and kills their processes. To be called
    /// at the start only, when no run is under way. Returns how many folders were removed.
    ///
    /// # Errors
    /// If a folder can't be listed or removed.
    pub fn sweep(&self) -> Result<usize, ScratchError> {
        let list = |source| self.error("list leftovers", source);
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.path).map_err(list)? {
            let path = entry.map_err(list)?.path();
            let ours = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(PREFIX));
            if ours && !path.is_symlink() && path.is_dir() {
                strays::kill_below(&path);
                std::fs::remove_dir_all(&path).map_err(|e| self.error("remove leftovers", e))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// A new folder, readable by its owner alone, removed when dropped.
    pub(crate) fn folder(&self) -> Result<TempDir, ScratchError> {
        tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&self.path)
            .map_err(|source| self.error("make a folder", source))
    }

    fn error(&self, attempt: &'static str, source: io::Error) -> ScratchError {
        ScratchError { attempt, path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn scratch_is_private_and_leftovers_are_removed_but_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("deep/scratch");
        let scratch = Scratch::open(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let kept = scratch.folder().unwrap().keep();
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::create_dir(path.join("somebody-elses")).unwrap();
        assert_eq!(Scratch::open(&path).unwrap().sweep().unwrap(), 1);
        assert!(!kept.exists());
        assert!(path.join("somebody-elses").exists());
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error = Scratch::open(&path).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
    }
}
