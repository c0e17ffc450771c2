//! Pulumi's name of a resource.

use super::limits;
use crate::ids::{BadId, text_id};
use serde::{Deserialize, Serialize};
use std::fmt;

text_id!(
    /// A URN, `urn:pulumi:<stack>::<project>::<types of parents and its own>::<name>`.
    Urn,
    "URN",
    "urn:pulumi:<stack>::<project>::<type>::<name>, up to 4096 bytes, without control characters",
    is_urn
);

impl Urn {
    /// The stack's name, without project and organisation.
    #[must_use]
    pub fn stack(&self) -> &str {
        self.part(0)
    }

    /// The project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        self.part(1)
    }

    /// The resource's own type token, without those of its parents.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        let types = self.part(2);
        types.rsplit_once('$').map_or(types, |(_, own)| own)
    }

    /// The name that the program gave the resource.
    #[must_use]
    pub fn name(&self) -> &str {
        self.part(3)
    }

    /// Whether this is the stack itself, the resource that holds the outputs.
    #[must_use]
    pub fn is_stack(&self) -> bool {
        self.part(2) == "pulumi:pulumi:Stack"
    }

    /// Whether this is a provider that the engine made by itself, because no program named one.
    #[must_use]
    pub fn is_default_provider(&self) -> bool {
        self.resource_type().starts_with("pulumi:providers:")
            && (self.name() == "default" || self.name().starts_with("default_"))
    }

    fn part(&self, index: usize) -> &str {
        let rest = self.0.strip_prefix(PREFIX).unwrap_or_default();
        rest.splitn(4, "::").nth(index).unwrap_or_default()
    }
}

const PREFIX: &str = "urn:pulumi:";

fn is_urn(text: &str) -> bool {
    text.len() <= limits::URN_BYTES
        && !text.chars().any(char::is_control)
        && text.strip_prefix(PREFIX).is_some_and(|rest| {
            let parts: Vec<_> = rest.splitn(4, "::").collect();
            parts.len() == 4 && parts.iter().all(|part| !part.is_empty())
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_parts_of_a_urn_are_read_from_it() {
        let urn: Urn = "urn:pulumi:dev::shop::my:web:Site$aws:s3:Bucket::a::b".parse().unwrap();
        assert_eq!((urn.stack(), urn.project()), ("dev", "shop"));
        assert_eq!((urn.resource_type(), urn.name()), ("aws:s3:Bucket", "a::b"));
        assert!(!urn.is_stack());
    }

    #[rstest]
    #[case("urn:pulumi:dev::p::pulumi:providers:aws::default_6_1_0", true)]
    #[case("urn:pulumi:dev::p::pulumi:providers:aws::default", true)]
    #[case("urn:pulumi:dev::p::pulumi:providers:aws::defaults", false)]
    #[case("urn:pulumi:dev::p::aws:s3:Bucket::default", false)]
    fn a_default_provider_is_told_by_type_and_name(#[case] urn: &str, #[case] default: bool) {
        assert_eq!(urn.parse::<Urn>().unwrap().is_default_provider(), default);
    }

    #[rstest]
    #[case::no_prefix("dev::p::t::n")]
    #[case::three_parts("urn:pulumi:dev::p::t")]
    #[case::an_empty_part("urn:pulumi:dev::::t::n")]
    #[case::a_control_character("urn:pulumi:dev::p::t::a\nb")]
    fn a_text_that_is_no_urn_is_refused(#[case] text: &str) {
        assert!(text.parse::<Urn>().is_err());
    }
}
