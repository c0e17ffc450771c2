//! What `docs/policies.md` tells an author to write works as it stands there.

use crate::world::{input, load};
use serde_json::json;
use std::fs;
use std::path::Path;
use tidegate_core::settings::PolicySetting;

/// The text of the code block that follows `before`.
fn block<'a>(page: &'a str, before: &str) -> &'a str {
    let (_, after) = page.split_once(before).unwrap();
    let (_, code) = after.split_once('\n').unwrap();
    code.split_once("```\n").unwrap().0
}

#[test]
fn the_module_of_the_walk_through_builds_and_judges() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let page = fs::read_to_string(root.join("docs/policies.md")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("policies/no-public-buckets");
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::create_dir_all(folder.join("wit")).unwrap();
    let manifest = block(&page, "`Cargo.toml`:\n\n```toml");
    // The name of the profile is the only thing that our own build wants otherwise.
    let profile = "\n[profile.guest]\ninherits = \"release\"\n";
    fs::write(folder.join("Cargo.toml"), format!("{manifest}{profile}")).unwrap();
    fs::write(folder.join("src/lib.rs"), block(&page, "`src/lib.rs`:\n\n```rust")).unwrap();
    let lock = fs::read_to_string(root.join("policies/guardrails/Cargo.lock")).unwrap();
    let lock = lock.replace("\"guardrails\"", "\"no-public-buckets\"");
    fs::write(folder.join("Cargo.lock"), lock).unwrap();
    for (from, to) in [
        ("policies/wit/tidegate-policy.wit", folder.join("wit/tidegate-policy.wit")),
        ("rust-toolchain.toml", elsewhere.path().join("rust-toolchain.toml")),
    ] {
        fs::copy(root.join(from), to).unwrap();
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = "no-public-buckets";
    let built = tidegate_core_build::build_policy(elsewhere.path(), target, name).unwrap();
    let module = load(&fs::read(built.component).unwrap()).unwrap();
    assert_eq!(module.described().name, name);
    assert_eq!(module.imports(), [""; 0]);
    let mut given = input("create", json!({}));
    assert_eq!(module.evaluate(&given).unwrap(), []);
    let mut public = serde_json::to_value(&given).unwrap();
    public["steps"]["steps"] = json!([{
        "urn": "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::logs",
        "operation": "create",
        "type": "aws:s3/bucket:Bucket",
        "custom": true,
        "changes": { "acl": { "new": "public-read" } },
    }]);
    let found = module.evaluate(&serde_json::from_value(public).unwrap()).unwrap();
    assert_eq!(found.first().unwrap().sentence(), "the bucket logs would be readable by everybody");
    given.settings.insert("x".to_owned(), PolicySetting::Flag(true));
    let error = module.evaluate(&given).unwrap_err().to_string();
    assert!(error.contains("setting \"x\": there is none"), "{error}");
}
