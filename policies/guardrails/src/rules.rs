//! What is found in a plan.

use crate::bindings::exports::tidegate::policy::checks::{
    Finding, Operation, Plan, Severity, Step,
};
use crate::settings::Settings;

/// Most protected resources that are named one by one.
const NAMED: usize = 50;

/// Longest part of a type or name that is repeated in a sentence: a sentence has 500 characters.
const SHOWN: usize = 120;

/// Everything that the settings ask to look for.
pub(crate) fn findings(plan: &Plan, settings: &Settings) -> Vec<Finding> {
    let mut findings = protected(plan, settings);
    findings.extend(too_many(plan, settings));
    findings
}

/// Steps that take a protected resource away, or its protection.
fn protected(plan: &Plan, settings: &Settings) -> Vec<Finding> {
    let mut findings: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| settings.protected.iter().any(|p| p.matches(&step.resource_type)))
        .filter(|step| !is_told_by_new_half(step, plan))
        .filter_map(harm)
        .collect();
    let more = findings.len().saturating_sub(NAMED);
    if more > 0 {
        findings.truncate(NAMED);
        findings.push(Finding {
            code: "protected-resource".to_owned(),
            severity: Severity::Mandatory,
            sentence: format!("{more} more protected resource(s) would be lost or unprotected"),
            cure: Some("split the change, or keep the resources".to_owned()),
            urn: None,
        });
    }
    findings
}

/// Whether a step is the old half of a replacement whose new half stands for both. An old half alone
/// is a delete that an earlier update left over.
fn is_told_by_new_half(step: &Step, plan: &Plan) -> bool {
    let is_new_half =
        |other: &Step| other.operation == Operation::CreateReplacement && other.urn == step.urn;
    step.operation == Operation::DeleteReplaced && plan.steps.iter().any(is_new_half)
}

/// What a step does to a protected resource; none if it does no harm.
fn harm(step: &Step) -> Option<Finding> {
    let about = format!("{} {}", shown(&step.resource_type), shown(&step.name));
    let (code, sentence, cure) = match step.operation {
        Operation::Delete | Operation::DeleteReplaced => (
            "protected-resource",
            format!("{about} would be deleted, and its type is protected"),
            "keep the resource, or take its type out of protected-types by a change of its own",
        ),
        Operation::CreateReplacement => (
            "protected-resource",
            format!(
                "{about} would be replaced because of {}, and its type is protected",
                keys(step)
            ),
            "change it without a replacement, or move what it holds first",
        ),
        Operation::Update | Operation::Options if loses_protection(step) => (
            "protection-lost",
            format!("{about} would no longer be protected against deletes"),
            "leave `protect` set",
        ),
        Operation::Import
        | Operation::Create
        | Operation::Update
        | Operation::Options
        | Operation::Outputs => return None,
    };
    Some(Finding {
        code: code.to_owned(),
        severity: Severity::Mandatory,
        sentence,
        cure: Some(cure.to_owned()),
        urn: Some(step.urn.clone()),
    })
}

fn loses_protection(step: &Step) -> bool {
    let was = step
        .options
        .iter()
        .any(|option| option.name == "protect" && option.old.as_deref() == Some("true"));
    was && !step.protect
}

fn keys(step: &Step) -> String {
    match step.replace_keys.as_slice() {
        [] => "something that the provider doesn't tell".to_owned(),
        [only] => shown(only),
        [first, rest @ ..] => format!("{} and {} more", shown(first), rest.len()),
    }
}

/// Limits that the plan goes over.
fn too_many(plan: &Plan, settings: &Settings) -> Vec<Finding> {
    let counts = &plan.counts;
    let sum = |counts: &[u32]| counts.iter().map(|count| u64::from(*count)).sum::<u64>();
    let deletes = sum(&[counts.delete, counts.replace]);
    let changes = sum(&[
        counts.create,
        counts.update,
        counts.replace,
        counts.delete,
        counts.import,
        counts.options,
    ]);
    let over = |code: &str, what: &str, found: u64, limit: Option<u64>| {
        let limit = limit.filter(|limit| found > *limit)?;
        Some(Finding {
            code: code.to_owned(),
            severity: Severity::Mandatory,
            sentence: format!("the plan {what} {found} resource(s), and the limit is {limit}"),
            cure: Some("split the change into smaller ones, or raise the limit".to_owned()),
            urn: None,
        })
    };
    let deletes = over("too-many-deletes", "deletes or replaces", deletes, settings.max_deletes);
    let changes = over("too-many-changes", "touches", changes, settings.max_changes);
    deletes.into_iter().chain(changes).collect()
}

fn shown(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bindings::exports::tidegate::policy::checks::PropertyChange;
    use crate::pattern::Pattern;
    use crate::sample::{plan, step};

    const DATABASE: &str = "aws:rds/instance:Instance";

    fn protecting() -> Settings {
        Settings { protected: vec![Pattern::parse("aws:rds/*").unwrap()], ..Settings::default() }
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn a_protected_type_may_not_go_but_others_may() {
        let steps = vec![
            step(Operation::Delete, DATABASE, "main"),
            step(Operation::Delete, "aws:s3/bucket:Bucket", "logs"),
            step(Operation::Create, DATABASE, "second"),
            step(Operation::Update, DATABASE, "third"),
        ];
        let findings = findings(&plan(steps), &protecting());
        assert_eq!(codes(&findings), ["protected-resource"]);
        let finding = findings.first().unwrap();
        assert_eq!(
            finding.sentence,
            "aws:rds/instance:Instance main would be deleted, and its type is protected"
        );
        assert!(finding.urn.as_deref().unwrap().ends_with("::main"));
    }

    #[test]
    fn a_replacement_says_why() {
        let mut new = step(Operation::CreateReplacement, DATABASE, "main");
        new.replace_keys = vec!["engine".to_owned(), "name".to_owned()];
        let old = step(Operation::DeleteReplaced, DATABASE, "main");
        let findings = findings(&plan(vec![new, old]), &protecting());
        assert_eq!(findings.len(), 1);
        let sentence = &findings.first().unwrap().sentence;
        assert!(sentence.contains("replaced because of engine and 1 more"), "{sentence}");
    }

    #[test]
    fn an_old_half_that_an_earlier_update_left_over_is_a_delete() {
        let old = step(Operation::DeleteReplaced, DATABASE, "main");
        assert_eq!(codes(&findings(&plan(vec![old]), &protecting())), ["protected-resource"]);
    }

    #[test]
    fn protection_may_not_be_taken_away() {
        let option = PropertyChange {
            name: "protect".to_owned(),
            old: Some("true".to_owned()),
            new: None,
            drift: false,
        };
        let mut unprotected = step(Operation::Options, DATABASE, "main");
        unprotected.options = vec![option];
        assert_eq!(codes(&findings(&plan(vec![unprotected]), &protecting())), ["protection-lost"]);
    }

    #[test]
    fn limits_count_a_replacement_once() {
        let steps = vec![
            step(Operation::CreateReplacement, DATABASE, "main"),
            step(Operation::DeleteReplaced, DATABASE, "main"),
            step(Operation::Delete, DATABASE, "old"),
            step(Operation::Create, DATABASE, "new"),
        ];
        let plan = plan(steps);
        let limits = |max_changes, max_deletes| Settings {
            max_changes: Some(max_changes),
            max_deletes: Some(max_deletes),
            ..Settings::default()
        };
        assert_eq!(codes(&findings(&plan, &limits(3, 2))), [""; 0]);
        assert_eq!(codes(&findings(&plan, &limits(2, 2))), ["too-many-changes"]);
        assert_eq!(codes(&findings(&plan, &limits(3, 1))), ["too-many-deletes"]);
    }

    #[test]
    fn a_plan_that_loses_everything_stays_within_what_is_taken() {
        let long = "x".repeat(3_000);
        let steps = (0..500).map(|n| step(Operation::Delete, DATABASE, &format!("{n}{long}")));
        let findings = findings(&plan(steps.collect()), &protecting());
        assert_eq!(findings.len(), NAMED + 1);
        assert!(findings.iter().all(|finding| finding.sentence.chars().count() <= 500));
        assert!(findings.last().unwrap().sentence.starts_with("450 more"));
    }
}
