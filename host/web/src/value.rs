//! Values of properties, as people read them. A secret is never more than the word.

use maud::{Markup, html};
use tidegate_core::steps::marker::{MarkerName, Part};
use tidegate_core::steps::val::Val;

/// Longest text that is shown of one value.
const TEXT_CHARS: usize = 400;
/// Most items that are shown of a list or an object.
const ITEMS: usize = 20;
/// Deepest nesting that is shown.
const DEPTH: usize = 6;

/// A value.
pub(crate) fn value(val: &Val) -> Markup {
    nested(val, DEPTH)
}

/// A text, cut where it is very long.
pub(crate) fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(TEXT_CHARS).collect();
    if text.chars().nth(TEXT_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

fn nested(val: &Val, depth: usize) -> Markup {
    match val {
        Val::Null => html! { code { "null" } },
        Val::Bool(flag) => html! { code { (flag) } },
        Val::Number(number) => html! { code { (cut(number)) } },
        Val::Text(text) => html! { code { "\"" (cut(text)) "\"" } },
        Val::Template(parts) => html! {
            @for part in parts.iter().take(ITEMS) {
                @match part {
                    Part::Text(text) => code { (cut(text)) },
                    Part::Marker(name) => (marker(name)),
                }
            }
        },
        Val::Marker(name) => marker(name),
        Val::List(_) | Val::Object(_) if depth == 0 => html! { "…" },
        Val::List(items) => html! {
            "["
            @for (n, item) in items.iter().take(ITEMS).enumerate() {
                @if n > 0 { ", " }
                (nested(item, depth - 1))
            }
            (more(items.len())) "]"
        },
        Val::Object(map) => html! {
            "{"
            @for (n, (name, item)) in map.iter().take(ITEMS).enumerate() {
                @if n > 0 { ", " }
                (cut(name)) ": " (nested(item, depth - 1))
            }
            (more(map.len())) "}"
        },
        Val::Secret(_) => html! { em { "secret" } },
        Val::Unknown(_) => html! { span.later { "known later" } },
        Val::Asset(hash) => html! { "file " code { (short(hash)) } },
        Val::Archive(hash) => html! { "archive " code { (short(hash)) } },
        Val::Resource(urn) => html! { "resource " code { (cut(urn.as_str())) } },
        Val::Bytes(base64) => html! { "bytes " code { (cut(base64)) } },
        Val::Opaque(why) => html! { span.later { "can't be seen (" (cut(&why.to_string())) ")" } },
    }
}

fn marker(name: &MarkerName) -> Markup {
    html! { span.later { "known after " (name.stack) ": " (cut(&name.output)) } }
}

fn more(len: usize) -> Markup {
    html! { @if len > ITEMS { ", and " (len - ITEMS) " more" } }
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
