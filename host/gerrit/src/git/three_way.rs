//! Merging three trees path by path, as Gerrit does.
//!
//! `git merge` and `git merge-tree` follow renames. Gerrit's JGit doesn't, so they would call clean
//! what Gerrit refuses, and refuse what Gerrit merges. Here a path is only ever compared with
//! itself: `git read-tree` settles what one side left alone, `git merge-file` merges the lines of a
//! file that both sides changed, and everything else is a conflict.

use crate::git::{GitError, Mirror};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

/// The tree without entries, which git knows without storing it.
pub(crate) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Largest file that is merged line by line; a larger one that both sides changed is a conflict, as
/// it is for JGit from 50 MiB on.
const MERGED_BYTES: usize = 16 << 20;

/// How much of a file is looked at for a NUL, which makes it binary: as in git and JGit.
const BINARY_HEAD: usize = 8000;

/// What three trees make.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trees {
    /// One tree.
    Clean(String),
    /// No tree, because of these paths.
    Conflict(Vec<String>),
}

/// One side of a path: mode and blob.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side {
    mode: String,
    id: String,
}

/// What becomes of an open path.
enum Settled {
    /// This side, or nothing: it is deleted.
    To(Option<Side>),
    /// A person has to say.
    Conflict,
}

/// A path that `read-tree` left open, with what base, ours and theirs have there.
#[derive(Debug, Default)]
struct Open {
    sides: [Option<Side>; 3],
}

impl Mirror {
    /// Merges the change from `base` to `theirs` into `ours`; all are trees.
    pub(crate) async fn merge_trees(
        &self,
        base: &str,
        ours: &str,
        theirs: &str,
        content_merge: bool,
    ) -> Result<Trees, GitError> {
        if base == theirs || ours == theirs {
            return Ok(Trees::Clean(ours.to_owned()));
        }
        if base == ours {
            return Ok(Trees::Clean(theirs.to_owned()));
        }
        let folder = self.throw_away("merge-")?;
        let index = folder.path().join("index");
        let read = self.git("read-tree", ["-i", "-m", "--aggressive", base, ours, theirs]);
        read.index(&index).output().await?;
        let listed = self.git("ls-files", ["-u", "-z"]).index(&index).output().await?;

        let mut settled = Vec::new();
        let mut conflicts = BTreeSet::new();
        let mut one_sided = Vec::new();
        let mut deleted = Vec::new();
        for (path, open) in open_paths(&listed)? {
            match self.settle(&open, content_merge, folder.path()).await? {
                Settled::To(side) => {
                    settled.extend(index_lines(&path, side.as_ref()));
                    match side {
                        None => deleted.push(path),
                        Some(_) if open.sides.iter().any(Option::is_none) => one_sided.push(path),
                        Some(_) => {}
                    }
                }
                Settled::Conflict => {
                    conflicts.insert(path);
                }
            }
        }
        if !one_sided.is_empty() {
            let listed = self.git("ls-files", ["-z"]).index(&index).output().await?;
            conflicts.extend(clashes(&listed, &deleted, &one_sided));
        }
        if !conflicts.is_empty() {
            let text = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
            return Ok(Trees::Conflict(conflicts.iter().map(text).collect()));
        }
        if !settled.is_empty() {
            let update = self.git("update-index", ["-z", "--index-info"]);
            update.index(&index).input(settled).output().await?;
        }
        self.git("write-tree", [""; 0]).index(&index).line().await.map(Trees::Clean)
    }

    /// A folder that is gone when the value is.
    pub(crate) fn throw_away(&self, prefix: &str) -> Result<TempDir, GitError> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(self.scratch());
        made.map_err(|source| GitError::Io {
            what: "can't make a folder in",
            path: self.scratch().to_owned(),
            source,
        })
    }

    /// What an open path becomes.
    async fn settle(
        &self,
        open: &Open,
        content_merge: bool,
        folder: &Path,
    ) -> Result<Settled, GitError> {
        let [base, ours, theirs] = &open.sides;
        if let Some(side) = one_changed(base, ours, theirs) {
            return Ok(Settled::To(side.clone()));
        }
        // Added on both sides, or changed here and deleted there.
        let (Some(base), Some(ours), Some(theirs)) = (base, ours, theirs) else {
            return Ok(Settled::Conflict);
        };
        let Some(mode) = one_changed(&base.mode, &ours.mode, &theirs.mode) else {
            return Ok(Settled::Conflict);
        };
        let plain = |side: &Side| matches!(side.mode.as_str(), "100644" | "100755");
        let id = match one_changed(&base.id, &ours.id, &theirs.id) {
            Some(id) => Some(id.clone()),
            None if content_merge && plain(base) && plain(ours) && plain(theirs) => {
                self.merge_lines([&ours.id, &base.id, &theirs.id], folder).await?
            }
            None => None,
        };
        Ok(id.map_or(Settled::Conflict, |id| Settled::To(Some(Side { mode: mode.clone(), id }))))
    }

    /// Merges blobs (ours, base, theirs) line by line; none for a conflict.
    async fn merge_lines(
        &self,
        blobs: [&String; 3],
        folder: &Path,
    ) -> Result<Option<String>, GitError> {
        let names = ["ours", "base", "theirs"];
        for (blob, name) in blobs.into_iter().zip(names) {
            let bytes = self.git("cat-file", ["blob", blob]).bound(MERGED_BYTES).output().await;
            let bytes = match bytes {
                Ok(bytes) if is_text(&bytes) => bytes,
                Ok(_) | Err(GitError::TooMuch { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let path = folder.join(name);
            tokio::fs::write(&path, bytes).await.map_err(|source| GitError::Io {
                what: "can't write",
                path,
                source,
            })?;
        }
        let paths = names.map(|name| folder.join(name).into_os_string());
        let arguments = ["-p".into(), "-q".into()].into_iter().chain(paths);
        let merge = self.git("merge-file", arguments);
        // Up to 127 is the number of conflicts; above are errors.
        let merged = match merge.bound(3 * MERGED_BYTES).run().await {
            Ok(merged) => merged.stdout,
            Err(GitError::Failed { code: Some(1..=127), .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let hash = self.git("hash-object", ["-w", "-t", "blob", "--stdin", "--no-filters"]);
        hash.input(merged).line().await.map(Some)
    }
}

/// The value of the side that changed, or of both if they agree.
fn one_changed<'a, T: PartialEq>(base: &'a T, ours: &'a T, theirs: &'a T) -> Option<&'a T> {
    if base == ours || ours == theirs { Some(theirs) } else { (base == theirs).then_some(ours) }
}

/// Those of `added` that would be a file where another path needs a folder, or that need a folder
/// where another path is a file; the others are what `listed` has besides `deleted`. Git's index
/// would silently drop one of the two.
fn clashes(listed: &[u8], deleted: &[Vec<u8>], added: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let gone: BTreeSet<&[u8]> = deleted.iter().map(Vec::as_slice).collect();
    let stays = |path: &&[u8]| !path.is_empty() && !gone.contains(path);
    let all: BTreeSet<&[u8]> = listed.split(|b| *b == 0).filter(stays).collect();
    let clashes = |path: &&Vec<u8>| {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut above = slashes.filter_map(|(at, _)| path.get(..at));
        let folder = [path.as_slice(), b"/"].concat();
        let below = all.range(folder.as_slice()..).next();
        above.any(|above| all.contains(above))
            || below.is_some_and(|path| path.starts_with(&folder))
    };
    added.iter().filter(clashes).cloned().collect()
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().take(BINARY_HEAD).any(|b| *b == 0)
}

/// Lines for `update-index --index-info`: take the path off the index, put the side there.
fn index_lines(path: &[u8], side: Option<&Side>) -> Vec<u8> {
    let line = |head: String| [head.as_bytes(), path, b"\0"].concat();
    let mut lines = line(format!("0 {}\t", "0".repeat(EMPTY_TREE.len())));
    if let Some(side) = side {
        lines.extend(line(format!("{} {} 0\t", side.mode, side.id)));
    }
    lines
}

/// Reads `ls-files -u -z`: `mode id stage`, a tab, the path, NUL; stage 1 is the base.
fn open_paths(listed: &[u8]) -> Result<BTreeMap<Vec<u8>, Open>, GitError> {
    let mut paths: BTreeMap<Vec<u8>, Open> = BTreeMap::new();
    for entry in listed.split(|b| *b == 0).filter(|entry| !entry.is_empty()) {
        let parsed = (|| {
            let tab = entry.iter().position(|b| *b == b'\t')?;
            let words = String::from_utf8_lossy(entry.get(..tab)?).into_owned();
            let mut words = words.split(' ');
            let side = Side { mode: words.next()?.to_owned(), id: words.next()?.to_owned() };
            let stage: usize = words.next()?.parse().ok()?;
            Some((entry.get(tab + 1..)?.to_vec(), stage.checked_sub(1)?, side))
        })();
        let (path, stage, side) = parsed.ok_or_else(|| unexpected(entry))?;
        *paths.entry(path).or_default().sides.get_mut(stage).ok_or_else(|| unexpected(entry))? =
            Some(side);
    }
    Ok(paths)
}

fn unexpected(entry: &[u8]) -> GitError {
    let found = format!("the line {:?}", String::from_utf8_lossy(entry));
    GitError::Unexpected { asked: "ls-files".to_owned(), found }
}
