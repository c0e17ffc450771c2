//! Reads a project: its settings, its branches, its open changes.

use super::{Hands, not_now};
use tidegate_core::advance::EffectId;
use tidegate_core::ids::Project;
use tidegate_core::watch::{OpenChange, WatchInput};
use tidegate_engine::{Done, Problem, SubjectInput};
use tidegate_gerrit::rest::ChangeQuery;

impl Hands {
    pub(super) async fn read_project(
        &self,
        effect: EffectId,
        project: Project,
    ) -> Result<Done, Problem> {
        let client = self.gerrit.client();
        let branches = match client.branches(&project).await {
            Ok(branches) => branches,
            Err(error) if error.is_not_found() => {
                tracing::warn!(%project, "the project doesn't exist, or isn't visible to us");
                let input = Box::new(WatchInput::Gone { effect });
                return Ok(Done::new(SubjectInput::Watch { project, input }));
            }
            Err(error) => return Err(not_now(&error)),
        };
        let settings = self.gerrit.settings(&project).await.map_err(Problem::new)?;
        let open = client
            .changes(&ChangeQuery::open().project(&project))
            .await
            .map_err(|error| not_now(&error))?
            .into_iter()
            .map(|change| (change.number, OpenChange { branch: change.branch, meta: change.meta }))
            .collect();
        let input = Box::new(WatchInput::Read { effect, settings, branches, open });
        Ok(Done::new(SubjectInput::Watch { project, input }))
    }
}
