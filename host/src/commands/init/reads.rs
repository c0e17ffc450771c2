//! Which claimed stacks a program reads the outputs of.

use super::found::FoundStack;
use super::settings_file::NewClaim;
use tidegate_core::ids::StackId;
use tidegate_core::settings::{EnvironmentName, Settings};

/// A stack that may be read: project, stack, id, environment.
type Target<'a> = (&'a str, &'a str, &'a StackId, Option<&'a EnvironmentName>);

/// Fills in `reads` of new claims; `found` are their stacks, in the same order, and `ranks` the
/// environments in the order of rollouts. What can't be said by a claim is told in `unread`.
pub(super) fn fill(
    new: &mut [NewClaim],
    found: &[&FoundStack],
    settings: &Settings,
    ranks: &[EnvironmentName],
    unread: &mut Vec<String>,
) {
    let rank = |name: Option<&EnvironmentName>| ranks.iter().position(|known| Some(known) == name);
    let copies: Vec<NewClaim> = new.to_vec();
    let mut targets: Vec<Target<'_>> = copies
        .iter()
        .map(|c| (c.project.as_str(), c.stack.as_str(), &c.id, c.environment.as_ref()))
        .collect();
    targets.extend(
        settings
            .stacks
            .values()
            .map(|c| (c.project.as_str(), c.stack.as_str(), &c.id, c.environment.as_ref())),
    );
    for (claim, stack) in new.iter_mut().zip(found) {
        for reference in &stack.references {
            let named = resolved(reference, stack);
            let target = named.as_ref().and_then(|(project, name)| {
                targets.iter().find(|target| (target.0, target.1) == (project, name))
            });
            match target {
                None => unread.push(format!(
                    "{} reads the stack {reference}, which no claim of this project is: if it can't \
                     be previewed without, claim that stack and name it in `reads`",
                    claim.id
                )),
                Some((.., id, _)) if **id == claim.id => {}
                Some((.., environment)) if rank(*environment) > rank(claim.environment.as_ref()) => {
                    unread.push(format!(
                        "{} reads {reference}, whose environment is rolled out later: mend the order \
                         of environments and add `reads`",
                        claim.id
                    ));
                }
                Some((.., id, _)) => {
                    claim.reads.insert((*id).clone());
                }
            }
        }
    }
}

/// The project and stack that a reference means: `stack`, `project/stack` or
/// `organization/project/stack`, with what YAML puts in for `${pulumi.…}`.
fn resolved(reference: &str, stack: &FoundStack) -> Option<(String, String)> {
    let text = reference
        .replace("${pulumi.stack}", stack.stack.as_str())
        .replace("${pulumi.project}", stack.project.as_str())
        .replace("${pulumi.organization}", "organization");
    if text.contains("${") {
        return None;
    }
    let own = stack.project.as_str();
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [name] => Some((own.to_owned(), (*name).to_owned())),
        [project, name] | [_, project, name] => Some(((*project).to_owned(), (*name).to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("organization/network/${pulumi.stack}", Some(("network", "dev")))]
    #[case("${pulumi.organization}/${pulumi.project}/base", Some(("app", "base")))]
    #[case("network/prod", Some(("network", "prod")))]
    #[case("base", Some(("app", "base")))]
    #[case("acme/${network}/dev", None)]
    #[case("a/b/c/d", None)]
    fn a_reference_names_project_and_stack(
        #[case] reference: &str,
        #[case] expected: Option<(&str, &str)>,
    ) {
        let stack = FoundStack {
            project: "app".parse().unwrap(),
            stack: "dev".parse().unwrap(),
            path: "app".parse().unwrap(),
            backend_url: None,
            references: Vec::new(),
        };
        let found = resolved(reference, &stack);
        let found = found.as_ref().map(|(project, name)| (project.as_str(), name.as_str()));
        assert_eq!(found, expected);
    }
}
