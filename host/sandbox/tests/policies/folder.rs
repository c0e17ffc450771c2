//! Modules are found by what they are, not by what they are called.

use crate::guest::Guest;
use crate::world::{input, limits, look};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use tidegate_core::ids::Digest;
use tidegate_core::policy::PolicyOutcome;
use tidegate_core::settings::{Policy, PolicyEffect};
use tidegate_sandbox::{FindError, Policies, PolicySandbox, read_module};

fn policies(folder: &std::path::Path) -> Policies {
    Policies::new(PolicySandbox::new(limits()).unwrap(), folder)
}

#[test]
fn a_module_is_found_under_any_name_and_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Guest::new().build(), Guest::new().finds(b"a", b"x").build());
    let digest = Digest::of(&two);
    fs::write(folder.path().join("one.wasm"), &one).unwrap();
    fs::write(folder.path().join("two.wasm"), &two).unwrap();
    // Its name says that it is the module, and its bytes say otherwise.
    fs::write(folder.path().join(format!("{digest}.wasm")), &one).unwrap();
    let policies = policies(folder.path());
    let found = policies.module(&digest).unwrap();
    assert_eq!(found.evaluate(&input("delete", json!({}))).unwrap().len(), 1);
    fs::remove_file(folder.path().join("two.wasm")).unwrap();
    assert!(Arc::ptr_eq(&found, &policies.module(&digest).unwrap()));
}

#[test]
fn a_module_that_is_missing_is_named_and_looked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let guest = Guest::new().build();
    let digest = Digest::of(&guest);
    let policies = policies(folder.path());
    let error = policies.module(&digest).unwrap_err();
    assert!(matches!(error, FindError::NotFound { .. }), "{error:?}");
    assert!(error.to_string().contains(digest.as_str()), "{error}");
    fs::write(folder.path().join("guest.wasm"), &guest).unwrap();
    assert!(policies.module(&digest).is_ok());
}

#[test]
fn every_policy_gets_a_judgement() {
    let folder = tempfile::tempdir().unwrap();
    let guest = Guest::new().finds(b"a", b"x").build();
    fs::write(folder.path().join("guest.wasm"), &guest).unwrap();
    let policy = |module: Digest| {
        let effect = PolicyEffect::Enforce;
        Policy { module, effect, settings: BTreeMap::new() }
    };
    let (good, missing) = (Digest::of(&guest), Digest::of(b"missing"));
    let configured: BTreeMap<_, _> = [
        ("good".parse().unwrap(), policy(good.clone())),
        ("missing".parse().unwrap(), policy(missing.clone())),
    ]
    .into();
    let given = input("delete", json!({}));
    let judgements = policies(folder.path()).judge(
        &configured,
        given.change.as_ref(),
        &given.stack,
        &look("delete"),
    );
    let of = |name: &str| &judgements[&name.parse().unwrap()];
    assert_eq!(of("good").module, good);
    assert!(matches!(&of("good").outcome, PolicyOutcome::Findings(found) if found.len() == 1));
    assert_eq!(of("missing").module, missing);
    match &of("missing").outcome {
        PolicyOutcome::Failed { text } => assert!(text.contains(missing.as_str()), "{text}"),
        PolicyOutcome::Findings(found) => panic!("{found:?}"),
    }
}

#[test]
fn a_file_that_is_too_large_for_a_module_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.wasm");
    fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    let error = read_module(&path).unwrap_err();
    assert!(format!("{error:?}").contains("more than 64 MiB"), "{error:?}");
}

#[test]
fn a_folder_of_too_many_files_is_not_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..=1_000 {
        fs::write(folder.path().join(format!("{n}.wasm")), "").unwrap();
    }
    let error = policies(folder.path()).module(&Digest::of(b"missing")).unwrap_err();
    assert!(matches!(error, FindError::TooMany(_)), "{error:?}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap().path().join("gone");
    let error = policies(&folder).module(&Digest::of(b"missing")).unwrap_err();
    assert!(matches!(&error, FindError::Unreadable { path, .. } if *path == folder), "{error:?}");
}
