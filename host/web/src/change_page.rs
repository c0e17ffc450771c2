//! One change: its verdict, its plans, its rollouts and its trail.

use crate::layout::page;
use crate::pages::{Pages, Unmade};
use crate::time::utc;
use crate::verdict_view::{reason, verdict};
use crate::{preview_view, rollout_view, timeline};
use axum::extract::{Path, Query, State};
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;
use tidegate_core::record::Published;
use tidegate_core::review::{KeptPlan, Looked, Review, Seen};
use tidegate_core::rollout::{Branch, Progress, Rollout};

/// How many published lists are shown, the last ones.
const LISTS: usize = 50;
/// How many plans are named of one list.
const PLANS: usize = 60;

#[derive(Deserialize)]
pub(crate) struct Asked {
    project: Option<String>,
}

pub(crate) async fn show(
    State(pages): State<Pages>,
    Path(number): Path<u32>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Unmade> {
    let review = pages
        .review(number, asked.project.as_deref())?
        .ok_or(Unmade::NotFound("no such change was ever looked at"))?;
    let branches = pages.branches()?;
    let title = format!("{}~{}", review.project, review.number);
    Ok(Html(page(&title, body(&pages, &review, &branches)?).into_string()))
}

fn body(pages: &Pages, review: &Review, branches: &[Branch]) -> Result<Markup, Unmade> {
    let rollouts: Vec<(&Branch, &Rollout)> = branches
        .iter()
        .filter(|branch| branch.server == review.server && branch.project == review.project)
        .flat_map(|branch| branch.rollouts.iter().map(move |rollout| (branch, rollout)))
        .filter(|(_, rollout)| rollout.changes.contains(&review.number))
        .collect();
    let plans = match &review.seen {
        Some(seen) => looked(pages, review, seen)?,
        None => html! {},
    };
    let trail = timeline::timeline(pages, review, &rollouts)?;
    Ok(html! {
        @match (&review.verdict, rollouts.is_empty()) {
            (Some(found), true) => (verdict(found)),
            (None, true) => p { "Closed, or none of ours." },
            // What is submitted is decided; how it goes on is the rollout's business.
            (_, false) => {}
        }
        @if !rollouts.is_empty() { (submitted(&rollouts)) }
        @for (branch, rollout) in &rollouts { (rollout_view::rollout(branch, rollout)) }
        (plans)
        @if !review.published.is_empty() {
            h2 { "Published plans" }
            @for list in review.published.iter().rev().take(LISTS) { (published(review, list)) }
            @if review.published.len() > LISTS {
                p.muted { "and " (review.published.len() - LISTS) " older ones" }
            }
        }
        h2 { "Timeline" }
        (trail)
    })
}

/// How far what was submitted is.
fn submitted(rollouts: &[(&Branch, &Rollout)]) -> Markup {
    let stacks: Vec<_> = rollouts.iter().flat_map(|(_, rollout)| rollout.stacks.values()).collect();
    let deployed =
        stacks.iter().filter(|open| matches!(open.progress, Progress::Deployed { .. })).count();
    let held = stacks.iter().filter(|open| matches!(open.progress, Progress::Held { .. })).count();
    let class = match (held, deployed == stacks.len()) {
        (0, true) => "verdict ready",
        (0, false) => "verdict waiting",
        _ => "verdict refused",
    };
    html! {
        p class=(class) {
            strong { "Submitted" } ": " (deployed) " of " (stacks.len()) " stack(s) deployed"
            @if held > 0 { ", " (held) " held" }
        }
    }
}

fn looked(pages: &Pages, review: &Review, seen: &Seen) -> Result<Markup, Unmade> {
    let found = match &seen.looked {
        Looked::AffectsNothing => html! { p { "It touches no claimed stack." } },
        Looked::NotPreviewed { reasons } => html! {
            p { "Not previewed:" }
            ul.reasons { @for one in reasons { li { (reason(one)) } } }
        },
        Looked::Previewing { stacks } => preview_view::previews(pages, stacks, &review.published)?,
    };
    Ok(html! {
        h2 { "Patch set " (seen.patch_set) }
        p.muted {
            code { (seen.revision) } " for " code { (seen.branch) }
            @if let Some(target) = &seen.target { ", merged with " code { (target) } }
        }
        @if !seen.closing.is_empty() { p { (seen.closing) } }
        (found)
    })
}

fn published(review: &Review, list: &Published) -> Markup {
    html! {
        details {
            summary {
                "Patch set " (list.patch_set) ": " code { (list.list.short()) } ", "
                (list.bindings.len()) " stack(s)"
            }
            ul {
                @for (stack, binding) in list.bindings.iter().take(PLANS) {
                    li {
                        code { (stack) } " plan " code { (binding.name().short()) }
                        @if let Some(plan) = review.plans.get(&binding.name()) { (kept(plan)) }
                    }
                }
                @if list.bindings.len() > PLANS { li { "and " (list.bindings.len() - PLANS) " more" } }
            }
        }
    }
}

fn kept(plan: &KeptPlan) -> Markup {
    html! {
        " " a href={ "/plan/" (plan.steps_blob) } { "steps" }
        @if plan.asked_ms > 0 { span.muted { " looked at " (utc(plan.asked_ms)) } }
    }
}
