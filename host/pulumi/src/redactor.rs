//! Finds known secrets in texts and strikes them out.

use crate::unknown::is_unknown;
use crate::{HmacKey, Secret, limits};
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Range;

/// What stands in human text where a secret stood.
const STRUCK: &str = "[secret]";

/// Hex digits of the hash that stands in a value where a secret stood.
const HASH_DIGITS: usize = 16;

/// The secret texts of one run, and their usual disguises: JSON escapes, base64, single lines.
///
/// Only what is known is found. A secret that a program makes itself and never hands to Pulumi, or
/// one that it hashes or cuts, is not.
#[derive(Default)]
pub struct Redactor {
    texts: BTreeSet<String>,
    /// Texts that stand for values that aren't known yet.
    markers: BTreeSet<String>,
    bytes: usize,
    searches: Option<Searches>,
}

struct Searches {
    /// For human text.
    all: AhoCorasick,
    /// For values that are not marked as secret.
    long: AhoCorasick,
}

impl Redactor {
    /// One that knows no secret yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns a secret text.
    pub fn add(&mut self, secret: &Secret) {
        self.add_text(secret.expose());
    }

    /// Learns the markers that were planted for a run. What holds one is no secret text, also where
    /// it stands for one.
    pub(crate) fn expect_markers<'a>(&mut self, markers: impl IntoIterator<Item = &'a String>) {
        self.markers.extend(markers.into_iter().cloned());
    }

    /// Whether `text` is a planted marker, and nothing else.
    pub(crate) fn is_marker(&self, text: &str) -> bool {
        self.markers.contains(text)
    }

    /// Whether a planted marker is somewhere in `text`.
    pub(crate) fn holds_marker(&self, text: &str) -> bool {
        self.markers.iter().any(|marker| text.contains(marker.as_str()))
    }

    /// Learns the texts in a secret value: the value's own text, and each text and number inside.
    pub fn add_value(&mut self, value: &Value) {
        match value {
            // `true` and `null` are in every second line, and give nothing away.
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.add_text(&number.to_string()),
            Value::String(text) => self.add_text(text),
            Value::Array(items) => {
                self.add_text(&value.to_string());
                items.iter().for_each(|item| self.add_value(item));
            }
            Value::Object(map) => {
                self.add_text(&value.to_string());
                map.values().for_each(|item| self.add_value(item));
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        // Unknowns are everywhere, and to strike them would make them known.
        if is_unknown(text) || self.holds_marker(text) {
            return;
        }
        self.insert(text);
        let escaped = Value::from(text).to_string();
        self.insert(&escaped[1..escaped.len() - 1]);
        for line in text.lines().map(str::trim) {
            if line.len() >= limits::PLAIN_SECRET_BYTES {
                self.insert(line);
            }
        }
        if text.len() >= limits::PLAIN_SECRET_BYTES {
            self.insert(&STANDARD_NO_PAD.encode(text));
            self.insert(&URL_SAFE_NO_PAD.encode(text));
        }
    }

    fn insert(&mut self, text: &str) {
        if text.len() >= limits::SECRET_BYTES
            && self.bytes <= limits::SECRET_TEXT_BYTES
            && self.texts.insert(text.to_owned())
        {
            self.bytes += text.len();
            self.searches = None;
        }
    }

    /// `text` with each known secret replaced by `[secret]`; nothing of it if there are too many
    /// secrets to search for.
    #[must_use]
    pub fn strike(&mut self, text: &str) -> String {
        let Some(searches) = self.searches() else { return String::new() };
        replace(text, &found(&searches.all, text), |_| STRUCK.to_owned())
    }

    /// `text` with each known secret of some length replaced by a keyed hash of it, so that values
    /// stay comparable. `None` if nothing had to be replaced.
    #[must_use]
    pub fn strike_value(&mut self, text: &str, key: &HmacKey) -> Option<String> {
        let hashed = |part: &str| {
            let hash = key.hash(&Value::from(part));
            format!("[secret:{}]", &hash[..hash.len().min(HASH_DIGITS)])
        };
        let Some(searches) = self.searches() else { return Some(hashed(text)) };
        let ranges = found(&searches.long, text);
        (!ranges.is_empty()).then(|| replace(text, &ranges, hashed))
    }

    /// Builds what is needed for searching; `None` above the limit of what is searched for.
    fn searches(&mut self) -> Option<&Searches> {
        if self.bytes > limits::SECRET_TEXT_BYTES {
            return None;
        }
        if self.searches.is_none() {
            let long = |text: &&String| text.len() >= limits::PLAIN_SECRET_BYTES;
            self.searches = Some(Searches {
                all: AhoCorasick::new(&self.texts).ok()?,
                long: AhoCorasick::new(self.texts.iter().filter(long)).ok()?,
            });
        }
        self.searches.as_ref()
    }
}

/// All places of known texts, overlapping ones merged: one secret may begin inside another, and
/// replacing only the first would leave the rest of the second to read.
fn found(search: &AhoCorasick, text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<_> = search.find_overlapping_iter(text).map(|hit| hit.range()).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

fn replace(text: &str, ranges: &[Range<usize>], with: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        out.push_str(&text[from..range.start]);
        out.push_str(&with(&text[range.clone()]));
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn knowing(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::new();
        secrets.iter().for_each(|text| redactor.add(&Secret::new((*text).to_owned())));
        redactor
    }

    #[rstest]
    #[case::plain("pw is hunter2!", "pw is [secret]!")]
    #[case::inside_a_longer_one("correcthorse99", "[secret]")]
    #[case::overlapping("xx abcdefghi yy", "xx [secret] yy")]
    #[case::adjacent("abcdefabcdef", "[secret][secret]")]
    #[case::json_escapes(r#"{"a":"say \"hi\""}"#, r#"{"a":"[secret]"}"#)]
    #[case::base64("Y29ycmVjdGhvcnNlOTk=", "[secret]=")]
    #[case::single_line("  | -----BEGIN KEY", "  | [secret]")]
    #[case::nothing("a b c", "a b c")]
    fn known_secrets_are_struck_out(#[case] text: &str, #[case] expected: &str) {
        let mut redactor = knowing(&[
            "hunter2",
            "correct",
            "correcthorse99",
            "abcdef",
            "defghi",
            "say \"hi\"",
            "-----BEGIN KEY\nMIIB",
        ]);
        assert_eq!(redactor.strike(text), expected);
    }

    #[test]
    fn texts_inside_of_secret_objects_are_known_too() {
        let mut redactor = Redactor::new();
        redactor.add_value(&json!({"a": {"b": ["deep-secret", 54321, true, null]}}));
        assert_eq!(redactor.strike("deep-secret 54321 true null"), "[secret] [secret] true null");
    }

    #[test]
    fn values_keep_short_words_and_get_hashes_for_long_ones() {
        let key = HmacKey::new([1; 32]);
        let mut redactor = knowing(&["dev", "correcthorse99"]);
        assert_eq!(redactor.strike_value("stack dev", &key), None);
        let struck = redactor.strike_value("postgres://u:correcthorse99@h", &key);
        let hash = &key.hash(&json!("correcthorse99"))[..16];
        assert_eq!(struck, Some(format!("postgres://u:[secret:{hash}]@h")));
    }

    #[test]
    fn too_many_secrets_show_nothing_at_all() {
        let mut redactor = Redactor::new();
        redactor.add(&Secret::new("x".repeat(limits::SECRET_TEXT_BYTES + 1)));
        assert_eq!(redactor.strike("harmless"), "");
        assert!(
            redactor
                .strike_value("harmless", &HmacKey::new([1; 32]))
                .is_some_and(|text| !text.contains("harmless"))
        );
    }

    proptest! {
        #[test]
        fn no_known_secret_survives_in_any_text(
            secrets in prop::collection::vec("[ab]{3,6}", 1..6),
            text in "[ab ]{0,60}",
        ) {
            let known: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let struck = knowing(&known).strike(&text);
            for secret in known {
                prop_assert!(!struck.contains(secret), "{secret} in {struck}");
            }
        }
    }
}
