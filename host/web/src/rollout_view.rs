//! A rollout, stack by stack.

use crate::layout::wide;
use crate::list_page::encoded;
use crate::time::utc;
use maud::{Markup, html};
use tidegate_core::rollout::{Branch, Next, Progress, Rollout, StackRollout};

/// A rollout with its stacks in the order of their waves.
pub(crate) fn rollout(branch: &Branch, rollout: &Rollout) -> Markup {
    let mut stacks: Vec<_> = rollout.stacks.iter().collect();
    stacks.sort_by_key(|(id, open)| (open.wave, *id));
    html! {
        h3 { "Rollout of " code { (rollout.revision) } }
        p.muted {
            "Found " (utc(rollout.found_ms)) " on " code { (branch.branch) } "; "
            @for number in &rollout.changes {
                a href=(change_address(branch.project.as_str(), *number)) {
                    (branch.project) "~" (number)
                }
                " "
            }
            @if rollout.released { "; released by an operator" }
        }
        (wide("Stacks of this rollout", html! {
            table {
                thead { tr { th scope="col" { "Stack" } th scope="col" { "Wave" } th scope="col" { "How it stands" } } }
                tbody { @for (_, open) in stacks { (stack(open)) } }
            }
        }))
    }
}

/// Where a change's page is.
pub(crate) fn change_address(project: &str, number: impl std::fmt::Display) -> String {
    format!("/change/{number}?project={}", encoded(project))
}

/// How a stack stands, with everything that is known about it.
pub(crate) fn standing(open: &StackRollout) -> Markup {
    html! {
        (open.sentence())
        @match &open.progress {
            Progress::Waiting { reasons } => {
                @for reason in reasons {
                    @if let Some(cure) = &reason.cure { br; span.muted { (cure) } }
                }
            }
            Progress::Held { hold } => {
                br; span.muted { "since " (utc(hold.since_ms)) }
                @if !hold.details.is_empty() { ul { @for detail in &hold.details { li { (detail) } } } }
                @if let (Next::Approval, Some(offer)) = (&hold.next, &open.offer) {
                    p {
                        "New plan " a href={ "/plan/" (offer.plan.steps_blob) } { code { (offer.plan.binding.name().short()) } }
                        ": approve it on the change with "
                        code { "Tidegate-Approve: " (offer.plan.binding.name().short()) }
                    }
                }
            }
            Progress::Deployed { output, checkpoint, .. } => {
                @if let Some(output) = output { " " a href={ "/output/" (output) } { "output" } }
                @if let Some(checkpoint) = checkpoint {
                    br; span.muted { "logged under " code { (checkpoint) } }
                }
            }
            Progress::Applying { .. } | Progress::Ended { .. } => {}
        }
        @if open.attempts > 1 { br; span.muted { (open.attempts) " attempts" } }
    }
}

/// The class that colours how far a stack is.
pub(crate) fn class(progress: &Progress) -> &'static str {
    match progress {
        Progress::Deployed { .. } => "ready",
        Progress::Waiting { .. } | Progress::Applying { .. } => "waiting",
        Progress::Held { .. } => "refused",
        Progress::Ended { .. } => "muted",
    }
}

fn stack(open: &StackRollout) -> Markup {
    html! {
        tr {
            td { (open.title) }
            td { (open.wave + 1) }
            td class=(class(&open.progress)) { (standing(open)) }
        }
    }
}
