//! One entry of the log.

use crate::code::Code;
use crate::commitment::{Commitment, Role};
use crate::digest::Digest;
use crate::draft::LeafDraft;
use crate::hash::Hash;
use crate::leaf_error::LeafError;
use crate::subject::Subject;
use crate::token::{MAX_ID_BYTES, is_key, is_token, split_key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The leaf format that this crate writes and reads.
pub(crate) const VERSION: u64 = 1;

/// C2SP `tlog-tiles`: an entry's length is written in two bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The most ids, and the most digests, in a leaf. With the limits on their lengths a leaf always
/// fits into an entry; a list without a bound belongs into a blob.
pub(crate) const MAX_ITEMS: usize = 48;

/// The last millisecond of the year 9999: what every reader's calendar still knows.
pub(crate) const MAX_TIME_MS: u64 = 253_402_300_799_999;

/// An entry: `{code, digests, ids, subject, time, v}` in canonical JSON.
///
/// It has no free text: everything in it is a code, a token that names something, a digest, a
/// number or a commitment. Equal leaves have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    bytes: Vec<u8>,
    code: Code,
    subject: Subject,
    time_ms: u64,
    ids: BTreeMap<String, String>,
    digests: BTreeMap<String, String>,
}

/// The JSON form. The fields stand in the order of their names, which makes them canonical.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    code: String,
    digests: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
    subject: String,
    time: u64,
    v: u64,
}

impl Leaf {
    /// The leaf of these bytes, as [`Leaf::bytes`] gave them.
    ///
    /// # Errors
    /// When the bytes aren't exactly those of a leaf.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        let form: Form =
            serde_json::from_slice(bytes).map_err(|error| LeafError::Json(error.to_string()))?;
        if form.v != VERSION {
            return Err(LeafError::Version(form.v));
        }
        let code = Code::parse(&form.code)
            .ok_or_else(|| LeafError::Code(form.code.chars().take(80).collect()))?;
        let subject = Subject::parse(&form.subject)?;
        let leaf = Self::check(code, subject, form.time, form.ids, form.digests)?;
        if leaf.bytes == bytes { Ok(leaf) } else { Err(LeafError::NotCanonical) }
    }

    /// A draft of a leaf.
    pub fn draft(code: Code, subject: Subject, time_ms: u64) -> LeafDraft {
        LeafDraft::new(code, subject, time_ms)
    }

    /// The entry's bytes: canonical JSON, at most [`MAX_ENTRY_BYTES`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the entry in the tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of_entry(&self.bytes)
    }

    /// What happened.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the leaf is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// When, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The ids by name, as tokens.
    #[must_use]
    pub fn ids(&self) -> &BTreeMap<String, String> {
        &self.ids
    }

    /// The digests by name.
    #[must_use]
    pub fn digests(&self) -> &BTreeMap<String, String> {
        &self.digests
    }

    /// Checks every rule but canonical form, which the result has.
    pub(crate) fn check(
        code: Code,
        subject: Subject,
        time_ms: u64,
        ids: BTreeMap<String, String>,
        digests: BTreeMap<String, String>,
    ) -> Result<Self, LeafError> {
        let name = code.as_str();
        if time_ms > MAX_TIME_MS {
            return Err(LeafError::Time { code: name, found: time_ms });
        }
        for (what, map) in [("ids", &ids), ("digests", &digests)] {
            if map.len() > MAX_ITEMS {
                return Err(LeafError::TooMany { code: name, what, found: map.len() });
            }
            if let Some(key) = map.keys().find(|key| !is_key(key)) {
                return Err(LeafError::Key { code: name, key: key.chars().take(80).collect() });
            }
        }
        for (key, id) in &ids {
            check_id(name, key, id)?;
        }
        for (key, digest) in &digests {
            digest.parse::<Digest>().map_err(|source| LeafError::Digest {
                code: name,
                key: key.clone(),
                source,
            })?;
        }
        if let Some(key) = code.required_ids().iter().find(|key| !ids.contains_key(**key)) {
            return Err(LeafError::Missing { code: name, key });
        }
        let form = Form {
            code: name.to_owned(),
            digests: digests.clone(),
            ids: ids.clone(),
            subject: subject.as_str().to_owned(),
            time: time_ms,
            v: VERSION,
        };
        let bytes =
            serde_json::to_vec(&form).map_err(|error| LeafError::Json(error.to_string()))?;
        Ok(Self { bytes, code, subject, time_ms, ids, digests })
    }
}

fn check_id(code: &'static str, key: &str, id: &str) -> Result<(), LeafError> {
    if Role::parse(split_key(key).0).is_some() {
        return id.parse::<Commitment>().map(drop).map_err(|source| LeafError::Account {
            code,
            key: key.to_owned(),
            source,
        });
    }
    if id.is_empty() || id.len() > MAX_ID_BYTES || !is_token(id) {
        let found = id.chars().take(80).collect();
        return Err(LeafError::Id { code, key: key.to_owned(), found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    const GOOD: &str = r#"{"code":"verdict","digests":{},"ids":{"change":"12"},"subject":"srv/p/12","time":5,"v":1}"#;

    #[test]
    fn a_leaf_is_read_as_it_was_written() {
        let leaf = Leaf::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(leaf.bytes(), GOOD.as_bytes());
        assert_eq!(leaf.code(), Code::Verdict);
        assert_eq!(leaf.time_ms(), 5);
        assert_eq!(leaf.hash(), Hash::of_entry(GOOD.as_bytes()));
    }

    #[rstest]
    #[case::spaces(
        r#"{"code":"verdict", "digests":{},"ids":{},"subject":"a","time":5,"v":1}"#,
        "not canonical"
    )]
    #[case::order(
        r#"{"v":1,"code":"verdict","digests":{},"ids":{},"subject":"a","time":5}"#,
        "not canonical"
    )]
    #[case::escape(
        r#"{"code":"verdict","digests":{},"ids":{},"subject":"\u0061","time":5,"v":1}"#,
        "not canonical"
    )]
    #[case::twice(
        r#"{"code":"verdict","digests":{},"ids":{"a":"1","a":"2"},"subject":"a","time":5,"v":1}"#,
        "not canonical"
    )]
    #[case::newline(
        "{\"code\":\"verdict\",\"digests\":{},\"ids\":{},\"subject\":\"a\",\"time\":5,\"v\":1}\n",
        "not canonical"
    )]
    #[case::unknown_field(
        r#"{"code":"verdict","digests":{},"ids":{},"note":"x","subject":"a","time":5,"v":1}"#,
        "unknown field"
    )]
    #[case::missing_field(
        r#"{"code":"verdict","ids":{},"subject":"a","time":5,"v":1}"#,
        "missing field"
    )]
    #[case::float(
        r#"{"code":"verdict","digests":{},"ids":{},"subject":"a","time":5.0,"v":1}"#,
        "read a leaf"
    )]
    #[case::negative(
        r#"{"code":"verdict","digests":{},"ids":{},"subject":"a","time":-5,"v":1}"#,
        "read a leaf"
    )]
    #[case::microseconds(
        r#"{"code":"verdict","digests":{},"ids":{},"subject":"a","time":1700000000000000,"v":1}"#,
        "milliseconds"
    )]
    #[case::version(
        r#"{"code":"verdict","digests":{},"ids":{},"subject":"a","time":5,"v":2}"#,
        "version 2"
    )]
    #[case::code(
        r#"{"code":"opinion","digests":{},"ids":{},"subject":"a","time":5,"v":1}"#,
        "unknown code"
    )]
    #[case::subject(
        r#"{"code":"verdict","digests":{},"ids":{},"subject":"a b","time":5,"v":1}"#,
        "must be written as %XX"
    )]
    #[case::free_text(r#"{"code":"verdict","digests":{},"ids":{"note":"looks fine"},"subject":"a","time":5,"v":1}"#, "expected a token")]
    #[case::empty_id(
        r#"{"code":"verdict","digests":{},"ids":{"note":""},"subject":"a","time":5,"v":1}"#,
        "expected a token"
    )]
    #[case::account(r#"{"code":"verdict","digests":{},"ids":{"approver.2":"1000042"},"subject":"a","time":5,"v":1}"#, "id approver.2")]
    #[case::required(
        r#"{"code":"intent","digests":{},"ids":{"run":"1"},"subject":"a","time":5,"v":1}"#,
        "must have the id stack"
    )]
    #[case::digest(
        r#"{"code":"verdict","digests":{"plan":"abc"},"ids":{},"subject":"a","time":5,"v":1}"#,
        "digest plan"
    )]
    #[case::key(
        r#"{"code":"verdict","digests":{},"ids":{"My Key":"1"},"subject":"a","time":5,"v":1}"#,
        "can't name an id"
    )]
    #[case::array("[]", "read a leaf")]
    fn anything_else_is_refused(#[case] json: &str, #[case] part: &str) {
        let error = Leaf::parse(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
