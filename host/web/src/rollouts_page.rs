//! The branches and the rollouts on their way, and what runs said.

use crate::layout::page;
use crate::pages::{Pages, Unmade};
use crate::rollout_view;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use tidegate_core::rollout::Branch;

pub(crate) async fn show(State(pages): State<Pages>) -> Result<Html<String>, Unmade> {
    let branches = pages.branches()?;
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
        @for shadow in &branch.shadows {
            p.refused { (shadow.reason.text) }
            @if let Some(cure) = &shadow.reason.cure { p.muted { (cure) } }
        }
        @if branch.rollouts.is_empty() { p.muted { "Nothing was submitted since the stacks were taken over." } }
        @for rollout in branch.rollouts.iter().rev() { (rollout_view::rollout(branch, rollout)) }
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
            // Programs write what they like: it is never anything but text.
            let plain = [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            Ok((plain, blob.bytes).into_response())
        }
        Some(_) | None => Err(Unmade::NotFound("there is no such output")),
    }
}
