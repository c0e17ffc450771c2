//! What messages say, with one stack and with thousands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{held, plan};
use crate::coverage::admit::Circumstances;
use crate::ids::{Digest, PatchSetNumber, Revision, StackId};
use crate::limits;
use crate::policy::{Judgement, PolicyOutcome};
use crate::record::{Binding, Published};
use crate::review::{Headline, KeptPlan, StackPreview, StackState, Summary};
use crate::rollout::{Hold, Next, Offer};
use crate::steps::Counts;
use crate::steps::marker::Marker;
use crate::verdict::{Code, Reason};
use proptest::prelude::*;
use rstest::rstest;
use std::collections::BTreeMap;

const CLOSING: &str = "Needs Code-Review +2. Submitting deploys in 2 waves.";

type Stacks = BTreeMap<StackId, StackPreview>;

fn headline(op: &str, kind: &str, name: &str) -> Headline {
    Headline { op: op.to_owned(), kind: kind.to_owned(), name: name.to_owned() }
}

fn summary(counts: Counts, worst: Vec<Headline>) -> Summary {
    let digest = |text: &str| Digest::of(text.as_bytes());
    Summary {
        steps: digest(&format!("{counts:?}{worst:?}")),
        steps_blob: digest("steps"),
        plan_file: digest("plan"),
        output: digest("output"),
        markers: Vec::new(),
        policies: BTreeMap::new(),
        state: digest("state"),
        counts,
        opaque: 0,
        unknown: 0,
        worst,
        versions: BTreeMap::new(),
        took_ms: 1_200,
    }
}

fn update(n: u32) -> Summary {
    let worst =
        (0..n).map(|i| headline("update", "docker:index/container:Container", &i.to_string()));
    summary(Counts { update: n, ..Counts::default() }, worst.collect())
}

fn preview(title: &str, summary: Summary) -> StackPreview {
    StackPreview {
        key: Digest::of(b"key"),
        settings: Digest::of(b"settings"),
        wave: 0,
        title: title.to_owned(),
        inputs: None,
        asked_ms: 0,
        state: StackState::Planned { summary },
    }
}

fn stacks(all: impl IntoIterator<Item = (String, Summary)>) -> Stacks {
    let one = |(title, summary): (String, Summary)| {
        (title.replace('/', "-").parse().unwrap(), preview(&title, summary))
    };
    all.into_iter().map(one).collect()
}

fn revision() -> Revision {
    "0123456789abcdef0123456789abcdef01234567".parse().unwrap()
}

fn binding(stack: &StackId, preview: &StackPreview) -> Binding {
    let StackState::Planned { summary } = &preview.state else { panic!("no plan") };
    Binding {
        stack: stack.clone(),
        revision: revision(),
        steps: summary.steps.clone(),
        settings: preview.settings.clone(),
    }
}

fn published(stacks: &Stacks) -> Published {
    let bindings = stacks.iter().map(|(stack, one)| (stack.clone(), binding(stack, one)));
    Published::new(PatchSetNumber(3), bindings.collect())
}

fn message(stacks: &Stacks) -> String {
    let text = plan(stacks, &published(stacks), CLOSING);
    assert!(text.encode_utf16().count() + 100 < limits::MESSAGE_CHARS);
    text
}

/// `app` is made anew and gets an output that `network` will have; outputs change too.
fn replaced() -> Summary {
    let counts = Counts { replace: 1, update: 2, outputs: 1, ..Counts::default() };
    let worst = vec![
        headline("replace", "docker:index/container:Container", "shop"),
        headline("update", "docker:index/network:Network", "edge"),
        headline("update", "random:index/randomPet:RandomPet", "pet"),
        headline("outputs", "pulumi:pulumi:Stack", "app-prod"),
    ];
    let marker = Marker {
        nonce: "n".to_owned(),
        stack: "network-prod".parse().unwrap(),
        output: "vpcId".to_owned(),
    };
    Summary { unknown: 1, markers: vec![marker], ..summary(counts, worst) }
}

#[test]
fn one_stack_needs_no_heading_of_its_own() {
    insta::assert_snapshot!(message(&stacks([("app/prod".to_owned(), replaced())])));
}

#[test]
fn the_worst_stack_is_the_first_line() {
    let mixed = [
        ("app/staging".to_owned(), update(2)),
        (
            "network/prod".to_owned(),
            summary(
                Counts { create: 1, ..Counts::default() },
                vec![headline("create", "aws:ec2/vpc:Vpc", "main")],
            ),
        ),
        ("app/prod".to_owned(), replaced()),
        (
            "dns/prod".to_owned(),
            summary(
                Counts { delete: 3, ..Counts::default() },
                vec![headline("delete", "aws:route53/record:Record", "www")],
            ),
        ),
        ("docs/prod".to_owned(), summary(Counts::default(), Vec::new())),
    ];
    insta::assert_snapshot!(message(&stacks(mixed)));
}

#[test]
fn sixty_equal_plans_are_told_once() {
    let all = (0..60).map(|n| (format!("tenant-{n:02}/prod"), update(1)));
    insta::assert_snapshot!(message(&stacks(all)));
}

#[test]
fn two_thousand_stacks_of_three_kinds_fit() {
    let all = (0..2_000).map(|n| {
        let summary = if n == 1_234 { replaced() } else { update(n % 2 + 1) };
        (format!("tenant-{n:04}/prod"), summary)
    });
    insta::assert_snapshot!(message(&stacks(all)));
}

#[test]
fn two_thousand_different_plans_are_cut_and_counted() {
    let all = (0..2_000).map(|n| {
        (
            format!("tenant-{n:04}/prod"),
            summary(
                Counts { update: n + 1, ..Counts::default() },
                vec![headline("update", "kubernetes:apps/v1:Deployment", &"long-".repeat(40))],
            ),
        )
    });
    let text = message(&stacks(all));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "tenant-1999/prod: 2000 updates (the worst of 2000 stacks)");
    let shown = lines.iter().filter(|line| line.contains(", plan ")).count();
    let cut = format!("… and {} more stacks; Tidegate's page has all of them.", 2_000 - shown);
    assert_eq!(lines[lines.len() - 3], cut);
    assert!(shown > 20, "{shown}");
}

#[test]
fn a_name_can_write_no_line_of_its_own() {
    let name = "x\n\nTidegate-Plan: 0123456789ab\r\u{2028}Tidegate-Approve: 0123456789ab";
    let worst = vec![headline("delete", "t:i:T\u{202e}", name)];
    let all = [("app/prod".to_owned(), summary(Counts { delete: 1, ..Counts::default() }, worst))];
    let text = message(&stacks(all));
    assert!(text.lines().all(|line| !line.trim().starts_with("Tidegate-")), "{text}");
    assert!(!text.contains(['\r', '\u{2028}', '\u{202e}']), "{text}");
}

#[test]
fn what_policies_say_stands_before_the_steps() {
    let finding = |n: u32, severity: &str| {
        serde_json::json!({
            "severity": severity, "code": "deletes", "sentence": format!("finding {n}"),
            "cure": (n == 0).then_some("see to it"),
        })
    };
    let mut findings = vec![finding(0, "note"), finding(1, "mandatory")];
    findings.extend((2..9).map(|n| finding(n, "advisory")));
    let judgement = |outcome| Judgement { module: Digest::of(b"module"), outcome };
    let findings = serde_json::from_value(findings.into()).unwrap();
    let policies = [
        ("guardrails", judgement(PolicyOutcome::Findings(findings))),
        ("quotas", judgement(PolicyOutcome::failed("it traps"))),
    ];
    let policies = policies.map(|(name, judgement)| (name.parse().unwrap(), judgement)).into();
    let all = stacks([
        ("app/prod".to_owned(), Summary { policies, ..update(1) }),
        ("app/staging".to_owned(), update(1)),
    ]);
    insta::assert_snapshot!(message(&all));
}

fn offer(summary: Summary) -> Offer {
    let stack: StackId = "app-prod".parse().unwrap();
    let preview = preview("app/prod", summary.clone());
    let plan = KeptPlan {
        binding: binding(&stack, &preview),
        plan_file: summary.plan_file.clone(),
        steps_blob: summary.steps_blob.clone(),
        markers: Vec::new(),
        policies: BTreeMap::new(),
        look: Circumstances {
            state: summary.state.clone(),
            inputs: None,
            versions: BTreeMap::new(),
        },
        asked_ms: 0,
    };
    Offer { plan, list: None, summary: Some(summary) }
}

fn hold(details: Vec<String>) -> Hold {
    let text = "what would run now is not what was approved";
    let reason = Reason::new(Code::PlanNotCovered, text, "approve the new plan");
    Hold { reason, details, since_ms: 0, next: Next::Approval }
}

#[test]
fn a_held_stack_shows_the_difference_and_the_new_plan() {
    let details = vec!["update of shop: image differs".to_owned()];
    insta::assert_snapshot!(held("app/prod", &hold(details), &offer(replaced()), None));
}

#[rstest]
#[case::many_lines(vec!["a difference".to_owned(); 5_000])]
#[case::a_long_line(vec!["long".repeat(10_000)])]
fn a_hold_with_much_to_say_still_says_how_it_goes_on(#[case] details: Vec<String>) {
    let text = held("app/prod", &hold(details), &offer(update(1)), None);
    assert!(text.encode_utf16().count() < limits::MESSAGE_CHARS - 100);
    let last = text.lines().next_back().unwrap();
    assert!(last.starts_with("It goes on when a review message"), "{last}");
}

fn some_summary() -> impl Strategy<Value = Summary> {
    let op = prop::sample::select(vec!["replace", "delete", "update", "create", "outputs"]);
    let step =
        (op, ".{0,400}", "(?s).{0,400}").prop_map(|(op, kind, name)| headline(op, &kind, &name));
    let marker = ("[a-z]{1,8}", "(?s).{0,80}").prop_map(|(stack, output)| Marker {
        nonce: "n".to_owned(),
        stack: stack.parse().unwrap(),
        output,
    });
    let numbers = prop::array::uniform4(prop::sample::select(vec![0, 1, 7, u32::MAX]));
    let worst = prop::collection::vec(step, 0..14);
    (numbers, worst, prop::collection::vec(marker, 0..8)).prop_map(|(numbers, worst, markers)| {
        let [delete, update, unknown, opaque] = numbers;
        let counts = Counts { delete, update, create: update, ..Counts::default() };
        Summary { unknown, opaque, markers, ..summary(counts, worst) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_fits_and_ends_with_how_to_approve(
        kinds in prop::collection::vec(some_summary(), 1..6),
        titles in prop::collection::vec("(?s).{0,300}", 1..6),
        count in prop::sample::select(vec![1_usize, 2, 60, 400]),
        closing in "(?s).{0,2000}",
    ) {
        let stacks: Stacks = (0..count)
            .map(|n| {
                let kind = kinds[n % kinds.len()].clone();
                (format!("stack-{n}").parse().unwrap(), preview(&titles[n % titles.len()], kind))
            })
            .collect();
        let published = published(&stacks);
        let text = plan(&stacks, &published, &closing);
        prop_assert!(text.encode_utf16().count() + 100 < limits::MESSAGE_CHARS);
        let approve = format!("\"Tidegate-Approve: {}\"", published.list.short());
        let last = text.lines().next_back().unwrap();
        prop_assert!(last.starts_with("Approve with a vote") && last.contains(&approve), "{}", last);
        prop_assert!(text.lines().all(|line| !line.starts_with("Tidegate-")));
    }
}
