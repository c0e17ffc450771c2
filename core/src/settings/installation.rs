//! What must be unique over all projects of an installation, which one project's file can't tell.

use super::{Claim, Settings};
use crate::ids::{Project, StackId};
use std::collections::BTreeMap;

/// Two claims, in two projects, of what may be claimed once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second} both claim {what}: remove the claim from one of them")]
pub struct Clash {
    /// The project that comes first by name.
    pub first: Project,
    /// The other one.
    pub second: Project,
    /// The id, or the stack with its Pulumi project and backend.
    pub what: String,
    /// The second project's claim.
    pub stack: StackId,
}

/// Finds stack ids, and stacks in a backend, that more than one project claims.
#[must_use]
pub fn clashes(projects: &BTreeMap<Project, Settings>) -> Vec<Clash> {
    let mut ids: BTreeMap<&StackId, &Project> = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    let mut clashes = Vec::new();
    let claims =
        projects.iter().flat_map(|(project, s)| s.stacks.values().map(move |c| (project, c)));
    for (project, claim) in claims {
        let mut found = |first: Option<&Project>, what: String| {
            if let Some(first) = first.filter(|first| *first != project) {
                let (first, second) = (first.clone(), project.clone());
                clashes.push(Clash { first, second, what, stack: claim.id.clone() });
            }
        };
        let first = *ids.entry(&claim.id).or_insert(project);
        found(Some(first), format!("the stack id {}", claim.id));
        let address = (&claim.backend, &claim.project, &claim.stack);
        let first = *addresses.entry(address).or_insert(project);
        found(Some(first), told(claim));
    }
    clashes
}

fn told(claim: &Claim) -> String {
    format!(
        "the stack {} of the Pulumi project {} in the backend {}",
        claim.stack, claim.project, claim.backend
    )
}
