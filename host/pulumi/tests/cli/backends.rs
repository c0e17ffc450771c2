//! Copies of states, from a folder and through the CLI.

use crate::lab::{Lab, contents, passphrase};
use serde_json::Value;
use std::path::PathBuf;
use tidegate_pulumi::{Backend, Secret, StateError, limits, preview};

const PROGRAM: &str = "resources:\n  a:\n    type: pulumi:index:Stash\n    properties:\n      \
                       input: {'fn::secret': canary-in-a-state}\n";

/// The same folder, but as if it were a place that only the CLI can read.
fn remote(lab: &Lab) -> Backend {
    let url = format!("file://{}", lab.states().display());
    Backend::Remote { url: Secret::new(url), environment: passphrase() }
}

#[tokio::test]
async fn a_state_through_the_cli_previews_like_one_that_was_copied() {
    let lab = Lab::new().await;
    lab.project("network", PROGRAM).up("network").project("app", PROGRAM).up("app");
    let before = contents(&lab.states());
    let copied = lab.copy("app", &["network"]).await;
    let exported = lab.copy_from(&remote(&lab), "app", &["network"]).await.unwrap();
    assert_eq!(contents(&lab.states()), before);
    let names = |state: &tidegate_pulumi::LocalState| -> Vec<PathBuf> {
        let folder = state.folder().join(".pulumi");
        let files = contents(&folder).into_keys();
        files.map(|path| path.strip_prefix(&folder).unwrap().to_owned()).collect()
    };
    assert_eq!(names(&copied), names(&exported));
    assert_eq!(copied.reference_digests().len(), 1);
    assert_eq!(copied.locks(), Some(&[][..]));
    assert_eq!(exported.locks(), None);

    let folder = lab.folder("app");
    let a = preview(lab.request(&folder, &copied)).await.unwrap();
    let b = preview(lab.request(&folder, &exported)).await.unwrap();
    assert_eq!(a.state, b.state);
    let summary = |events: &str| -> Value {
        let line = events.lines().find(|line| line.contains("summaryEvent")).unwrap();
        let event: Value = serde_json::from_str(line).unwrap();
        event["summaryEvent"]["resourceChanges"].clone()
    };
    assert_eq!(summary(&a.events), summary(&b.events));
}

#[tokio::test]
async fn the_digest_changes_with_the_state_and_only_with_it() {
    let lab = Lab::new().await;
    lab.project("app", PROGRAM).up("app");
    let first =
        [lab.copy("app", &[]).await, lab.copy_from(&remote(&lab), "app", &[]).await.unwrap()];
    let again =
        [lab.copy("app", &[]).await, lab.copy_from(&remote(&lab), "app", &[]).await.unwrap()];
    lab.project("app", &PROGRAM.replace("canary", "parrot")).up("app");
    let later =
        [lab.copy("app", &[]).await, lab.copy_from(&remote(&lab), "app", &[]).await.unwrap()];
    for ((first, again), later) in first.iter().zip(&again).zip(&later) {
        assert_eq!(first.digest(), again.digest());
        assert_ne!(first.digest(), later.digest());
    }
}

#[tokio::test]
async fn missing_stacks_are_told_apart_and_never_created() {
    let lab = Lab::new().await;
    lab.project("app", PROGRAM);
    let before = contents(&lab.states());
    for backend in [Backend::File(lab.states()), remote(&lab)] {
        let own = lab.copy_from(&backend, "none", &[]).await.err().unwrap();
        assert!(matches!(&own, StateError::StackMissing(_)), "{own}");
        assert!(own.to_string().contains("stacks are never created by a preview"), "{own}");
        let other = lab.copy_from(&backend, "app", &["none"]).await.err().unwrap();
        assert!(matches!(&other, StateError::ReferenceMissing(_)), "{other}");
    }
    assert_eq!(contents(&lab.states()), before);
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_an_error_without_its_password() {
    let lab = Lab::new().await;
    let url = "postgres://user:canary-of-the-database@127.0.0.1:1/states";
    let backend = Backend::new(url, passphrase()).unwrap();
    let error = lab.copy_from(&backend, "app", &[]).await.err().unwrap();
    let StateError::Export { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.code(), "backend-unreachable", "{source}");
    assert!(!source.to_string().contains("canary"), "{source}");
    let error = lab.copy_from(&Backend::File(lab.folder("none")), "app", &[]).await.err().unwrap();
    assert!(matches!(error, StateError::NotABackend { .. }), "{error}");
}

#[tokio::test]
async fn a_strangers_lock_is_noticed_and_does_not_hinder_a_preview() {
    let lab = Lab::new().await;
    lab.project("app", PROGRAM);
    let folder = lab.states().join(".pulumi/locks/organization/app/dev");
    std::fs::create_dir_all(&folder).unwrap();
    let text = r#"{"pid":7,"username":"bob","hostname":"h1","timestamp":"2026-01-02T03:04:05Z"}"#;
    std::fs::write(folder.join("a.json"), text).unwrap();
    let state = lab.copy("app", &[]).await;
    assert_eq!(state.locks().map(|locks| locks[0].user.as_str()), Some("bob"));
    preview(lab.request(&lab.folder("app"), &state)).await.unwrap();
}

#[tokio::test]
async fn states_beyond_the_limits_are_refused() {
    let lab = Lab::new().await;
    lab.project("app", PROGRAM);
    let many = vec!["app"; limits::REFERENCES + 1];
    let error = lab.copy_from(&Backend::File(lab.states()), "app", &many).await.err().unwrap();
    assert!(matches!(error, StateError::TooManyReferences { .. }), "{error}");
    let file = std::fs::File::create(lab.states().join(".pulumi/stacks/app/dev.json")).unwrap();
    // A hole, which takes no place on the disk.
    file.set_len(limits::STATE_BYTES + 1).unwrap();
    let error = lab.copy_from(&Backend::File(lab.states()), "app", &[]).await.err().unwrap();
    assert!(matches!(error, StateError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_state_is_refused() {
    let lab = Lab::new().await;
    lab.project("app", PROGRAM);
    let file = lab.states().join(".pulumi/stacks/app/dev.json");
    std::fs::write(&file, "{\"version\":3,\"checkpoint\":").unwrap();
    let error = lab.copy_from(&Backend::File(lab.states()), "app", &[]).await.err().unwrap();
    assert!(matches!(error, StateError::NotAState { .. }), "{error}");
}

#[tokio::test]
async fn compressed_states_are_read_through_the_cli() {
    let lab = Lab::new().await;
    lab.project("app", PROGRAM);
    let plain = lab.states().join(".pulumi/stacks/app/dev.json");
    let text = std::fs::read(&plain).unwrap();
    std::fs::remove_file(&plain).unwrap();
    std::fs::write(plain.with_extension("json.gz"), stored_gzip(&text)).unwrap();
    let previewed = lab.preview("app", &[]).await.unwrap();
    assert_eq!(previewed.state["secrets_providers"]["type"], "passphrase");
}

/// Gzip without compression (RFC 1951, section 3.2.4): enough for one block of a test.
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(bytes);
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}
