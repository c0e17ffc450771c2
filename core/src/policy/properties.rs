//! More against a plan never makes it pass.
#![allow(clippy::unwrap_used)]

use super::{Finding, Judgement, Judgements, PolicyOutcome, RawFinding, Severity, findings, judge};
use crate::ids::{Digest, StackId};
use crate::settings::{Policy, PolicyEffect, PolicyName};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MODULES: [&[u8]; 2] = [b"one", b"two"];

fn names<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T>
{
    "[ab]".prop_map(|name| name.parse().unwrap())
}

fn modules() -> impl Strategy<Value = Digest> {
    prop::sample::select(MODULES.to_vec()).prop_map(Digest::of)
}

fn a_finding() -> impl Strategy<Value = Finding> {
    let severities = [Severity::Mandatory, Severity::Advisory, Severity::Note];
    (prop::sample::select(severities.to_vec()), 0..40u32).prop_map(|(severity, n)| {
        let (code, sentence) = ("a".to_owned(), n.to_string());
        let raw = RawFinding { code, severity, sentence, cure: None, urn: None };
        findings(vec![raw]).unwrap().remove(0)
    })
}

fn outcomes() -> impl Strategy<Value = PolicyOutcome> {
    prop_oneof![
        3 => prop::collection::vec(a_finding(), 0..30).prop_map(PolicyOutcome::Findings),
        1 => Just(PolicyOutcome::failed("it trapped")),
    ]
}

fn policies() -> impl Strategy<Value = BTreeMap<PolicyName, Policy>> {
    let effects = prop::sample::select(vec![PolicyEffect::Advise, PolicyEffect::Enforce]);
    let policy = (modules(), effects).prop_map(|(module, effect)| Policy {
        module,
        effect,
        settings: BTreeMap::new(),
    });
    prop::collection::btree_map(names(), policy, 0..3)
}

fn judgements() -> impl Strategy<Value = Judgements> {
    let judgement =
        (modules(), outcomes()).prop_map(|(module, outcome)| Judgement { module, outcome });
    let of_stack = prop::collection::btree_map(names(), judgement, 0..3);
    prop::collection::btree_map(names(), of_stack, 0..3)
}

proptest! {
    #[test]
    fn adding_a_finding_never_makes_it_pass(
        policies in policies(),
        before in judgements(),
        finding in a_finding(),
        stack in names::<StackId>(),
        policy in names::<PolicyName>(),
    ) {
        let mut after = before.clone();
        let answer = after.get_mut(&stack).and_then(|answers| answers.get_mut(&policy));
        if let Some(Judgement { outcome: PolicyOutcome::Findings(list), .. }) = answer {
            list.push(finding);
        }
        let stacks: Vec<StackId> = vec!["a".parse().unwrap(), "b".parse().unwrap()];
        let (before, after) = (judge(&policies, &stacks, &before), judge(&policies, &stacks, &after));
        prop_assert!(before.reasons.len() <= after.reasons.len());
        prop_assert!(before.reasons.is_empty() || !after.reasons.is_empty());
    }

    #[test]
    fn losing_an_answer_never_makes_it_pass(
        policies in policies(),
        before in judgements(),
        stack in names::<StackId>(),
        policy in names::<PolicyName>(),
        whole in any::<bool>(),
    ) {
        let mut after = before.clone();
        if whole {
            after.remove(&stack);
        } else if let Some(answers) = after.get_mut(&stack) {
            answers.remove(&policy);
        }
        let stacks: Vec<StackId> = vec!["a".parse().unwrap(), "b".parse().unwrap()];
        let (before, after) = (judge(&policies, &stacks, &before), judge(&policies, &stacks, &after));
        prop_assert!(before.reasons.is_empty() || !after.reasons.is_empty());
    }

    #[test]
    fn a_module_that_fails_instead_of_answering_never_makes_it_pass(
        policies in policies(),
        before in judgements(),
        stack in names::<StackId>(),
        policy in names::<PolicyName>(),
    ) {
        let mut after = before.clone();
        let answer = after.get_mut(&stack).and_then(|answers| answers.get_mut(&policy));
        if let Some(answer) = answer {
            answer.outcome = PolicyOutcome::failed("it trapped");
        }
        let stacks: Vec<StackId> = vec!["a".parse().unwrap(), "b".parse().unwrap()];
        let (before, after) = (judge(&policies, &stacks, &before), judge(&policies, &stacks, &after));
        prop_assert!(before.reasons.is_empty() || !after.reasons.is_empty());
    }
}
