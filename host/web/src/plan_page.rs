//! One plan: its steps, a page of them at a time.

use crate::layout::page;
use crate::pages::{Pages, Unmade};
use crate::steps_view;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use maud::{Markup, html};
use serde::Deserialize;
use tidegate_core::steps::Steps;
use tidegate_store::{Digest, Reader};

/// How many steps a page has.
const PAGE: usize = 100;
/// How many resources are listed that are only looked at.
const READS: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Asked {
    page: Option<usize>,
}

/// The steps that a blob holds; nothing if it is gone, secret or something else.
pub(crate) fn steps(store: &Reader, digest: &str) -> Result<Option<Steps>, Unmade> {
    let Ok(digest) = digest.parse::<Digest>() else { return Ok(None) };
    let blob = store.blob(&digest)?.filter(|blob| !blob.secret);
    Ok(blob.and_then(|blob| serde_json::from_slice(&blob.bytes).ok()))
}

pub(crate) async fn show(
    State(pages): State<Pages>,
    Path(digest): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Unmade> {
    let steps = steps(&pages.store, &digest)?.ok_or(Unmade::NotFound("there is no such plan"))?;
    let title = match steps.steps.first() {
        Some(step) => format!("Plan of {}/{}", step.urn.project(), step.urn.stack()),
        None => "Plan without steps".to_owned(),
    };
    let number = asked.page.unwrap_or(1).max(1);
    Ok(Html(page(&title, body(&steps, &digest, number)).into_string()))
}

fn body(steps: &Steps, digest: &str, number: usize) -> Markup {
    let shown = steps_view::shown(steps);
    let pages = shown.len().div_ceil(PAGE).max(1);
    let number = number.min(pages);
    let first = (number - 1) * PAGE;
    let some: Vec<_> = shown.iter().skip(first).take(PAGE).copied().collect();
    html! {
        p {
            (shown.len()) " step(s), " (steps.counts.same) " resource(s) stay as they are; "
            (steps.unknown) " value(s) known later, " (steps.secrets) " secret(s), "
            (steps.opaque) " that can't be seen."
        }
        p.muted { "Steps " code { (steps.digest) } }
        (steps_view::list(&some))
        @if pages > 1 { (links(digest, number, pages)) }
        (steps_view::reads(&steps.reads, READS))
    }
}

fn links(digest: &str, number: usize, pages: usize) -> Markup {
    let to = |page: usize| format!("/plan/{digest}?page={page}");
    html! {
        nav.pages aria-label="Pages of this plan" {
            @if number > 1 { a href=(to(number - 1)) rel="prev" { "Page " (number - 1) } }
            span { "Page " (number) " of " (pages) }
            @if number < pages { a href=(to(number + 1)) rel="next" { "Page " (number + 1) } }
        }
    }
}
