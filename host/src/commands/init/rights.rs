//! What the service account may do, and what it lacks.

use serde::Serialize;
use std::collections::BTreeSet;

/// A capability that the host needs: its name in `project.config`, in Gerrit's pages, and why.
const WITH_PLUGIN: [(&str, &str, &str); 3] = [
    (
        "viewSecondaryEmails",
        "View Secondary Emails",
        "who wrote a commit can't be told without it, and so can't be kept from approving it",
    ),
    (
        "tidegate-followEvents",
        "Follow Tidegate's Journal and Facts",
        "the host hears of nothing without it",
    ),
    (
        "tidegate-writeRecord",
        "Write Tidegate's Records",
        "no change can become submittable without it",
    ),
];

/// As above, beside a Gerrit without the plugin.
const WITHOUT_PLUGIN: [(&str, &str, &str); 2] =
    [WITH_PLUGIN[0], ("streamEvents", "Stream Events", "the host hears of nothing without it")];

/// A right that the service account lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Missing {
    /// The capability in `project.config`.
    pub(super) capability: &'static str,
    /// The same in Gerrit's pages.
    pub(super) name: &'static str,
    /// Why it is needed.
    pub(super) why: &'static str,
    /// The line that grants it, below `[capability]` in `project.config` of the root project.
    pub(super) grant: String,
}

/// The capabilities that are needed and not `held`, with lines that grant them to `group`.
pub(super) fn missing(held: &BTreeSet<String>, plugin: bool, group: &str) -> Vec<Missing> {
    let needed: &[_] = if plugin { &WITH_PLUGIN } else { &WITHOUT_PLUGIN };
    // An administrator sees everything; capabilities of plugins are listed for it too.
    let all = held.contains("administrateServer");
    let lacks = |capability: &str| !held.contains(capability) && !all;
    let missing = |(capability, name, why): &(&'static str, &'static str, &'static str)| Missing {
        capability,
        name,
        why,
        grant: format!("{capability} = group {group}"),
    };
    needed.iter().filter(|(capability, ..)| lacks(capability)).map(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::nothing(&[], true, &["viewSecondaryEmails", "tidegate-followEvents", "tidegate-writeRecord"])]
    #[case::some(&["tidegate-followEvents", "streamEvents"], true, &["viewSecondaryEmails", "tidegate-writeRecord"])]
    #[case::stream(&["viewSecondaryEmails"], false, &["streamEvents"])]
    #[case::administrator(&["administrateServer"], true, &[])]
    fn what_is_missing_is_named_with_its_grant(
        #[case] held: &[&str],
        #[case] plugin: bool,
        #[case] expected: &[&str],
    ) {
        let held = held.iter().map(|name| (*name).to_owned()).collect();
        let found = missing(&held, plugin, "Hosts");
        assert_eq!(found.iter().map(|right| right.capability).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|right| right.grant.ends_with(" = group Hosts")));
    }
}
