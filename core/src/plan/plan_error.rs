//! Why a change can't be planned.

use super::readers::Readers;
use crate::ids::StackId;
use crate::settings::graph::{self, Disorder};
use crate::settings::{EnvironmentName, Settings};

/// Why a change can't be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// More changed paths than are looked at.
    #[error(
        "planning: {found} changed paths, more than the {limit} that are matched; split the change"
    )]
    TooManyPaths {
        /// How many there are.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// A text that git can't hold as a path: guessing what it touches would be a risk.
    #[error("planning: {path:?} is no path of a git tree; expected parts between single slashes")]
    NotAPath {
        /// The text, shortened.
        path: String,
    },
    /// More observed references than are looked at.
    #[error("planning: {found} observed references, more than the {limit} that are followed")]
    TooManyReferences {
        /// How many there are.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// Stacks that read each other in a circle.
    #[error(
        "planning: stacks read each other in a circle: {}; {}",
        graph::circle(cycle),
        advice(observed)
    )]
    Cycle {
        /// Each reads the next one, and the last one the first.
        cycle: Vec<StackId>,
        /// The readers in it whose reference isn't declared but was seen.
        observed: Vec<StackId>,
    },
    /// A reference against the order of environments: the two stacks wait for each other.
    #[error(
        "planning: {}{}",
        graph::against(reader, early, read, late),
        if *observed { " (the reference was seen in a preview or state)" } else { "" }
    )]
    AgainstEnvironments {
        /// The stack that reads.
        reader: StackId,
        /// Its environment.
        early: String,
        /// The stack that is read.
        read: StackId,
        /// Its environment, which is rolled out later.
        late: String,
        /// Whether the reference isn't declared but was seen.
        observed: bool,
    },
}

impl PlanError {
    /// Adds to a disorder which references were only seen, not declared.
    #[inline(never)]
    pub(super) fn told(disorder: Disorder, settings: &Settings, readers: &Readers<'_>) -> Self {
        match disorder {
            Disorder::Cycle(cycle) => {
                let pairs = cycle.iter().zip(cycle.iter().cycle().skip(1));
                let seen = pairs.filter(|(reader, read)| !readers.is_declared(reader, read));
                let observed = seen.map(|(reader, _)| reader.clone()).collect();
                Self::Cycle { cycle, observed }
            }
            Disorder::AgainstEnvironments(reader, read) => {
                let name = |id: &StackId| {
                    let environment = settings.stacks.get(id).and_then(|c| c.environment.as_ref());
                    environment.map_or("none", EnvironmentName::as_str).to_owned()
                };
                let observed = !readers.is_declared(&reader, &read);
                let (early, late) = (name(&reader), name(&read));
                Self::AgainstEnvironments { reader, early, read, late, observed }
            }
        }
    }
}

fn advice(observed: &[StackId]) -> String {
    if observed.is_empty() {
        return "remove one of these from `reads`".to_owned();
    }
    let names: Vec<&str> = observed.iter().map(StackId::as_str).collect();
    format!(
        "remove one of these references; those of {} were seen in a preview or state",
        names.join(", ")
    )
}
