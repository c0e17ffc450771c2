//! What the modules' answers come to.

use super::{Finding, Judgements, PolicyOutcome, REASONS, Severity};
use crate::ids::StackId;
use crate::settings::{Policy, PolicyEffect, PolicyName};
use crate::verdict::{Code, Reason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the modules' answers come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// What refuses.
    pub reasons: Vec<Reason>,
    /// What is shown and refuses nothing.
    pub remarks: Vec<Remark>,
}

/// Something that a module said and that refuses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// The stack that it is about.
    pub stack: StackId,
    /// The policy.
    pub policy: PolicyName,
    /// How much it matters, by the module's own word.
    pub severity: Severity,
    /// A sentence for people, which begins with the policy's name.
    pub text: String,
    /// What would change it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cure: Option<String>,
}

/// Judges the planned `stacks` by the settings' `policies`.
///
/// Every policy must have been asked about every stack, with the module that the settings name:
/// where it was not, that refuses, also for a policy that only advises. A mandatory finding refuses
/// where the policy is enforced, and so does a module that gave no answer. Answers about other
/// stacks or of other policies have no part.
#[must_use]
#[inline(never)]
pub fn judge<'a>(
    policies: &BTreeMap<PolicyName, Policy>,
    stacks: impl IntoIterator<Item = &'a StackId>,
    judgements: &Judgements,
) -> Judged {
    let mut judged = Judged::default();
    for stack in stacks {
        let answers = judgements.get(stack);
        for (name, policy) in policies {
            let answer = answers.and_then(|answers| answers.get(name));
            let outcome = answer.filter(|answer| answer.module == policy.module);
            match outcome.map(|answer| &answer.outcome) {
                None => judged.reasons.push(missing(name).on(stack)),
                Some(PolicyOutcome::Failed { text }) => {
                    judged.failed(stack, name, policy.effect, text);
                }
                Some(PolicyOutcome::Findings(findings)) => {
                    judged.found(stack, name, policy.effect, findings);
                }
            }
        }
    }
    judged
}

impl Judged {
    #[inline(never)]
    fn failed(&mut self, stack: &StackId, name: &PolicyName, effect: PolicyEffect, why: &str) {
        let text = format!("policy {name} gave no answer: {why}");
        let cure = "mend the module or its settings in tidegate.toml, then ask for the plan again";
        match effect {
            PolicyEffect::Enforce => {
                self.reasons.push(Reason::new(Code::PolicyFailed, text, cure).on(stack));
            }
            PolicyEffect::Advise => self.remarks.push(Remark {
                stack: stack.clone(),
                policy: name.clone(),
                severity: Severity::Advisory,
                text,
                cure: Some(cure.to_owned()),
            }),
        }
    }

    #[inline(never)]
    fn found(
        &mut self,
        stack: &StackId,
        name: &PolicyName,
        effect: PolicyEffect,
        findings: &[Finding],
    ) {
        let mut refusing = 0_usize;
        for finding in findings {
            let cure = finding.cure().map(str::to_owned);
            let text = sentence(name, finding);
            match (effect, finding.severity()) {
                (PolicyEffect::Enforce, Severity::Mandatory) => {
                    refusing = refusing.saturating_add(1);
                    if refusing <= REASONS {
                        let (code, stack) = (Code::PolicyFinding, Some(stack.clone()));
                        self.reasons.push(Reason { code, stack, text, cure });
                    }
                }
                (PolicyEffect::Enforce, severity @ (Severity::Advisory | Severity::Note))
                | (PolicyEffect::Advise, severity) => self.remarks.push(Remark {
                    stack: stack.clone(),
                    policy: name.clone(),
                    severity,
                    text,
                    cure,
                }),
            }
        }
        if let Some(more @ 1..) = refusing.checked_sub(REASONS) {
            let text = format!("policy {name}: {more} more mandatory finding(s)");
            let cure = "see to the ones that are listed, then look again";
            self.reasons.push(Reason::new(Code::PolicyFinding, text, cure).on(stack));
        }
    }
}

fn sentence(name: &PolicyName, finding: &Finding) -> String {
    let about = finding.urn().map(|urn| format!(" ({} {})", urn.resource_type(), urn.name()));
    let about = about.unwrap_or_default();
    format!("policy {name}: {}{about} [{}]", finding.sentence(), finding.code())
}

fn missing(name: &PolicyName) -> Reason {
    let text = format!("policy {name} was not asked about this plan");
    let cure = "wait for the new plan; if it stays, ask the operators of Tidegate";
    Reason::new(Code::PolicyFailed, text, cure)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Judgement, RawFinding, findings};
    use super::*;
    use crate::ids::Digest;
    use rstest::rstest;

    fn policies(effect: PolicyEffect) -> BTreeMap<PolicyName, Policy> {
        let policy = Policy { module: Digest::of(b"m"), effect, settings: BTreeMap::new() };
        [("guard".parse().unwrap(), policy)].into()
    }

    fn answers(module: &[u8], outcome: PolicyOutcome) -> Judgements {
        let judgement = Judgement { module: Digest::of(module), outcome };
        [("net".parse().unwrap(), [("guard".parse().unwrap(), judgement)].into())].into()
    }

    fn found(severity: Severity, count: usize) -> PolicyOutcome {
        let raw = |n: usize| RawFinding {
            code: "a-code".to_owned(),
            severity,
            sentence: format!("found {n:02}"),
            cure: Some("mend it".to_owned()),
            urn: Some("urn:pulumi:dev::p::aws:s3:Bucket::logs".to_owned()),
        };
        PolicyOutcome::Findings(findings((0..count).map(raw).collect()).unwrap())
    }

    fn judged(effect: PolicyEffect, judgements: &Judgements) -> Judged {
        judge(&policies(effect), [&"net".parse().unwrap()], judgements)
    }

    #[rstest]
    #[case::enforced(PolicyEffect::Enforce, Severity::Mandatory, 1)]
    #[case::advised(PolicyEffect::Advise, Severity::Mandatory, 0)]
    #[case::advisory(PolicyEffect::Enforce, Severity::Advisory, 0)]
    #[case::note(PolicyEffect::Enforce, Severity::Note, 0)]
    fn only_a_mandatory_finding_of_an_enforced_policy_refuses(
        #[case] effect: PolicyEffect,
        #[case] severity: Severity,
        #[case] reasons: usize,
    ) {
        let judged = judged(effect, &answers(b"m", found(severity, 1)));
        assert_eq!((judged.reasons.len(), judged.remarks.len()), (reasons, 1 - reasons));
        let text = judged.reasons.first().map_or_else(
            || judged.remarks.first().unwrap().text.clone(),
            |reason| reason.text.clone(),
        );
        assert_eq!(text, "policy guard: found 00 (aws:s3:Bucket logs) [a-code]");
    }

    #[test]
    fn a_refusal_names_code_stack_and_cure() {
        let judged = judged(PolicyEffect::Enforce, &answers(b"m", found(Severity::Mandatory, 1)));
        let reason = judged.reasons.first().unwrap();
        assert_eq!(reason.code, Code::PolicyFinding);
        assert_eq!(reason.stack, Some("net".parse().unwrap()));
        assert_eq!(reason.cure.as_deref(), Some("mend it"));
    }

    #[rstest]
    #[case::enforced(PolicyEffect::Enforce, 1)]
    #[case::advised(PolicyEffect::Advise, 0)]
    fn a_failed_module_refuses_where_it_is_enforced(
        #[case] effect: PolicyEffect,
        #[case] reasons: usize,
    ) {
        let judged = judged(effect, &answers(b"m", PolicyOutcome::failed("it looped")));
        assert_eq!((judged.reasons.len(), judged.remarks.len()), (reasons, 1 - reasons));
        let told = format!("{:?}{:?}", judged.reasons, judged.remarks);
        assert!(told.contains("policy guard gave no answer: it looped"), "{told}");
    }

    #[rstest]
    #[case::of_no_stack(Judgements::new())]
    #[case::of_another_module(answers(b"other", found(Severity::Note, 1)))]
    fn a_missing_answer_refuses_even_where_the_policy_only_advises(
        #[case] judgements: Judgements,
        #[values(PolicyEffect::Enforce, PolicyEffect::Advise)] effect: PolicyEffect,
    ) {
        let judged = judged(effect, &judgements);
        let codes: Vec<_> = judged.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, [Code::PolicyFailed]);
    }

    #[test]
    fn many_findings_are_counted_beyond_those_that_are_told() {
        let count = REASONS + 3;
        let judged =
            judged(PolicyEffect::Enforce, &answers(b"m", found(Severity::Mandatory, count)));
        assert_eq!(judged.reasons.len(), REASONS + 1);
        let last = judged.reasons.last().unwrap();
        assert_eq!(last.text, "policy guard: 3 more mandatory finding(s)");
    }

    #[test]
    fn answers_that_nobody_asked_for_have_no_part() {
        let mut judgements = answers(b"m", found(Severity::Note, 0));
        let stray = answers(b"x", found(Severity::Mandatory, 1)).remove(&"net".parse().unwrap());
        judgements.insert("other".parse().unwrap(), stray.unwrap());
        assert_eq!(judged(PolicyEffect::Enforce, &judgements), Judged::default());
    }
}
