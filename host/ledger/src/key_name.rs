//! The name of a log's key, which is also the log's origin.

use std::fmt;
use std::str::FromStr;

/// Longer names make signature and verifier lines that people can't read.
const MAX_NAME_BYTES: usize = 200;

/// The name of a log and of its key, such as `tidegate.example.com/log`.
///
/// C2SP `signed-note` forbids spaces and `+`; `tlog-checkpoint` wants a URL without scheme, which
/// need not be reachable, and one name for key and origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Why a text is no key name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log name {found:?}: {what}; use a URL without scheme, such as tidegate.example.com/log")]
pub struct KeyNameError {
    /// The text, shortened.
    pub found: String,
    /// The rule that it breaks.
    pub what: &'static str,
}

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let refuse = |what| Err(KeyNameError { found: text.chars().take(80).collect(), what });
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_NAME_BYTES {
            return refuse("it is longer than 200 bytes");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse("it has a space or a control character");
        }
        if text.contains('+') {
            return refuse("it has a '+', which separates the parts of a key");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::url("tidegate.example.com/log", true)]
    #[case::word("PeterNeumann", true)]
    #[case::empty("", false)]
    #[case::space("a b", false)]
    #[case::unicode_space("a\u{2003}b", false)]
    #[case::newline("a\nb", false)]
    #[case::control("a\u{1}b", false)]
    #[case::plus("a+b", false)]
    #[case::longest(&"a".repeat(200), true)]
    #[case::too_long(&"a".repeat(201), false)]
    fn names_have_no_spaces_and_no_plus(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<KeyName>().is_ok(), good);
    }
}
