//! Names and numbers of things, each a type of its own: a `String` that means something is a bug
//! waiting. Every one is checked when it is read, so that nothing past the parser holds a bad one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not the id that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {found:?}: expected {expected}")]
pub struct BadId {
    /// What the text was meant to be.
    pub kind: &'static str,
    /// The text, shortened.
    pub found: String,
    /// The rule that it breaks.
    pub expected: &'static str,
}

/// Declares a checked text id: `name`, `kind` in messages, the rule in words, the rule as a function.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err(BadId { kind: $kind, found: text.chars().take(80).collect(), expected: $expected })
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use text_id;

text_id!(
    /// A Gerrit server's id (`gerrit.serverId`): what tells two servers' equal change numbers apart.
    ServerId,
    "server id",
    "1 to 64 letters, digits, '-', '_' or '.'",
    |s| (1..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
);

text_id!(
    /// A Gerrit project's name, such as `platform/infra`.
    Project,
    "project",
    "1 to 512 bytes without control characters, not starting with '/'",
    |s| (1..=512).contains(&s.len()) && !s.starts_with('/') && !s.chars().any(char::is_control)
);

text_id!(
    /// A full ref name, such as `refs/heads/main`.
    RefName,
    "ref",
    "a full ref name such as refs/heads/main",
    |s| s.len() <= 512
        && s.strip_prefix("refs/").is_some_and(|rest| !rest.is_empty() && !rest.ends_with('/'))
        && !s.contains("..")
        && !s.contains("//")
        && !s.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
);

text_id!(
    /// The name of a git object: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
    Revision,
    "revision",
    "40 or 64 lower-case hex digits",
    |s| matches!(s.len(), 40 | 64) && is_lower_hex(s)
);

text_id!(
    /// A claimed stack's id, never reused: the key of leases, bindings and log entries, and the
    /// `sub` of tokens.
    StackId,
    "stack id",
    "1 to 40 lower-case letters, digits, '-', '_' or '.', starting with a letter or digit",
    |s| (1..=40).contains(&s.len())
        && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        && s.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
);

text_id!(
    /// The UUID of a Gerrit group: 40 hex digits, or a backend's own form such as `ldap:cn=…`.
    GroupUuid,
    "group UUID",
    "1 to 512 bytes without control characters",
    |s| (1..=512).contains(&s.len()) && !s.chars().any(char::is_control)
);

text_id!(
    /// A SHA-256 digest: 64 lower-case hex digits.
    Digest,
    "digest",
    "64 lower-case hex digits",
    |s| s.len() == 64 && is_lower_hex(s)
);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(crate::hex::encode(&sha2::Sha256::digest(bytes)))
    }

    /// The first 12 hex digits: how people name a binding.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// Declares a number id.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number_id!(
    /// A change's number: unique on one server only, and not even there after an import.
    ChangeNumber,
    u32
);
number_id!(
    /// A patch set's number within its change, from 1.
    PatchSetNumber,
    u32
);
number_id!(
    /// A Gerrit account's number: the only name of a person that a user can't change.
    AccountId,
    u32
);

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("app-prod", true)]
    #[case::upper("App", false)]
    #[case::slash("app/prod", false)]
    #[case::leading_dash("-app", false)]
    #[case::empty("", false)]
    #[case::forty(&"a".repeat(40), true)]
    #[case::forty_one(&"a".repeat(41), false)]
    fn stack_ids_are_short_and_lower_case(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<StackId>().is_ok(), good);
    }

    #[rstest]
    #[case("refs/heads/main", true)]
    #[case("main", false)]
    #[case("refs/heads/../x", false)]
    #[case("refs/heads/a b", false)]
    #[case("refs/", false)]
    fn refs_are_full_names(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<RefName>().is_ok(), good);
    }

    #[test]
    fn a_digest_is_the_sha_256_of_its_bytes() {
        let digest = Digest::of(b"abc");
        assert_eq!(
            digest.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(digest.short(), "ba7816bf8f01");
    }

    #[test]
    fn a_bad_id_says_what_was_expected() {
        let error = serde_json::from_str::<Revision>("\"HEAD\"").unwrap_err().to_string();
        assert!(error.contains("expected 40 or 64 lower-case hex digits"), "{error}");
    }
}
