//! Ids for claimed stacks.

use std::collections::BTreeSet;
use tidegate_core::ids::{BadId, Digest, StackId};

/// Longest id, as settings bound it.
const LONGEST: usize = 40;

/// Digits of the digest that keeps two ids apart.
const DIGITS: usize = 8;

/// An id that tells Pulumi project and stack and isn't `taken`. The folder only matters where these
/// two don't suffice, so that a project may move without its ids looking wrong.
///
/// # Errors
/// Never, but for a type that can't promise it.
pub(super) fn stack_id(
    project: &str,
    stack: &str,
    path: &str,
    taken: &BTreeSet<StackId>,
) -> Result<StackId, BadId> {
    let name = format!("{project}-{stack}").to_ascii_lowercase();
    // Pulumi's names have only characters that an id may have too, but may begin with any of them.
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = if name.is_empty() { "stack" } else { name };
    if name.len() <= LONGEST {
        let id: StackId = name.parse()?;
        if !taken.contains(&id) {
            return Ok(id);
        }
    }
    let mut count = 0_u32;
    loop {
        let digest = Digest::of(format!("{project}\n{stack}\n{path}\n{count}").as_bytes());
        let digits = digest.as_str().get(..DIGITS).unwrap_or_default();
        let head =
            name.get(..LONGEST - DIGITS - 1).unwrap_or(name).trim_end_matches(['-', '.', '_']);
        let id: StackId = format!("{head}-{digits}").parse()?;
        if !taken.contains(&id) {
            return Ok(id);
        }
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("network", "prod", "network-prod")]
    #[case("App", "Prod.EU", "app-prod.eu")]
    #[case("_x", "y", "x-y")]
    #[case("..", "-", "stack")]
    fn ids_tell_project_and_stack(#[case] project: &str, #[case] stack: &str, #[case] id: &str) {
        assert_eq!(stack_id(project, stack, "p", &BTreeSet::new()).unwrap().as_str(), id);
    }

    #[test]
    fn a_long_or_taken_name_gets_digits() {
        let long = stack_id(&"a".repeat(60), "prod", "p", &BTreeSet::new()).unwrap();
        assert_eq!(long.as_str().len(), LONGEST);
        let taken: BTreeSet<StackId> = ["app-prod".parse().unwrap()].into();
        let id = stack_id("app", "prod", "p", &taken).unwrap();
        assert!(id.as_str().starts_with("app-prod-") && id.as_str().len() == 17, "{id}");
        assert_ne!(id, stack_id("app", "prod", "q", &taken).unwrap());
    }

    proptest! {
        #[test]
        fn every_pulumi_name_gets_an_id_of_its_own(
            names in prop::collection::vec(("[A-Za-z0-9._-]{1,100}", "[A-Za-z0-9._-]{1,100}"), 1..20),
        ) {
            let mut taken = BTreeSet::new();
            for (project, stack) in names {
                let id = stack_id(&project, &stack, "p", &taken).unwrap();
                prop_assert!(taken.insert(id));
            }
        }
    }
}
