//! Updates under a plan, behind the gate, with the real CLI.

use crate::asked::{Answer, Asked, held_steps, name, previewed_steps};
use crate::fake::{processes, program};
use crate::lab::{Lab, contents};
use rstest::rstest;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tidegate_core::coverage::ran::{RanInput, ran};
use tidegate_core::steps::StackName;
use tidegate_pulumi::{
    Applied, Cancel, Failed, FailedWhat, Failure, Left, Limits, Outcome, Previewed, Progress,
    Refusal, ReleaseError, ResolveRequest, Resolved, cancel_pair, derive_operations, release,
    resolve, update,
};
use tokio::sync::watch;

fn stash(name: &str, value: &str) -> String {
    format!("  {name}:\n    type: pulumi:index:Stash\n    properties: {{input: {value}}}\n")
}

fn program_of(resources: &[(&str, &str)], outputs: &str) -> String {
    let resources: String = resources.iter().map(|(name, value)| stash(name, value)).collect();
    format!("resources:\n{resources}outputs:\n{outputs}")
}

const SECRET: &str = "canary-in-config";
const CONFIG: &str = "config:\n  pw: {type: string, secret: true}\n";

/// A stack with a secret, a plain value, a value of another stack and an output; and a plan that
/// changes, makes and deletes.
async fn lab() -> (Lab, Previewed) {
    let lab = Lab::new().await;
    lab.project("network", &program_of(&[("n", "net")], "  out: ${n.output}\n")).up("network");
    let reference = "  other:\n    type: pulumi:pulumi:StackReference\n    properties: {name: \
                     organization/network/dev}\n";
    let app = |resources: &[(&str, &str)], outputs: &str| {
        let program = program_of(resources, outputs);
        format!(
            "{CONFIG}{}",
            program.replacen("resources:\n", &format!("resources:\n{reference}"), 1)
        )
    };
    lab.project(
        "app",
        &app(&[("keep", "one"), ("change", "one"), ("gone", "'${pw}'")], "  o: '${keep.output}'\n"),
    );
    lab.set("app", "pw", "canary-of-before", &["--secret"]).up("app");
    lab.set("app", "pw", SECRET, &["--secret"]);
    let resources = [
        ("keep", "one"),
        ("change", "{n: 1.5, whole: 3, list: [true, null, ''], net: '${other.outputs[\"out\"]}'}"),
        ("made", "{secret: '${pw}', url: 'postgres://u:${pw}@h'}"),
    ];
    lab.project("app", &app(&resources, "  o: '${change.output}'\n  p: '${pw}'\n  q: plain\n"));
    let previewed = lab.preview("app", &["network"]).await.unwrap();
    (lab, previewed)
}

fn applied(outcome: Outcome) -> Applied {
    match outcome {
        Outcome::Applied(applied) => *applied,
        other => panic!("{other:#?}"),
    }
}

fn failed(outcome: Outcome) -> Failed {
    match outcome {
        Outcome::Failed(failed) => *failed,
        other => panic!("{other:#?}"),
    }
}

fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refused) => {
            let Left::Found(Resolved { locks, pending_operations, .. }) = refused.left else {
                panic!("{:?}", refused.left)
            };
            assert_eq!((locks, pending_operations), (Some(Vec::new()), Vec::new()));
            refused.why
        }
        other => panic!("{other:#?}"),
    }
}

fn resources(state: &Value) -> Vec<String> {
    let rows = state["resources"].as_array().unwrap();
    let stashes = rows.iter().filter(|row| row["type"] == "pulumi:index:Stash");
    let mut names: Vec<_> = stashes.map(|row| name(row["urn"].as_str().unwrap())).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_plan_is_carried_out_and_the_gate_sees_the_steps_that_were_previewed() {
    let (lab, previewed) = lab().await;
    let tree = contents(&lab.folder("app"));
    let before = lab.copy("app", &[]).await;
    let gate = Asked::new(Answer::Yes);
    let setting = lab.setting("app");
    let (report, progress) = watch::channel(Progress::default());
    let mut request = lab.update_request(&setting, &previewed.plan_file);
    request.progress = Some(report);

    let applied = applied(update(request, &gate).await);

    let held = gate.held().unwrap();
    let (approved, shown) = (previewed_steps("app", &previewed), held_steps("app", &held));
    assert_eq!(approved.steps, shown.steps);
    assert_eq!(approved.digest, shown.digest);
    assert_eq!(held.state_digest, before.digest());
    assert_eq!(applied.state_before, before.digest());
    let after = lab.copy("app", &[]).await;
    assert_eq!(applied.state_after, after.digest());
    assert_eq!(resources(&applied.state), ["change", "keep", "made"]);
    assert_eq!(applied.outputs["q"], "plain");
    assert_eq!(applied.outputs["p"]["hmac"], lab.key.hash(&json!(SECRET)));
    assert!(applied.output.contains("Stash made creat"), "{}", applied.output);
    assert_eq!(applied.versions.cli, lab.cli.version().to_string());
    assert_eq!(progress.borrow().result.as_deref(), Some("succeeded"));
    assert_eq!(progress.borrow().events, applied.events.lines().count() as u64);
    assert!(gate.steps().contains(&"made".to_owned()), "{:?}", gate.steps());
    assert!(lab.is_unlocked());
    assert_eq!(contents(&lab.folder("app")), tree);

    let done = ran(&RanInput {
        schema: tidegate_core::coverage::SCHEMA,
        stack: StackName { project: "app".to_owned(), stack: "dev".to_owned() },
        steps: shown.clone(),
        events: applied.events.clone(),
        state: applied.state.clone(),
        own: true,
    });
    assert_eq!(done.unwrap().len(), shown.steps.len());
    for text in [gate.text(), applied.events, applied.output, applied.state.to_string()] {
        assert!(!text.contains("canary"), "{text}");
    }
    drop((before, after));
    assert!(contents(&lab.root.path().join("scratch")).is_empty());
    assert_eq!(processes(&lab.root.path().join("scratch")), Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_shows_the_steps_of_its_plan_and_leaves_the_state_as_it_is() {
    let (lab, previewed) = lab().await;
    let state = lab.copy("app", &["network"]).await;
    let (original, copy) = (lab.state_file("app"), state.digest().to_owned());
    let folder = lab.folder("app");
    let dry = lab.dry_run(&folder, &state, &previewed.plan_file).await.unwrap();
    let approved = previewed_steps("app", &previewed);
    assert_eq!(held_steps("app", &dry.held).digest, approved.digest);
    assert_eq!(dry.held.state_digest, copy);
    assert_eq!(lab.state_file("app"), original);
    // The copy can be used again.
    let again = lab.dry_run(&folder, &state, &previewed.plan_file).await.unwrap();
    assert_eq!(held_steps("app", &again.held).digest, approved.digest);
}

#[tokio::test]
async fn a_no_at_the_gate_leaves_everything_as_it_was() {
    let (lab, previewed) = lab().await;
    let before = lab.state_file("app");
    let gate = Asked::new(Answer::No);
    let outcome = lab.update("app", &previewed.plan_file, &gate).await;
    assert!(matches!(refusal(outcome), Refusal::Verdict));
    assert!(gate.held().is_some() && gate.steps().is_empty());
    assert_eq!(lab.state_file("app"), before);
    assert!(lab.is_unlocked());
}

#[tokio::test]
async fn a_gate_that_never_answers_is_one_that_says_no() {
    let (lab, previewed) = lab().await;
    let before = lab.state_file("app");
    let (gate, setting) = (Asked::new(Answer::Hang), lab.setting("app"));
    let mut request = lab.update_request(&setting, &previewed.plan_file);
    request.hold_time = Duration::from_millis(300);
    let outcome = update(request, &gate).await;
    assert!(matches!(refusal(outcome), Refusal::NoAnswer));
    assert_eq!(lab.state_file("app"), before);
    assert!(lab.is_unlocked());
}

#[tokio::test]
async fn a_run_that_is_cancelled_at_the_gate_ends_without_an_update() {
    let (lab, previewed) = lab().await;
    let before = lab.state_file("app");
    let (canceller, cancel) = cancel_pair();
    let stop = || canceller.cancel();
    let mut gate = Asked::new(Answer::Hang);
    gate.meanwhile = Some(&stop);
    let setting = lab.setting("app");
    let mut request = lab.update_request(&setting, &previewed.plan_file);
    request.cancel = cancel;
    let outcome = update(request, &gate).await;
    assert!(matches!(refusal(outcome), Refusal::Cancelled));
    assert_eq!(lab.state_file("app"), before);
}

#[rstest]
#[case::value(|lab: &Lab| change(lab, "true, null", "false, null"))]
#[case::secret(|lab: &Lab| { lab.set("app", "pw", "canary-of-after", &["--secret"]); })]
#[case::output(|lab: &Lab| change(lab, "q: plain", "q: other"))]
#[case::another_resource(|lab: &Lab| change(lab, "  keep:", &format!("{}  keep:", stash("late", "x"))))]
#[tokio::test]
async fn a_plan_that_no_longer_fits_is_violated_before_the_gate_is_asked(
    #[case] meanwhile: fn(&Lab),
) {
    let (lab, previewed) = lab().await;
    meanwhile(&lab);
    let before = lab.state_file("app");
    let gate = Asked::new(Answer::Yes);
    let outcome = lab.update("app", &previewed.plan_file, &gate).await;
    assert!(matches!(outcome, Outcome::Violated { left: Left::Found(_) }), "{outcome:#?}");
    assert!(!format!("{outcome:?}").contains("canary"));
    assert!(gate.held().is_none());
    assert_eq!(lab.state_file("app"), before);
    assert!(lab.is_unlocked());
}

/// The plan allows that nothing is left to do; whether that is covered is for the gate to say.
#[tokio::test]
async fn what_somebody_else_has_done_already_is_seen_at_the_gate() {
    let (lab, previewed) = lab().await;
    lab.up("app");
    let gate = Asked::new(Answer::No);
    refusal(lab.update("app", &previewed.plan_file, &gate).await);
    let shown = held_steps("app", &gate.held().unwrap());
    assert_eq!(shown.steps, []);
    assert_ne!(previewed_steps("app", &previewed).digest, shown.digest);
}

fn change(lab: &Lab, from: &str, to: &str) {
    let file = lab.folder("app").join("Pulumi.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

#[tokio::test]
async fn a_failure_in_the_update_tells_what_the_engine_said_and_leaves_what_was_done() {
    let (lab, previewed) = lab().await;
    let network = lab.states().join(".pulumi/stacks/network/dev.json");
    let remove = || std::fs::remove_file(&network).unwrap();
    let mut gate = Asked::new(Answer::Yes);
    gate.meanwhile = Some(&remove);
    let failed = failed(lab.update("app", &previewed.plan_file, &gate).await);
    match &failed.what {
        FailedWhat::Engine(Failure::MissingReference(stack)) => {
            assert_eq!(stack.to_string(), "organization/network/dev");
        }
        other => panic!("{other:?}"),
    }
    assert!(failed.errors.iter().any(|text| text.contains("unknown stack")), "{failed:#?}");
    assert!(resources(&failed.state).contains(&"gone".to_owned()));
    assert!(lab.is_unlocked());
}

#[tokio::test]
async fn without_a_plan_the_gate_alone_decides() {
    let (lab, _) = lab().await;
    let (gate, setting) = (Asked::new(Answer::No), lab.setting("app"));
    let mut request = lab.update_request(&setting, &[]);
    request.plan = None;
    assert!(matches!(refusal(update(request, &gate).await), Refusal::Verdict));
    assert!(!held_steps("app", &gate.held().unwrap()).steps.is_empty());
}

#[tokio::test]
async fn a_program_that_fails_before_the_gate_says_so() {
    let (lab, previewed) = lab().await;
    change(&lab, "q: plain", "q: '${nope}'");
    let gate = Asked::new(Answer::Yes);
    match lab.update("app", &previewed.plan_file, &gate).await {
        Outcome::NotStarted { failure, left: Left::Found(_) } => {
            assert_eq!(failure.code(), "program-failed", "{failure}");
        }
        other => panic!("{other:#?}"),
    }
}

#[tokio::test]
async fn a_step_that_is_refused_is_not_carried_out_and_ends_the_run() {
    let (lab, previewed) = lab().await;
    let mut gate = Asked::new(Answer::Yes);
    gate.refuse = Some("::made");
    let failed = failed(lab.update("app", &previewed.plan_file, &gate).await);
    assert!(matches!(failed.what, FailedWhat::StepRefused), "{:?}", failed.what);
    let resources = resources(&failed.state);
    assert!(!resources.contains(&"made".to_owned()), "{resources:?}");
    assert!(resources.contains(&"gone".to_owned()), "deletes come last: {resources:?}");
    assert!(lab.is_unlocked());
    assert!(!format!("{failed:?}").contains("canary"));
}

#[tokio::test]
async fn a_run_that_is_cancelled_in_the_middle_ends_in_order_and_says_what_it_did() {
    let (lab, previewed) = lab().await;
    let (canceller, cancel) = cancel_pair();
    let stop = |urn: &str| {
        if urn.ends_with("::made") {
            canceller.cancel();
        }
    };
    let mut gate = Asked::new(Answer::Yes);
    gate.at_step = Some(&stop);
    let setting = lab.setting("app");
    let mut request = lab.update_request(&setting, &previewed.plan_file);
    request.cancel = cancel;
    let failed = failed(update(request, &gate).await);
    assert!(matches!(failed.what, FailedWhat::Engine(Failure::Cancelled)), "{:?}", failed.what);
    assert!(resources(&failed.state).contains(&"gone".to_owned()));
    assert!(lab.is_unlocked());
    // What is left to do can be done under the same plan.
    let again = applied(lab.update("app", &previewed.plan_file, &Asked::new(Answer::Yes)).await);
    assert_eq!(resources(&again.state), ["change", "keep", "made"]);
}

#[tokio::test]
async fn a_pack_that_dies_during_the_update_stops_it_before_the_next_step() {
    let (lab, previewed) = lab().await;
    let scratch = lab.root.path().join("scratch");
    let kill = |urn: &str| {
        if urn.ends_with("::made") {
            kill_packs(&scratch);
        }
    };
    let mut gate = Asked::new(Answer::Yes);
    gate.at_step = Some(&kill);
    let failed = failed(lab.update("app", &previewed.plan_file, &gate).await);
    assert!(!resources(&failed.state).contains(&"made".to_owned()), "{:?}", failed.state);
    assert!(resources(&failed.state).contains(&"gone".to_owned()));
    assert!(!format!("{failed:?}").contains("canary"));
    assert!(lab.is_unlocked());
}

#[tokio::test]
async fn what_a_failed_run_left_to_do_is_done_by_its_plan_with_operations_listed_anew() {
    let (lab, previewed) = lab().await;
    let mut gate = Asked::new(Answer::Yes);
    gate.refuse = Some("::made");
    failed(lab.update("app", &previewed.plan_file, &gate).await);
    let now = lab.preview("app", &["network"]).await.unwrap();
    let derived = derive_operations(&previewed.plan_file, &now.plan).unwrap();
    let gate = Asked::new(Answer::Yes);
    let applied = applied(lab.update("app", &derived.plan, &gate).await);
    assert_eq!(resources(&applied.state), ["change", "keep", "made"]);
    assert_eq!(
        held_steps("app", &gate.held().unwrap()).digest,
        previewed_steps("app", &now).digest
    );
    // After all is done, everything is listed as it is.
    let now = lab.preview("app", &["network"]).await.unwrap();
    let derived = derive_operations(&previewed.plan_file, &now.plan).unwrap();
    let edited: Vec<_> = derived.edits.iter().map(|edit| name(&edit.urn)).collect();
    assert!(
        edited.contains(&"made".to_owned()) && edited.contains(&"gone".to_owned()),
        "{edited:?}"
    );
    let (folder, state) = (lab.folder("app"), lab.copy("app", &["network"]).await);
    let dry = lab.dry_run(&folder, &state, &derived.plan).await.unwrap();
    assert_eq!(held_steps("app", &dry.held).steps, []);
}

#[tokio::test]
async fn a_run_that_was_killed_is_uncertain_and_its_lock_is_released_only_when_it_is_dead() {
    let (lab, previewed) = lab().await;
    let (canceller, cancel) = cancel_pair();
    let stop = |urn: &str| {
        if urn.ends_with("::made") {
            canceller.cancel();
        }
    };
    let mut gate = Asked::new(Answer::Yes);
    gate.at_step = Some(&stop);
    let setting = lab.setting("app");
    let mut request = lab.update_request(&setting, &previewed.plan_file);
    request.cancel = cancel;
    request.limits.patience = Duration::ZERO;
    let Outcome::Uncertain(uncertain) = update(request, &gate).await else { panic!("it ended") };
    let Left::Found(resolved) = uncertain.left else { panic!("{:?}", uncertain.left) };
    let [held] = resolved.locks.as_deref().unwrap() else { panic!("{:?}", resolved.locks) };
    assert!(held.process > 0 && !held.host.is_empty());
    assert_eq!(resolved.state_digest, lab.copy("app", &[]).await.digest());
    assert!(uncertain.what.contains("killed"), "{}", uncertain.what);

    let at = ResolveRequest {
        cli: &lab.cli,
        scratch: &lab.scratch,
        backend: &setting.backend,
        stack: &setting.stack,
        limits: Limits::default(),
    };
    let never = Cancel::never();
    assert_eq!(resolve(at, &never).await.unwrap(), resolved);
    match lab.update("app", &previewed.plan_file, &Asked::new(Answer::Yes)).await {
        Outcome::NotStarted { failure: Failure::Locked { by }, .. } => {
            assert!(by.contains(&held.process.to_string()), "{by}");
        }
        other => panic!("{other:#?}"),
    }

    // Somebody else's lock beside it keeps both.
    let locks = lab.states().join(".pulumi/locks/organization/app/dev");
    let other = locks.join("other.json");
    std::fs::write(&other, r#"{"pid":1,"username":"bob","hostname":"elsewhere"}"#).unwrap();
    let error = release(at, &never).await.unwrap_err();
    assert!(matches!(error, ReleaseError::NotOurs { .. }), "{error}");
    assert_eq!(resolve(at, &never).await.unwrap().locks.unwrap().len(), 2);
    std::fs::remove_file(other).unwrap();

    release(at, &never).await.unwrap();
    assert!(lab.is_unlocked());
    release(at, &never).await.unwrap();
    applied(lab.update("app", &previewed.plan_file, &Asked::new(Answer::Yes)).await);
}

/// A pack whose program is not what it should be.
#[rstest]
#[case::ends_at_once(PathBuf::from("/bin/false"))]
#[case::never_says_a_word(program())]
#[tokio::test]
async fn without_a_living_pack_nothing_is_begun(#[case] pack: PathBuf) {
    let (lab, previewed) = lab().await;
    let before = lab.state_file("app");
    let mut setting = lab.setting("app");
    setting.program = pack;
    let gate = Asked::new(Answer::Yes);
    let mut request = lab.update_request(&setting, &previewed.plan_file);
    let patience = Duration::from_secs(1);
    request.limits = Limits { time: Duration::from_secs(5), patience, ..Limits::default() };
    let outcome = update(request, &gate).await;
    assert!(matches!(outcome, Outcome::NotStarted { .. }), "{outcome:#?}");
    assert!(gate.held().is_none());
    assert_eq!(lab.state_file("app"), before);
}

#[tokio::test]
async fn a_pack_that_dies_while_it_holds_lets_nothing_pass() {
    let (lab, previewed) = lab().await;
    let before = lab.state_file("app");
    let scratch = lab.root.path().join("scratch");
    let kill = || kill_packs(&scratch);
    let mut gate = Asked::new(Answer::Yes);
    gate.meanwhile = Some(&kill);
    let outcome = lab.update("app", &previewed.plan_file, &gate).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:#?}");
    assert_eq!(lab.state_file("app"), before);
    assert!(lab.is_unlocked());
}

fn kill_packs(scratch: &Path) {
    let is_pack = |pid: &String| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains("pulumi-analyzer-policy-"))
    };
    let packs: Vec<_> = processes(scratch).into_iter().filter(is_pack).collect();
    assert_eq!(packs.len(), 1);
    let killed = std::process::Command::new("kill").arg("-9").args(packs).status().unwrap();
    assert!(killed.success());
}
