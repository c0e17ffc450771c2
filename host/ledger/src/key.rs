//! The secret half of a log's key, and the file that keeps it.

use crate::disk::parent_of;
use crate::key_name::{KeyName, KeyNameError};
use crate::verifier_key::{ED25519, VerifierKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What a secret key's line starts with, as in Go's `golang.org/x/mod/sumdb/note`.
const PREFIX: &str = "PRIVATE+KEY+";

/// A key line is a name of at most 200 bytes and some 70 more.
const MAX_KEY_FILE_BYTES: u64 = 1024;

/// The bits that let a group or others at a file.
const OTHERS: u32 = 0o077;

/// A log's signing key.
///
/// Its file holds one line, `PRIVATE+KEY+<name>+<key id>+<base64 of 0x01 and the 32-byte seed>`,
/// the form of Go's `note` package, and is readable by its owner only.
pub struct LogKey {
    key: SigningKey,
    verifier: VerifierKey,
}

/// What can go wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gave no random bytes.
    #[error("make a log key: the system has no random bytes")]
    Random(#[source] getrandom::Error),
    /// There is a file of that name.
    #[error("write log key {0}: the file exists; a key is never overwritten, choose another name")]
    Exists(PathBuf),
    /// The file could not be written.
    #[error("write log key {path}")]
    Write {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file could not be read.
    #[error("read log key {path}")]
    Read {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error(
        "read log key {path}: its mode is {mode:03o}, so others can use it; chmod 600 it, and make a new key if they may have"
    )]
    Mode {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The name in the line is not allowed.
    #[error("log key")]
    Name(#[from] KeyNameError),
    /// The line is no secret Ed25519 key. The text is not shown: it may be most of a key.
    #[error("log key: expected one line PRIVATE+KEY+<name>+<key id>+<base64> with an Ed25519 key")]
    Line,
}

impl LogKey {
    /// A new key of that name.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn generate(name: &KeyName) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(KeyError::Random)?;
        Ok(Self::from_seed(name, &seed))
    }

    /// The key that a secret line holds.
    ///
    /// # Errors
    /// When the line is not of the form that [`LogKey`] tells; its text is not in the error.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let mut parts = line.strip_prefix(PREFIX).ok_or(KeyError::Line)?.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Line);
        };
        let name: KeyName = name.parse()?;
        let material = STANDARD.decode(material).map_err(|_| KeyError::Line)?;
        let Some((&ED25519, seed)) = material.split_first() else {
            return Err(KeyError::Line);
        };
        let key = Self::from_seed(&name, seed.try_into().map_err(|_| KeyError::Line)?);
        if id != format!("{:08x}", key.verifier.id()) {
            return Err(KeyError::Line);
        }
        Ok(key)
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When the file can't be read, isn't its owner's alone, or holds no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(KeyError::Mode { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        file.take(MAX_KEY_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text)
    }

    /// Writes the key to a new file with mode 0600, whole or not at all.
    ///
    /// # Errors
    /// When the file exists or can't be written.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source| KeyError::Write { path: path.to_owned(), source };
        let parent = parent_of(path);
        // Files made by `tempfile` have mode 0600 from the first moment.
        let mut file = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
        writeln!(file, "{}", self.secret_line()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => failed(error.error),
        })?;
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        self.verifier.name()
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The Ed25519 signature over `text`.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }

    fn from_seed(name: &KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name.clone(), key.verifying_key());
        Self { key, verifier }
    }

    fn secret_line(&self) -> String {
        let material = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        let (name, id) = (self.verifier.name(), self.verifier.id());
        format!("{PREFIX}{name}+{id:08x}+{}", STANDARD.encode(material))
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({}+{:08x})", self.verifier.name(), self.verifier.id())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use std::fs;

    /// The key of Go's `golang.org/x/mod/sumdb/note` tests.
    const GO_KEY: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const GO_VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_key_of_go_s_note_package_is_read_and_written_as_it_was() {
        let key = LogKey::parse(GO_KEY).unwrap();
        assert_eq!(key.secret_line(), GO_KEY);
        assert_eq!(key.verifier().to_string(), GO_VERIFIER);
    }

    #[test]
    fn a_key_file_is_its_owner_s_alone_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        let name: KeyName = "tidegate.example.com/log".parse().unwrap();
        let key = LogKey::generate(&name).unwrap();
        key.write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(LogKey::read(&path).unwrap().verifier(), key.verifier());

        let before = fs::read(&path).unwrap();
        let other = LogKey::generate(&name).unwrap();
        assert!(matches!(other.write_new(&path), Err(KeyError::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        fs::write(&path, GO_KEY).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = LogKey::read(&path).unwrap_err().to_string();
        assert!(error.contains("its mode is 640"), "{error}");
    }

    #[rstest]
    #[case::public(GO_VERIFIER)]
    #[case::id("PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")]
    #[case::name("PRIVATE+KEY+PeterNewman+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")]
    #[case::short("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJE")]
    #[case::kind("PRIVATE+KEY+PeterNeumann+c74f20a3+AoEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")]
    #[case::empty("")]
    fn a_broken_key_line_is_refused_without_its_text(#[case] line: &str) {
        let error = LogKey::parse(line).unwrap_err();
        assert!(matches!(error, KeyError::Line), "{error}");
    }

    #[test]
    fn debug_output_has_no_secret() {
        let key = LogKey::parse(GO_KEY).unwrap();
        assert_eq!(format!("{key:?}"), "LogKey(PeterNeumann+c74f20a3)");
    }
}
