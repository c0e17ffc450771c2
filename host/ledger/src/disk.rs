//! What the log needs of a file system to survive a crash at any instruction.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What the names of files in the making start with.
pub(crate) const TEMP_PREFIX: &str = ".tmp-";

/// The mode of the log's files, less the process's umask: the log is there to be read.
const FILE_MODE: u32 = 0o644;

/// Everything that the log changes on disk. Reading needs no trait: it changes nothing.
///
/// The log is the only caller, one call after the other. An implementation may fail at any call;
/// the log then leaves what was written so far and clears it away before its next append.
pub trait Disk: Send {
    /// Makes a folder; one that is there already is fine. Its name need not be durable.
    ///
    /// # Errors
    /// What the system says.
    fn make_dir(&mut self, path: &Path) -> io::Result<()>;

    /// Makes a file that isn't there yet, whole or not at all, and its content durable. Its name
    /// need not be.
    ///
    /// # Errors
    /// What the system says; `AlreadyExists` when there is such a file.
    fn create(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Puts a file in the place of another, whole or not at all, and makes its content durable.
    ///
    /// # Errors
    /// What the system says.
    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&mut self, path: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove_file(&mut self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// What the system says.
    fn remove_dir(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system of this machine: temporary file, `fsync`, rename.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_dir(&mut self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn create(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        temporary(path, bytes)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        temporary(path, bytes)?.persist(path).map(drop).map_err(|error| error.error)
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}

/// The folder that a file is in; `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(TEMP_PREFIX)
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(parent_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn create_never_overwrites_and_replace_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        RealDisk.create(&path, b"one").unwrap();
        let error = RealDisk.create(&path, b"two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        RealDisk.replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_folder_that_is_there_is_fine_and_a_file_in_its_place_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tile");
        RealDisk.make_dir(&path).unwrap();
        RealDisk.make_dir(&path).unwrap();
        RealDisk.remove_dir(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(RealDisk.make_dir(&path).is_err());
    }
}
