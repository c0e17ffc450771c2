//! Type tokens with `*`.

use std::fmt;

/// A type token in which `*` stands for any characters, such as `aws:rds/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "*:/.-_".contains(c);
        if text.is_empty() || text.len() > 200 || !text.chars().all(fits) {
            return Err(format!(
                "{text:?} is no resource type; expected a type token such as \
                 \"aws:rds/instance:Instance\", in which * stands for any characters"
            ));
        }
        // A pattern of wildcards only would protect everything, and hides a mistake.
        if text.chars().all(|c| c == '*') {
            return Err(format!("{text:?} would protect every type; name the ones that matter"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a type token fits. Takes time in proportion to both lengths.
    pub(crate) fn matches(&self, token: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| token.strip_prefix(first)) else {
            return false;
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("aws:rds/instance:Instance", "aws:rds/instance:Instance", true),
            ("aws:rds/instance:Instance", "aws:rds/instance:InstanceGroup", false),
            ("aws:rds/*", "aws:rds/cluster:Cluster", true),
            ("aws:rds/*", "aws:s3/bucket:Bucket", false),
            ("*:Bucket", "gcp:storage/bucket:Bucket", true),
            ("*:Bucket", "gcp:storage/bucket:BucketAcl", false),
            ("aws:*:Table*", "aws:dynamodb/table:TableItem", true),
            ("a*b*a", "aba", true),
            ("a*b*a", "ab", false),
            ("aba*ba", "aba", false),
        ];
        for (pattern, token, fits) in cases {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches(token), fits, "{pattern} {token}");
        }
    }

    #[test]
    fn what_can_be_no_type_is_refused_with_an_example() {
        for text in ["", "aws rds", "aws:rds\n", &"a".repeat(201)] {
            assert!(Pattern::parse(text).unwrap_err().contains("aws:rds/instance:Instance"));
        }
        assert!(Pattern::parse("**").unwrap_err().contains("every type"));
    }
}
