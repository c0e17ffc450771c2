//! What each stack was left at, and what holds it.

use crate::layout::{page, wide};
use crate::pages::{Pages, Unmade};
use crate::rollout_view::{change_address, class};
use crate::time::utc;
use axum::extract::State;
use axum::response::Html;
use maud::{Markup, html};
use std::collections::BTreeSet;
use tidegate_core::ids::StackId;
use tidegate_core::rollout::{Branch, StackRollout};

pub(crate) async fn show(State(pages): State<Pages>) -> Result<Html<String>, Unmade> {
    let branches = pages.branches()?;
    let body = html! {
        @if branches.is_empty() { p { "No branch with claimed stacks was looked at yet." } }
        @for branch in &branches {
            h2 { (branch.project) " " code { (branch.branch) } }
            (stacks(branch))
        }
    };
    Ok(Html(page("Stacks", body).into_string()))
}

fn stacks(branch: &Branch) -> Markup {
    let open = branch.rollouts.iter().flat_map(|rollout| rollout.stacks.keys());
    let all: BTreeSet<&StackId> = branch.deployed.keys().chain(open).collect();
    if all.is_empty() {
        return html! { p.muted { "No stack was taken over yet: run " code { "tidegate adopt" } "." } };
    }
    wide(
        "Stacks",
        html! {
            table {
                thead { tr {
                    th scope="col" { "Stack" } th scope="col" { "Deployed revision" }
                    th scope="col" { "How" } th scope="col" { "On its way" }
                } }
                tbody { @for stack in all { (row(branch, stack)) } }
            }
        },
    )
}

fn row(branch: &Branch, stack: &StackId) -> Markup {
    let open: Vec<&StackRollout> = branch
        .rollouts
        .iter()
        .filter_map(|rollout| rollout.stacks.get(stack))
        .filter(|open| !open.progress.is_over())
        .collect();
    html! {
        tr {
            th scope="row" { (stack) }
            @match branch.deployed.get(stack) {
                None => { td.muted { "not taken over" } td {} }
                Some(deployed) => {
                    td { code { (deployed.revision.as_str().get(..12).unwrap_or_default()) } br; (utc(deployed.at_ms)) }
                    td {
                        @match &deployed.adopted {
                            Some(adopted) => { "adopted by " (adopted.by) ": " (adopted.reason) },
                            None => "deployed",
                        }
                    }
                }
            }
            td {
                @if open.is_empty() { span.muted { "nothing" } }
                @for one in open {
                    p class=(class(&one.progress)) {
                        a href=(change_address(branch.project.as_str(), one.change)) { (branch.project) "~" (one.change) }
                        " " (one.sentence())
                    }
                }
            }
        }
    }
}
