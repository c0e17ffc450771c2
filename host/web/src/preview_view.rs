//! The previews of a change, a fold for each stack.

use crate::pages::{Pages, Unmade};
use crate::plan_page;
use crate::steps_view;
use crate::time::{seconds, utc};
use crate::value::cut;
use crate::verdict_view::reason;
use maud::{Markup, html};
use std::collections::BTreeMap;
use tidegate_core::ids::{Digest, StackId};
use tidegate_core::policy::{Finding, PolicyOutcome, Severity};
use tidegate_core::record::Published;
use tidegate_core::review::{StackPreview, StackState, Summary};

/// How many steps of a stack stand on the change's page.
const STEPS: usize = 20;
/// Of how many stacks the steps stand there; the others have the worst ones and a link.
const STACKS: usize = 20;
/// How many steps are named of the others.
const NAMED: usize = 10;
/// How many resources are listed that are only looked at.
const READS: usize = 20;

/// Every stack, the worst first.
pub(crate) fn previews(
    pages: &Pages,
    stacks: &BTreeMap<StackId, StackPreview>,
    published: &[Published],
) -> Result<Markup, Unmade> {
    let mut order: Vec<_> = stacks.iter().collect();
    order.sort_by_key(|(id, preview)| (rank(&preview.state), preview.wave, (*id).clone()));
    let names: BTreeMap<_, _> =
        published.last().map(|list| &list.bindings).into_iter().flatten().collect();
    let mut folds = Vec::new();
    for (n, (id, preview)) in order.into_iter().enumerate() {
        let name = names.get(id).map(|binding| binding.name());
        folds.push(one(pages, id, preview, name.as_ref(), n < STACKS)?);
    }
    Ok(html! { @for fold in folds { (fold) } })
}

fn one(
    pages: &Pages,
    id: &StackId,
    preview: &StackPreview,
    name: Option<&Digest>,
    full: bool,
) -> Result<Markup, Unmade> {
    let body = match &preview.state {
        StackState::Waiting { .. } => {
            html! { p { "It waits for the plans of the stacks that it reads." } }
        }
        StackState::Running { .. } => {
            html! { p { "The preview is running, or waits for a place." } }
        }
        StackState::Failed { reason: why, output } => html! {
            p.refused { (reason(why)) }
            @if let Some(output) = output { p { a href={ "/output/" (output) } { "What the preview said" } } }
        },
        StackState::Planned { summary } => plan(pages, summary, full)?,
    };
    Ok(html! {
        details open[full] {
            summary {
                strong { (cut(&preview.title)) } " "
                span class=(class(&preview.state)) { (line(&preview.state)) }
            }
            p.muted {
                code { (id) } ", wave " (preview.wave + 1)
                @if let Some(name) = name { ", plan " code { (name.short()) } }
                @if preview.asked_ms > 0 { ", asked for " (utc(preview.asked_ms)) }
            }
            (body)
        }
    })
}

fn plan(pages: &Pages, summary: &Summary, full: bool) -> Result<Markup, Unmade> {
    let steps =
        if full { plan_page::steps(&pages.store, summary.steps_blob.as_str())? } else { None };
    let list = match &steps {
        Some(steps) => {
            let shown = steps_view::shown(steps);
            html! {
                (steps_view::list(shown.get(..STEPS.min(shown.len())).unwrap_or_default()))
                @if shown.len() > STEPS {
                    p { a href={ "/plan/" (summary.steps_blob) } { "All " (shown.len()) " steps" } }
                }
                (steps_view::reads(&steps.reads, READS))
            }
        }
        None => html! {
            ul {
                @for step in summary.worst.iter().take(NAMED) {
                    li { (step.op) " " (cut(&step.name)) " " code.muted { (cut(&step.kind)) } }
                }
            }
            p { a href={ "/plan/" (summary.steps_blob) } { "All steps" } }
        },
    };
    Ok(html! {
        (policies(summary))
        (list)
        p.muted {
            "Previewed in " (seconds(summary.took_ms))
            @for (name, version) in summary.versions.iter().filter(|(name, _)| *name == "pulumi") {
                " by " (name) " " (version)
            }
            "; " a href={ "/output/" (summary.output) } { "what it said" }
        }
    })
}

/// What policy modules said of a plan.
fn policies(summary: &Summary) -> Markup {
    html! {
        @for (policy, judgement) in &summary.policies {
            @match &judgement.outcome {
                PolicyOutcome::Failed { text } => {
                    p.refused { "Policy " (policy) " gave no answer: " (text) }
                }
                PolicyOutcome::Findings(findings) if findings.is_empty() => {
                    p.muted { "Policy " (policy) " has nothing against it." }
                }
                PolicyOutcome::Findings(findings) => {
                    p { "Policy " (policy) ":" }
                    ul.reasons { @for one in findings { li { (finding(one)) } } }
                }
            }
        }
    }
}

fn finding(finding: &Finding) -> Markup {
    let class = match finding.severity() {
        Severity::Mandatory => "refused",
        Severity::Advisory => "waiting",
        Severity::Note => "muted",
    };
    html! {
        span class=(class) { (finding.severity().as_str()) } ": " (finding.sentence())
        " " code.muted { (finding.code()) }
        @if let Some(urn) = finding.urn() { " " code { (cut(urn.as_str())) } }
        @if let Some(cure) = finding.cure() { br; span.muted { "What would change it: " (cure) } }
    }
}

/// `1 replace, 2 updates`, or how far the preview is.
fn line(state: &StackState) -> String {
    let summary = match state {
        StackState::Waiting { .. } => return "waits".to_owned(),
        StackState::Running { .. } => return "is being previewed".to_owned(),
        StackState::Failed { .. } => return "failed".to_owned(),
        StackState::Planned { summary } => summary,
    };
    let counts = &summary.counts;
    let parts = [
        (counts.delete, "to delete"),
        (counts.replace, "to replace"),
        (counts.update, "to update"),
        (counts.create, "to create"),
        (counts.import, "to import"),
        (counts.options, "with other options"),
        (counts.outputs, "outputs to change"),
        (summary.unknown, "values known later"),
        (summary.opaque, "values that can't be seen"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0);
    let line = parts.map(|(n, what)| format!("{n} {what}")).collect::<Vec<_>>().join(", ");
    if line.is_empty() { "no changes".to_owned() } else { line }
}

fn rank(state: &StackState) -> (u8, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>) {
    let (kind, worst, all) = match state {
        StackState::Failed { .. } => (0, 0, 0),
        StackState::Planned { summary } => {
            let counts = &summary.counts;
            let worst = counts.delete.saturating_add(counts.replace);
            (1, worst, worst.saturating_add(counts.update).saturating_add(counts.create))
        }
        StackState::Running { .. } | StackState::Waiting { .. } => (2, 0, 0),
    };
    (kind, std::cmp::Reverse(worst), std::cmp::Reverse(all))
}

fn class(state: &StackState) -> &'static str {
    match state {
        StackState::Failed { .. } => "refused",
        StackState::Waiting { .. } | StackState::Running { .. } => "waiting",
        StackState::Planned { summary } if summary.counts.delete + summary.counts.replace > 0 => {
            "refused"
        }
        StackState::Planned { .. } => "ready",
    }
}
