//! Names that occur in settings only.

use crate::ids::{BadId, text_id};
use serde::{Deserialize, Serialize};
use std::fmt;

text_id!(
    /// An environment's name, such as `staging`.
    EnvironmentName,
    "environment",
    "1 to 40 lower-case letters, digits, '-', '_' or '.', starting with a letter or digit",
    |s| s.len() <= 40 && is_plain_name(s)
);

text_id!(
    /// A policy's name within a project's settings, such as `protected-types`.
    PolicyName,
    "policy name",
    "1 to 40 lower-case letters, digits, '-', '_' or '.', starting with a letter or digit",
    |s| s.len() <= 40 && is_plain_name(s)
);

text_id!(
    /// A Pulumi project's name: the `name` of `Pulumi.yaml`.
    PulumiProject,
    "Pulumi project",
    "1 to 100 letters, digits, '-', '_' or '.'",
    is_pulumi_name
);

text_id!(
    /// A Pulumi stack's own name, such as `prod`, without organisation and project.
    PulumiStack,
    "Pulumi stack",
    "1 to 100 letters, digits, '-', '_' or '.', without organisation and project",
    is_pulumi_name
);

text_id!(
    /// The name of a Gerrit label, such as `Code-Review`.
    LabelName,
    "label",
    "1 to 100 letters, digits or '-'",
    |s| (1..=100).contains(&s.len())
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
);

text_id!(
    /// Where a stack's state is kept: a name that the host's own file explains, or the URL itself.
    Backend,
    "backend",
    "a name that the host's file explains (lower-case letters, digits, '-', '_', '.'), or a URL \
     without a password, such as s3://bucket/path",
    |s| s.len() <= 1024 && (is_plain_name(s) || (is_url(s) && !carries_password(s)))
);

/// Whether a URL text names a password before its host.
pub(crate) fn carries_password(url: &str) -> bool {
    url.split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest))
        .and_then(|authority| authority.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

fn is_plain_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

fn is_pulumi_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && scheme
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
            && !rest.is_empty()
    }) && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::name("production", true)]
    #[case::bucket("s3://state/infra?region=eu-west-1", true)]
    #[case::folder("file:///srv/state", true)]
    #[case::user_only("postgres://tidegate@db/state", true)]
    #[case::password("postgres://tidegate:secret@db/state", false)]
    #[case::at_sign_in_the_path("s3://bucket/a:b@c", true)]
    #[case::no_scheme("://bucket", false)]
    #[case::blank("s3://a b", false)]
    #[case::upper("Production", false)]
    #[case::empty("", false)]
    fn backends_are_names_or_urls_without_a_password(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Backend>().is_ok(), good);
    }

    #[rstest]
    #[case("prod", true)]
    #[case("Prod_1.x", true)]
    #[case("acme/prod", false)]
    #[case("", false)]
    fn stack_names_carry_no_organisation(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<PulumiStack>().is_ok(), good);
    }
}
