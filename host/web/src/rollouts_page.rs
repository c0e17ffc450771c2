//! What each stack was left at, and the rollouts on their way.

use crate::layout::page;
use crate::list_page::encoded;
use crate::pages::{Pages, Unmade};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use tidegate_core::rollout::{Branch, Progress, Rollout, StackRollout};

/// How many branches are listed.
const SHOWN: usize = 200;

pub(crate) async fn show(State(pages): State<Pages>) -> Result<Html<String>, Unmade> {
    let mut branches = Vec::new();
    for subject in pages.store.recent_subjects("branch", None, SHOWN)? {
        branches.push(serde_json::from_slice::<Branch>(&subject.state)?);
    }
    let body = html! {
        @if branches.is_empty() { p { "No branch with claimed stacks was looked at yet." } }
        @for one in &branches { (branch(one)) }
    };
    Ok(Html(page("Rollouts", body).into_string()))
}

fn branch(branch: &Branch) -> Markup {
    html! {
        h2 { (branch.project) " " code { (branch.branch) } }
        @if let Some(reason) = &branch.trouble {
            p.refused { "Nothing is rolled out: " (reason.text) }
            @if let Some(cure) = &reason.cure { p.muted { (cure) } }
        }
        @for shadow in &branch.shadows { p.refused { (shadow.reason.text) } }
        @if branch.deployed.is_empty() {
            p.muted { "No stack was taken over yet: run " code { "tidegate adopt" } "." }
        } @else {
            table {
                thead { tr { th { "Stack" } th { "Deployed revision" } th { "How" } } }
                tbody {
                    @for (stack, deployed) in &branch.deployed {
                        tr {
                            td { (stack) }
                            td { code { (deployed.revision) } }
                            td {
                                @match &deployed.adopted {
                                    Some(adopted) => { "adopted by " (adopted.by) ": " (adopted.reason) },
                                    None => "deployed",
                                }
                            }
                        }
                    }
                }
            }
        }
        @for rollout in branch.rollouts.iter().rev() { (one_rollout(branch, rollout)) }
    }
}

fn one_rollout(branch: &Branch, rollout: &Rollout) -> Markup {
    let mut stacks: Vec<_> = rollout.stacks.iter().collect();
    stacks.sort_by_key(|(id, open)| (open.wave, *id));
    html! {
        h3 { "Rollout of " code { (rollout.revision) } }
        p.muted {
            @for number in &rollout.changes {
                a href={ "/change/" (number) "?project=" (encoded(branch.project.as_str())) } {
                    (branch.project) "~" (number)
                }
                " "
            }
        }
        table {
            thead { tr { th { "Stack" } th { "Wave" } th { "How it stands" } } }
            tbody { @for (_, open) in stacks { (stack(open)) } }
        }
    }
}

fn stack(open: &StackRollout) -> Markup {
    html! {
        tr {
            td { (open.title) }
            td { (open.wave + 1) }
            td class=(class(&open.progress)) {
                (open.sentence())
                @if let Progress::Held { hold } = &open.progress {
                    ul { @for detail in &hold.details { li { (detail) } } }
                }
                @if let Progress::Deployed { output: Some(output), .. } = &open.progress {
                    " " a href={ "/output/" (output) } { "output" }
                }
            }
        }
    }
}

fn class(progress: &Progress) -> &'static str {
    match progress {
        Progress::Deployed { .. } => "ready",
        Progress::Waiting { .. } | Progress::Applying { .. } => "waiting",
        Progress::Held { .. } => "refused",
        Progress::Ended { .. } => "muted",
    }
}

/// What a run said. A blob that exports leave out is not shown either.
pub(crate) async fn output(
    State(pages): State<Pages>,
    Path(digest): Path<String>,
) -> Result<Response, Unmade> {
    let digest = digest.parse().map_err(|_| Unmade::NotFound("that is no digest"))?;
    match pages.store.blob(&digest)? {
        Some(blob) if !blob.secret => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((plain, blob.bytes).into_response())
        }
        Some(_) | None => Err(Unmade::NotFound("there is no such output")),
    }
}
