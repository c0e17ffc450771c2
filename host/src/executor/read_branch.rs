//! Reads a branch: what was submitted to it, and what is known of the changes.

use super::read_change::inputs;
use super::{Hands, not_now};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::advance::EffectId;
use tidegate_core::ids::{ChangeNumber, Digest, Project, RefName, Revision, StackId};
use tidegate_core::plan::plan;
use tidegate_core::review::Review;
use tidegate_core::rollout::{
    BranchFacts, BranchInput, Brought, CommitFacts, MergedFacts, Requirement, RequirementStatus,
};
use tidegate_core::settings::Settings;
use tidegate_engine::{Done, Problem, SubjectInput};
use tidegate_gerrit::FactsError;
use tidegate_gerrit::git::{Commit, Mirror};
use tidegate_gerrit::rest::ChangeQuery;

/// What a branch is read for.
pub(super) struct Asked {
    pub(super) project: Project,
    pub(super) branch: RefName,
    pub(super) walked: Option<Revision>,
    pub(super) changes: Vec<ChangeNumber>,
    pub(super) revisions: BTreeMap<Revision, BTreeSet<StackId>>,
}

impl Hands {
    pub(super) async fn read_branch(
        &self,
        effect: EffectId,
        asked: Asked,
    ) -> Result<Done, Problem> {
        let input = match self.branch_facts(&asked).await? {
            Some(facts) => BranchInput::Read { effect, facts: Box::new(facts) },
            None => BranchInput::Gone { effect },
        };
        let Asked { project, branch, .. } = asked;
        Ok(Done::new(SubjectInput::Branch { project, branch, input: Box::new(input) }))
    }

    async fn branch_facts(&self, asked: &Asked) -> Result<Option<BranchFacts>, Problem> {
        let client = self.gerrit.client();
        let (project, branch) = (&asked.project, &asked.branch);
        let tip = match client.branch(project, branch).await {
            Ok(Some(tip)) => tip,
            Ok(None) => return Ok(None),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(not_now(&error)),
        };
        let layers = self.gerrit.settings(project).await.map_err(Problem::new)?;
        let settings = Settings::read(&layers, &self.floor()).ok();
        let mirror = self.gerrit.mirrors().mirror(project).await.map_err(Problem::new)?;
        mirror.fetch_commit(&tip, std::slice::from_ref(branch)).await.map_err(Problem::new)?;
        let commits = self.commits(&mirror, asked, &tip).await?;

        let mut numbers: BTreeSet<_> = asked.changes.iter().copied().collect();
        for commit in commits.iter().flatten() {
            numbers.extend(commit.change);
            numbers.extend(commit.brought.iter().filter_map(|brought| brought.change));
        }
        let mut changes = BTreeMap::new();
        for number in numbers {
            if let Some(merged) = self.merged(project, number).await? {
                changes.insert(number, merged);
            }
        }
        let mut of_interest = asked.revisions.clone();
        if let (Some(settings), Some(commits)) = (&settings, &commits) {
            for commit in commits {
                let planned = plan(settings, branch, &commit.paths, &BTreeMap::new());
                let stacks = planned.map(|plan| plan.stacks.into_keys().collect());
                of_interest.insert(commit.revision.clone(), stacks.unwrap_or_default());
            }
        }
        let mut found = BTreeMap::new();
        for (revision, stacks) in of_interest {
            let Some(settings) = &settings else { continue };
            found.insert(
                revision.clone(),
                self.inputs_at(&mirror, &revision, settings, &stacks).await?,
            );
        }
        Ok(Some(BranchFacts {
            settings: layers,
            floor: self.floor(),
            publisher: self.publisher,
            plugin: self.config.gerrit.plugin,
            vote: self.config.gerrit.vote.clone(),
            tip,
            commits,
            changes,
            inputs: found,
        }))
    }

    /// The first-parent commits after the walked one; `None` if it is not among the tip's.
    async fn commits(
        &self,
        mirror: &Mirror,
        asked: &Asked,
        tip: &Revision,
    ) -> Result<Option<Vec<CommitFacts>>, Problem> {
        let Some(walked) = &asked.walked else { return Ok(Some(Vec::new())) };
        if walked == tip {
            return Ok(Some(Vec::new()));
        }
        let known = mirror.has(walked).await.map_err(Problem::new)?
            && mirror.is_ancestor(walked, tip).await.map_err(Problem::new)?;
        if !known {
            return Ok(None);
        }
        let commits = mirror.first_parent_commits(walked, tip).await.map_err(Problem::new)?;
        if commits.first().and_then(|first| first.parents.first()) != Some(walked) {
            return Ok(None);
        }
        let mut facts = Vec::new();
        for commit in &commits {
            facts.push(self.commit(mirror, asked, commit).await?);
        }
        Ok(Some(facts))
    }

    async fn commit(
        &self,
        mirror: &Mirror,
        asked: &Asked,
        commit: &Commit,
    ) -> Result<CommitFacts, Problem> {
        let (first, later) = match commit.parents.split_first() {
            Some((first, later)) => (Some(first), later),
            None => (None, &[][..]),
        };
        let paths = mirror.changed_paths(first, &commit.id).await.map_err(Problem::new)?;
        let change = self.change_of(mirror, asked, &commit.id).await?;
        let mut facts = CommitFacts {
            revision: commit.id.clone(),
            paths,
            change,
            automatic: None,
            brought: Vec::new(),
        };
        let Some(first) = first.filter(|_| change.is_none() && !later.is_empty()) else {
            return Ok(facts);
        };
        let rule = self.gerrit.client().project_config(&asked.project).await;
        let content = rule.map_err(|error| not_now(&error))?.content_merge;
        let automatic = mirror.is_automatic(&commit.id, content).await.map_err(Problem::new)?;
        facts.automatic = Some(automatic);
        for parent in later {
            let brought = mirror.first_parent_commits(first, parent).await.map_err(Problem::new)?;
            for one in brought {
                let change = self.change_of(mirror, asked, &one.id).await?;
                facts.brought.push(Brought { revision: one.id, change });
            }
        }
        Ok(facts)
    }

    /// The change that has `commit` as a patch set: by the search index, and where that is behind,
    /// by the refs.
    async fn change_of(
        &self,
        mirror: &Mirror,
        asked: &Asked,
        commit: &Revision,
    ) -> Result<Option<ChangeNumber>, Problem> {
        let query = ChangeQuery::any().project(&asked.project).branch(&asked.branch).commit(commit);
        let found = self.gerrit.client().changes(&query).await.map_err(|error| not_now(&error))?;
        let current = found.iter().find(|change| change.revision == *commit);
        if let Some(change) = current.or(found.first()) {
            return Ok(Some(change.number));
        }
        mirror.change_of(commit).await.map_err(Problem::new)
    }

    /// A change with its requirements, and what we published on it; `None` if it can't be seen.
    async fn merged(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<Option<MergedFacts>, Problem> {
        let facts = match self.gerrit.facts(project, number, self.rules.as_ref()).await {
            Ok(facts) => facts,
            Err(FactsError::NoChange { .. }) => return Ok(None),
            Err(error) => return Err(Problem::new(error)),
        };
        let change = self.gerrit.client().change(project, number).await;
        let change = match change {
            Ok(change) => change,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(not_now(&error)),
        };
        let requirements = change.requirements.into_iter().map(|one| Requirement {
            status: status(&one.status),
            name: one.name,
            expression: one.submittability.expression,
        });
        let key = format!("{}/{project}/{number}", self.gerrit.server());
        let subject = self.store.subject(&key).map_err(Problem::new)?;
        let review: Option<Review> = subject
            .map(|subject| serde_json::from_slice(&subject.state))
            .transpose()
            .map_err(Problem::new)?;
        let (published, plans) =
            review.map(|review| (review.published, review.plans)).unwrap_or_default();
        Ok(Some(MergedFacts {
            facts,
            requirements: requirements.collect(),
            submission: change.submission,
            published,
            plans,
        }))
    }

    async fn inputs_at(
        &self,
        mirror: &Mirror,
        revision: &Revision,
        settings: &Settings,
        stacks: &BTreeSet<StackId>,
    ) -> Result<BTreeMap<StackId, Digest>, Problem> {
        let stacks: Vec<_> = stacks.iter().cloned().collect();
        inputs(mirror, revision, settings, &stacks).await.map_err(Problem::new)
    }
}

/// Gerrit's word for how a requirement came out.
fn status(word: &str) -> RequirementStatus {
    match word {
        "SATISFIED" => RequirementStatus::Satisfied,
        "UNSATISFIED" => RequirementStatus::Unsatisfied,
        "OVERRIDDEN" => RequirementStatus::Overridden,
        "NOT_APPLICABLE" => RequirementStatus::NotApplicable,
        "ERROR" => RequirementStatus::Error,
        "FORCED" => RequirementStatus::Forced,
        _ => RequirementStatus::Other,
    }
}
