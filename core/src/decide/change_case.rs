//! May a change be submitted?

use super::approvals::Approvals;
use crate::change::{Change, Status};
use crate::facts::{ChangeFacts, PatchSetFacts};
use crate::ids::StackId;
use crate::plan::{DeploymentPlan, plan};
use crate::record::{Binding, Look, Record, StackLook};
use crate::settings::{Floor, Mode, Settings};
use crate::verdict::{Code, Reason, StackVerdict, Verdict};
use std::collections::BTreeMap;

/// Decides whether a change may be submitted.
#[must_use]
pub fn decide_change(facts: &ChangeFacts, floor: Option<&Floor>) -> Verdict {
    match judge(facts, floor) {
        Ok(verdict) => verdict,
        Err(reason) => Verdict::from_reasons(vec![*reason], BTreeMap::new()),
    }
}

/// An `Err` is a reason that leaves nothing more to look at.
#[inline(never)]
fn judge(facts: &ChangeFacts, floor: Option<&Floor>) -> Result<Verdict, Box<Reason>> {
    if facts.schema != ChangeFacts::SCHEMA {
        let text = format!("the facts have schema {}, not {}", facts.schema, ChangeFacts::SCHEMA);
        return Err(reason(Code::FactMissing, text, "upgrade the plugin and the host"));
    }
    let change = facts.meta.change().map_err(|error| {
        reason(Code::HistoryUnreadable, error.to_string(), "ask the operators of Tidegate")
    })?;
    let found = record(facts, &change);
    // The plugin has no floor of its own: it takes the one that the host signed.
    let signed = found.as_ref().map(|record| &record.floor).ok();
    let none = Floor::default();
    let floor = floor.or(signed).unwrap_or(&none);
    let settings = Settings::read(&facts.settings, floor).map_err(|error| {
        reason(Code::SettingsError, error.to_string(), "mend tidegate.toml on refs/meta/config")
    })?;
    if settings.on_branch(&change.branch).next().is_none() {
        return Ok(Verdict::not_ours(format!("no stack is claimed on {}", change.branch)));
    }
    let reviewed = patch_set(facts, &change)?;
    let plan =
        plan(&settings, &change.branch, &reviewed.paths, &BTreeMap::new()).map_err(|error| {
            reason(Code::PlanError, error.to_string(), "mend the claims in tidegate.toml")
        })?;
    if plan.stacks.is_empty() {
        return Ok(Verdict::not_ours("it touches no claimed stack".to_owned()));
    }
    let mut reasons = state_reasons(&change);
    let mut stacks = BTreeMap::new();
    match found {
        Err(reason) => reasons.push(*reason),
        Ok(record) if record.floor != *floor => reasons.push(Reason::new(
            Code::SettingsChanged,
            "the floor of the installation changed since the plan was made",
            "wait for the new plan",
        )),
        Ok(record) => {
            let approvals =
                Approvals::new(facts, &change, record.publisher, &record.published, reviewed);
            reasons.extend(look_reasons(&record, &plan));
            reasons.extend(policy_reasons(&record, &plan, &settings));
            for stack in plan.stacks.keys() {
                stacks.insert(
                    stack.clone(),
                    judge_stack(stack, &settings, &record, &approvals, &mut reasons),
                );
            }
        }
    }
    let mut verdict = Verdict::from_reasons(reasons, stacks);
    if settings.mode == Mode::Observe {
        verdict.submittable = true;
        verdict.summary = format!("observing only: {}", verdict.summary);
    }
    Ok(verdict)
}

/// The facts of the reviewed patch set, checked against the history.
#[inline(never)]
fn patch_set<'a>(
    facts: &'a ChangeFacts,
    change: &Change,
) -> Result<&'a PatchSetFacts, Box<Reason>> {
    let number = change.reviewed();
    let missing = |text: String| {
        reason(Code::FactMissing, text, "wait a moment; if it stays, ask the operators of Tidegate")
    };
    let found = facts
        .patch_sets
        .get(&number)
        .ok_or_else(|| missing(format!("nothing is known of patch set {number}")))?;
    let expected = change.patch_sets.get(&number).map(|patch_set| &patch_set.revision);
    if expected != Some(&found.revision) {
        return Err(missing(format!("patch set {number} is not the commit of the history")));
    }
    Ok(found)
}

#[inline(never)]
fn state_reasons(change: &Change) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match change.status {
        Status::New => {}
        Status::Merged => reasons.push(Reason::new(
            Code::Merged,
            "the change is merged",
            "nothing: it can't be submitted twice",
        )),
        Status::Abandoned => {
            reasons.push(Reason::new(Code::Abandoned, "the change is abandoned", "restore it"));
        }
    }
    if change.work_in_progress {
        let cure = "mark it as ready for review";
        reasons.push(Reason::new(Code::WorkInProgress, "the change is work in progress", cure));
    }
    if change.private {
        let cure = "make it public";
        reasons.push(Reason::new(Code::Private, "the change is private", cure));
    }
    reasons
}

/// The record, if it is about this change as it stands.
#[inline(never)]
fn record(facts: &ChangeFacts, change: &Change) -> Result<Record, Box<Reason>> {
    let Some(found) = &facts.record else {
        return Err(reason(
            Code::RecordMissing,
            "Tidegate has not written about this change yet".to_owned(),
            "wait for its message; if none comes, ask the operators whether tidegate serve runs",
        ));
    };
    let unusable = |text: String| {
        reason(Code::RecordUnusable, text, "upgrade the plugin, or ask the operators of Tidegate")
    };
    let record: Record = crate::json::read("record", found.text.as_bytes()).map_err(unusable)?;
    crate::json::schema("record", record.schema, Record::SCHEMA).map_err(unusable)?;
    if record.server != facts.server
        || record.project != facts.project
        || record.number != facts.number
    {
        return Err(unusable("the record is about another change".to_owned()));
    }
    let expected = change.patch_sets.get(&record.patch_set).map(|patch_set| &patch_set.revision);
    if !change.is_reviewed(record.patch_set) || expected != Some(&record.revision) {
        let text = format!("the plan is of patch set {}, not of this one", record.patch_set);
        return Err(reason(Code::RecordOutdated, text, "wait for the plan of this patch set"));
    }
    Ok(record)
}

/// What the record says of the patch set as a whole.
#[inline(never)]
fn look_reasons(record: &Record, plan: &DeploymentPlan) -> Vec<Reason> {
    match &record.look {
        Look::Previewed { findings, .. } => findings.clone(),
        // A record that says so without a reason still refuses.
        Look::NotPreviewed { reasons } if !reasons.is_empty() => reasons.clone(),
        Look::NotPreviewed { .. } | Look::AffectsNothing => vec![Reason::new(
            Code::StackNotPreviewed,
            format!("no plan was made, though it touches {} stack(s)", plan.stacks.len()),
            "wait for the plan",
        )],
    }
}

/// What the policy modules have against the plans that are there.
#[inline(never)]
fn policy_reasons(record: &Record, plan: &DeploymentPlan, settings: &Settings) -> Vec<Reason> {
    let Look::Previewed { stacks, policies, .. } = &record.look else { return Vec::new() };
    let is_planned = |stack: &&StackId| match stacks.get(*stack) {
        Some(StackLook::Planned { .. } | StackLook::Unpublished) => true,
        Some(StackLook::Running | StackLook::Failed { .. }) | None => false,
    };
    let planned = plan.stacks.keys().filter(is_planned);
    crate::policy::judge(&settings.policies, planned, policies).reasons
}

#[inline(never)]
fn judge_stack(
    stack: &StackId,
    settings: &Settings,
    record: &Record,
    approvals: &Approvals<'_>,
    reasons: &mut Vec<Reason>,
) -> StackVerdict {
    let mut verdict = StackVerdict { binding: None, approvals: 0, needed: 0 };
    let Look::Previewed { stacks, .. } = &record.look else { return verdict };
    let binding = match present_binding(stack, stacks.get(stack), settings, record) {
        Ok(binding) => binding,
        Err(reason) => {
            reasons.push(reason.on(stack));
            return verdict;
        }
    };
    verdict.binding = Some(binding.name());
    let Some(claim) = settings.stacks.get(stack) else { return verdict };
    verdict.needed = claim.approve.count;
    match approvals.count(binding, &claim.approve) {
        Ok(count) => {
            verdict.approvals = count.given;
            if count.given < claim.approve.count {
                reasons.push(count.missing(stack, claim, binding).on(stack));
            }
        }
        Err(reason) => reasons.push(reason.on(stack)),
    }
    verdict
}

/// The binding that would be deployed, if it is what the present settings ask for.
fn present_binding<'a>(
    stack: &StackId,
    look: Option<&StackLook>,
    settings: &Settings,
    record: &'a Record,
) -> Result<&'a Binding, Reason> {
    let name = match look {
        None => {
            let text = "the stack is touched but was not previewed";
            return Err(Reason::new(Code::StackNotPreviewed, text, "wait for the plan"));
        }
        Some(StackLook::Running) => {
            let text = "the preview is running";
            return Err(Reason::new(Code::PreviewRunning, text, "wait for it to end"));
        }
        Some(StackLook::Unpublished) => {
            let text = "its plan is published once those of the other stacks are there";
            return Err(Reason::new(Code::RecordMissing, text, "see to the other stacks"));
        }
        Some(StackLook::Failed { reason }) => return Err(reason.clone()),
        Some(StackLook::Planned { binding }) => binding,
    };
    let unusable =
        |text: &str| Reason::new(Code::RecordUnusable, text, "ask the operators of Tidegate");
    let binding = record
        .published
        .iter()
        .flat_map(|published| published.bindings.values())
        .find(|binding| binding.stack == *stack && binding.name() == *name)
        .ok_or_else(|| unusable("the record names a plan that it doesn't hold"))?;
    if binding.revision != record.revision {
        return Err(unusable("the record's plan is of another revision"));
    }
    if settings.claim_digest(stack).as_ref() != Some(&binding.settings) {
        let text = "the settings that govern the stack changed since the plan was made";
        return Err(Reason::new(Code::SettingsChanged, text, "wait for the new plan"));
    }
    Ok(binding)
}

fn reason(code: Code, text: String, cure: &str) -> Box<Reason> {
    Box::new(Reason::new(code, text, cure))
}
