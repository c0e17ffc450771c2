//! Gathering the facts of a change.

use crate::Gerrit;
use crate::git::GitError;
use crate::rest::{ChangeRef, RestError};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::facts::{AccountFacts, ChangeFacts, RecordFact};
use tidegate_core::ids::{AccountId, ChangeNumber, GroupUuid, Project};
use tidegate_core::needs::{Needs, NeedsInput};
use tokio::task::JoinSet;

/// How often facts are gathered before giving up on a change that never holds still. One round takes
/// a second at most, and people don't vote that fast.
const ROUNDS: u32 = 4;

/// The core's word on which facts matter.
pub trait Rules: Send + Sync {
    /// The verb `needs`: from what is known first (a [`NeedsInput`] as JSON) to what else has to be
    /// fetched (a [`Needs`] as JSON). It is called once for each round, and must not block on
    /// anything but the processor.
    ///
    /// # Errors
    /// A sentence, when the core refuses the input or can't be run.
    fn needs(&self, input: &[u8]) -> Result<Vec<u8>, String>;
}

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Gerrit didn't answer a question.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// A repository couldn't be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// There is no such change, or we may not see it.
    #[error("change {number} of {project} doesn't exist, or isn't visible to the service account")]
    NoChange {
        /// Its project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
    },
    /// A project's settings can't be seen.
    #[error("refs/meta/config of {project} can't be read; grant Read on it to the service account")]
    NoConfig {
        /// Which project.
        project: Project,
    },
    /// Who wrote a commit can't be told for sure.
    #[error(
        "secondary e-mails can't be seen; grant the capability View Secondary Emails to the service account"
    )]
    EmailsHidden,
    /// The core couldn't say what is needed.
    #[error("the core doesn't say which facts change {number} needs: {said}")]
    Rules {
        /// Which change.
        number: ChangeNumber,
        /// What it said.
        said: String,
    },
    /// The change moved each time while it was looked at.
    #[error("change {number} of {project} was updated during each of {rounds} attempts to read it")]
    KeepsMoving {
        /// Its project.
        project: Project,
        /// Its number.
        number: ChangeNumber,
        /// How often it was tried.
        rounds: u32,
    },
}

impl Gerrit {
    /// The facts of a change, all read while its history had one tip.
    ///
    /// # Errors
    /// When something can't be read. No facts are better than some.
    pub async fn facts(
        &self,
        project: &Project,
        number: ChangeNumber,
        rules: &dyn Rules,
    ) -> Result<ChangeFacts, FactsError> {
        for _ in 0..ROUNDS {
            let change = self.change(project, number).await?;
            let facts = self.round(&change, rules).await?;
            if self.meta_tip(project, number).await? == facts.meta.tip {
                return Ok(facts);
            }
            tracing::debug!(%project, %number, "the change moved while its facts were read");
        }
        Err(FactsError::KeepsMoving { project: project.clone(), number, rounds: ROUNDS })
    }

    async fn round(
        &self,
        change: &ChangeRef,
        rules: &dyn Rules,
    ) -> Result<ChangeFacts, FactsError> {
        let (project, number) = (&change.project, change.number);
        let first = NeedsInput {
            schema: ChangeFacts::SCHEMA,
            server: self.server().clone(),
            project: project.clone(),
            number,
            meta: self.history(project, number, &change.meta).await?,
            settings: self.settings(project).await?,
        };
        let needs = needs(rules, &first)?;

        let mut patch_sets = BTreeMap::new();
        if !needs.patch_sets.is_empty() && !self.client().capabilities().await?.sees_all_emails() {
            return Err(FactsError::EmailsHidden);
        }
        for patch_set in &needs.patch_sets {
            match self.patch_set(project, number, *patch_set).await {
                Ok(facts) => drop(patch_sets.insert(*patch_set, facts)),
                // One that isn't there is a fact that is missing, which the decision names.
                Err(FactsError::Git(GitError::NoSuchRef { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let mut labels = BTreeMap::new();
        if !needs.labels.is_empty() {
            labels = self.client().labels(change).await?;
            labels.retain(|name, _| needs.labels.contains(name));
        }
        let accounts = self.accounts(&needs.accounts, &needs.groups).await?;
        let record = if needs.ours { self.client().record(project, number).await? } else { None };
        Ok(ChangeFacts {
            schema: first.schema,
            server: first.server,
            project: first.project,
            number,
            meta: first.meta,
            settings: first.settings,
            patch_sets,
            labels,
            accounts,
            record: record.map(RecordFact::from),
        })
    }

    /// Accounts, asked at the same time as far as the budget allows.
    async fn accounts(
        &self,
        ids: &BTreeSet<AccountId>,
        groups: &BTreeSet<GroupUuid>,
    ) -> Result<BTreeMap<AccountId, AccountFacts>, FactsError> {
        let mut asked = JoinSet::new();
        for id in ids.iter().copied() {
            let client = self.client().clone();
            asked.spawn(async move { (id, client.account(id).await) });
        }
        let mut accounts = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            // Only a panic or a cancelled runtime ends a task otherwise; both end this one too.
            let Ok((id, account)) = answer else { continue };
            if let Some(account) = account? {
                let groups = account.groups.intersection(groups).cloned().collect();
                accounts.insert(
                    id,
                    AccountFacts { active: account.active, service: account.service, groups },
                );
            }
        }
        Ok(accounts)
    }
}

fn needs(rules: &dyn Rules, first: &NeedsInput) -> Result<Needs, FactsError> {
    let refused = |said| FactsError::Rules { number: first.number, said };
    let input = serde_json::to_vec(first).map_err(|error| refused(error.to_string()))?;
    let output = rules.needs(&input).map_err(refused)?;
    serde_json::from_slice(&output).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
