//! The rules that an entry must keep (`docs/log.md`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What can happen, and the ids that an entry of it must have.
const CODES: &[(&str, &[&str])] = &[
    ("abort", &["account"]),
    ("acknowledged", &["account"]),
    ("adopted", &["account", "stack"]),
    ("approval-seen", &["account"]),
    ("branch-moved", &[]),
    ("core-changed", &[]),
    ("credential-issued", &["run", "stack"]),
    ("event-seen", &[]),
    ("facts-read", &[]),
    ("findings-made", &[]),
    ("hold", &["stack"]),
    ("intent", &["run", "stack"]),
    ("outcome", &["run", "stack"]),
    ("plan-published", &[]),
    ("record-written", &[]),
    ("release", &["stack"]),
    ("retry", &["account"]),
    ("rollout-closed", &[]),
    ("rollout-opened", &[]),
    ("salt-erased", &[]),
    ("settings-changed", &[]),
    ("shadow-found", &[]),
    ("verdict", &[]),
    ("vote-seen", &["account"]),
    ("withdrawal-seen", &["account"]),
];

/// Ids of these names are people, and people stand in the log as commitments only.
const PEOPLE: &[&str] = &[
    "account",
    "approver",
    "author",
    "committer",
    "operator",
    "owner",
    "rebaser",
    "requester",
    "submitter",
    "uploader",
];

/// The last millisecond of the year 9999.
const MAX_TIME: u64 = 253_402_300_799_999;
const MAX_SUBJECT: usize = 2048;
const MAX_ID: usize = 512;
const MAX_NAME: usize = 40;
const MAX_ITEMS: usize = 48;

/// An entry of the log. Its fields stand in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What happened.
    pub code: String,
    /// What lies beside the log, by name.
    pub digests: BTreeMap<String, String>,
    /// Whom and what it concerns, by name.
    pub ids: BTreeMap<String, String>,
    /// What it is about.
    pub subject: String,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// The version of the format.
    pub v: u64,
}

/// The rule that an entry breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is not a JSON object of the form.
    #[error("it is not JSON of the form {{code, digests, ids, subject, time, v}}: {0}")]
    Json(String),
    /// It is not spelled in the one way that it must be.
    #[error("its JSON is not canonical")]
    Spelling,
    /// Its version is not known.
    #[error("its version is {0}, this verifier knows version 1; a newer one may know it")]
    Version(u64),
    /// Its code is not known.
    #[error("its code {0:?} is unknown to this verifier; a newer one may know it")]
    Code(String),
    /// A part of it is not as it must be.
    #[error("its {part} {found:?} is not {rule}")]
    Part {
        /// The part.
        part: String,
        /// What it is, shortened.
        found: String,
        /// What it must be.
        rule: &'static str,
    },
    /// There is more of something than there may be.
    #[error("it has more than 48 {0}")]
    TooMany(&'static str),
    /// An id that the code wants is missing.
    #[error("it has no id {0}, which its code wants")]
    Missing(&'static str),
}

impl Entry {
    /// Reads an entry and checks each rule.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry: Self =
            serde_json::from_slice(bytes).map_err(|error| EntryError::Json(error.to_string()))?;
        if entry.v != 1 {
            return Err(EntryError::Version(entry.v));
        }
        let wanted = CODES.iter().find(|(code, _)| *code == entry.code);
        let Some((_, wanted)) = wanted else {
            return Err(EntryError::Code(short(&entry.code)));
        };
        rule(
            "subject",
            &entry.subject,
            is_token(&entry.subject, MAX_SUBJECT),
            "a token of 1 to 2048 bytes",
        )?;
        rule(
            "time",
            &entry.time.to_string(),
            entry.time <= MAX_TIME,
            "milliseconds up to the year 9999",
        )?;
        entry.check_ids()?;
        entry.check_digests()?;
        if let Some(missing) = wanted.iter().find(|id| !entry.ids.contains_key(**id)) {
            return Err(EntryError::Missing(missing));
        }
        // Fields and maps are sorted and nothing needs an escape, so this is the only spelling.
        if serde_json::to_vec(&entry).is_ok_and(|spelled| spelled == bytes) {
            Ok(entry)
        } else {
            Err(EntryError::Spelling)
        }
    }

    fn check_ids(&self) -> Result<(), EntryError> {
        if self.ids.len() > MAX_ITEMS {
            return Err(EntryError::TooMany("ids"));
        }
        for (name, id) in &self.ids {
            check_name(name)?;
            let part = format!("id {name}");
            if PEOPLE.contains(&base_of(name)) {
                let good = id.strip_prefix("hmac-sha256:").is_some_and(|hex| is_hex(hex, 64));
                rule(&part, id, good, "a commitment hmac-sha256:<64 hex digits>")?;
            } else {
                rule(&part, id, is_token(id, MAX_ID), "a token of 1 to 512 bytes")?;
            }
        }
        Ok(())
    }

    fn check_digests(&self) -> Result<(), EntryError> {
        if self.digests.len() > MAX_ITEMS {
            return Err(EntryError::TooMany("digests"));
        }
        for (name, digest) in &self.digests {
            check_name(name)?;
            let good = digest.strip_prefix("sha256:").is_some_and(|hex| is_hex(hex, 64))
                || digest
                    .strip_prefix("git:")
                    .is_some_and(|hex| is_hex(hex, 40) || is_hex(hex, 64));
            let wanted = "sha256:<64 hex digits> or git:<40 or 64 hex digits>";
            rule(&format!("digest {name}"), digest, good, wanted)?;
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), EntryError> {
    let base = base_of(name);
    let number_good = name[base.len()..].strip_prefix('.').is_none_or(|number| {
        number.parse::<u8>().is_ok_and(|n| (2..=99).contains(&n) && n.to_string() == number)
    });
    let good = name.len() <= MAX_NAME
        && base.starts_with(|c: char| c.is_ascii_lowercase())
        && base.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && number_good;
    rule("name", name, good, "1 to 40 lower-case letters, digits and dashes, with .2 to .99")
}

/// A name without the number of a second or later one.
fn base_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Letters, digits, `-._~:/+=@,$`, and each other byte of UTF-8 as `%XX`.
fn is_token(text: &str, max: usize) -> bool {
    if text.is_empty() || text.len() > max {
        return false;
    }
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if is_plain(*first) {
            decoded.push(*first);
            rest = after;
        } else if let (b'%', [high, low, after @ ..]) = (*first, after) {
            let (Some(high), Some(low)) = (upper_hex(*high), upper_hex(*low)) else {
                return false;
            };
            let byte = high * 16 + low;
            if is_plain(byte) {
                return false;
            }
            decoded.push(byte);
            rest = after;
        } else {
            return false;
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

fn is_plain(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
        | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'+' | b'=' | b'@' | b',' | b'$')
}

fn upper_hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn rule(part: &str, found: &str, good: bool, rule: &'static str) -> Result<(), EntryError> {
    if good {
        return Ok(());
    }
    Err(EntryError::Part { part: short(part), found: short(found), rule })
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn json(code: &str, digests: &str, ids: &str, subject: &str) -> String {
        format!(
            r#"{{"code":"{code}","digests":{{{digests}}},"ids":{{{ids}}},"subject":"{subject}","time":1764000000000,"v":1}}"#
        )
    }

    #[test]
    fn an_entry_that_keeps_the_rules_is_read() {
        let hex = "0a".repeat(32);
        let digests = format!(r#""binding":"sha256:{hex}","revision":"git:{}""#, &hex[..40]);
        let ids = format!(
            r#""account":"hmac-sha256:{hex}","account.2":"hmac-sha256:{hex}","label":"Code-Review""#
        );
        let text = json("approval-seen", &digests, &ids, "srv/my%20project/12");
        assert_eq!(Entry::read(text.as_bytes()).unwrap().subject, "srv/my%20project/12");
    }

    #[test]
    fn every_code_is_sorted_and_known() {
        assert!(CODES.is_sorted());
        for (code, wanted) in CODES {
            let ids: Vec<_> = wanted
                .iter()
                .map(|id| {
                    let value = if PEOPLE.contains(id) {
                        format!("hmac-sha256:{}", "0".repeat(64))
                    } else {
                        "x".into()
                    };
                    format!(r#""{id}":"{value}""#)
                })
                .collect();
            Entry::read(json(code, "", &ids.join(","), "host").as_bytes()).unwrap();
        }
    }

    #[rstest]
    #[case::array("[]".into(), "is not JSON of the form")]
    #[case::binary("\u{0}".into(), "is not JSON of the form")]
    #[case::unknown_code(json("opinion", "", "", "host"), "unknown to this verifier")]
    #[case::version(json("verdict", "", "", "host").replace(r#""v":1"#, r#""v":2"#), "its version is 2")]
    #[case::time(json("verdict", "", "", "host").replace("1764", "1764000"), "its time")]
    #[case::space(json("verdict", "", "", "host").replace(":{", ": {"), "not canonical")]
    #[case::end(json("verdict", "", "", "host") + "\n", "not canonical")]
    #[case::free_text(json("verdict", "", r#""note":"looks fine""#, "host"), "its id note")]
    #[case::subject(json("verdict", "", "", ""), "its subject")]
    #[case::needless(json("verdict", "", "", "%41"), "its subject")]
    #[case::lower(json("verdict", "", "", "%c3%bc"), "its subject")]
    #[case::no_utf8(json("verdict", "", "", "%FF"), "its subject")]
    #[case::person(json("verdict", "", r#""approver.2":"1000042""#, "host"), "a commitment")]
    #[case::missing(json("vote-seen", "", "", "host"), "no id account")]
    #[case::name(json("verdict", "", r#""Plan":"1""#, "host"), "its name")]
    #[case::number(json("verdict", "", r#""plan.1":"1""#, "host"), "its name")]
    #[case::digest(json("verdict", r#""plan":"sha1:00""#, "", "host"), "its digest plan")]
    fn an_entry_that_breaks_a_rule_says_which(#[case] text: String, #[case] part: &str) {
        let error = Entry::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn more_ids_than_the_limit_are_refused() {
        let ids: Vec<_> = (10..59).map(|i| format!(r#""k{i}":"1""#)).collect();
        assert!(Entry::read(json("verdict", "", &ids[1..].join(","), "host").as_bytes()).is_ok());
        let error =
            Entry::read(json("verdict", "", &ids.join(","), "host").as_bytes()).unwrap_err();
        assert_eq!(error, EntryError::TooMany("ids"));
    }
}
