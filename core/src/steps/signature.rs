//! The engine's special forms of values, told by one key (`sdk/go/common/resource/sig`).

use serde_json::{Map, Value};

/// The key of every special form.
pub(crate) const KEY: &str = "4dabf18193072939515e22adb298388d";

/// A secret.
pub(crate) const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";

const ASSET: &str = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE: &str = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE: &str = "5cf8f73096256a8f31e491e813e4eb8e";
const BYTES: &str = "803fd3297a5875dc03ca845dda5d2a98";

/// What an event shows in the place of a secret's text.
pub(crate) const MASK: &str = "[secret]";

/// What stands for a value that isn't known yet: one text for each type of value
/// (`sdk/go/common/resource/plugin/rpc.go`). Events, plans and states use the first.
const UNKNOWNS: [&str; 7] = [
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
];

/// The special forms of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form<'a> {
    /// No special form.
    Plain,
    Secret,
    Asset,
    Archive,
    Resource,
    Bytes,
    /// Any other, by its signature.
    Other(&'a str),
}

pub(crate) fn form(map: &Map<String, Value>) -> Form<'_> {
    match map.get(KEY) {
        None => Form::Plain,
        Some(Value::String(signature)) => match signature.as_str() {
            SECRET => Form::Secret,
            ASSET => Form::Asset,
            ARCHIVE => Form::Archive,
            RESOURCE => Form::Resource,
            BYTES => Form::Bytes,
            other => Form::Other(other),
        },
        Some(_) => Form::Other("not a text"),
    }
}

pub(crate) fn is_unknown(text: &str) -> bool {
    UNKNOWNS.contains(&text)
}

/// The object, if `value` is a secret.
pub(crate) fn as_secret(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|map| form(map) == Form::Secret)
}

/// Whether `masked`, a text of an event, can be what Pulumi made of `text` by masking secrets.
pub(crate) fn is_masked_form(masked: &str, text: &str) -> bool {
    let mut pieces = masked.split(MASK);
    let Some(rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut rest = rest;
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece).and_then(|at| rest.get(at + piece.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("[secret]", "hunter22", true)]
    #[case("pg://u:[secret]@h/[secret]", "pg://u:a@b@h/c", true)]
    #[case("pg://u:[secret]@h", "pg://u:a@g", false)]
    #[case("x[secret]", "y", false)]
    #[case("plain", "plain", true)]
    #[case("plain", "plainer", false)]
    fn a_masked_text_fits_what_it_was_made_from(
        #[case] masked: &str,
        #[case] text: &str,
        #[case] fits: bool,
    ) {
        assert_eq!(is_masked_form(masked, text), fits);
    }
}
