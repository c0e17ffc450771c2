//! Throw-away checkouts.

use crate::git::{GitError, Mirror};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use tempfile::TempDir;
use tidegate_core::ids::Revision;

/// Most bytes of a checkout. Programs are small; what is larger is data that belongs elsewhere.
const CHECKOUT_BYTES: u64 = 4 << 30;

/// Most entries of a checkout.
const CHECKOUT_ENTRIES: usize = 500_000;

/// How a Git LFS pointer starts (its `spec.md`), and the most bytes that one has.
const LFS_START: &[u8] = b"version https://git-lfs.github.com/spec/";
const LFS_BYTES: u64 = 1024;

/// The files of one commit in a folder of their own, which is removed when this is dropped.
///
/// The files are the bytes of the commit: no filter, no line end conversion, no keyword. There is no
/// `.git`. Symbolic links are made as they are, wherever they point, and are listed: who reads files
/// here outside of a sandbox reads them by [`Mirror::file`] instead.
#[derive(Debug)]
pub struct Worktree {
    folder: TempDir,
    /// The commit.
    pub commit: Revision,
    /// Symbolic links, by path.
    pub symlinks: Vec<Symlink>,
    /// Submodules, which are empty folders here.
    pub submodules: Vec<String>,
    /// Files that are only pointers to Git LFS, whose content isn't here.
    pub lfs: Vec<String>,
}

/// A symbolic link in a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symlink {
    /// Where it is.
    pub path: String,
    /// What it says.
    pub target: String,
    /// Whether it leads out of the checkout.
    pub leaves: bool,
}

impl Worktree {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes it now, and says if that failed; dropping it does the same in silence.
    ///
    /// # Errors
    /// When something in it can't be removed.
    pub async fn remove(self) -> Result<(), GitError> {
        let path = self.path().to_owned();
        let io = move |source| GitError::Io { what: "can't remove the checkout", path, source };
        match tokio::task::spawn_blocking(move || self.folder.close()).await {
            Ok(removed) => removed.map_err(io),
            Err(join) => Err(io(std::io::Error::other(join))),
        }
    }
}

/// One entry of a tree.
struct Entry {
    mode: String,
    size: u64,
    path: Vec<u8>,
}

impl Mirror {
    /// Checks `commit` out.
    ///
    /// # Errors
    /// When it is too large, or git fails.
    pub async fn worktree(&self, commit: &Revision) -> Result<Worktree, GitError> {
        let listing = ["-r", "-z", "-l", "--full-tree", commit.as_str()];
        let listed = self.git("ls-tree", listing).output().await?;
        let entries = entries(&listed)?;
        let what = || format!("the tree of {commit}");
        if entries.len() > CHECKOUT_ENTRIES {
            return Err(GitError::TooMany { what: what(), limit: CHECKOUT_ENTRIES });
        }
        let bytes = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        if bytes > CHECKOUT_BYTES {
            let found = format!("{} has {bytes} bytes, more than {CHECKOUT_BYTES}", what());
            return Err(GitError::Unexpected { asked: "ls-tree".to_owned(), found });
        }

        let index_folder = self.throw_away("index-")?;
        let index = index_folder.path().join("index");
        let folder = self.throw_away("tree-")?;
        self.git("read-tree", [commit.as_str()]).index(&index).output().await?;
        self.git("checkout-index", ["--all", "--force"])
            .index(&index)
            .environment("GIT_WORK_TREE", folder.path())
            .output()
            .await?;

        let root = folder.path().to_owned();
        let commit = commit.clone();
        let look = move || look_around(folder, commit, entries);
        match tokio::task::spawn_blocking(look).await {
            Ok(worktree) => worktree,
            Err(join) => Err(GitError::Io {
                what: "can't look through the checkout",
                path: root,
                source: std::io::Error::other(join),
            }),
        }
    }
}

/// Notes what isn't an ordinary file.
fn look_around(
    folder: TempDir,
    commit: Revision,
    entries: Vec<Entry>,
) -> Result<Worktree, GitError> {
    let (mut symlinks, mut submodules, mut lfs) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        let on_disk = folder.path().join(as_path(&entry.path));
        let io = |source| GitError::Io { what: "can't read", path: on_disk.clone(), source };
        match entry.mode.as_str() {
            "120000" => {
                let target = std::fs::read_link(&on_disk).map_err(io)?;
                let leaves = leaves(&path, &target);
                symlinks.push(Symlink {
                    path,
                    target: target.to_string_lossy().into_owned(),
                    leaves,
                });
            }
            "160000" => submodules.push(path),
            _ if entry.size < LFS_BYTES && is_lfs(&on_disk).map_err(io)? => lfs.push(path),
            _ => {}
        }
    }
    Ok(Worktree { folder, commit, symlinks, submodules, lfs })
}

fn is_lfs(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    let most = u64::try_from(LFS_START.len()).unwrap_or(LFS_BYTES);
    std::fs::File::open(path)?.take(most).read_to_end(&mut start)?;
    Ok(start == LFS_START)
}

/// Whether a link at `path` to `target` leads out of the tree, links on the way not counted.
fn leaves(path: &str, target: &Path) -> bool {
    if target.is_absolute() {
        return true;
    }
    let mut depth = path.matches('/').count();
    for part in target.components() {
        match part {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    false
}

/// Reads `ls-tree -r -l -z`: `mode type id size`, padded, a tab, the path, NUL.
fn entries(listed: &[u8]) -> Result<Vec<Entry>, GitError> {
    let parse = |line: &[u8]| {
        let tab = line.iter().position(|b| *b == b'\t')?;
        let words = String::from_utf8_lossy(line.get(..tab)?).into_owned();
        let mut words = words.split_ascii_whitespace();
        let mode = words.next()?.to_owned();
        // A submodule's size is "-".
        let size = words.nth(2)?.parse().unwrap_or(0);
        Some(Entry { mode, size, path: line.get(tab + 1..)?.to_vec() })
    };
    listed
        .split(|b| *b == 0)
        .filter(|line| !line.is_empty())
        .map(|line| {
            parse(line).ok_or_else(|| GitError::Unexpected {
                asked: "ls-tree".to_owned(),
                found: format!("the line {:?}", String::from_utf8_lossy(line)),
            })
        })
        .collect()
}

fn as_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests;
