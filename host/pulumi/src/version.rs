//! The version of the Pulumi CLI.

use std::fmt;

/// Major, minor and patch; labels of development builds are left out, as they say nothing about
/// what the CLI can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CliVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl CliVersion {
    /// A version by its three numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads what `pulumi version` prints: `v3.259.0`, or `3.260.0-alpha.x1234`.
    /// `None` if the text is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let numbers = text.split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(number);
        let version = Self::new(parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && text.bytes().all(|b| b.is_ascii_graphic())).then_some(version)
    }
}

impl fmt::Display for CliVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::released("v3.259.0\n", Some("3.259.0"))]
    #[case::bare("3.227.0", Some("3.227.0"))]
    #[case::development("v3.260.0-alpha.x1f2e3d", Some("3.260.0"))]
    #[case::build("3.260.0+dirty", Some("3.260.0"))]
    #[case::empty("", None)]
    #[case::two_numbers("v3.259", None)]
    #[case::four_numbers("3.259.0.1", None)]
    #[case::plus_sign("+3.+259.0", None)]
    #[case::too_large("3.99999999999.0", None)]
    #[case::prose("Pulumi 3.259.0", None)]
    #[case::two_lines("v3.259.0\nwarning: old", None)]
    fn a_version_is_read_strictly(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(CliVersion::parse(text).map(|v| v.to_string()).as_deref(), expected);
    }

    #[test]
    fn versions_are_ordered_by_number_and_not_by_text() {
        assert!(CliVersion::parse("3.1000.0").unwrap() > CliVersion::parse("3.227.9").unwrap());
    }
}
