//! What a module finds.

use super::{FINDINGS, SENTENCE_CHARS};
use crate::ids::{BadId, text_id};
use crate::steps::urn::Urn;
use serde::{Deserialize, Serialize};
use std::fmt;

text_id!(
    /// A finding's stable name within its module, such as `protected-resource`.
    FindingCode,
    "finding code",
    "1 to 64 lower-case letters and digits in words joined by '-', starting with a letter",
    |s| s.len() <= 64
        && s.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && s.split('-').all(|word| !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
);

/// How much a finding matters, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It has to go before the change may; it refuses where the policy is enforced.
    Mandatory,
    /// A person should look at it.
    Advisory,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Advisory => "advisory",
            Self::Note => "note",
        }
    }
}

/// A finding as a module said it, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RawFinding {
    /// Its code.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, as a sentence for people.
    pub sentence: String,
    /// What would cure it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// The resource that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urn: Option<String>,
}

/// A checked finding. The order is the one in which findings are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "RawFinding", into = "RawFinding")]
pub struct Finding {
    severity: Severity,
    code: FindingCode,
    urn: Option<Urn>,
    sentence: String,
    cure: Option<String>,
}

/// Why an answer of a module is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFinding {
    /// Too many.
    #[error("it gave {found} findings; at most {FINDINGS} are taken")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// The code or the URN is none.
    #[error("a finding's {0}")]
    Id(#[from] BadId),
    /// A sentence without a word.
    #[error("the finding {code} has an empty {what}")]
    Empty {
        /// The finding.
        code: FindingCode,
        /// `sentence` or `cure`.
        what: &'static str,
    },
    /// A sentence that nobody reads.
    #[error(
        "the finding {code} has a {what} of {found} characters; at most {SENTENCE_CHARS} are taken"
    )]
    TooLong {
        /// The finding.
        code: FindingCode,
        /// `sentence` or `cure`.
        what: &'static str,
        /// How long.
        found: usize,
    },
    /// A character that could change what a reader sees around it.
    #[error(
        "the finding {code} has the character U+{found:04X} in its {what}; line ends, control \
         characters and those that turn the direction of text are not taken"
    )]
    Character {
        /// The finding.
        code: FindingCode,
        /// `sentence` or `cure`.
        what: &'static str,
        /// The character's number.
        found: u32,
    },
}

impl Finding {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> &FindingCode {
        &self.code
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What was found: one line, in words.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// What would cure it.
    #[must_use]
    pub fn cure(&self) -> Option<&str> {
        self.cure.as_deref()
    }

    /// The resource that it is about.
    #[must_use]
    pub fn urn(&self) -> Option<&Urn> {
        self.urn.as_ref()
    }
}

/// Checks a module's answer, and sorts it, so that the order in which it was told means nothing.
///
/// # Errors
/// Too many, or one that isn't fit to be shown: then none of them is taken.
pub fn findings(raw: Vec<RawFinding>) -> Result<Vec<Finding>, BadFinding> {
    if raw.len() > FINDINGS {
        return Err(BadFinding::TooMany { found: raw.len() });
    }
    let mut findings =
        raw.into_iter().map(Finding::try_from).collect::<Result<Vec<_>, BadFinding>>()?;
    findings.sort();
    findings.dedup();
    Ok(findings)
}

impl TryFrom<RawFinding> for Finding {
    type Error = BadFinding;

    fn try_from(raw: RawFinding) -> Result<Self, BadFinding> {
        let code: FindingCode = raw.code.parse()?;
        let sentence = line(&code, "sentence", raw.sentence)?;
        let cure = raw.cure.map(|cure| line(&code, "cure", cure)).transpose()?;
        let urn = raw.urn.map(|urn| urn.parse()).transpose()?;
        Ok(Self { severity: raw.severity, code, urn, sentence, cure })
    }
}

impl From<Finding> for RawFinding {
    fn from(finding: Finding) -> Self {
        Self {
            code: finding.code.into(),
            severity: finding.severity,
            sentence: finding.sentence,
            cure: finding.cure,
            urn: finding.urn.map(Into::into),
        }
    }
}

fn line(code: &FindingCode, what: &'static str, text: String) -> Result<String, BadFinding> {
    let code = || code.clone();
    if text.trim().is_empty() {
        return Err(BadFinding::Empty { code: code(), what });
    }
    let found = text.chars().count();
    if found > SENTENCE_CHARS {
        return Err(BadFinding::TooLong { code: code(), what, found });
    }
    match text.chars().find(|c| misleads(*c)) {
        Some(found) => Err(BadFinding::Character { code: code(), what, found: found.into() }),
        None => Ok(text),
    }
}

/// Whether a character ends the line or changes how those around it are shown (UAX #9, and the
/// separators of lines and paragraphs).
pub(super) fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn raw(code: &str, sentence: &str) -> RawFinding {
        RawFinding {
            code: code.to_owned(),
            severity: Severity::Mandatory,
            sentence: sentence.to_owned(),
            cure: None,
            urn: None,
        }
    }

    #[rstest]
    #[case("too-many-changes", true)]
    #[case("s3", true)]
    #[case("", false)]
    #[case("Too-many", false)]
    #[case("too--many", false)]
    #[case("too-many-", false)]
    #[case("3-many", false)]
    #[case("too_many", false)]
    fn codes_are_words_joined_by_dashes(#[case] code: &str, #[case] good: bool) {
        assert_eq!(code.parse::<FindingCode>().is_ok(), good);
    }

    #[rstest]
    #[case::line_end("one\ntwo", "U+000A")]
    #[case::escape("\u{1b}[2Jgone", "U+001B")]
    #[case::turned_text("a\u{202e}b", "U+202E")]
    #[case::line_separator("a\u{2028}b", "U+2028")]
    fn a_sentence_that_changes_what_is_around_it_is_refused(
        #[case] sentence: &str,
        #[case] named: &str,
    ) {
        let error = findings(vec![raw("a", sentence)]).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }

    #[test]
    fn long_and_empty_texts_are_refused() {
        let long = "x".repeat(SENTENCE_CHARS + 1);
        let error = findings(vec![raw("a", &long)]).unwrap_err().to_string();
        assert!(error.contains("501 characters; at most 500"), "{error}");
        assert!(findings(vec![raw("a", &long[1..])]).is_ok());
        let cure = RawFinding { cure: Some(" ".to_owned()), ..raw("a", "x") };
        assert!(matches!(findings(vec![cure]), Err(BadFinding::Empty { what: "cure", .. })));
    }

    #[test]
    fn one_finding_too_many_leaves_none() {
        let all = |count| (0..count).map(|n| raw("a", &n.to_string())).collect();
        assert_eq!(findings(all(FINDINGS)).unwrap().len(), FINDINGS);
        assert_eq!(findings(all(FINDINGS + 1)), Err(BadFinding::TooMany { found: FINDINGS + 1 }));
    }

    #[test]
    fn a_urn_that_is_none_is_refused() {
        let finding = RawFinding { urn: Some("bucket".to_owned()), ..raw("a", "x") };
        let error = findings(vec![finding]).unwrap_err().to_string();
        assert!(error.starts_with("a finding's URN \"bucket\""), "{error}");
    }

    #[test]
    fn the_order_in_which_findings_are_told_means_nothing() {
        let note = RawFinding { severity: Severity::Note, ..raw("a", "note") };
        let told = vec![note.clone(), raw("z", "x"), raw("b", "x"), raw("b", "x")];
        let sorted = findings(told.clone()).unwrap();
        let codes: Vec<_> = sorted.iter().map(|finding| finding.code().as_str()).collect();
        assert_eq!(codes, ["b", "z", "a"]);
        assert_eq!(findings(told.into_iter().rev().collect()).unwrap(), sorted);
    }

    #[test]
    fn a_finding_is_checked_when_it_is_read_again() {
        let json = serde_json::to_string(&findings(vec![raw("a", "x")]).unwrap()).unwrap();
        assert_eq!(json, r#"[{"code":"a","severity":"mandatory","sentence":"x"}]"#);
        assert!(serde_json::from_str::<Vec<Finding>>(&json).is_ok());
        assert!(serde_json::from_str::<Vec<Finding>>(&json.replace("\"x\"", "\"\\n\"")).is_err());
    }
}
