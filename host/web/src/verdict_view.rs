//! A verdict, and what would change it.

use crate::list_page::class;
use maud::{Markup, html};
use tidegate_core::verdict::{Outcome, Reason, Verdict};

/// A verdict with each of its reasons.
pub(crate) fn verdict(verdict: &Verdict) -> Markup {
    html! {
        p class=(format!("verdict {}", class(verdict.outcome))) {
            strong { (word(verdict.outcome)) } ": " (verdict.summary)
        }
        @if !verdict.reasons.is_empty() {
            ul.reasons { @for one in &verdict.reasons { li { (reason(one)) } } }
        }
        @if !verdict.stacks.is_empty() {
            details {
                summary { "Approvals of each stack" }
                ul {
                    @for (stack, one) in &verdict.stacks {
                        li {
                            code { (stack) } ": " (one.approvals) " of " (one.needed)
                            @if let Some(binding) = &one.binding { ", plan " code { (binding.short()) } }
                        }
                    }
                }
            }
        }
    }
}

/// A reason, and what would change it.
pub(crate) fn reason(reason: &Reason) -> Markup {
    html! {
        @if let Some(stack) = &reason.stack { code { (stack) } ": " }
        (reason.text)
        @if let Some(cure) = &reason.cure { br; span.muted { "What would change it: " (cure) } }
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ready => "Ready",
        Outcome::NotOurs => "None of ours",
        Outcome::Waiting => "Waiting",
        Outcome::Refused => "Refused",
    }
}
