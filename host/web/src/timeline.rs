//! What happened to a change, from its first plan to the proof: what the log was told of it.

use crate::pages::{Pages, Unmade};
use crate::time::utc;
use crate::trail::Entry;
use maud::{Markup, html};
use tidegate_core::review::Review;
use tidegate_core::rollout::{Branch, Rollout};

/// Most entries that are shown of one subject.
const SHOWN: usize = 200;

/// The trail of a change and of its rollouts.
pub(crate) fn timeline(
    pages: &Pages,
    review: &Review,
    rollouts: &[(&Branch, &Rollout)],
) -> Result<Markup, Unmade> {
    let mut entries = pages.trail.entries(&pages.store, &review.key(), None, SHOWN)?;
    for (branch, rollout) in rollouts {
        let revision = Some(rollout.revision.as_str());
        entries.extend(pages.trail.entries(&pages.store, &branch.key(), revision, SHOWN)?);
    }
    entries.sort_by_key(|entry| entry.index);
    let logged = pages.store.logged()?;
    Ok(html! {
        @if entries.is_empty() {
            p.muted { "The log has nothing about it yet." }
        } @else {
            ol.trail {
                @for entry in &entries {
                    li {
                        (utc(entry.time))
                        (sentence(entry)) " "
                        span.muted {
                            "(log entry " (entry.index)
                            @if entry.index >= logged { ", not yet under a checkpoint" }
                            ")"
                        }
                    }
                }
            }
        }
    })
}

fn sentence(entry: &Entry) -> Markup {
    let id = |name: &str| entry.id(name).to_owned();
    let short = |name: &str| {
        let digest = entry.digests.get(name).map_or("", String::as_str);
        let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
        hex.chars().take(12).collect::<String>()
    };
    match entry.code.as_str() {
        "plan-published" => html! {
            "Patch set " (id("patch-set")) ": plan " code { (short("list")) } " was published."
        },
        "rollout-opened" => html! {
            "It was submitted: a rollout of " (id("stacks")) " stack(s) at " code { (id("revision")) } " began."
        },
        "intent" => html! {
            "Apply of " code { (id("stack")) } " is about to begin: attempt " (id("attempt")) ", plan "
            code { (short("binding")) } ", run " code { (id("run")) } "."
        },
        "outcome" => html! {
            "Apply of " code { (id("stack")) } " ended: " strong { (id("result")) } ", run " code { (id("run")) } "."
        },
        "hold" => html! { code { (id("stack")) } " was held: " (id("code")) "." },
        "retry" => html! { "An operator had " code { (id("stack")) } " tried again." },
        "abort" => html! { "An operator gave " code { (id("stack")) } " up." },
        "release" => html! { "An operator let the rollout go on." },
        "adopted" => html! { code { (id("stack")) } " was adopted as it was." },
        "rollout-closed" => html! { "Every stack of the rollout is over." },
        // The log may know more than this page.
        other => html! { (other) },
    }
}
