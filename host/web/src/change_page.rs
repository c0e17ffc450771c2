//! One change: its verdict, its plans, its failures.

use crate::layout::page;
use crate::list_page::class;
use crate::pages::{Pages, Unmade};
use axum::extract::{Path, Query, State};
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;
use tidegate_core::review::{Looked, Review, StackPreview, StackState};

/// How many changes are searched for the one that is asked for.
const SEARCHED: usize = 10_000;

#[derive(Deserialize)]
pub(crate) struct Asked {
    project: Option<String>,
}

pub(crate) async fn show(
    State(pages): State<Pages>,
    Path(number): Path<u32>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Unmade> {
    let ending = match &asked.project {
        Some(project) => format!("/{project}/{number}"),
        None => format!("/{number}"),
    };
    let found = pages
        .store
        .recent_subjects("review", None, SEARCHED)?
        .into_iter()
        .find(|subject| subject.key.ends_with(&ending))
        .ok_or(Unmade::NotFound("no such change was ever looked at"))?;
    let review: Review = serde_json::from_slice(&found.state)?;
    Ok(Html(page(&format!("{}~{}", review.project, review.number), body(&review)).into_string()))
}

fn body(review: &Review) -> Markup {
    html! {
        @match &review.verdict {
            None => p { "Closed, or none of ours." },
            Some(verdict) => {
                p class=(class(verdict.outcome)) { strong { (verdict.summary) } }
                @if !verdict.reasons.is_empty() {
                    ul {
                        @for reason in &verdict.reasons {
                            li {
                                @if let Some(stack) = &reason.stack { code { (stack) } ": " }
                                (reason.text)
                                @if let Some(cure) = &reason.cure { br; span.muted { (cure) } }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(seen) = &review.seen {
            p.muted { "Patch set " (seen.patch_set) " for " code { (seen.branch) } }
            @if let Looked::Previewing { stacks } = &seen.looked {
                @for (id, preview) in stacks { (stack(id.as_str(), preview)) }
            }
        }
    }
}

fn stack(id: &str, preview: &StackPreview) -> Markup {
    html! {
        h2 { (preview.title) " " span.muted { code { (id) } ", wave " (preview.wave + 1) } }
        @match &preview.state {
            StackState::Waiting { .. } => p { "It waits for the plans of the stacks that it reads." },
            StackState::Running { .. } => p { "The preview is running." },
            StackState::Failed { reason, .. } => {
                p.refused { (reason.text) }
                @if let Some(cure) = &reason.cure { p.muted { (cure) } }
            }
            StackState::Planned { summary } => {
                @let counts = &summary.counts;
                p {
                    (counts.delete) " deletes, " (counts.replace) " replaces, "
                    (counts.update) " updates, " (counts.create) " creates, "
                    (summary.unknown) " not known yet, " (summary.opaque) " can't be seen"
                }
                table {
                    @for step in &summary.worst {
                        tr { td { (step.op) } td { (step.name) } td { code { (step.kind) } } }
                    }
                }
            }
        }
    }
}
