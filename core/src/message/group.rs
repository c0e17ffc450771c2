//! Stacks whose plans look alike, told at once.

use super::words::{NAME_CHARS, counted, findings, on_one_line, steps};
use crate::ids::StackId;
use crate::record::Published;
use crate::review::{StackPreview, StackState, Summary};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How many stacks of a group are named, each with its plan.
const STACKS_SHOWN: usize = 12;

/// How many outputs of other stacks are named.
const OUTPUTS_SHOWN: usize = 5;

/// Stacks whose plans look alike.
pub(super) struct Group<'a> {
    titles: Vec<String>,
    names: Vec<String>,
    summary: &'a Summary,
    /// What other stacks' outputs the plans wait for.
    outputs: BTreeSet<&'a str>,
    /// Whose outputs these are.
    upstream: BTreeSet<String>,
}

/// What decides the order of groups: deletes and replaces first, then how much changes.
type Rank = (Reverse<u32>, Reverse<u32>, Reverse<u32>, Vec<String>);

/// The stacks by what their plans look like.
pub(super) fn grouped<'a>(
    stacks: &'a BTreeMap<StackId, StackPreview>,
    published: &Published,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (stack, preview) in stacks {
        let StackState::Planned { summary } = &preview.state else { continue };
        let binding = published.bindings.get(stack);
        let name = binding.map_or_else(String::new, |binding| binding.name().short().to_owned());
        let title = on_one_line(&preview.title, NAME_CHARS);
        let outputs: BTreeSet<_> =
            summary.markers.iter().map(|marker| marker.output.as_str()).collect();
        let upstream = summary.markers.iter().map(|marker| match stacks.get(&marker.stack) {
            Some(other) => on_one_line(&other.title, NAME_CHARS),
            None => marker.stack.to_string(),
        });
        // What is quickly compared comes first: 2,000 stacks may all differ.
        let alike = groups.iter_mut().find(|group| {
            group.summary.counts == summary.counts
                && group.summary.opaque == summary.opaque
                && group.summary.unknown == summary.unknown
                && group.outputs == outputs
                && group.summary.policies == summary.policies
                && group.summary.worst == summary.worst
        });
        match alike {
            Some(group) => {
                group.upstream.extend(upstream);
                group.titles.push(title);
                group.names.push(name);
            }
            None => groups.push(Group {
                titles: vec![title],
                names: vec![name],
                summary,
                outputs,
                upstream: upstream.collect(),
            }),
        }
    }
    groups
}

impl Group<'_> {
    /// How many stacks are in it.
    pub(super) fn stacks(&self) -> usize {
        self.titles.len()
    }

    /// Deletes and replaces first, then by how much changes.
    pub(super) fn rank(&self) -> Rank {
        let counts = &self.summary.counts;
        let kinds = [counts.create, counts.import, counts.update, counts.replace, counts.delete];
        let all = kinds.into_iter().fold(0, u32::saturating_add);
        (
            Reverse(counts.delete.saturating_add(counts.replace)),
            Reverse(counts.update),
            Reverse(all),
            self.titles.clone(),
        )
    }

    /// `app/prod: 1 REPLACE, 2 updates`, or of several stacks at once.
    pub(super) fn line(&self) -> String {
        let counts = counted(self.summary);
        match self.titles.as_slice() {
            [one] => format!("{one}: {counts}"),
            [one, two] => format!("{one} and {two}: {counts} each"),
            many => format!("{} stacks: {counts} each", many.len()),
        }
    }

    /// The stacks and their steps; the line above them is the message's first where the group is
    /// alone.
    pub(super) fn paragraph(&self, alone: bool) -> String {
        let mut text = if alone { String::new() } else { format!("\n\n{}", self.line()) };
        // Writing to a String does not fail.
        match (self.titles.as_slice(), self.names.as_slice()) {
            // Where there is one stack, its plan is the whole list.
            ([_], _) if alone => {}
            ([_], [name]) => {
                let _ = write!(text, ", plan {name}");
            }
            (titles, names) => {
                let named = titles.iter().zip(names).take(STACKS_SHOWN);
                let named: Vec<_> = named.map(|(title, name)| format!("{title} {name}")).collect();
                let _ = write!(text, "\nPlans: {}", named.join(", "));
                if titles.len() > STACKS_SHOWN {
                    let _ = write!(text, " and {} more", titles.len() - STACKS_SHOWN);
                }
            }
        }
        for line in findings(self.summary).iter().chain(&steps(self.summary)) {
            let _ = write!(text, "\n{line}");
        }
        if !self.outputs.is_empty() {
            let _ = write!(text, "\nKnown only after {}: {}", self.above(), self.awaited());
        }
        text
    }

    fn above(&self) -> String {
        let mut names = self.upstream.iter();
        match (names.next(), names.next(), names.next()) {
            (Some(one), None, _) => one.clone(),
            (Some(one), Some(two), None) => format!("{one} and {two}"),
            _ => "the stacks that they read".to_owned(),
        }
    }

    fn awaited(&self) -> String {
        let shown = self.outputs.iter().take(OUTPUTS_SHOWN);
        let mut names: Vec<_> = shown.map(|name| on_one_line(name, NAME_CHARS)).collect();
        if self.outputs.len() > OUTPUTS_SHOWN {
            names.push(format!("{} more", self.outputs.len() - OUTPUTS_SHOWN));
        }
        names.join(", ")
    }
}
