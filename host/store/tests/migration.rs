//! Opening the stores of earlier schemas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tidegate_store::{
    Advanced, Cause, Digest, EffectStatus, EventId, Fence, Keep, RawEvent, Reader, SCHEMA_VERSION,
    Store, StoreError, Transition,
};

const REVIEW: &str = "gerrit.example/infra/12";
const JOURNAL: &str = "gerrit.example/journal";

fn version_1() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("fixtures/version-1.sql")).unwrap();
    drop(connection);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    (folder, path)
}

fn schema(path: &Path) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(path).unwrap();
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_store_of_version_1_becomes_as_a_new_one() {
    let (folder, path) = version_1();
    drop(Store::open(&path).unwrap());
    let new = folder.path().join("new.db");
    drop(Store::open(&new).unwrap());
    assert_eq!(schema(&path), schema(&new));
    Reader::open(&path).unwrap().check().unwrap();
}

#[test]
fn a_store_of_version_1_keeps_what_was_in_it() {
    let (_folder, path) = version_1();
    let store = Store::open(&path).unwrap();
    let review = store.subject(REVIEW).unwrap().unwrap();
    assert_eq!((review.seq, &review.state[..]), (3, &b"{\"schema\":1}"[..]));
    assert_eq!(store.subjects("branch", None, 10).unwrap().len(), 1);
    assert_eq!(store.cursor(JOURNAL).unwrap(), Some(12));
    assert_eq!(store.cursor("gerrit.example/stream").unwrap(), None);
    let pending = store.pending_events(10).unwrap();
    assert_eq!(pending.iter().map(|event| event.id.0).collect::<Vec<_>>(), [6, 7]);
    assert_eq!((store.leaves_count().unwrap(), store.logged().unwrap()), (3, 2));
    let effects = store.effects_of(REVIEW).unwrap();
    assert_eq!(effects.len(), 3);
    assert_eq!(effects[2].status, EffectStatus::Done { ended_ms: 1150 });
}

#[test]
fn a_store_of_version_1_goes_on_where_it_stopped() {
    let (_folder, path) = version_1();
    let store = Store::open(&path).unwrap();

    let event = |position| RawEvent { position: Some(position), body: b"{}".to_vec() };
    let events = [event(3), event(12), event(13)];
    assert_eq!(store.append_events(JOURNAL, &events, 2_000).unwrap(), [EventId(8)]);

    let leased = store.lease(&["preview", "vote"], "runner-2", 9_000, 10).unwrap().unwrap();
    assert_eq!((&leased.kind[..], leased.fence), ("vote", Fence(4)));
    let leased = store.lease(&["preview", "vote"], "runner-2", 9_000, 10).unwrap().unwrap();
    assert_eq!((leased.attempt, leased.fence, leased.cancelled), (3, Fence(5), true));

    let plan = store.put_blob(b"plan", false, 9_000).unwrap();
    let mut transition = Transition::to("{}");
    transition.leaves.push(b"d".to_vec());
    transition.keep.push(Keep { digest: plan, until_ms: None });
    let cause = Cause::Event(EventId(6));
    let advanced =
        store.advance(cause, REVIEW, "review", 9_001, |_| Ok::<_, Infallible>(transition)).unwrap();
    let Advanced::Applied(applied) = advanced else {
        panic!("expected it to be applied, got {advanced:?}");
    };
    assert_eq!((applied.seq, applied.leaves), (4, 3..4));
    assert_eq!(store.blob(&Digest::of(b"plan")).unwrap().unwrap().bytes, b"plan");
}

#[test]
fn a_reader_of_version_1_asks_for_the_migration() {
    let (_folder, path) = version_1();
    let error = Reader::open(&path).unwrap_err();
    let StoreError::TooOld { found, known, .. } = error else {
        panic!("expected an old schema, got {error:?}");
    };
    assert_eq!((found, known), (1, SCHEMA_VERSION));
}
