//! Files in git's configuration format, changed by `git config` itself.
//!
//! Gerrit's `project.config` is one. Git changes one value and leaves every other byte as it is:
//! comments, order, indentation, the way that values are quoted.

use crate::git::{GitError, Mirror};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Largest file that is changed. Real ones have a few kilobytes.
const CONFIG_BYTES: usize = 1 << 20;

/// A file while it is changed: a copy in a folder of its own, which goes when this is dropped.
#[derive(Debug)]
pub struct ConfigFile {
    mirror: Mirror,
    folder: TempDir,
    entries: Vec<(String, String)>,
}

impl Mirror {
    /// Takes `bytes` as a file in git's configuration format.
    ///
    /// # Errors
    /// When git can't read them as one, or there are more than 1 MiB.
    pub async fn config_file(&self, bytes: &[u8]) -> Result<ConfigFile, GitError> {
        if bytes.len() > CONFIG_BYTES {
            return Err(GitError::TooMuch { asked: "config".to_owned(), limit: CONFIG_BYTES });
        }
        let folder = self.throw_away("config-")?;
        let mut file = ConfigFile { mirror: self.clone(), folder, entries: Vec::new() };
        let path = file.path();
        let io = |source| GitError::Io { what: "can't write", path: path.clone(), source };
        tokio::fs::write(&path, bytes).await.map_err(io)?;
        file.read().await?;
        Ok(file)
    }
}

impl ConfigFile {
    /// All values of `key`, in the order of the file. A key is `section.name` or
    /// `section.subsection.name`; as in git, the subsection's letters count as they are.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        let key = normal(key);
        self.entries.iter().filter(move |(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// Whether there is a value in `section.subsection`.
    #[must_use]
    pub fn has_section(&self, section: &str, subsection: &str) -> bool {
        let start = normal(&format!("{section}.{subsection}.x"));
        let start = start.strip_suffix('x').unwrap_or(&start);
        self.entries
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(start))
            .any(|name| !name.contains('.'))
    }

    /// Adds a value to `key`, at the end of its section. Gives whether it wasn't there yet.
    ///
    /// # Errors
    /// When git refuses the key.
    pub async fn add(&mut self, key: &str, value: &str) -> Result<bool, GitError> {
        if self.values(key).any(|found| found == value) {
            return Ok(false);
        }
        self.run(["--add", "--", key, value]).await
    }

    /// Makes `value` the only value of `key`. Gives whether it wasn't so yet.
    ///
    /// # Errors
    /// When git refuses the key.
    pub async fn set(&mut self, key: &str, value: &str) -> Result<bool, GitError> {
        if self.values(key).eq([value]) {
            return Ok(false);
        }
        self.run(["--replace-all", "--", key, value]).await
    }

    /// The file as it is now.
    ///
    /// # Errors
    /// When the copy can't be read back.
    pub async fn bytes(&self) -> Result<Vec<u8>, GitError> {
        let path = self.path();
        let io = |source| GitError::Io { what: "can't read", path: path.clone(), source };
        tokio::fs::read(&path).await.map_err(io)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    async fn run(&mut self, arguments: [&str; 4]) -> Result<bool, GitError> {
        let path = self.path();
        let arguments = named(&path).into_iter().chain(arguments.map(AsRef::as_ref));
        self.mirror.git("config", arguments).output().await?;
        self.read().await?;
        Ok(true)
    }

    async fn read(&mut self) -> Result<(), GitError> {
        let path = self.path();
        let arguments = named(&path).into_iter().chain(["--list", "-z"].map(AsRef::as_ref));
        let listed = self.mirror.git("config", arguments).output().await?;
        self.entries = String::from_utf8_lossy(&listed)
            .split_terminator('\0')
            .map(|entry| entry.split_once('\n').unwrap_or((entry, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Ok(())
    }
}

fn named(path: &Path) -> [&std::ffi::OsStr; 2] {
    ["--file".as_ref(), path.as_os_str()]
}

/// A key as git lists it: section and name in lower case.
fn normal(key: &str) -> String {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    match rest.rsplit_once('.') {
        Some((subsection, name)) => {
            format!("{}.{subsection}.{}", section.to_ascii_lowercase(), name.to_ascii_lowercase())
        }
        None => format!("{}.{}", section.to_ascii_lowercase(), rest.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Repo, mirrors};
    use rstest::rstest;

    const FILE: &str = "# Ours\n[project]\n\tdescription = \"a ; b\" ; kept\n\
        [access \"refs/heads/*\"]\n  read = group Anonymous Users\n\n[plugin \"x\"]\n\tkey\n";

    async fn opened(text: &str) -> (ConfigFile, TempDir) {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        (mirror.config_file(text.as_bytes()).await.unwrap(), folder)
    }

    async fn text(file: &ConfigFile) -> String {
        String::from_utf8(file.bytes().await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn only_what_is_added_changes() {
        let (mut file, _folder) = opened(FILE).await;
        assert!(file.values("Project.Description").eq(["a ; b"]));
        assert!(file.values("plugin.x.key").eq([""]));
        let label = "access.refs/heads/*.label-Pulumi-Preview";
        assert!(file.add(label, "-1..+1 group Service Users").await.unwrap());
        assert!(!file.add(label, "-1..+1 group Service Users").await.unwrap());
        assert!(file.add("capability.tidegate-followEvents", "group A").await.unwrap());
        let expected = FILE.replace(
            "Anonymous Users\n",
            "Anonymous Users\n\tlabel-Pulumi-Preview = -1..+1 group Service Users\n",
        ) + "[capability]\n\ttidegate-followEvents = group A\n";
        assert_eq!(text(&file).await, expected);
    }

    #[tokio::test]
    async fn a_value_is_replaced_where_it_stands() {
        let (mut file, _folder) = opened(FILE).await;
        assert!(!file.set("project.description", "a ; b").await.unwrap());
        assert!(file.set("plugin.x.key", "-1 no").await.unwrap());
        assert_eq!(text(&file).await, FILE.replace("\tkey\n", "\tkey = -1 no\n"));
    }

    #[rstest]
    #[case("access", "refs/heads/*", true)]
    #[case("ACCESS", "refs/heads/*", true)]
    #[case("access", "refs/heads/", false)]
    #[case("plugin", "X", false)]
    #[tokio::test]
    async fn sections_are_found_by_their_whole_name(
        #[case] section: &str,
        #[case] subsection: &str,
        #[case] found: bool,
    ) {
        let (file, _folder) = opened(FILE).await;
        assert_eq!(file.has_section(section, subsection), found);
    }

    #[tokio::test]
    async fn what_is_no_such_file_is_refused() {
        let repo = Repo::with(&[("a", "1")]);
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        assert!(mirror.config_file(b"[access\n").await.is_err());
        assert!(mirror.config_file(&vec![b'\n'; CONFIG_BYTES + 1]).await.is_err());
    }
}
