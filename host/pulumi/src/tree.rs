//! Reads a file of a checkout that somebody else filled.

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The bytes of the regular file `name` in `folder`; `None` if there is none. A symbolic link, a
/// path that leaves the folder, a pipe or a device is an error, and so is a file above `limit`
/// bytes.
pub(crate) fn read(folder: &Path, name: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let directory =
        openat(CWD, folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let opened = openat2(
        directory,
        name,
        // A pipe must not hold us up.
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    );
    let file = match opened {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
        Err(Errno::XDEV) => {
            return Err(io::Error::other("it lies outside of the project's folder"));
        }
        Err(errno) => return Err(errno.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use std::os::unix::fs::symlink;

    #[rstest]
    #[case::link("link", "symbolic link")]
    #[case::link_in_the_way("folder-link/file", "symbolic link")]
    #[case::outside("../outside", "outside")]
    #[case::absolute("/etc/passwd", "outside")]
    #[case::pipe("pipe", "not a regular file")]
    #[case::folder("folder", "not a regular file")]
    #[case::too_large("large", "larger than 4 bytes")]
    fn what_a_stranger_could_place_is_not_followed(#[case] name: &str, #[case] expected: &str) {
        let root = tempfile::tempdir().unwrap();
        let tree = root.path().join("tree");
        std::fs::create_dir_all(tree.join("folder")).unwrap();
        std::fs::write(root.path().join("outside"), "x").unwrap();
        std::fs::write(tree.join("folder/file"), "abcd").unwrap();
        std::fs::write(tree.join("large"), "abcde").unwrap();
        symlink("folder/file", tree.join("link")).unwrap();
        symlink("folder", tree.join("folder-link")).unwrap();
        rustix::fs::mkfifoat(CWD, tree.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        let error = read(&tree, Path::new(name), 4).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(read(&tree, Path::new("folder/file"), 4).unwrap().unwrap(), b"abcd");
        assert_eq!(read(&tree, Path::new("folder/none"), 4).unwrap(), None);
    }
}
