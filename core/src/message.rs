//! The text of messages on a change: the worst first, equal plans once, within Gerrit's limit.
//!
//! Names come from programs, so each is put on one line and cut: no name can write a line of its own
//! into a message that Tidegate signs with its account.

mod group;
#[cfg(test)]
mod tests;
mod words;

use crate::ids::StackId;
use crate::record::Published;
use crate::review::{StackPreview, StackState};
use crate::rollout::{Hold, Offer};
use crate::settings::Claim;
use crate::verdict::Reason;
use group::{Group, grouped};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use words::{MESSAGE_ROOM, findings, length, sentence, steps};

pub(crate) use words::{counted, on_one_line, rule};

/// Longest last line: room for a few rules of approval.
const CLOSING_CHARS: usize = 1_000;

/// The message of a publication.
#[must_use]
pub fn plan(
    stacks: &BTreeMap<StackId, StackPreview>,
    published: &Published,
    closing: &str,
) -> String {
    let mut groups = grouped(stacks, published);
    groups.sort_by_cached_key(Group::rank);
    let name = published.list.short();
    let closing = on_one_line(closing, CLOSING_CHARS);
    let end = format!(
        "\n\nApprove with a vote, or with the message \"Tidegate-Approve: {name}\". {closing}"
    );
    let room = MESSAGE_ROOM.saturating_sub(length(&end));
    let mut left: usize = groups.iter().map(Group::stacks).sum();
    let mut text = match groups.as_slice() {
        [] => String::new(),
        [only] => only.line(),
        [first, ..] => format!("{} (the worst of {left} stacks)", first.line()),
    };
    let alone = groups.len() == 1;
    for group in &groups {
        let paragraph = group.paragraph(alone);
        if length(&text) + length(&paragraph) > room {
            break;
        }
        text.push_str(&paragraph);
        left -= group.stacks();
    }
    if left > 0 {
        // Writing to a String does not fail.
        let _ = write!(text, "\n\n… and {left} more stacks; Tidegate's page has all of them.");
    }
    text.push_str(&end);
    text
}

/// The message when previews failed.
#[must_use]
pub fn failed(stacks: &BTreeMap<StackId, StackPreview>) -> String {
    let mut lines = Vec::new();
    for preview in stacks.values() {
        if let StackState::Failed { reason, .. } = &preview.state {
            lines.push(format!("{}: {}", preview.title, sentence(reason)));
        }
    }
    let head = format!("{} of {} preview(s) failed.", lines.len(), stacks.len());
    bounded(head, &lines, "\n\n")
}

/// The message of a stack that is held during its rollout, with its new plan.
#[must_use]
pub fn held(title: &str, hold: &Hold, offer: &Offer, claim: Option<&Claim>) -> String {
    let counts = offer.summary.as_ref().map(counted).unwrap_or_default();
    let mut lines = vec![format!("Held: {}.", hold.reason.text)];
    lines.extend(hold.details.iter().cloned());
    let name = offer.plan.binding.name();
    lines.push(format!("New plan {}: {counts}", name.short()));
    lines.extend(offer.summary.iter().flat_map(findings));
    lines.extend(offer.summary.iter().flat_map(steps));
    let who = claim.map_or_else(String::new, |claim| {
        format!(" by {} with {}", claim.approve.count, claim.approve.label)
    });
    let lines: Vec<_> = lines.iter().map(|line| on_one_line(line, usize::MAX)).collect();
    let end = format!(
        "\nIt goes on when a review message{who} says \"Tidegate-Approve: {}\".",
        name.short()
    );
    let title = on_one_line(title, words::NAME_CHARS);
    let mut text = within(format!("{title}: {counts}"), &lines, "\n", length(&end));
    text.push_str(&end);
    text
}

/// The message when no preview was made.
#[must_use]
pub fn not_previewed(reasons: &[Reason]) -> String {
    let lines: Vec<_> = reasons.iter().map(sentence).collect();
    bounded("Not previewed.".to_owned(), &lines, "\n\n")
}

/// A head and its lines, as many as fit.
pub(crate) fn bounded(head: String, lines: &[String], between: &str) -> String {
    within(head, lines, between, 0)
}

/// A head and as many lines as fit beside `reserved` characters that follow.
fn within(head: String, lines: &[String], between: &str, reserved: usize) -> String {
    let mut text = head;
    let mut used = length(&text) + reserved;
    for (n, line) in lines.iter().enumerate() {
        used += length(between) + length(line);
        if used > MESSAGE_ROOM {
            let _ = write!(text, "\n… and {} more", lines.len() - n);
            break;
        }
        text.push_str(between);
        text.push_str(line);
    }
    text
}
