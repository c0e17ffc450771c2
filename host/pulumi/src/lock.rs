//! Locks of a stack on a self-managed backend.

use crate::{StackId, limits};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A lock that somebody holds on a stack. Previews don't take or mind locks; an apply has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The lock file's name.
    pub file: String,
    /// The user who holds it; empty if the file can't be read.
    pub user: String,
    /// The machine on which the holder runs.
    pub host: String,
    /// The holder's process there.
    pub process: u64,
    /// Since when, as the CLI wrote it (RFC 3339).
    pub since: String,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    pid: u64,
    #[serde(default)]
    username: String,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    timestamp: String,
}

/// The locks of `stack` in the backend's folder `.pulumi`. A lock that can't be read is one all
/// the same.
pub(crate) fn read_all(bookkeeping: &Path, stack: &StackId) -> io::Result<Vec<Lock>> {
    let folder = bookkeeping.join("locks").join(stack.to_string());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut locks = Vec::new();
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        // Beside each file lie its attributes, which some backends keep in a file.
        if file.ends_with(".json") && locks.len() < limits::LOCK_FILES {
            let content = read(&entry.path()).unwrap_or_default();
            locks.push(Lock {
                file,
                user: content.username,
                host: content.hostname,
                process: content.pid,
                since: content.timestamp,
            });
        }
    }
    locks.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(locks)
}

fn read(path: &Path) -> Option<Content> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(limits::LOCK_BYTES).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn locks_are_read_also_broken_ones() {
        let root = tempfile::tempdir().unwrap();
        let stack = StackId::new("app", "dev").unwrap();
        assert!(read_all(root.path(), &stack).unwrap().is_empty());
        let folder = root.path().join("locks/organization/app/dev");
        std::fs::create_dir_all(&folder).unwrap();
        let text =
            r#"{"pid":7,"username":"bob","hostname":"h1","timestamp":"2026-01-02T03:04:05Z"}"#;
        std::fs::write(folder.join("a.json"), text).unwrap();
        std::fs::write(folder.join("a.json.attrs"), "{}").unwrap();
        std::fs::write(folder.join("b.json"), "{").unwrap();
        let locks = read_all(root.path(), &stack).unwrap();
        let seen: Vec<_> = locks.iter().map(|l| (l.user.as_str(), l.process)).collect();
        assert_eq!(seen, [("bob", 7), ("", 0)]);
    }
}
