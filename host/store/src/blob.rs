//! Blobs: bytes by their digest.
//!
//! They are rows of the same file, not files beside it. So a blob is there exactly when the
//! transition that refers to it is, one sync makes both durable, one mode (0600) and one backup
//! cover both, and no crash leaves a half written or an orphaned file. What it costs is that a
//! blob is held in memory whole, hence [`MAX_BLOB_BYTES`].

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::error::Failure;
use crate::limits::{MAX_BLOB_BYTES, check_size, from_column, page};
use crate::store::Ending;
use crate::{Digest, Reader, Store, StoreError};

/// A blob to store within a transition, and to keep for its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlob {
    /// Its bytes, at most [`MAX_BLOB_BYTES`].
    pub bytes: Vec<u8>,
    /// Whether exports must leave it out.
    pub secret: bool,
    /// Until when the subject needs it; `None` until it says otherwise.
    pub until_ms: Option<i64>,
}

/// For how long a subject needs a blob. Replaces what it said before of the same blob; a time in
/// the past lets go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Which blob.
    pub digest: Digest,
    /// Until when; `None` until the subject says otherwise.
    pub until_ms: Option<i64>,
}

/// A blob with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its bytes; their digest was checked.
    pub bytes: Vec<u8>,
    /// Whether exports must leave it out.
    pub secret: bool,
}

/// A blob without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Whether exports must leave it out.
    pub secret: bool,
    /// When it was put last.
    pub put_ms: i64,
}

impl Store {
    /// Stores bytes under their digest; no subject needs them yet, so pruning may take them after
    /// [`crate::LOOSE_BLOB_GRACE_MS`]. Putting the same bytes again starts that time anew. Once
    /// put as secret, a blob stays secret.
    ///
    /// # Errors
    /// More than [`MAX_BLOB_BYTES`], or the file's own errors.
    pub fn put_blob(&self, bytes: &[u8], secret: bool, now_ms: i64) -> Result<Digest, StoreError> {
        check_size("blob", bytes.len(), MAX_BLOB_BYTES)?;
        let digest = Digest::of(bytes);
        self.write("store a blob", |tx| {
            insert(tx, &digest, bytes, secret, now_ms)?;
            Ok(Ending::Commit(digest))
        })
    }
}

impl Reader {
    /// The blob of this digest.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the stored bytes have another digest; the file's own errors.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Blob>, StoreError> {
        self.read("read a blob", |connection| {
            let blob = connection
                .prepare_cached("SELECT body, secret FROM blobs WHERE digest = ?1")?
                .query_row([digest.as_bytes()], |row| {
                    Ok(Blob { bytes: row.get(0)?, secret: row.get(1)? })
                })
                .optional()?;
            match blob {
                Some(blob) if Digest::of(&blob.bytes) != *digest => {
                    Err(Failure::Damage(format!("blob {digest} has other bytes")))
                }
                blob => Ok(blob),
            }
        })
    }

    /// All blobs in the order of their digests, those after `after`; at most `limit` and
    /// [`crate::MAX_PAGE`].
    ///
    /// # Errors
    /// The file's own errors.
    pub fn blobs(&self, after: Option<&Digest>, limit: usize) -> Result<Vec<BlobInfo>, StoreError> {
        self.read("list blobs", |connection| {
            let after = after.map_or(&[][..], |digest| &digest.as_bytes()[..]);
            let mut statement = connection.prepare_cached(
                "SELECT digest, size, secret, put_ms FROM blobs
                 WHERE digest > ?1 ORDER BY digest LIMIT ?2",
            )?;
            let blobs = statement.query_map(params![after, page(limit)], info)?;
            Ok(blobs.collect::<Result<_, _>>()?)
        })
    }

    /// The blobs that a subject refers to, in the order of their digests, those after `after`; at
    /// most `limit` and [`crate::MAX_PAGE`].
    ///
    /// # Errors
    /// The file's own errors.
    pub fn blobs_of(
        &self,
        subject: &str,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, StoreError> {
        self.read("list a subject's blobs", |connection| {
            let after = after.map_or(&[][..], |digest| &digest.as_bytes()[..]);
            let mut statement = connection.prepare_cached(
                "SELECT digest, size, secret, put_ms FROM blob_refs JOIN blobs USING (digest)
                 WHERE subject = ?1 AND digest > ?2 ORDER BY digest LIMIT ?3",
            )?;
            let blobs = statement.query_map(params![subject, after, page(limit)], info)?;
            Ok(blobs.collect::<Result<_, _>>()?)
        })
    }
}

/// Stores bytes under their digest.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    digest: &Digest,
    bytes: &[u8],
    secret: bool,
    now_ms: i64,
) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT INTO blobs (digest, secret, put_ms, size, body)
         VALUES (?1, ?2, ?3, length(?4), ?4)
         ON CONFLICT (digest) DO UPDATE SET
             secret = max(secret, excluded.secret), put_ms = max(put_ms, excluded.put_ms)",
    )?
    .execute(params![digest.as_bytes(), secret, now_ms, bytes])?;
    Ok(())
}

/// Notes for how long `subject` needs a blob.
pub(crate) fn keep(tx: &Transaction<'_>, subject: &str, keep: &Keep) -> Result<(), Failure> {
    if !is_stored(tx, &keep.digest)? {
        return Err(StoreError::UnknownBlob(keep.digest).into());
    }
    tx.prepare_cached(
        "INSERT INTO blob_refs (digest, subject, until_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (digest, subject) DO UPDATE SET until_ms = excluded.until_ms",
    )?
    .execute(params![keep.digest.as_bytes(), subject, keep.until_ms])?;
    Ok(())
}

fn is_stored(tx: &Connection, digest: &Digest) -> Result<bool, Failure> {
    Ok(tx.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?.exists([digest.as_bytes()])?)
}

fn info(row: &Row<'_>) -> Result<BlobInfo, rusqlite::Error> {
    Ok(BlobInfo {
        digest: row.get::<_, [u8; 32]>(0)?.into(),
        size: from_column(row.get(1)?),
        secret: row.get(2)?,
        put_ms: row.get(3)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::convert::Infallible;

    use tempfile::TempDir;

    use super::*;
    use crate::{AdvanceError, Cause, Transition};

    fn open() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_blob_comes_back_by_its_digest_and_stays_secret() {
        let (_folder, store) = open();
        let digest = store.put_blob(b"plan", true, 1).unwrap();
        assert_eq!(digest, Digest::of(b"plan"));
        assert_eq!(store.put_blob(b"plan", false, 5).unwrap(), digest);
        let blob = store.blob(&digest).unwrap().unwrap();
        assert_eq!((&blob.bytes[..], blob.secret), (&b"plan"[..], true));
        assert_eq!(store.blob(&Digest::of(b"other")).unwrap(), None);
        let info = BlobInfo { digest, size: 4, secret: true, put_ms: 5 };
        assert_eq!(store.blobs(None, 10).unwrap(), [info]);
        assert_eq!(store.blobs(Some(&digest), 10).unwrap(), []);
    }

    #[test]
    fn an_empty_blob_is_a_blob() {
        let (_folder, store) = open();
        let digest = store.put_blob(b"", false, 1).unwrap();
        assert_eq!(store.blob(&digest).unwrap().unwrap().bytes, b"");
    }

    #[test]
    fn a_blob_over_the_limit_is_refused() {
        let (_folder, store) = open();
        let error = store.put_blob(&vec![0; MAX_BLOB_BYTES + 1], false, 1).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { what: "blob", .. }));
        assert_eq!(store.blobs(None, 10).unwrap(), []);
    }

    #[test]
    fn bytes_that_changed_on_disk_are_not_handed_out() {
        let (_folder, store) = open();
        let digest = store.put_blob(b"plan", false, 1).unwrap();
        store
            .write("test", |tx| {
                Ok(Ending::Commit(tx.execute("UPDATE blobs SET body = x'00000000'", [])?))
            })
            .unwrap();
        let error = store.blob(&digest).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }));
    }

    #[test]
    fn a_transition_stores_its_blobs_and_lists_them_as_its_subjects() {
        let (_folder, store) = open();
        let put = store.put_blob(b"put", false, 1).unwrap();
        let mut transition = Transition::to(b"{}");
        transition.blobs.push(NewBlob {
            bytes: b"made".to_vec(),
            secret: false,
            until_ms: Some(9),
        });
        transition.keep.push(Keep { digest: put, until_ms: None });
        store.advance(Cause::Other, "a", "x", 1, |_| Ok::<_, Infallible>(transition)).unwrap();
        let mut expected = [put, Digest::of(b"made")];
        expected.sort();
        let found = store.blobs_of("a", None, 10).unwrap();
        assert_eq!(found.iter().map(|info| info.digest).collect::<Vec<_>>(), expected);
        assert_eq!(store.blobs_of("b", None, 10).unwrap(), []);
    }

    #[test]
    fn nothing_can_refer_to_a_blob_that_is_not_there() {
        let (_folder, store) = open();
        let mut transition = Transition::to(b"{}");
        transition.keep.push(Keep { digest: Digest::of(b"gone"), until_ms: None });
        let error = store
            .advance(Cause::Other, "a", "x", 1, |_| Ok::<_, Infallible>(transition))
            .unwrap_err();
        assert!(matches!(error, AdvanceError::Store(StoreError::UnknownBlob(_))));
        assert_eq!(store.subject("a").unwrap(), None);
    }
}
