//! Reads a change: its facts, and its merge with its branch.

use super::{Hands, not_now};
use std::collections::BTreeMap;
use tidegate_core::advance::EffectId;
use tidegate_core::change::{Change, Status};
use tidegate_core::facts::ChangeFacts;
use tidegate_core::ids::{ChangeNumber, Digest, Project, Revision, StackId};
use tidegate_core::plan::plan;
use tidegate_core::review::{
    MergeFacts, MergeOutcome, ReviewFacts, ReviewInput, VoteMeaning, VoteRule,
};
use tidegate_core::settings::Settings;
use tidegate_engine::{Done, Problem, SubjectInput};
use tidegate_gerrit::FactsError;
use tidegate_gerrit::git::{GitError, Merge, Mirror};

impl Hands {
    pub(super) async fn read_change(
        &self,
        effect: EffectId,
        project: Project,
        number: ChangeNumber,
    ) -> Result<Done, Problem> {
        let input = match self.gerrit.facts(&project, number, self.rules.as_ref()).await {
            Ok(change) => {
                let merge = self.merge(&change).await?;
                let facts = ReviewFacts {
                    change,
                    merge,
                    publisher: self.publisher,
                    plugin: self.config.gerrit.plugin,
                    vote: self.vote_rule(),
                    floor: self.floor(),
                };
                ReviewInput::Read { effect, facts: Box::new(facts) }
            }
            Err(FactsError::NoChange { .. }) => ReviewInput::Gone { effect },
            Err(error) => return Err(Problem::new(error)),
        };
        Ok(Done::new(SubjectInput::Review { project, number, input: Box::new(input) }))
    }

    fn vote_rule(&self) -> Option<VoteRule> {
        let meaning =
            if self.config.gerrit.plugin { VoteMeaning::Previewed } else { VoteMeaning::Ready };
        self.config.gerrit.vote.clone().map(|label| VoteRule { label, meaning })
    }

    /// Merges an open change that touches claimed stacks with its branch; `None` for others.
    async fn merge(&self, facts: &ChangeFacts) -> Result<Option<MergeFacts>, Problem> {
        // What can't be read needs no merge: the core will say so.
        let (Ok(change), Ok(settings)) =
            (facts.meta.change(), Settings::read(&facts.settings, &self.floor()))
        else {
            return Ok(None);
        };
        let Some(patch_set) = facts.patch_sets.get(&change.current) else { return Ok(None) };
        if change.status != Status::New {
            return Ok(None);
        }
        let planned = plan(&settings, &change.branch, &patch_set.paths, &BTreeMap::new());
        let stacks: Vec<_> = match &planned {
            Ok(plan) => plan.stacks.keys().cloned().collect(),
            Err(_) => return Ok(None),
        };
        if stacks.is_empty() {
            return Ok(None);
        }
        let client = self.gerrit.client();
        let target =
            client.branch(&facts.project, &change.branch).await.map_err(|error| not_now(&error))?;
        let Some(target) = target else { return Ok(None) };
        let rule = client.project_config(&facts.project).await.map_err(|error| not_now(&error))?;
        let mirror = self.gerrit.mirrors().mirror(&facts.project).await.map_err(Problem::new)?;
        mirror
            .fetch_commit(&target, std::slice::from_ref(&change.branch))
            .await
            .map_err(Problem::new)?;
        let merged =
            mirror.merge(&target, &patch_set.revision, rule).await.map_err(Problem::new)?;
        let outcome = self.outcome(&mirror, merged, &change, &settings, &stacks).await;
        let outcome = outcome.map_err(Problem::new)?;
        Ok(Some(MergeFacts { target: Some(target), outcome }))
    }

    async fn outcome(
        &self,
        mirror: &Mirror,
        merged: Merge,
        change: &Change,
        settings: &Settings,
        stacks: &[StackId],
    ) -> Result<MergeOutcome, GitError> {
        Ok(match merged {
            Merge::Clean { commit, tree } => {
                let inputs = inputs(mirror, &tree, settings, stacks).await?;
                MergeOutcome::Clean { commit, inputs }
            }
            Merge::Conflict { paths } => MergeOutcome::Conflict { paths },
            Merge::NotFastForward => MergeOutcome::Conflict {
                paths: vec![format!("{} has moved and only fast-forwards", change.branch)],
            },
        })
    }
}

/// The digest of each stack's input paths in the merged tree.
pub(super) async fn inputs(
    mirror: &Mirror,
    tree: &Revision,
    settings: &Settings,
    stacks: &[StackId],
) -> Result<BTreeMap<StackId, Digest>, GitError> {
    let mut inputs = BTreeMap::new();
    for claim in stacks.iter().filter_map(|stack| settings.stacks.get(stack)) {
        let mut prefixes = vec![claim.path.as_str()];
        prefixes.extend(claim.inputs.iter().map(|path| path.as_str()));
        inputs.insert(claim.id.clone(), mirror.inputs_digest(tree, &prefixes).await?);
    }
    Ok(inputs)
}
