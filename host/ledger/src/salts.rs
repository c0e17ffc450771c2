//! The table of salts: who is behind which commitment.

use crate::commitment::{Commitment, Salt};
use crate::disk::parent_of;
use crate::lock::Lock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A hundred thousand accounts with some 150 bytes each; more is no table of salts.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// A table of salts in a JSON-lines file beside the log, for callers without a store of their own.
///
/// Each line is `{"account":"<account>","salt":"<base64>"}`. The file is its owner's alone and is
/// written anew, whole or not at all, on each change. It must not lie in the log's folder.
#[derive(Debug)]
pub struct SaltFile {
    path: PathBuf,
    salts: BTreeMap<String, Salt>,
    _lock: Lock,
}

/// What can go wrong with a table of salts.
#[derive(Debug, thiserror::Error)]
pub enum SaltError {
    /// Another process has the table open.
    #[error("open salts {0}: another process has them open; stop it first")]
    Locked(PathBuf),
    /// The file could not be read or written.
    #[error("{what} salts {path}")]
    Io {
        /// `open`, `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than the owner can read the file.
    #[error("open salts {path}: its mode is {mode:03o}, so others can read it; chmod 600 it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is larger than any table.
    #[error("open salts {0}: it is larger than 16 MiB")]
    TooLarge(PathBuf),
    /// A line is broken. Its text is not shown.
    #[error(
        "open salts {path}: line {line} is not {{\"account\":…,\"salt\":…}} of an account not seen before"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
    /// The system gave no random bytes.
    #[error("make a salt: the system has no random bytes")]
    Random(#[source] getrandom::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    account: String,
    salt: String,
}

impl SaltFile {
    /// Opens the table, or begins one.
    ///
    /// # Errors
    /// When another process has it, others can read it, or a line is broken.
    pub fn open(path: &Path) -> Result<Self, SaltError> {
        let failed = |source| SaltError::Io { what: "open", path: path.to_owned(), source };
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = Lock::take(Path::new(&lock_path))
            .map_err(failed)?
            .ok_or_else(|| SaltError::Locked(path.to_owned()))?;
        let salts = match File::open(path) {
            Ok(file) => read(path, &file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { path: path.to_owned(), salts, _lock: lock })
    }

    /// The commitment of `account`, with a new salt when it has none. The salt is durable before
    /// the commitment is given out.
    ///
    /// # Errors
    /// When a new salt can't be made or written.
    pub fn commit(&mut self, account: &str) -> Result<Commitment, SaltError> {
        if let Some(salt) = self.salts.get(account) {
            return Ok(salt.commit(account));
        }
        let salt = Salt::generate().map_err(SaltError::Random)?;
        let commitment = salt.commit(account);
        let mut salts = self.salts.clone();
        salts.insert(account.to_owned(), salt);
        self.store(salts)?;
        Ok(commitment)
    }

    /// The account behind a commitment, unless it was erased.
    #[must_use]
    pub fn account_of(&self, commitment: &Commitment) -> Option<&str> {
        self.salts
            .iter()
            .find(|(account, salt)| salt.commit(account) == *commitment)
            .map(|(account, _)| account.as_str())
    }

    /// Forgets an account: its commitments in the log then lead to nobody. The tree stays as it
    /// is. Returns the commitment, for a `salt-erased` leaf; `None` when there was no salt.
    ///
    /// Copies of the file (backups, snapshots, free blocks of the disk) are the operator's to
    /// erase.
    ///
    /// # Errors
    /// When the table can't be written; the salt is then still there.
    pub fn erase(&mut self, account: &str) -> Result<Option<Commitment>, SaltError> {
        let mut salts = self.salts.clone();
        let Some(salt) = salts.remove(account) else {
            return Ok(None);
        };
        self.store(salts)?;
        Ok(Some(salt.commit(account)))
    }

    fn store(&mut self, salts: BTreeMap<String, Salt>) -> Result<(), SaltError> {
        write(&self.path, &salts).map_err(|source| SaltError::Io {
            what: "write",
            path: self.path.clone(),
            source,
        })?;
        self.salts = salts;
        Ok(())
    }
}

fn read(path: &Path, file: &File) -> Result<BTreeMap<String, Salt>, SaltError> {
    let failed = |source| SaltError::Io { what: "read", path: path.to_owned(), source };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SaltError::Mode { path: path.to_owned(), mode });
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(SaltError::TooLarge(path.to_owned()));
    }
    let mut text = String::new();
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    let mut salts = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let (account, salt) = parse_line(line)
            .filter(|(account, _)| !salts.contains_key(account))
            .ok_or_else(|| SaltError::Line { path: path.to_owned(), line: number + 1 })?;
        salts.insert(account, salt);
    }
    Ok(salts)
}

fn parse_line(line: &str) -> Option<(String, Salt)> {
    let Line { account, salt } = serde_json::from_str(line).ok()?;
    let salt = STANDARD.decode(salt).ok()?.try_into().ok()?;
    Some((account, Salt::from_bytes(salt)))
}

fn write(path: &Path, salts: &BTreeMap<String, Salt>) -> io::Result<()> {
    let parent = parent_of(path);
    // Files made by `tempfile` have mode 0600 from the first moment.
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    for (account, salt) in salts {
        let line = Line { account: account.clone(), salt: STANDARD.encode(salt.as_bytes()) };
        serde_json::to_writer(&mut file, &line)?;
        file.write_all(b"\n")?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use std::fs;

    #[test]
    fn an_account_keeps_its_commitment_until_it_is_erased() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("salts.jsonl");
        let mut salts = SaltFile::open(&path).unwrap();
        let one = salts.commit("srv/1").unwrap();
        let two = salts.commit("srv/2").unwrap();
        drop(salts);

        let mut salts = SaltFile::open(&path).unwrap();
        assert_eq!(salts.commit("srv/1").unwrap(), one);
        assert_eq!(salts.account_of(&one), Some("srv/1"));
        assert_eq!(salts.erase("srv/1").unwrap(), Some(one.clone()));
        assert_eq!(salts.erase("srv/1").unwrap(), None);
        drop(salts);

        assert!(!fs::read_to_string(&path).unwrap().contains("srv/1"));
        let mut salts = SaltFile::open(&path).unwrap();
        assert_eq!(salts.account_of(&one), None);
        assert_eq!(salts.account_of(&two), Some("srv/2"));
        assert_ne!(salts.commit("srv/1").unwrap(), one, "a new salt has no tie to the old one");
    }

    #[test]
    fn the_table_is_its_owner_s_alone_and_open_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("salts.jsonl");
        let mut salts = SaltFile::open(&path).unwrap();
        salts.commit("srv/1").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(SaltFile::open(&path), Err(SaltError::Locked(_))));
        drop(salts);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SaltFile::open(&path), Err(SaltError::Mode { mode: 0o644, .. })));
    }

    #[rstest]
    #[case::text("hello")]
    #[case::short(r#"{"account":"a","salt":"AAAA"}"#)]
    #[case::more(r#"{"account":"a","salt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","x":1}"#)]
    #[case::twice(
        "{\"account\":\"a\",\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}\n{\"account\":\"a\",\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
    )]
    fn a_broken_line_is_named_and_not_shown(#[case] text: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("salts.jsonl");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = SaltFile::open(&path).unwrap_err();
        assert!(matches!(error, SaltError::Line { .. }), "{error}");
    }

    #[test]
    fn a_table_without_end_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("salts.jsonl");
        File::create(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(SaltFile::open(&path), Err(SaltError::TooLarge(_))));
    }
}
