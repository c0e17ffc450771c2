//! Steps of a plan, the worst first, each with what changes.

use crate::value::{cut, value};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::steps::Steps;
use tidegate_core::steps::headline::Effect;
use tidegate_core::steps::operation::Operation;
use tidegate_core::steps::step::{Change, Read, Step};
use tidegate_core::steps::val::Val;

/// Most properties that are shown of one step.
const PROPERTIES: usize = 100;
/// Up to how many steps stand open: what is short needs no fold.
const OPEN: usize = 4;
/// How deep objects are compared key by key.
const DEPTH: usize = 4;

/// The steps that people are shown, the worst first: the two halves of a replacement are one, and
/// providers that the engine makes by itself are left out.
pub(crate) fn shown(steps: &Steps) -> Vec<&Step> {
    let replaced: BTreeSet<_> = steps
        .steps
        .iter()
        .filter(|step| step.operation == Operation::CreateReplacement)
        .map(|step| (&step.urn, step.old_id()))
        .collect();
    let half = |step: &Step| {
        step.operation == Operation::DeleteReplaced
            && replaced.contains(&(&step.urn, step.old_id()))
    };
    let mut shown: Vec<_> =
        steps.steps.iter().filter(|step| !step.is_internal() && !half(step)).collect();
    shown.sort_by_key(|step| (Effect::of(step), &step.resource_type, &step.urn));
    shown
}

/// Steps, each behind one line; a few of them stand open.
pub(crate) fn list(steps: &[&Step]) -> Markup {
    html! { @for step in steps { (one(step, steps.len() <= OPEN)) } }
}

/// What is only looked at.
pub(crate) fn reads(reads: &[Read], most: usize) -> Markup {
    html! {
        @if !reads.is_empty() {
            details {
                summary { "Only looked at: " (reads.len()) }
                ul {
                    @for read in reads.iter().take(most) {
                        li { (cut(read.urn.name())) " " code.muted { (cut(&read.resource_type)) } " " (value(&read.id)) }
                    }
                    @if reads.len() > most { li { "and " (reads.len() - most) " more" } }
                }
            }
        }
    }
}

fn one(step: &Step, open: bool) -> Markup {
    let effect = Effect::of(step);
    html! {
        details open[open] {
            summary {
                span class=(format!("op {}", class(effect))) { (effect.as_str()) }
                " " (cut(step.urn.name())) " " code.muted { (cut(&step.resource_type)) }
            }
            @if step.deletes_first { p { "The old one goes before the new one comes." } }
            @if step.changes.is_empty() && step.options.is_empty() {
                p.muted { "No property is listed." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Property" } th scope="col" { "Before → after" } } }
                    tbody {
                        @for (name, change) in step.options.iter().map(|(name, change)| (name.as_str(), change)) {
                            tr { th scope="row" { (name) " " span.muted { "(option)" } } td { (sides(change)) } }
                        }
                        @for (name, change) in step.changes.iter().take(PROPERTIES) {
                            tr {
                                th scope="row" {
                                    (cut(name))
                                    @if step.replace_keys.contains(name) { " " span.refused { "replaces" } }
                                }
                                td { (sides(change)) }
                            }
                        }
                    }
                }
                @if step.changes.len() > PROPERTIES {
                    p { "and " (step.changes.len() - PROPERTIES) " more properties" }
                }
            }
        }
    }
}

fn sides(change: &Change) -> Markup {
    html! {
        (beside(change.old.as_ref(), change.new.as_ref(), DEPTH))
        @if change.drift { " " span.waiting { "(changed by something else)" } }
    }
}

/// A value before and after; of two objects, the keys that differ.
fn beside(old: Option<&Val>, new: Option<&Val>, depth: usize) -> Markup {
    html! {
        @match (old, new) {
            (None, None) => "changes",
            (None, Some(new)) => ins { (value(new)) },
            (Some(old), None) => { del { (value(old)) } " → not set" },
            (Some(Val::Object(old)), Some(Val::Object(new))) if depth > 0 => (inside(old, new, depth)),
            (Some(old), Some(new)) => { del { (value(old)) } " → " ins { (value(new)) } },
        }
    }
}

fn inside(old: &BTreeMap<String, Val>, new: &BTreeMap<String, Val>, depth: usize) -> Markup {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let (same, differ): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| old.get(*key) == new.get(*key));
    html! {
        ul.inside {
            @for key in differ.iter().take(PROPERTIES) {
                li { (cut(key)) ": " (beside(old.get(*key), new.get(*key), depth - 1)) }
            }
            @if differ.len() > PROPERTIES { li { "and " (differ.len() - PROPERTIES) " more" } }
            @if !same.is_empty() { li.muted { (same.len()) " unchanged" } }
        }
    }
}

fn class(effect: Effect) -> &'static str {
    match effect {
        Effect::Replace | Effect::Delete | Effect::Unprotect => "refused",
        Effect::Update | Effect::Options | Effect::Forget => "waiting",
        Effect::Create | Effect::Import | Effect::Outputs => "ready",
    }
}
