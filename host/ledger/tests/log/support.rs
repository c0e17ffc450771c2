//! What the tests have in common.

use crate::disks::FastDisk;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tidegate_ledger::{Code, Leaf, Log, LogKey, Subject};
use tidegate_verify::{Report, Request, verify_log};

pub(crate) const ORIGIN: &str = "tidegate.example.com/log";

/// A key that is the same in every run, so that a failing seed fails again.
pub(crate) fn key() -> LogKey {
    LogKey::parse("PRIVATE+KEY+tidegate.example.com/log+5eab898a+AQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ").unwrap()
}

/// Leaf `i` of a story. Two stories have no leaf in common.
pub(crate) fn leaf(story: &str, i: u64) -> Leaf {
    Leaf::draft(Code::EventSeen, Subject::change("srv", "infra", 7).unwrap(), 1_764_000_000_000 + i)
        .id("story", story)
        .id("number", i)
        .build()
        .unwrap()
}

/// Leaves `from` to `to` of the main story.
pub(crate) fn leaves(from: u64, to: u64) -> Vec<Leaf> {
    (from..to).map(|i| leaf("main", i)).collect()
}

/// Makes a log with these sizes one after the other.
pub(crate) fn make(dir: &Path, sizes: &[u64]) -> Log {
    drop(Log::create(dir, ORIGIN, key()).unwrap());
    let mut log = open(dir);
    for size in sizes {
        log.append(&leaves(log.size(), *size)).unwrap();
    }
    log
}

pub(crate) fn open(dir: &Path) -> Log {
    Log::open_on(dir, ORIGIN, key(), Box::new(FastDisk)).unwrap()
}

pub(crate) fn verify(dir: &Path) -> Report {
    verify_with(dir, &Request::default())
}

pub(crate) fn verify_since(dir: &Path, checkpoint: &str) -> Report {
    let since = vec![("saved".to_owned(), checkpoint.to_owned())];
    verify_with(dir, &Request { since, proof: None })
}

pub(crate) fn verify_with(dir: &Path, request: &Request) -> Report {
    let key = key().verifier().to_string().parse().unwrap();
    verify_log(dir, &key, request, &mut |_, _| ()).unwrap()
}

/// Everything that is in a folder but the lock, by path with `/`.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(dir, "", &mut found);
    found
}

fn collect(dir: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for item in fs::read_dir(dir).unwrap() {
        let item = item.unwrap();
        let name = format!("{prefix}{}", item.file_name().into_string().unwrap());
        if item.file_type().unwrap().is_dir() {
            collect(&item.path(), &format!("{name}/"), found);
        } else if name != ".lock" {
            found.insert(name, fs::read(item.path()).unwrap());
        }
    }
}
