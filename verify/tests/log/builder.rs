//! Builds logs the slow way: each tile by the formula of C2SP `tlog-tiles`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;
use tidegate_verify::Key;

pub(crate) const NAME: &str = "built.example.com/log";

/// An entry that keeps the rules, dated `second` seconds after some moment.
pub(crate) fn entry(number: u64, second: u64) -> Vec<u8> {
    let time = 1_764_000_000_000 + second * 1000;
    format!(r#"{{"code":"event-seen","digests":{{}},"ids":{{"number":"{number}"}},"subject":"host","time":{time},"v":1}}"#)
        .into_bytes()
}

pub(crate) fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|i| entry(i, i)).collect()
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn key_material() -> Vec<u8> {
    [&[1], signer().verifying_key().as_bytes().as_slice()].concat()
}

fn key_id() -> [u8; 4] {
    let hash = Sha256::digest([NAME.as_bytes(), b"\n", &key_material()].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

pub(crate) fn key() -> Key {
    let id = u32::from_be_bytes(key_id());
    format!("{NAME}+{id:08x}+{}", STANDARD.encode(key_material())).parse().unwrap()
}

/// A note over any text.
pub(crate) fn sign(text: &str) -> String {
    let signature = signer().sign(text.as_bytes()).to_bytes();
    let line = STANDARD.encode([key_id().as_slice(), &signature].concat());
    format!("{text}\n\u{2014} {NAME} {line}\n")
}

pub(crate) fn checkpoint(entries: &[Vec<u8>]) -> String {
    sign(&format!("{NAME}\n{}\n{}\n", entries.len(), STANDARD.encode(tree_hash(entries))))
}

/// `MTH` of RFC 6962, section 2.1, word by word.
fn tree_hash(entries: &[Vec<u8>]) -> [u8; 32] {
    match entries {
        [] => Sha256::digest([]).into(),
        [one] => Sha256::digest([&[0], one.as_slice()].concat()).into(),
        more => {
            let mut k = 1;
            while k * 2 < more.len() {
                k *= 2;
            }
            let (left, right) = (tree_hash(&more[..k]), tree_hash(&more[k..]));
            Sha256::digest([&[1], left.as_slice(), &right].concat()).into()
        }
    }
}

/// Writes a log with these entries.
pub(crate) fn write(dir: &Path, entries: &[Vec<u8>]) {
    let mut width = 1;
    for level in 0.. {
        let items = entries.len() / width;
        if items == 0 {
            break;
        }
        let hash = |i: usize| tree_hash(&entries[i * width..(i + 1) * width]);
        for (path, range) in tiles(items) {
            let bytes: Vec<_> = range.flat_map(hash).collect();
            put(dir, &format!("tile/{level}/{path}"), &bytes);
        }
        width *= 256;
    }
    for (path, range) in tiles(entries.len()) {
        put(dir, &format!("tile/entries/{path}"), &bundle(&entries[range]));
    }
    put(dir, "checkpoint", checkpoint(entries).as_bytes());
}

/// Path and range of each tile of a row with so many items.
fn tiles(items: usize) -> Vec<(String, std::ops::Range<usize>)> {
    let mut tiles: Vec<_> =
        (0..items / 256).map(|n| (format!("{n:03}"), n * 256..(n + 1) * 256)).collect();
    if !items.is_multiple_of(256) {
        let n = items / 256;
        tiles.push((format!("{n:03}.p/{}", items % 256), n * 256..items));
    }
    tiles
}

pub(crate) fn bundle(entries: &[Vec<u8>]) -> Vec<u8> {
    entries.iter().flat_map(|e| [&(e.len() as u16).to_be_bytes(), e.as_slice()].concat()).collect()
}

pub(crate) fn put(dir: &Path, path: &str, bytes: &[u8]) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
