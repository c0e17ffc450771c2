//! The text of messages on a change: the worst first, equal plans once, within Gerrit's limit.

use crate::ids::StackId;
use crate::limits;
use crate::record::Published;
use crate::review::{StackPreview, StackState, Summary};
use crate::rollout::{Hold, Offer};
use crate::settings::Claim;
use crate::verdict::Reason;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How many steps of a stack are named one by one.
const STEPS_SHOWN: usize = 10;

/// The message of a publication.
#[must_use]
pub fn plan(
    stacks: &BTreeMap<StackId, StackPreview>,
    published: &Published,
    closing: &str,
) -> String {
    let mut groups = grouped(stacks, published);
    groups.sort_by_key(|group| (group.rank(), group.titles.clone()));
    let mut text = groups.first().map_or_else(String::new, |group| group.line(true));
    let mut left = groups.len();
    let end = format!(
        "\n\nApprove with a vote, or with \"Tidegate-Approve: {}\". {closing}",
        published.list.short()
    );
    let room = limits::MESSAGE_CHARS.saturating_sub(end.chars().count() + 80);
    let alone = groups.len() == 1;
    for group in &groups {
        let paragraph = group.paragraph(alone);
        if text.chars().count() + paragraph.chars().count() > room {
            break;
        }
        text.push_str(&paragraph);
        left -= 1;
    }
    if left > 0 {
        // Writing to a String does not fail.
        let _ = write!(text, "\n\n… and {left} more; see Tidegate's page.");
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
    let worst = offer.summary.iter().flat_map(|summary| &summary.worst);
    lines.extend(
        worst.take(STEPS_SHOWN).map(|step| format!("* {} {} ({})", step.op, step.name, step.kind)),
    );
    let who = claim.map_or_else(String::new, |claim| {
        format!(" by {} with {}", claim.approve.count, claim.approve.label)
    });
    lines.push(format!(
        "It goes on when a review message{who} says \"Tidegate-Approve: {}\".",
        name.short()
    ));
    bounded(format!("{title}: {counts}"), &lines, "\n")
}

/// The message when no preview was made.
#[must_use]
pub fn not_previewed(reasons: &[Reason]) -> String {
    let lines: Vec<_> = reasons.iter().map(sentence).collect();
    bounded("Not previewed.".to_owned(), &lines, "\n\n")
}

fn sentence(reason: &Reason) -> String {
    match &reason.cure {
        Some(cure) => format!("{} ({cure})", reason.text),
        None => reason.text.clone(),
    }
}

/// A head and its lines, as many as fit.
pub(crate) fn bounded(head: String, lines: &[String], between: &str) -> String {
    let mut text = head;
    for (n, line) in lines.iter().enumerate() {
        if text.chars().count() + line.chars().count() + 80 > limits::MESSAGE_CHARS {
            let _ = write!(text, "\n… and {} more", lines.len() - n);
            break;
        }
        text.push_str(between);
        text.push_str(line);
    }
    text
}

/// Stacks whose plans look alike.
struct Group<'a> {
    titles: Vec<&'a str>,
    names: Vec<String>,
    summary: &'a Summary,
}

impl Group<'_> {
    /// Deletes and replaces first, then by how many there are.
    fn rank(&self) -> (std::cmp::Reverse<u32>, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>) {
        let counts = &self.summary.counts;
        let all = counts.create + counts.import + counts.update + counts.replace + counts.delete;
        (
            std::cmp::Reverse(counts.delete + counts.replace),
            std::cmp::Reverse(counts.update),
            std::cmp::Reverse(all),
        )
    }

    /// `app/prod: 1 REPLACE, 2 updates`, or of several stacks at once.
    fn line(&self, head: bool) -> String {
        let who = match self.titles.as_slice() {
            [one] => (*one).to_owned(),
            [first, rest @ ..] if head => format!("{first} and {} more", rest.len()),
            many => many.join(", "),
        };
        format!("{who}: {}", counted(self.summary))
    }

    /// The steps; the line above them is the message's first where the group is alone.
    fn paragraph(&self, alone: bool) -> String {
        let mut text = if alone && self.titles.len() == 1 {
            "\n".to_owned()
        } else {
            format!("\n\n{}", self.line(false))
        };
        for (title, name) in self.titles.iter().zip(&self.names) {
            let _ = write!(text, "\n  {title}: plan {name}");
        }
        for step in self.summary.worst.iter().take(STEPS_SHOWN) {
            let _ = write!(text, "\n* {} {} ({})", step.op, step.name, step.kind);
        }
        if self.summary.worst.len() > STEPS_SHOWN {
            let _ = write!(text, "\n* … and more");
        }
        text
    }
}

fn grouped<'a>(
    stacks: &'a BTreeMap<StackId, StackPreview>,
    published: &Published,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (stack, preview) in stacks {
        let StackState::Planned { summary } = &preview.state else { continue };
        let name = published
            .bindings
            .get(stack)
            .map_or_else(String::new, |binding| binding.name().short().to_owned());
        let alike = groups.iter_mut().find(|group| {
            group.summary.counts == summary.counts
                && group.summary.worst == summary.worst
                && group.summary.opaque == summary.opaque
                && group.summary.unknown == summary.unknown
        });
        match alike {
            Some(group) => {
                group.titles.push(&preview.title);
                group.names.push(name);
            }
            None => groups.push(Group { titles: vec![&preview.title], names: vec![name], summary }),
        }
    }
    groups
}

/// `1 DELETE, 2 updates, 1 value can't be seen`, or `no changes`.
fn counted(summary: &Summary) -> String {
    let counts = &summary.counts;
    let mut parts = Vec::new();
    let mut part = |n: u32, one: &str, many: &str| match n {
        0 => {}
        1 => parts.push(format!("1 {one}")),
        n => parts.push(format!("{n} {many}")),
    };
    part(counts.delete, "DELETE", "DELETES");
    part(counts.replace, "REPLACE", "REPLACES");
    part(counts.update, "update", "updates");
    part(counts.create, "create", "creates");
    part(counts.import, "import", "imports");
    part(counts.options, "change of options", "changes of options");
    part(counts.outputs, "change of outputs", "changes of outputs");
    if parts.is_empty() {
        parts.push("no changes".to_owned());
    }
    let mut note = |n: u32, what: &str| {
        if n > 0 {
            parts.push(format!("{n} value(s) {what}"));
        }
    };
    note(summary.unknown, "not known yet");
    note(summary.opaque, "can't be seen");
    parts.join(", ")
}
