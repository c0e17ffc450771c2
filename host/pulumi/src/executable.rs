//! Programs that a run starts, and their digests.

use crate::digest::hex;
use rustix::fs::Access;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Read at once while digesting.
const CHUNK: usize = 256 << 10;

/// A program on disk, as it was when the host started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// The file's name, such as `pulumi-language-yaml`.
    pub name: String,
    /// Where it was found.
    pub path: PathBuf,
    /// SHA-256 of its bytes, 64 lower-case hex digits.
    pub digest: String,
}

impl Executable {
    /// Reads and digests the program at `path`.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                count => hasher.update(&chunk[..count]),
            }
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, path: path.to_owned(), digest: hex(&hasher.finalize()) })
    }
}

/// The programs directly in `folder` whose names `wanted` accepts, by name. A folder that can't be
/// listed has none, as on PATH.
pub(crate) fn list(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted))
        .filter(|path| is_executable(path))
        .collect();
    paths.sort();
    paths
}

/// Whether `path` is a file, or leads to one, that this user may run.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_executable_files_of_the_wanted_names_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for (name, mode) in [("a-host", 0o755), ("b-host", 0o644), ("c", 0o755)] {
            let path = folder.path().join(name);
            std::fs::write(&path, "abc").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        std::fs::create_dir(folder.path().join("d-host")).unwrap();
        let found = list(folder.path(), |name| name.ends_with("-host"));
        // The superuser may run a file only if somebody may: `b-host` is not in either case.
        assert_eq!(found, [folder.path().join("a-host")]);
        assert_eq!(
            Executable::read(&found[0]).unwrap().digest,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(list(Path::new("/nowhere/at/all"), |_| true).is_empty());
    }
}
