//! The bundled module, built as it is shipped, on plans that Pulumi made.

use crate::world::{input, load};
use rstest::rstest;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;
use tidegate_sandbox::{FindingsError, PolicyModule};

static GUARDRAILS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    // Cargo's folder for tests lies in the target folder.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let built = tidegate_core_build::build_policy(root, target, "guardrails").unwrap();
    std::fs::read(built.component).unwrap()
});

fn guardrails() -> PolicyModule {
    load(&GUARDRAILS).unwrap()
}

#[test]
fn it_imports_nothing_and_says_what_it_takes() {
    let module = guardrails();
    assert_eq!(module.imports(), [""; 0]);
    let keys: Vec<_> = module.described().settings.iter().map(|s| s.key.as_str()).collect();
    assert_eq!(keys, ["protected-types", "max-changes", "max-deletes"]);
}

#[rstest]
#[case::within_the_limit("delete", json!({ "max-deletes": 100 }), &[])]
#[case::too_many_deletes("delete-everything", json!({ "max-deletes": 0 }), &["too-many-deletes"])]
#[case::a_replacement("replace-create-first", json!({ "max-deletes": 0 }), &["too-many-deletes"])]
#[case::too_many_changes("create", json!({ "max-changes": 0 }), &["too-many-changes"])]
fn a_plan_is_judged(#[case] case: &str, #[case] settings: Value, #[case] expected: &[&str]) {
    let findings = guardrails().evaluate(&input(case, settings)).unwrap();
    let codes: Vec<_> = findings.iter().map(|finding| finding.code().as_str()).collect();
    assert_eq!(codes, expected);
}

#[test]
fn a_protected_type_is_found_by_its_urn() {
    let given = input("delete", json!({}));
    let steps = &given.steps.steps;
    let gone = steps.iter().find(|step| step.operation.as_str() == "delete").unwrap();
    let settings = json!({ "protected-types": [gone.resource_type] });
    let findings = guardrails().evaluate(&input("delete", settings)).unwrap();
    let urns: Vec<_> = findings.iter().filter_map(|finding| finding.urn()).collect();
    assert!(urns.contains(&&gone.urn), "{findings:?}");
}

#[test]
fn wrong_settings_are_told_to_who_wrote_them() {
    let error = guardrails().evaluate(&input("delete", json!({ "max-deletes": "3" })));
    let error = error.unwrap_err();
    assert!(matches!(error, FindingsError::Said(_)), "{error:?}");
    let expected = "setting \"max-deletes\": found the text \"3\"; expected a whole number";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn another_folder_gives_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let root_there = elsewhere.path().join("far/away");
    for folder in ["policies/wit", "policies/guardrails", "policies/guardrails/src"] {
        std::fs::create_dir_all(root_there.join(folder)).unwrap();
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap();
                std::fs::copy(&path, root_there.join(folder).join(name)).unwrap();
            }
        }
    }
    // The compiler is the same one in every checkout.
    let toolchain = "rust-toolchain.toml";
    std::fs::copy(root.join(toolchain), root_there.join(toolchain)).unwrap();
    // Not the target folder of the others, but one whose dependencies need not be built each time.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let built = tidegate_core_build::build_policy(&root_there, target, "guardrails").unwrap();
    assert_eq!(std::fs::read(built.component).unwrap(), *GUARDRAILS);
}
