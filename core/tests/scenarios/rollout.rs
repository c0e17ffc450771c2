//! From a submit to deployed stacks.

use crate::host::Host;
use crate::world::{NOBODY, OLIVIA, RAVI, RITA, TIDE, revision};
use std::collections::BTreeMap;
use tidegate_core::advance::{Action, AdvanceInput, ApplyRequest, Effect, Subject, advance};
use tidegate_core::ids::{AccountId, ChangeNumber, Digest, Revision, StackId};
use tidegate_core::review::{PreviewOutcome, Previewed};
use tidegate_core::rollout::{
    Adoption, ApplyOutcome, Branch, BranchFacts, BranchInput, CommitFacts, Ending, MergedFacts,
    Progress, Requirement, RequirementStatus, RunFacts,
};
use tidegate_core::verdict::{Code, Reason};

const OPERATORS: &str = "operators = \"approvers\"\n";

/// A branch in a Gerrit of lists, with one change on it.
struct Tide {
    host: Host,
    state: Option<Branch>,
    queue: Vec<Effect>,
    log: Vec<String>,
    messages: Vec<String>,
    applied: Vec<ApplyRequest>,
    /// How the next applies end; well, when there is none.
    outcomes: Vec<ApplyOutcome>,
    /// The branch's first parents, oldest first, after the baseline.
    commits: Vec<CommitFacts>,
    status: RequirementStatus,
    rewritten: bool,
}

impl Tide {
    /// An approved change on a branch whose stacks were adopted.
    fn adopted() -> Self {
        let mut tide = Self::unadopted();
        tide.adopt();
        tide
    }

    fn unadopted() -> Self {
        let mut host = Host::new();
        host.world.settings =
            host.world.settings.replacen("schema = 1\n", &format!("schema = 1\n{OPERATORS}"), 1);
        host.look();
        host.world.vote(RITA, 2);
        host.look();
        let mut tide = Self {
            host,
            state: None,
            queue: Vec::new(),
            log: Vec::new(),
            messages: Vec::new(),
            applied: Vec::new(),
            outcomes: Vec::new(),
            commits: Vec::new(),
            status: RequirementStatus::Satisfied,
            rewritten: false,
        };
        tide.look();
        tide
    }

    fn adopt(&mut self) {
        let stacks = ["network-staging", "network-prod"]
            .map(|stack| (stack.parse().unwrap(), Digest::of(b"state")));
        self.step(BranchInput::Adopt(Adoption {
            stacks: stacks.into(),
            by: "an operator".to_owned(),
            reason: "as it is".to_owned(),
            account: AccountId(TIDE),
        }));
        self.settle();
    }

    /// The change is submitted, and the branch moves to it.
    fn submit(&mut self) {
        self.host.world.submit(RITA);
        self.host.look();
        let revision = self.host.world.facts().patch_sets.values().last().unwrap().revision.clone();
        self.push(CommitFacts { change: Some(ChangeNumber(12)), ..commit(revision) });
    }

    fn push(&mut self, commit: CommitFacts) {
        self.commits.push(commit);
        self.look();
    }

    fn say(&mut self, by: u32, text: &str) {
        self.host.world.say(by, text);
        self.look();
    }

    fn look(&mut self) {
        let facts = self.host.world.facts();
        self.step(BranchInput::Hint {
            server: facts.server,
            project: facts.project,
            branch: "refs/heads/main".parse().unwrap(),
        });
        self.settle();
    }

    fn step(&mut self, input: BranchInput) {
        let subject =
            Subject::Branch { state: self.state.take().map(Box::new), input: Box::new(input) };
        let done = advance(AdvanceInput { schema: 1, now_ms: 5, subject }).unwrap();
        self.state = Some(serde_json::from_value(done.state).unwrap());
        self.queue.extend(done.effects);
        self.log.extend(done.log.into_iter().map(|entry| entry.code));
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            self.queue.sort_by_key(|effect| -effect.priority);
            if self.queue.is_empty() {
                return;
            }
            let Effect { id: effect, action, .. } = self.queue.remove(0);
            let input = match action {
                Action::ReadBranch { walked, changes, .. } => {
                    let facts = Box::new(self.facts(walked.as_ref(), &changes));
                    BranchInput::Read { effect, facts }
                }
                Action::Apply(request) => {
                    let outcome = if self.outcomes.is_empty() {
                        ApplyOutcome::Applied(Box::new(run(&request)))
                    } else {
                        self.outcomes.remove(0)
                    };
                    self.applied.push(*request);
                    BranchInput::Applied { effect, outcome: Box::new(outcome) }
                }
                Action::Preview(request) => {
                    let mut steps = crate::review::some_steps();
                    steps.digest = Digest::of(b"another plan");
                    let digest = Digest::of(request.claim.id.as_str().as_bytes());
                    let outcome = PreviewOutcome::Planned(Box::new(Previewed {
                        steps,
                        state: digest.clone(),
                        plan_file: Digest::of(b"another plan file"),
                        steps_blob: digest.clone(),
                        output: digest,
                        markers: Vec::new(),
                        policies: BTreeMap::new(),
                        versions: BTreeMap::new(),
                        took_ms: 1,
                    }));
                    BranchInput::Previewed { effect, outcome: Box::new(outcome) }
                }
                Action::Post(post) => {
                    self.host.world.say_tagged(TIDE, &post.message, &post.tag);
                    self.messages.push(post.message);
                    BranchInput::Posted { effect }
                }
                other => panic!("not of a branch: {other:?}"),
            };
            self.step(input);
        }
        panic!("it never settles");
    }

    fn facts(&self, walked: Option<&Revision>, asked: &[ChangeNumber]) -> BranchFacts {
        let facts = self.host.world.facts();
        let review = self.host.state.as_ref().unwrap();
        let tip = self.commits.last().map_or_else(|| revision(1), |last| last.revision.clone());
        let new = match walked {
            _ if self.rewritten => None,
            None => Some(Vec::new()),
            Some(walked) => {
                let known = self.commits.iter().position(|one| one.revision == *walked);
                let from = known.map_or(0, |at| at + 1);
                Some(self.commits[from..].to_vec())
            }
        };
        let merged = MergedFacts {
            facts: facts.clone(),
            requirements: vec![Requirement {
                name: "Tidegate".to_owned(),
                status: self.status,
                expression: "has:ready_tidegate".to_owned(),
            }],
            submission: Some("12".to_owned()),
            published: review.published.clone(),
            plans: review.plans.clone(),
        };
        let number = ChangeNumber(12);
        let walks = new.iter().flatten().any(|commit: &CommitFacts| commit.change == Some(number));
        let changes = if walks || asked.contains(&number) {
            [(number, merged)].into()
        } else {
            BTreeMap::new()
        };
        BranchFacts {
            settings: facts.settings,
            floor: Default::default(),
            publisher: AccountId(TIDE),
            plugin: true,
            vote: None,
            tip,
            commits: new,
            changes,
            inputs: BTreeMap::new(),
        }
    }

    fn stack(&self, stack: &str) -> &Progress {
        let stack: StackId = stack.parse().unwrap();
        &self.state.as_ref().unwrap().rollouts.last().unwrap().stacks[&stack].progress
    }

    /// The codes of what the stack of the last rollout waits for.
    fn waits(&self, stack: &str) -> Vec<Code> {
        match self.stack(stack) {
            Progress::Waiting { reasons } => reasons.iter().map(|reason| reason.code).collect(),
            Progress::Held { hold } => vec![hold.reason.code],
            other => panic!("{stack} does not wait: {other:?}"),
        }
    }

    fn stacks(&self) -> Vec<&str> {
        self.applied.iter().map(|one| one.claim.id.as_str()).collect()
    }
}

fn commit(revision: Revision) -> CommitFacts {
    CommitFacts {
        revision,
        paths: vec!["network/Pulumi.yaml".to_owned()],
        change: None,
        automatic: None,
        brought: Vec::new(),
    }
}

fn run(request: &ApplyRequest) -> RunFacts {
    let digest = Digest::of(request.claim.id.as_str().as_bytes());
    RunFacts {
        steps: digest.clone(),
        ran: digest.clone(),
        outputs: digest.clone(),
        state_before: digest.clone(),
        state_after: digest.clone(),
        output: digest,
        took_ms: 1200,
        checkpoint: Some("log.example 7 abc".to_owned()),
    }
}

fn failed() -> Reason {
    Reason::new(Code::ApplyFailed, "the provider said no", "mend it")
}

#[test]
fn an_approved_change_is_deployed_wave_by_wave() {
    let mut tide = Tide::adopted();
    tide.submit();
    assert_eq!(tide.stacks(), ["network-staging", "network-prod"]);
    assert_eq!(tide.messages.len(), 1, "{:?}", tide.messages);
    let message = &tide.messages[0];
    assert!(message.starts_with("Deployed: 2 stack(s)"), "{message}");
    assert!(message.contains("network/prod: deployed in 1.2 s"), "{message}");
    assert!(message.contains("log.example 7 abc"), "{message}");
    let codes = [
        "adopted",
        "adopted",
        "rollout-opened",
        "intent",
        "outcome",
        "intent",
        "outcome",
        "rollout-closed",
    ];
    assert_eq!(tide.log, codes);
    for _ in 0..3 {
        tide.look();
    }
    assert_eq!((tide.applied.len(), tide.messages.len()), (2, 1));
}

#[test]
fn an_apply_names_the_plan_that_was_published_in_review() {
    let mut tide = Tide::adopted();
    tide.submit();
    let review = tide.host.state.as_ref().unwrap();
    let request = &tide.applied[0];
    let plan = &review.plans[&request.binding];
    assert_eq!((&plan.plan_file, &plan.steps_blob), (&request.plan_file, &request.steps_blob));
    assert_eq!(request.attempt, 1);
    assert!(request.runs.is_empty());
}

#[test]
fn nothing_is_deployed_before_somebody_took_the_stacks_over() {
    let mut tide = Tide::unadopted();
    tide.submit();
    assert!(tide.applied.is_empty());
    assert!(tide.waits("network-staging").contains(&Code::NotAdopted));
    tide.adopt();
    // What was submitted before is part of the baseline.
    assert!(tide.applied.is_empty());
    assert_eq!(tide.stack("network-prod"), &Progress::Ended { ending: Ending::Adopted });
}

#[test]
fn a_vote_that_was_taken_back_stops_the_waves_that_are_left() {
    let mut tide = Tide::adopted();
    tide.host.world.vote(RITA, 1);
    tide.submit();
    assert!(tide.applied.is_empty());
    assert_eq!(tide.waits("network-staging"), [Code::ApprovalMissing]);
    tide.say(RITA, "Tidegate-Approve: ffffffffffff");
    assert!(tide.applied.is_empty());
}

#[test]
fn a_project_that_is_only_gated_is_not_deployed() {
    let mut tide = Tide::adopted();
    tide.host.world.settings = tide.host.world.settings.replace("\"deploy\"", "\"gate\"");
    tide.submit();
    assert!(tide.applied.is_empty());
    assert!(tide.state.as_ref().unwrap().rollouts.is_empty());
}

#[test]
fn what_is_not_covered_is_held_until_its_new_plan_is_approved() {
    let mut tide = Tide::adopted();
    tide.outcomes.push(ApplyOutcome::NotCovered { differences: Vec::new(), omitted: 3 });
    tide.submit();
    assert_eq!(tide.stacks(), ["network-staging"]);
    assert_eq!(tide.waits("network-staging"), [Code::PlanNotCovered]);
    assert_eq!(tide.waits("network-prod"), [Code::NotItsTurn]);
    let message = tide.messages.last().unwrap().clone();
    assert!(message.contains("and 3 more"), "{message}");
    let name = message.split("Tidegate-Approve: ").nth(1).unwrap()[..12].to_owned();
    // Who has no say, and a vote that names nothing, change nothing.
    tide.say(NOBODY, &format!("Tidegate-Approve: {name}"));
    tide.host.world.vote(RAVI, 2);
    tide.look();
    assert_eq!(tide.applied.len(), 1);
    tide.say(RITA, &format!("Tidegate-Approve: {name}"));
    assert_eq!(tide.stacks(), ["network-staging", "network-staging", "network-prod"]);
    assert_eq!(tide.applied[1].plan_file, Digest::of(b"another plan file"));
    assert_eq!(tide.applied[1].attempt, 2);
}

#[test]
fn a_violated_plan_is_held_too() {
    let mut tide = Tide::adopted();
    tide.outcomes.push(ApplyOutcome::Violated);
    tide.submit();
    assert_eq!(tide.waits("network-staging"), [Code::PlanViolated]);
    assert!(tide.messages[0].contains("Tidegate-Plan: "), "{}", tide.messages[0]);
}

#[test]
fn a_failed_apply_is_tried_again_by_an_operator_only() {
    let mut tide = Tide::adopted();
    let request = ApplyRequest { claim: tide_claim(&tide), ..template(&tide) };
    tide.outcomes.push(ApplyOutcome::Failed { reason: failed(), run: Box::new(run(&request)) });
    tide.submit();
    assert_eq!(tide.waits("network-staging"), [Code::ApplyFailed]);
    let message = tide.messages.last().unwrap();
    assert!(
        message.contains("the provider said no") && message.contains("Tidegate-Retry:"),
        "{message}"
    );
    tide.say(OLIVIA, "Tidegate-Retry: I want it");
    tide.say(RITA, "Tidegate-Retry:");
    assert_eq!(tide.applied.len(), 1);
    tide.say(RITA, "Tidegate-Retry: network-staging the provider is well again");
    assert_eq!(tide.stacks(), ["network-staging", "network-staging", "network-prod"]);
    let again = &tide.applied[1];
    assert_eq!(again.binding, tide.applied[0].binding);
    assert_eq!(again.runs.len(), 1);
    assert!(again.runs[0].own);
    assert!(tide.log.contains(&"retry".to_owned()));
}

#[test]
fn an_operator_gives_a_rollout_up() {
    let mut tide = Tide::adopted();
    tide.outcomes.push(ApplyOutcome::Uncertain { reason: failed() });
    tide.submit();
    tide.say(RITA, "Tidegate-Abort: it was a mistake");
    let ending = Ending::Aborted { reason: "it was a mistake".to_owned() };
    assert_eq!(tide.stack("network-staging"), &Progress::Ended { ending });
    assert!(tide.state.as_ref().unwrap().rollouts[0].is_over());
    assert_eq!(tide.applied.len(), 1);
    assert!(tide.messages.last().unwrap().contains("given up: it was a mistake"));
}

#[test]
fn a_commit_past_review_holds_what_follows_until_it_is_released() {
    let mut tide = Tide::adopted();
    tide.push(commit(revision(0xbad)));
    assert!(tide.log.contains(&"shadow-found".to_owned()));
    tide.submit();
    assert!(tide.applied.is_empty());
    assert!(tide.waits("network-staging").contains(&Code::ShadowChange));
    tide.say(RITA, "Tidegate-Release: it was the outage of Monday");
    assert_eq!(tide.stacks(), ["network-staging", "network-prod"]);
}

#[test]
fn a_submit_past_the_requirement_is_past_review() {
    for status in [
        RequirementStatus::Forced,
        RequirementStatus::Error,
        RequirementStatus::Overridden,
        RequirementStatus::NotApplicable,
        RequirementStatus::Unsatisfied,
        RequirementStatus::Other,
    ] {
        let mut tide = Tide::adopted();
        tide.status = status;
        tide.submit();
        assert!(tide.applied.is_empty(), "{status:?}");
        assert!(tide.log.contains(&"shadow-found".to_owned()), "{status:?}");
    }
}

#[test]
fn a_merge_by_hand_is_past_review() {
    for automatic in [None, Some(false), Some(true)] {
        let mut tide = Tide::adopted();
        tide.push(CommitFacts { automatic, ..commit(revision(0xbad)) });
        assert_eq!(tide.state.as_ref().unwrap().shadows.len(), 1, "{automatic:?}");
    }
}

#[test]
fn a_rewritten_branch_stops_everything_until_it_is_adopted() {
    let mut tide = Tide::adopted();
    tide.rewritten = true;
    tide.submit();
    let trouble = tide.state.as_ref().unwrap().trouble.clone().unwrap();
    assert_eq!(trouble.code, Code::BranchRewritten);
    assert!(tide.applied.is_empty());
    tide.rewritten = false;
    tide.adopt();
    assert!(tide.state.as_ref().unwrap().trouble.is_none());
    assert!(tide.applied.is_empty());
}

fn template(tide: &Tide) -> ApplyRequest {
    let mut other = Tide::adopted();
    other.host.program = tide.host.program.clone();
    other.submit();
    other.applied.remove(0)
}

fn tide_claim(tide: &Tide) -> tidegate_core::settings::Claim {
    template(tide).claim
}

#[test]
fn a_word_between_the_submit_and_its_discovery_counts() {
    let mut tide = Tide::adopted();
    tide.push(commit(revision(0xbad)));
    tide.host.world.say(RITA, "Tidegate-Release: not yet submitted");
    tide.host.world.submit(RITA);
    tide.host.look();
    tide.host.world.say(RITA, "Tidegate-Release: the push was looked at");
    let revision = tide.host.world.facts().patch_sets.values().last().unwrap().revision.clone();
    tide.push(CommitFacts { change: Some(ChangeNumber(12)), ..commit(revision) });
    assert_eq!(tide.stacks(), ["network-staging", "network-prod"]);
    assert_eq!(tide.log.iter().filter(|code| *code == "release").count(), 1);
}
