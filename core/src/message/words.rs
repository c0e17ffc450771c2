//! The words that messages are made of.

use crate::limits;
use crate::policy::PolicyOutcome;
use crate::review::Summary;
use crate::settings::Approve;
use crate::verdict::Reason;

/// How many steps of a stack are named one by one.
const STEPS_SHOWN: usize = 10;

/// How many findings of policies are shown; the page has all of them.
const FINDINGS_SHOWN: usize = 5;

/// Longest sentence of a finding in a message: the page has all of it.
const FINDING_CHARS: usize = 300;

/// Longest name or type in a line, in characters: a name that is longer tells nothing more.
pub(super) const NAME_CHARS: usize = 120;

/// What a text may fill: the limit less the marker that is the message's last line, and less the
/// line that says how much was left out.
pub(super) const MESSAGE_ROOM: usize = limits::MESSAGE_CHARS - 200;

/// The length that counts against Gerrit's limit: Java's `String.length`, in UTF-16 units.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text without line breaks and other control characters, at most `most` characters of it.
pub(crate) fn on_one_line(text: &str, most: usize) -> String {
    let clean = |c: char| if c.is_control() || is_separator(c) { ' ' } else { c };
    let mut cut: String = text.chars().take(most).map(clean).collect();
    if text.chars().nth(most).is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// Line breaks that are no control characters, and marks that turn the direction of text.
fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A reason and its cure.
pub(super) fn sentence(reason: &Reason) -> String {
    match &reason.cure {
        Some(cure) => format!("{} ({cure})", reason.text),
        None => reason.text.clone(),
    }
}

/// `Code-Review +2`, or `2 × Code-Review at its highest`.
pub(crate) fn rule(approve: &Approve) -> String {
    let count = match approve.count {
        1 => String::new(),
        many => format!("{many} × "),
    };
    let value = match approve.value {
        Some(value) => format!("+{value}"),
        None => "at its highest".to_owned(),
    };
    let group = match &approve.group {
        Some(_) => " by the approvers' group",
        None => "",
    };
    format!("{count}{} {value}{group}", approve.label)
}

/// The worst steps, a line each. That outputs change is told by the counts alone: no resource does.
pub(super) fn steps(summary: &Summary) -> Vec<String> {
    let named: Vec<_> = summary.worst.iter().filter(|step| step.op != "outputs").collect();
    let line = |step: &&crate::review::Headline| {
        let [op, name, kind] =
            [&step.op, &step.name, &step.kind].map(|text| on_one_line(text, NAME_CHARS));
        format!("* {op} {name} ({kind})")
    };
    let mut lines: Vec<_> = named.iter().take(STEPS_SHOWN).map(line).collect();
    if named.len() > STEPS_SHOWN {
        lines.push("* … and more".to_owned());
    }
    lines
}

/// What policy modules said, a line each; one that gave no answer comes first.
pub(super) fn findings(summary: &Summary) -> Vec<String> {
    let (mut failed, mut found) = (Vec::new(), Vec::new());
    for (policy, judgement) in &summary.policies {
        match &judgement.outcome {
            PolicyOutcome::Failed { text } => {
                let text = on_one_line(text, FINDING_CHARS);
                failed.push(format!("* policy {policy} gave no answer: {text}"));
            }
            PolicyOutcome::Findings(findings) => found.extend(findings.iter().map(|finding| {
                let sentence = on_one_line(finding.sentence(), FINDING_CHARS);
                let cure = finding.cure().map(|cure| on_one_line(cure, FINDING_CHARS));
                let cure = cure.map_or_else(String::new, |cure| format!(" ({cure})"));
                let severity = finding.severity();
                (severity, format!("* policy {policy}, {}: {sentence}{cure}", severity.as_str()))
            })),
        }
    }
    found.sort();
    let mut lines = failed;
    lines.extend(found.into_iter().map(|(_, line)| line));
    if lines.len() > FINDINGS_SHOWN {
        let more = lines.len() - FINDINGS_SHOWN;
        lines.truncate(FINDINGS_SHOWN);
        lines.push(format!("* … and {more} more findings"));
    }
    lines
}

/// `1 DELETE, 2 updates, 3 values known later`, or `no changes`.
pub(crate) fn counted(summary: &Summary) -> String {
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
    part(counts.outputs, "changed output", "changed outputs");
    if parts.is_empty() {
        parts.push("no changes".to_owned());
    }
    let mut part = |n: u32, one: &str, many: &str| match n {
        0 => {}
        1 => parts.push(format!("1 {one}")),
        n => parts.push(format!("{n} {many}")),
    };
    part(summary.unknown, "value known later", "values known later");
    part(summary.opaque, "value that can't be seen", "values that can't be seen");
    parts.join(", ")
}
