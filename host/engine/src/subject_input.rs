//! An input, with the subject that it is for.

use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_core::ids::{ChangeNumber, Project, RefName, ServerId};
use tidegate_core::review::ReviewInput;
use tidegate_core::rollout::BranchInput;
use tidegate_core::watch::WatchInput;

/// What happened to which subject.
#[derive(Clone, Debug)]
pub enum SubjectInput {
    /// To a change under review.
    Review {
        /// The change's project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
        /// What happened.
        input: Box<ReviewInput>,
    },
    /// To a branch, with the rollouts of what was submitted to it.
    Branch {
        /// The branch's project.
        project: Project,
        /// The branch.
        branch: RefName,
        /// What happened.
        input: Box<BranchInput>,
    },
    /// To a watched project.
    Watch {
        /// The project.
        project: Project,
        /// What happened.
        input: Box<WatchInput>,
    },
}

impl SubjectInput {
    /// A hint that a change may have changed.
    #[must_use]
    pub fn change_hint(server: &ServerId, project: &Project, number: ChangeNumber) -> Self {
        let (server, project) = (server.clone(), project.clone());
        let input = ReviewInput::Hint { server, project: project.clone(), number };
        Self::Review { project, number, input: Box::new(input) }
    }

    /// A hint that a branch may have changed.
    #[must_use]
    pub fn branch_hint(server: &ServerId, project: &Project, branch: &RefName) -> Self {
        let (server, project, branch) = (server.clone(), project.clone(), branch.clone());
        let input = BranchInput::Hint { server, project: project.clone(), branch: branch.clone() };
        Self::Branch { project, branch, input: Box::new(input) }
    }

    /// A hint that a project may have changed.
    #[must_use]
    pub fn project_hint(server: &ServerId, project: &Project) -> Self {
        let (server, project) = (server.clone(), project.clone());
        let input = WatchInput::Hint { server, project: project.clone() };
        Self::Watch { project, input: Box::new(input) }
    }

    /// The kind of the subject, as the store keeps it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Review { .. } => "review",
            Self::Branch { .. } => "branch",
            Self::Watch { .. } => "watch",
        }
    }

    /// The key of the subject, as the store keeps it. A project has no number, so the two kinds
    /// can't meet.
    #[must_use]
    pub fn key(&self, server: &ServerId) -> String {
        match self {
            Self::Review { project, number, .. } => format!("{server}/{project}/{number}"),
            Self::Branch { project, branch, .. } => format!("{server}/{project}/{branch}"),
            Self::Watch { project, .. } => format!("{server}/{project}"),
        }
    }

    /// The input of `advance`, around a state as the store has it.
    pub(crate) fn advance_input(
        &self,
        state: Option<&[u8]>,
        now_ms: i64,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let state: Option<&RawValue> = state.map(serde_json::from_slice).transpose()?;
        let subject = match self {
            Self::Review { input, .. } => Subject::Review { state, input },
            Self::Branch { input, .. } => Subject::Branch { state, input },
            Self::Watch { input, .. } => Subject::Watch { state, input },
        };
        let schema = tidegate_core::advance::AdvanceInput::SCHEMA;
        serde_json::to_vec(&Input { schema, now_ms, subject })
    }
}

/// The same JSON as the core's `AdvanceInput`, with the state's text as it is.
#[derive(Serialize)]
struct Input<'a> {
    schema: u32,
    now_ms: i64,
    subject: Subject<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Subject<'a> {
    Review { state: Option<&'a RawValue>, input: &'a ReviewInput },
    Branch { state: Option<&'a RawValue>, input: &'a BranchInput },
    Watch { state: Option<&'a RawValue>, input: &'a WatchInput },
}
