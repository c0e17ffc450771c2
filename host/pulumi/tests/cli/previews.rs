//! Previews of YAML programs with the real CLI.

use crate::lab::{Lab, contents};
use rstest::rstest;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use tidegate_pulumi::{Failure, Progress, Scratch, preview};
use tokio::sync::watch;

const STASH: &str = "resources:\n  a:\n    type: pulumi:index:Stash\n    properties:\n      \
                     input: one\noutputs:\n  out: ${a.output}\n";

fn reading(project: &str) -> String {
    format!(
        "resources:\n  other:\n    type: pulumi:pulumi:StackReference\n    properties:\n      \
         name: organization/{project}/dev\noutputs:\n  seen: ${{other.outputs[\"out\"]}}\n"
    )
}

/// The operations that were planned, by the resource's name.
fn planned(events: &str) -> Vec<(String, String)> {
    events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|event| {
            let metadata = event.get("resourcePreEvent")?.get("metadata")?.clone();
            let urn = metadata["urn"].as_str()?;
            Some((metadata["op"].as_str()?.to_owned(), urn.rsplit("::").next()?.to_owned()))
        })
        .collect()
}

#[tokio::test]
async fn a_preview_gives_events_plan_state_and_output_and_changes_nothing() {
    let lab = Lab::new().await;
    lab.project("app", STASH).up("app").project("app", &STASH.replace("one", "two"));
    let (states, tree) = (contents(&lab.states()), contents(&lab.folder("app")));
    let state = lab.copy("app", &[]).await;
    let copy = contents(state.folder());
    let folder = lab.folder("app");
    let (report, progress) = watch::channel(Progress::default());
    let mut request = lab.request(&folder, &state);
    request.progress = Some(report);
    request.parallel = NonZeroU32::new(2);

    let previewed = preview(request).await.unwrap();

    assert!(planned(&previewed.events).contains(&("update".to_owned(), "a".to_owned())));
    let plan = &previewed.plan["resourcePlans"]["urn:pulumi:dev::app::pulumi:index:Stash::a"];
    assert_eq!(plan["steps"], json!(["update"]));
    assert_eq!(previewed.state["resources"][2]["inputs"]["input"], "one");
    assert!(previewed.output.contains("pulumi:index:Stash a update"), "{}", previewed.output);
    assert_eq!(previewed.state_digest, state.digest());
    assert_eq!(previewed.project.name(), "app");
    assert!(previewed.stack_file.is_some());
    assert_eq!(previewed.versions.cli, lab.cli.version().to_string());
    assert_eq!(previewed.unmarked_secrets, 0);
    assert!(serde_json::from_slice::<Value>(&previewed.plan_file).is_ok());
    assert_eq!(progress.borrow().result.as_deref(), Some("succeeded"));
    assert_eq!(progress.borrow().events, previewed.events.lines().count() as u64);

    assert_eq!(contents(&lab.states()), states);
    assert_eq!(contents(&folder), tree);
    assert_eq!(contents(state.folder()), copy);
    drop(state);
    assert!(contents(&lab.root.path().join("scratch")).is_empty());
}

#[tokio::test]
async fn one_copy_of_a_state_serves_previews_at_the_same_time() {
    let lab = Lab::new().await;
    lab.project("app", STASH);
    let state = lab.copy("app", &[]).await;
    let folder = lab.folder("app");
    let (a, b) =
        tokio::join!(preview(lab.request(&folder, &state)), preview(lab.request(&folder, &state)));
    assert_eq!(planned(&a.unwrap().events), planned(&b.unwrap().events));
}

#[tokio::test]
async fn a_saved_plan_can_be_applied() {
    let lab = Lab::new().await;
    lab.project("app", STASH);
    let previewed = lab.preview("app", &[]).await.unwrap();
    let plan = lab.root.path().join("plan.json");
    std::fs::write(&plan, &previewed.plan_file).unwrap();
    let up = ["up", "--yes", "--stack", "dev", "--plan", plan.to_str().unwrap()];
    let said = lab.pulumi("app", &up);
    assert!(said.contains("+ 2 created"), "{said}");
}

#[tokio::test]
async fn outputs_of_a_referenced_stack_are_read_from_the_copy() {
    let lab = Lab::new().await;
    lab.project("network", STASH).up("network").project("app", &reading("network"));
    let previewed = lab.preview("app", &["network"]).await.unwrap();
    let stack = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev";
    let outputs = &previewed.plan["resourcePlans"][stack]["goal"]["outputDiff"]["adds"];
    assert_eq!(outputs["seen"], "one");
    assert_eq!(previewed.reference_digests.len(), 1);
}

#[tokio::test]
async fn a_reference_without_a_copy_is_named() {
    let lab = Lab::new().await;
    lab.project("network", STASH).up("network").project("app", &reading("network"));
    match lab.preview("app", &[]).await.unwrap_err() {
        Failure::MissingReference(stack) => {
            assert_eq!(stack.to_string(), "organization/network/dev");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_stack_file_without_a_salt_or_missing_stays_as_it_is() {
    let lab = Lab::new().await;
    lab.project("app", STASH);
    let file = lab.folder("app").join("Pulumi.dev.yaml");
    std::fs::write(&file, "config: {}\n").unwrap();
    assert!(lab.preview("app", &[]).await.unwrap().stack_file.is_some());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "config: {}\n");
    std::fs::remove_file(&file).unwrap();
    assert!(lab.preview("app", &[]).await.unwrap().stack_file.is_none());
    assert!(!file.exists());
}

#[tokio::test]
async fn scratch_folders_may_have_any_name() {
    let mut lab = Lab::new().await;
    lab.project("app", STASH);
    lab.scratch = Scratch::open(&lab.root.path().join("a b#c%d?é")).unwrap();
    lab.preview("app", &[]).await.unwrap();
}

#[rstest]
#[case::other_project("name: other\nruntime: yaml\n", "project-mismatch", "\"other\"")]
#[case::broken_yaml("name: [app\n", "project-file", "cannot parse Pulumi.yaml")]
#[case::unknown_language(
    "name: app\nruntime: cobol\n",
    "plugin-missing",
    "'pulumi-language-cobol'"
)]
#[case::unknown_provider(
    "name: app\nruntime: yaml\nresources: {b: {type: 'aws:s3:Bucket'}}\n",
    "plugin-missing",
    "'pulumi-resource-aws'"
)]
#[case::failing_program(
    "name: app\nruntime: yaml\noutputs: {x: '${nope}'}\n",
    "program-failed",
    "\"nope\" could not be found"
)]
#[case::missing_value(
    "name: app\nruntime: yaml\nconfig: {size: {type: integer}}\n",
    "config-invalid",
    "missing configuration value 'size'"
)]
#[case::other_cli_wanted(
    "name: app\nruntime: yaml\nrequiredPulumiVersion: '>=4.0.0'\n",
    "config-invalid",
    "does not satisfy the version range"
)]
#[tokio::test]
async fn what_the_cli_refuses_is_told_apart(
    #[case] project: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    let lab = Lab::new().await;
    lab.project("app", "");
    std::fs::write(lab.folder("app").join("Pulumi.yaml"), project).unwrap();
    let failure = lab.preview("app", &[]).await.unwrap_err();
    let text = failure.to_string();
    assert_eq!(failure.code(), code, "{text}");
    assert!(text.contains(message), "{text}");
    assert!(!text.contains('\x1b') && !text.contains("tidegate-run-"), "{text}");
}

#[tokio::test]
async fn a_damaged_state_is_told_apart() {
    let lab = Lab::new().await;
    lab.project("app", STASH).up("app");
    let file = lab.states().join(".pulumi/stacks/app/dev.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"version\":3,", "\"version\":99,")).unwrap();
    let failure = lab.preview("app", &[]).await.unwrap_err();
    assert_eq!(failure.code(), "state-invalid", "{failure}");
}

#[tokio::test]
async fn plugins_are_found_in_the_cache_that_was_named() {
    let mut lab = Lab::new().await;
    let cache = lab.root.path().join("cache");
    let plugin = cache.join("resource-tested-v1.0.0");
    std::fs::create_dir_all(&plugin).unwrap();
    // It ends at once: what matters is that it was found.
    std::os::unix::fs::symlink("/bin/false", plugin.join("pulumi-resource-tested")).unwrap();
    lab.project("app", "");
    let program = "name: app\nruntime: yaml\nresources: {b: {type: 'tested:index:B'}}\n";
    std::fs::write(lab.folder("app").join("Pulumi.yaml"), program).unwrap();
    assert_eq!(lab.preview("app", &[]).await.unwrap_err().code(), "plugin-missing");
    lab.cli = lab.cli.clone().with_plugin_cache(cache);
    assert_eq!(lab.preview("app", &[]).await.unwrap_err().code(), "program-failed");
}
