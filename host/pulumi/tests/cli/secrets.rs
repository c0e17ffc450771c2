//! Secrets stay inside, with the real CLI.

use crate::lab::{Lab, PASSPHRASE};
use rstest::rstest;
use serde_json::{Value, json};
use tidegate_pulumi::{Environment, HmacKey, Previewed, SECRET_SIGNATURE, SIGNATURE_KEY, Secret};

const CONFIG: &str = "canary-in-config";
const NESTED: &str = "canary-in-an-object";
const LITERAL: &str = "canary-in-the-program";
const OUTPUT: &str = "canary-of-the-network";
const OLD: &str = "canary-in-the-state";

/// Secrets from everywhere: configuration, the program's text, derived, from another stack.
const PROGRAM: &str = r#"
config:
  pw: {type: string, secret: true}
  database: {type: object, secret: true}
resources:
  other:
    type: pulumi:pulumi:StackReference
    properties:
      name: organization/network/dev
  a:
    type: pulumi:index:Stash
    properties:
      input:
        direct: ${pw}
        derived: postgres://u:${pw}@h
        encoded: {"fn::toBase64": "${pw}"}
        nested: ${database}
        literal: {"fn::secret": canary-in-the-program}
        foreign: ${other.outputs["token"]}
outputs:
  pw: ${pw}
  plain: visible
"#;

async fn lab() -> Lab {
    let lab = Lab::new().await;
    lab.project("network", &format!("outputs:\n  token: {{'fn::secret': {OUTPUT}}}\n"));
    lab.up("network");
    lab.project("app", PROGRAM);
    lab.set("app", "pw", OLD, &["--secret"]);
    lab.set("app", "database.password", NESTED, &["--secret", "--path"]);
    lab.set("app", "database.host", "db.example.com", &["--path"]);
    lab.up("app");
    lab.set("app", "pw", CONFIG, &["--secret"]);
    lab
}

fn texts(previewed: &Previewed) -> [String; 4] {
    [
        previewed.events.clone(),
        previewed.plan.to_string(),
        previewed.state.to_string(),
        previewed.output.clone(),
    ]
}

fn hash(lab: &Lab, value: &Value) -> Value {
    json!({ SIGNATURE_KEY: SECRET_SIGNATURE, "hmac": lab.key.hash(value) })
}

#[tokio::test]
async fn no_secret_leaves_but_in_the_plan_file() {
    let lab = lab().await;
    let previewed = lab.preview("app", &["network"]).await.unwrap();
    for text in texts(&previewed) {
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains("v1:"), "no ciphertext: {text}");
    }
    let file = String::from_utf8(previewed.plan_file.to_vec()).unwrap();
    for secret in [CONFIG, NESTED, LITERAL, OUTPUT] {
        assert!(file.contains(secret), "{secret}");
    }
    assert!(!format!("{previewed:?}").contains("canary"));
}

#[tokio::test]
async fn equal_secrets_have_equal_hashes_in_plan_and_state() {
    let lab = lab().await;
    let previewed = lab.preview("app", &["network"]).await.unwrap();
    let urn = "urn:pulumi:dev::app::pulumi:index:Stash::a";
    let new = &previewed.plan["resourcePlans"][urn]["goal"]["inputDiff"]["updates"]["input"];
    let resources = previewed.state["resources"].as_array().unwrap();
    let old = &resources.iter().find(|resource| resource["urn"] == urn).unwrap()["inputs"];
    assert_eq!(old["input"]["direct"], hash(&lab, &json!(OLD)));
    assert_eq!(new["direct"], hash(&lab, &json!(CONFIG)));
    assert_eq!(new["derived"], hash(&lab, &json!(format!("postgres://u:{CONFIG}@h"))));
    assert_eq!(new["foreign"], hash(&lab, &json!(OUTPUT)));
    assert_eq!(new["foreign"], old["input"]["foreign"]);
    assert_eq!(new["nested"], old["input"]["nested"]);
    assert_eq!(previewed.plan["config"]["app:pw"], hash(&lab, &json!(CONFIG)));
    assert_eq!(
        previewed.plan["config"]["app:database"],
        json!({"host": "db.example.com", "password": hash(&lab, &json!(NESTED))})
    );
    assert_eq!(previewed.state["secrets_providers"], json!({"type": "passphrase"}));
}

#[tokio::test]
async fn another_key_gives_other_hashes() {
    let mut lab = lab().await;
    let first = lab.preview("app", &["network"]).await.unwrap();
    lab.key = HmacKey::new([8; 32]);
    let second = lab.preview("app", &["network"]).await.unwrap();
    assert_ne!(first.plan["config"]["app:pw"], second.plan["config"]["app:pw"]);
}

#[tokio::test]
async fn a_secret_that_lost_its_mark_is_struck_and_counted() {
    let lab = lab().await;
    // The same texts once more, written into the program by somebody who should not have.
    let line = format!("        unmarked: https://{LITERAL}:{CONFIG}@h\n        direct: ${{pw}}\n");
    let program = PROGRAM.replace("        direct: ${pw}\n", &line);
    lab.project("app", &program);
    let previewed = lab.preview("app", &["network"]).await.unwrap();
    for text in texts(&previewed) {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(previewed.unmarked_secrets > 0);
    let digits = |text: &str| lab.key.hash(&json!(text))[..16].to_owned();
    let (literal, config) = (digits(LITERAL), digits(CONFIG));
    // The engine itself strikes secrets of the configuration out of its events, and no others.
    let in_events = format!("https://[secret:{literal}]:[secret]@h");
    assert!(previewed.events.contains(&in_events), "{}", previewed.events);
    let in_plan = format!("https://[secret:{literal}]:[secret:{config}]@h");
    assert!(previewed.plan.to_string().contains(&in_plan), "{}", previewed.plan);
}

#[tokio::test]
async fn a_failing_program_does_not_print_secrets_either() {
    let lab = lab().await;
    let program = format!("{PROGRAM}  bad: ${{nope-{CONFIG}}}\n");
    lab.project("app", &program);
    let failure = lab.preview("app", &["network"]).await.unwrap_err();
    let text = failure.to_string();
    assert_eq!(failure.code(), "program-failed", "{text}");
    assert!(text.contains("[secret]") && !text.contains("canary"), "{text}");
}

#[rstest]
#[case::wrong(Some("something-else"))]
#[case::missing(None)]
#[tokio::test]
async fn without_the_passphrase_nothing_is_previewed_and_nothing_said(
    #[case] passphrase: Option<&str>,
) {
    let mut lab = lab().await;
    lab.environment = match passphrase {
        Some(text) => Environment::new().passphrase(Secret::new(text.to_owned())).unwrap(),
        None => Environment::new(),
    };
    let failure = lab.preview("app", &["network"]).await.unwrap_err();
    let text = failure.to_string();
    assert_eq!(failure.code(), "passphrase-wrong", "{text}");
    assert!(!text.contains("canary") && !text.contains(PASSPHRASE), "{text}");
}
