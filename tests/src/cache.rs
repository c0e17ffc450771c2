//! What is expensive to fetch or build, kept by what it was made of.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::progress::Progress;

/// Names another cache folder than the user's.
pub const CACHE_DIR: &str = "TIDEGATE_CACHE";

/// Hex digits of a key that stand in a folder's name: 64 bits, enough for a cache.
const KEY_DIGITS: usize = 16;

/// A folder of finished entries, one for each name and key.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The user's cache: [`CACHE_DIR`], `$XDG_CACHE_HOME/tidegate`, or `~/.cache/tidegate`.
    ///
    /// Outside of the checkout, so that a fresh clone builds nothing heavy again.
    ///
    /// # Errors
    /// No home folder is known, or the folder can't be made.
    pub fn open() -> Result<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let root = if let Some(root) = set(CACHE_DIR) {
            std::path::absolute(root)?
        } else if let Some(caches) = set("XDG_CACHE_HOME") {
            Path::new(&caches).join("tidegate")
        } else {
            env::home_dir()
                .context("no home folder is known; set TIDEGATE_CACHE to a folder")?
                .join(".cache/tidegate")
        };
        Self::at(&root)
    }

    /// A cache in a folder of one's own.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn at(root: &Path) -> Result<Self> {
        fs::create_dir_all(root)
            .with_context(|| format!("failed to make the cache folder {}", root.display()))?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// The folder of the entry `name` made of `key`, built by `build` if it isn't there.
    ///
    /// `build` gets an empty folder, which becomes the entry by rename when it has succeeded: a
    /// half-built entry is never used. Of several processes one builds and the others wait.
    ///
    /// # Errors
    /// Those of `build`, and of the file system.
    pub fn entry(
        &self,
        name: &str,
        key: &Key,
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let folder = self.root.join(name);
        let entry = folder.join(key.name());
        if entry.is_dir() {
            return Ok(entry);
        }
        fs::create_dir_all(&folder)?;
        let _lock = lock(
            &folder.join(format!("{}.lock", key.name())),
            &format!("waiting for another process that makes {name}"),
        )?;
        if entry.is_dir() {
            return Ok(entry);
        }
        // Beside the entry, because a rename works within one file system only.
        let staging = tempfile::Builder::new().prefix("unfinished-").tempdir_in(&folder)?;
        build(staging.path()).with_context(|| format!("failed to make {name}"))?;
        fs::rename(staging.keep(), &entry)?;
        Ok(entry)
    }

    /// Where the log of making an entry goes.
    #[must_use]
    pub fn log(&self, name: &str, key: &Key) -> PathBuf {
        self.root.join("logs").join(format!("{name}-{}.log", key.name()))
    }

    /// The cache's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The digest of everything that an entry is made of.
#[derive(Clone, Debug, Default)]
pub struct Key(Sha256);

impl Key {
    /// A key of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text, such as a tool's version.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a file's bytes.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn file(self, path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(self.bytes(&bytes))
    }

    /// Adds every file of a folder, by its path in it.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn folder(self, folder: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        files_below(folder, &mut paths)?;
        paths.sort();
        let mut key = self;
        for path in paths {
            let name = path.strip_prefix(folder).unwrap_or(&path);
            key = key.text(&name.to_string_lossy()).file(&path)?;
        }
        Ok(key)
    }

    /// The whole digest in hex.
    #[must_use]
    pub fn hex(&self) -> String {
        let digest = self.0.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn name(&self) -> String {
        self.hex().chars().take(KEY_DIGITS).collect()
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        // The length first, so that two parts never read as other two.
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
        self
    }
}

fn files_below(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("failed to read the folder {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files_below(&entry.path(), paths)?;
        } else {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// Takes the lock; it is given back when the file is closed, also by a crash.
fn lock(path: &Path, waiting: &str) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("failed to open the lock {}", path.display()))?;
    let _progress = Progress::start(waiting, None);
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn an_entry_is_built_once_by_one_of_many() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let built = AtomicUsize::new(0);
        let key = Key::new().text("one");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let entry = cache.entry("thing", &key, |folder| {
                        built.fetch_add(1, Ordering::SeqCst);
                        fs::write(folder.join("file"), "whole")?;
                        Ok(())
                    });
                    let text = fs::read_to_string(entry.unwrap().join("file")).unwrap();
                    assert_eq!(text, "whole");
                });
            }
        });
        assert_eq!(built.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_build_that_fails_leaves_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let key = Key::new();
        let failed = cache.entry("thing", &key, |folder| {
            fs::write(folder.join("half"), "")?;
            anyhow::bail!("out of luck")
        });
        assert_eq!(format!("{:#}", failed.unwrap_err()), "failed to make thing: out of luck");
        let entry = cache.entry("thing", &key, |_| Ok(())).unwrap();
        assert!(!entry.join("half").exists());
    }

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        let split = Key::new().text("ab").text("c").hex();
        assert_ne!(split, Key::new().text("a").text("bc").hex());
    }
}
