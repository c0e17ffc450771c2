//! Environments and their order, guessed from the names of stacks.

use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::ids::BadId;
use tidegate_core::settings::{EnvironmentName, PulumiStack};

/// Kinds of environments in the order in which people roll out, each with the words that tell it.
/// A stack that has words of several is of the first, so that `prod-test` isn't taken for
/// production, and `pre-prod` neither.
const KINDS: [(&str, &[&str]); 4] = [
    ("dev", &["dev", "develop", "development", "sandbox", "sbx", "local", "playground"]),
    ("test", &["test", "testing", "qa", "ci", "int", "integration", "e2e", "nonprod", "non"]),
    (
        "staging",
        &["staging", "stage", "stg", "preprod", "preproduction", "pre", "uat", "acceptance"],
    ),
    ("prod", &["prod", "production", "prd", "live"]),
];

/// Where stacks are put whose names tell nothing. Rolled out last: after everything else has shown
/// whether it works.
const OTHER: &str = "other";

/// The guess.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Guess {
    /// In the order of rollouts; none if no name told anything.
    pub(super) order: Vec<EnvironmentName>,
    /// Which one a stack of this name is in.
    pub(super) of: BTreeMap<PulumiStack, EnvironmentName>,
}

/// Guesses environments for all stacks of a project.
///
/// # Errors
/// Never, but for a type that can't promise it.
pub(super) fn guess<'s>(stacks: impl Iterator<Item = &'s PulumiStack>) -> Result<Guess, BadId> {
    let stacks: BTreeSet<&PulumiStack> = stacks.collect();
    let mut spelled: [BTreeSet<&str>; KINDS.len()] = Default::default();
    let mut kinds = BTreeMap::new();
    for stack in stacks {
        let found = kind(stack.as_str());
        if let Some((number, word)) = found
            && let Some(words) = spelled.get_mut(number)
        {
            words.insert(word);
        }
        kinds.insert(stack, found.map(|(number, _)| number));
    }
    if kinds.values().all(Option::is_none) {
        return Ok(Guess::default());
    }
    let name = |number: usize| {
        // One spelling is the people's own word; of several, none is.
        let (usual, words) = (KINDS.get(number)?.0, spelled.get(number)?);
        match words.iter().collect::<Vec<_>>().as_slice() {
            [] => None,
            [word] => Some(**word),
            _ => Some(usual),
        }
    };
    let mut guess = Guess::default();
    for name in (0..KINDS.len()).filter_map(name) {
        guess.order.push(name.parse()?);
    }
    if kinds.values().any(Option::is_none) {
        guess.order.push(OTHER.parse()?);
    }
    for (stack, number) in kinds {
        let environment = number.and_then(name).unwrap_or(OTHER).parse()?;
        guess.of.insert(stack.clone(), environment);
    }
    Ok(guess)
}

/// The declared environment that a stack's name tells; none if it tells none of them.
pub(super) fn among(stack: &PulumiStack, declared: &[EnvironmentName]) -> Option<EnvironmentName> {
    let lower = stack.as_str().to_ascii_lowercase();
    let named = |name: &&EnvironmentName| name.as_str() == lower;
    let alike = |name: &&EnvironmentName| {
        let (Some((one, _)), Some((other, _))) = (kind(name.as_str()), kind(&lower)) else {
            return words(&lower).any(|word| word == name.as_str());
        };
        one == other
    };
    declared.iter().find(named).or_else(|| declared.iter().find(alike)).cloned()
}

/// The kind that a stack's name tells, and the word that told it.
fn kind(stack: &str) -> Option<(usize, &'static str)> {
    let lower = stack.to_ascii_lowercase();
    KINDS.iter().enumerate().find_map(|(number, (_, known))| {
        let word = known.iter().find(|known| words(&lower).any(|word| word == **known))?;
        // A part of a word that is no environment's name on its own.
        let word = match *word {
            "pre" => "staging",
            "non" => "test",
            word => word,
        };
        Some((number, word))
    })
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn stacks(names: &[&str]) -> Vec<PulumiStack> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[rstest]
    #[case::usual(&["prod", "staging", "dev"], &["dev", "staging", "prod"])]
    #[case::their_own_word(&["Production", "qa"], &["qa", "production"])]
    #[case::several_words(&["prod-eu", "production", "dev"], &["dev", "prod"])]
    #[case::regions(&["prod-eu", "prod-us"], &["prod"])]
    #[case::hidden_words(&["pre-prod", "non-prod", "prod"], &["test", "staging", "prod"])]
    #[case::some_unknown(&["shared", "dev"], &["dev", "other"])]
    #[case::all_unknown(&["shared", "produce", "latest"], &[])]
    fn environments_come_in_the_order_of_rollouts(#[case] names: &[&str], #[case] order: &[&str]) {
        let guess = guess(stacks(names).iter()).unwrap();
        assert_eq!(guess.order.iter().map(EnvironmentName::as_str).collect::<Vec<_>>(), order);
        assert!(guess.of.values().all(|environment| guess.order.contains(environment)));
        assert!(order.is_empty() || guess.of.len() == names.len());
    }

    #[rstest]
    #[case::same("blue", Some("blue"))]
    #[case::kind("prod", Some("production"))]
    #[case::kind_in_a_name("eu-prd", Some("production"))]
    #[case::word("blue-eu", Some("blue"))]
    #[case::none("green", None)]
    fn a_declared_environment_is_chosen_by_name(
        #[case] stack: &str,
        #[case] expected: Option<&str>,
    ) {
        let declared = ["blue", "production"].map(|name| name.parse().unwrap());
        let found = among(&stack.parse().unwrap(), &declared);
        assert_eq!(found.as_ref().map(EnvironmentName::as_str), expected);
    }
}
