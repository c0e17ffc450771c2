//! The changes that are being looked at.

use crate::layout::{page, wide};
use crate::pages::{Pages, Unmade};
use crate::rollout_view::change_address;
use axum::extract::State;
use axum::response::Html;
use maud::html;
use tidegate_core::review::Review;
use tidegate_core::verdict::Outcome;

/// How many changes are listed.
const SHOWN: usize = 200;

pub(crate) async fn show(State(pages): State<Pages>) -> Result<Html<String>, Unmade> {
    let mut reviews = Vec::new();
    for subject in pages.store.recent_subjects("review", None, SHOWN)? {
        reviews.push(serde_json::from_slice::<Review>(&subject.state)?);
    }
    let open: Vec<_> = reviews.iter().filter(|review| review.seen.is_some()).collect();
    let body = html! {
        @if open.is_empty() { p { "No open change touches a claimed stack." } }
        @else {
            (wide("Open changes", html! { table {
                thead { tr {
                    th scope="col" { "Change" } th scope="col" { "Patch set" }
                    th scope="col" { "Stacks" } th scope="col" { "Verdict" }
                } }
                tbody {
                    @for review in open {
                        @if let (Some(seen), Some(verdict)) = (&review.seen, &review.verdict) {
                            tr {
                                td {
                                    a href=(change_address(review.project.as_str(), review.number)) {
                                        (review.project) "~" (review.number)
                                    }
                                }
                                td { (seen.patch_set) }
                                td { (verdict.stacks.len()) }
                                td class=(class(verdict.outcome)) { (verdict.summary) }
                            }
                        }
                    }
                }
            } }))
        }
    };
    Ok(Html(page("Changes", body).into_string()))
}

/// The class that colours an outcome.
pub(crate) fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ready | Outcome::NotOurs => "ready",
        Outcome::Waiting => "waiting",
        Outcome::Refused => "refused",
    }
}

/// A query's value, percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
