//! A stack that reads another one of the same change, with the real CLI.

use crate::asked::{Answer, Asked, held_steps};
use crate::lab::Lab;
use serde_json::{Value, json};
use tidegate_core::steps::marker::Marker;
use tidegate_core::steps::{SCHEMA, StackName, StepsInput, steps};
use tidegate_pulumi::{GraftError, Outcome, Previewed, StackId, lift_markers, preview};

const TOKEN: &str = "canary-of-the-token";

fn network(value: &str) -> String {
    format!(
        "resources:\n  n:\n    type: pulumi:index:Stash\n    properties: {{input: {value}}}\n  m:\n    \
         type: pulumi:index:Stash\n    properties: {{input: x}}\noutputs:\n  out: ${{n.output}}\n  \
         id: ${{m.id}}\n  key: ${{n.id}}\n  token: {{'fn::secret': {TOKEN}}}\n"
    )
}

const APP: &str = "
resources:
  other:
    type: pulumi:pulumi:StackReference
    properties: {name: organization/network/dev}
  web:
    type: pulumi:index:Stash
    properties:
      input:
        known: 'http://${other.outputs[\"out\"]}/'
        later: 'net/${other.outputs[\"id\"]}'
        token: ${other.outputs[\"token\"]}
        hidden: {'fn::secret': '${other.outputs[\"key\"]}'}
outputs:
  later: ${other.outputs[\"id\"]}
";

fn marker(output: &str) -> Marker {
    let (nonce, stack) = ("k3v9".to_owned(), "network".parse().unwrap());
    Marker { nonce, stack, output: output.to_owned() }
}

fn texts() -> Vec<String> {
    ["id", "key"].map(|output| marker(output).text()).to_vec()
}

/// The plans of a network whose `id` nobody knows yet, and of an app that was previewed on it.
async fn plans(lab: &Lab) -> (Previewed, Previewed) {
    lab.project("network", "outputs:\n  out: one\n").up("network");
    lab.project("network", &network("two")).project("app", APP);
    let upstream = lab.preview("network", &[]).await.unwrap();
    let mut state = lab.copy("app", &["network"]).await;
    let digest = |state: &tidegate_pulumi::LocalState| {
        state.reference_digests().into_values().next().unwrap().to_owned()
    };
    let before = digest(&state);
    let text = |output: &str| marker(output).text();
    let id = StackId::new("network", "dev").unwrap();
    assert_eq!(state.graft(&id, &upstream.plan_file, &text).unwrap(), ["id", "key"]);
    assert_eq!(state.markers(), texts());
    assert_eq!(digest(&state), before);
    let other = StackId::new("nowhere", "dev").unwrap();
    let error = state.graft(&other, &upstream.plan_file, &text).unwrap_err();
    assert!(matches!(error, GraftError::NotCopied(_)));
    let folder = lab.folder("app");
    let app = preview(lab.request(&folder, &state)).await.unwrap();
    (upstream, app)
}

fn input_of_web(plan: &Value) -> Value {
    let urn = "urn:pulumi:dev::app::pulumi:index:Stash::web";
    plan["resourcePlans"][urn]["goal"]["inputDiff"]["adds"]["input"].clone()
}

#[tokio::test]
async fn a_stack_is_previewed_on_what_its_upstream_will_be_and_carried_out_after_it() {
    let lab = Lab::new().await;
    let (upstream, app) = plans(&lab).await;
    let input = input_of_web(&app.plan);
    assert_eq!(input["known"], "http://two/");
    assert_eq!(input["later"], format!("net/{}", marker("id").text()));
    assert_eq!(input["token"]["hmac"], lab.key.hash(&json!(TOKEN)));
    assert_eq!(input["hidden"]["marker"], marker("key").text(), "{input}");
    let approved = steps(&StepsInput {
        schema: SCHEMA,
        stack: StackName { project: "app".to_owned(), stack: "dev".to_owned() },
        events: app.events.clone(),
        plan: Some(app.plan.clone()),
        state: Some(app.state.clone()),
        resources: None,
        markers: vec![marker("id"), marker("key")],
    })
    .unwrap();
    assert!(approved.unknown > 0);

    let lifted = lift_markers(&app.plan_file, &texts()).unwrap();
    let gate = Asked::new(Answer::Yes);
    let outcome = lab.update("network", &upstream.plan_file, &gate).await;
    let Outcome::Applied(network) = outcome else { panic!("{outcome:#?}") };
    let outcome = lab.update("app", &app.plan_file, &gate_that_must_not_be_asked()).await;
    assert!(matches!(outcome, Outcome::Violated { .. }), "{outcome:#?}");

    let gate = Asked::new(Answer::Yes);
    let outcome = lab.update("app", &lifted, &gate).await;
    let Outcome::Applied(applied) = outcome else { panic!("{outcome:#?}") };
    assert_eq!(applied.outputs["later"], network.outputs["id"]);
    let held = held_steps("app", &gate.held().unwrap());
    assert_eq!(held.unknown, 0);
    assert_eq!(held.steps.len(), approved.steps.len());
    assert!(!gate.text().contains("canary"), "{}", gate.text());
}

fn gate_that_must_not_be_asked() -> Asked<'static> {
    Asked::new(Answer::No)
}

#[tokio::test]
async fn an_upstream_that_came_out_otherwise_violates_the_plan() {
    let lab = Lab::new().await;
    let (_, app) = plans(&lab).await;
    lab.project("network", &network("three")).up("network");
    let lifted = lift_markers(&app.plan_file, &texts()).unwrap();
    let gate = Asked::new(Answer::Yes);
    let outcome = lab.update("app", &lifted, &gate).await;
    assert!(matches!(outcome, Outcome::Violated { .. }), "{outcome:#?}");
    assert!(gate.held().is_none());
}

#[tokio::test]
async fn an_upstream_that_was_never_deployed_can_be_read_too() {
    let lab = Lab::new().await;
    lab.project("network", &network("two")).project("app", APP);
    let upstream = lab.preview("network", &[]).await.unwrap();
    let mut state = lab.copy("app", &["network"]).await;
    let id = StackId::new("network", "dev").unwrap();
    state.graft(&id, &upstream.plan_file, &|output| marker(output).text()).unwrap();
    let folder = lab.folder("app");
    let app = preview(lab.request(&folder, &state)).await.unwrap();
    assert_eq!(input_of_web(&app.plan)["known"], "http://two/");
}
