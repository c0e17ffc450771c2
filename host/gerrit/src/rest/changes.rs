//! Changes as REST lists them: enough to know which to look at again. Facts come from the meta ref.

use crate::rest::{ChangeQuery, Client, RestError, SubmitType};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidegate_core::ids::{AccountId, ChangeNumber, PatchSetNumber, Project, RefName, Revision};

/// Changes asked for at a time: Gerrit's own default for a query (`queryLimit`).
const PAGE: usize = 500;

/// Most changes that one search gives. A server with more open changes than this in one project is
/// searched by branch or by time.
const CHANGES: usize = 20_000;

/// A change, as of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRef {
    /// Its project.
    pub project: Project,
    /// Its number.
    pub number: ChangeNumber,
    /// Its target branch, by full name.
    pub branch: RefName,
    /// Whether it is open.
    pub status: ChangeStatus,
    /// When it was last updated, in seconds since the epoch.
    pub updated: i64,
    /// The tip of its meta ref.
    pub meta: Revision,
    /// The commit of the current patch set.
    pub revision: Revision,
    /// The number of the current patch set.
    pub patch_set: PatchSetNumber,
    /// How it would be submitted; absent on abandoned changes.
    pub submit_type: Option<SubmitType>,
    /// Who owns it.
    pub owner: AccountId,
    /// Whether it is private.
    pub private: bool,
    /// Whether it is work in progress.
    pub work_in_progress: bool,
    /// Its topic.
    pub topic: Option<String>,
    /// What it was submitted with: changes of one submission share it.
    pub submission: Option<String>,
    /// The state of its submit requirements; empty where they were not asked for.
    pub requirements: Vec<Requirement>,
}

/// Where a change is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeStatus {
    /// Under review.
    New,
    /// Submitted.
    Merged,
    /// Given up.
    Abandoned,
}

/// One submit requirement's result. On a merged change it is what was stored at the submission.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Requirement {
    /// The requirement's name.
    pub name: String,
    /// `SATISFIED`, `UNSATISFIED`, `OVERRIDDEN`, `NOT_APPLICABLE`, `ERROR` or `FORCED`, as Gerrit
    /// writes it. An unknown one must not be taken for met.
    pub status: String,
    /// Whether it stands for one of the old submit rules.
    #[serde(default)]
    pub is_legacy: bool,
    /// What it asks for.
    #[serde(default, rename = "submittability_expression_result")]
    pub submittability: Submittability,
}

/// How the expression of a requirement came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Submittability {
    /// The expression.
    #[serde(default)]
    pub expression: String,
}

impl Client {
    /// The changes that `query` finds, most recently updated first.
    ///
    /// Pages shift while they are read: a change that left the result moves the next one to a page
    /// already read. So a listing may miss one; who reconciles does it again on an interval.
    ///
    /// # Errors
    /// When Gerrit can't be asked, or finds more than 20,000 changes.
    pub async fn changes(&self, query: &ChangeQuery) -> Result<Vec<ChangeRef>, RestError> {
        let asked = "GET changes/".to_owned();
        let unexpected = |found| RestError::Unexpected { asked: asked.clone(), found };
        let text = query.text().map_err(unexpected)?;
        let mut found = BTreeMap::new();
        let mut order = Vec::new();
        let mut start = 0;
        loop {
            let call = self
                .get(&["changes", ""])
                .query("q", &text)
                .query("n", &PAGE.to_string())
                .query("S", &start.to_string())
                .query("o", "CURRENT_REVISION");
            let page: Vec<ChangeInfo> = self.ask(&call).await?;
            let more = page.last().is_some_and(|last| last.more_changes);
            start += page.len();
            for info in page {
                let change = info.change().map_err(unexpected)?;
                let key = (change.project.clone(), change.number);
                if found.insert(key.clone(), change).is_none() {
                    order.push(key);
                }
            }
            if !more {
                return Ok(order.into_iter().filter_map(|key| found.remove(&key)).collect());
            }
            if start >= CHANGES {
                return Err(unexpected(format!("{text:?} finds more than {CHANGES} changes")));
            }
        }
    }

    /// The most recently updated change that `query` finds.
    pub(crate) async fn newest_change(
        &self,
        query: &ChangeQuery,
    ) -> Result<Option<ChangeRef>, RestError> {
        let unexpected = |found| RestError::Unexpected { asked: "GET changes/".to_owned(), found };
        let text = query.text().map_err(unexpected)?;
        let call = self.get(&["changes", ""]).query("q", &text).query("n", "1");
        let found: Vec<ChangeInfo> = self.ask(&call.query("o", "CURRENT_REVISION")).await?;
        found.into_iter().next().map(ChangeInfo::change).transpose().map_err(unexpected)
    }

    /// One change with its requirements, read from its meta ref and not from the search index.
    ///
    /// # Errors
    /// [`RestError::NotFound`] when it doesn't exist or isn't visible.
    pub async fn change(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<ChangeRef, RestError> {
        self.named_change(&change_id(project, number)).await
    }

    /// The change with a Change-Id in its commit message; none if it isn't there or isn't visible.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn change_by_key(
        &self,
        project: &Project,
        branch: &RefName,
        key: &str,
    ) -> Result<Option<ChangeRef>, RestError> {
        match self.named_change(&format!("{project}~{branch}~{key}")).await {
            Ok(change) => Ok(Some(change)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn named_change(&self, id: &str) -> Result<ChangeRef, RestError> {
        let call = self
            .get(&["changes", id])
            .query("o", "CURRENT_REVISION")
            .query("o", "SUBMIT_REQUIREMENTS");
        let info: ChangeInfo = self.ask(&call).await?;
        let asked = call.asked.clone();
        info.change().map_err(|found| RestError::Unexpected { asked, found })
    }
}

/// How REST names a change without ambiguity: `project~number`.
pub(crate) fn change_id(project: &Project, number: ChangeNumber) -> String {
    format!("{project}~{number}")
}

/// Gerrit's `ChangeInfo`, as far as it is read.
#[derive(Debug, Deserialize)]
struct ChangeInfo {
    project: Project,
    #[serde(rename = "_number")]
    number: ChangeNumber,
    branch: String,
    status: ChangeStatus,
    updated: String,
    meta_rev_id: Revision,
    current_revision: Revision,
    #[serde(default)]
    revisions: BTreeMap<Revision, RevisionInfo>,
    submit_type: Option<SubmitType>,
    owner: AccountInfo,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    work_in_progress: bool,
    topic: Option<String>,
    submission_id: Option<String>,
    #[serde(default)]
    submit_requirements: Vec<Requirement>,
    #[serde(default, rename = "_more_changes")]
    more_changes: bool,
}

#[derive(Debug, Deserialize)]
struct RevisionInfo {
    #[serde(rename = "_number")]
    number: PatchSetNumber,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AccountInfo {
    #[serde(rename = "_account_id")]
    pub(crate) id: AccountId,
}

impl ChangeInfo {
    fn change(self) -> Result<ChangeRef, String> {
        let number = self.number;
        let patch_set = self
            .revisions
            .get(&self.current_revision)
            .map(|revision| revision.number)
            .ok_or_else(|| format!("change {number} comes without its current revision"))?;
        Ok(ChangeRef {
            branch: full_ref(&self.branch)
                .ok_or_else(|| format!("change {number} has the branch {:?}", self.branch))?,
            updated: seconds(&self.updated)
                .ok_or_else(|| format!("change {number} was updated at {:?}", self.updated))?,
            project: self.project,
            number,
            status: self.status,
            meta: self.meta_rev_id,
            revision: self.current_revision,
            patch_set,
            submit_type: self.submit_type,
            owner: self.owner.id,
            private: self.is_private,
            work_in_progress: self.work_in_progress,
            topic: self.topic,
            submission: self.submission_id,
            requirements: self.submit_requirements,
        })
    }
}

/// REST shortens `refs/heads/x` to `x` and leaves other refs whole.
fn full_ref(branch: &str) -> Option<RefName> {
    if branch.starts_with("refs/") {
        branch.parse().ok()
    } else {
        format!("refs/heads/{branch}").parse().ok()
    }
}

/// Gerrit's timestamps are `2026-11-25 00:30:47.000000000`, in UTC.
fn seconds(text: &str) -> Option<i64> {
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Fake, Reply};
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-25 00:30:47.000000000", Some(1_795_566_647))]
    #[case("2026-11-25 00:30:47.999000000", Some(1_795_566_647))]
    #[case("yesterday", None)]
    fn times_are_utc(#[case] text: &str, #[case] expected: Option<i64>) {
        assert_eq!(seconds(text), expected);
    }

    #[rstest]
    #[case("main", Some("refs/heads/main"))]
    #[case("refs/meta/config", Some("refs/meta/config"))]
    #[case("a b", None)]
    fn branches_get_their_full_name(#[case] branch: &str, #[case] full: Option<&str>) {
        assert_eq!(full_ref(branch).as_ref().map(RefName::as_str), full);
    }

    fn listed(number: u32, more: bool) -> String {
        let id = "1".repeat(40);
        let more = if more { ",\"_more_changes\":true" } else { "" };
        format!(
            "{{\"project\":\"infra\",\"_number\":{number},\"branch\":\"main\",\"status\":\"NEW\",\
             \"updated\":\"2026-11-25 00:30:47.000000000\",\"meta_rev_id\":\"{id}\",\"owner\":{{\"_account_id\":1}},\
             \"submit_type\":\"REBASE_ALWAYS\",\"current_revision\":\"{id}\",\
             \"revisions\":{{\"{id}\":{{\"_number\":3}}}}{more}}}"
        )
    }

    #[tokio::test]
    async fn pages_are_read_to_the_end_and_a_change_that_slid_onto_the_next_one_counts_once() {
        let fake = Fake::start(|request| {
            let page = if request.path.contains("S=0") {
                [listed(3, false), listed(2, true)]
            } else {
                [listed(2, false), listed(1, false)]
            };
            Reply::Json(format!("[{}]", page.join(",")))
        })
        .await;
        let changes = fake.client().changes(&ChangeQuery::open()).await.unwrap();
        assert_eq!(changes.iter().map(|change| change.number.0).collect::<Vec<_>>(), [3, 2, 1]);
        let asked = "GET /a/changes/?q=status%3Aopen&n=500&S=";
        let expected =
            [format!("{asked}0&o=CURRENT_REVISION"), format!("{asked}2&o=CURRENT_REVISION")];
        assert_eq!(fake.asked(), expected);
        let first = changes.first().unwrap();
        assert_eq!(first.patch_set, PatchSetNumber(3));
        assert_eq!(first.submit_type, Some(SubmitType::RebaseAlways));
        assert_eq!(first.branch.as_str(), "refs/heads/main");
    }

    #[tokio::test]
    async fn a_server_that_always_has_more_is_left() {
        let page = format!("[{}{}]", format!("{},", listed(1, false)).repeat(499), listed(1, true));
        let fake = Fake::start(move |_| Reply::Json(page.clone())).await;
        let error = fake.client().changes(&ChangeQuery::open()).await.unwrap_err().to_string();
        assert!(error.contains("more than 20000 changes"), "{error}");
        assert_eq!(fake.asked().len(), CHANGES / PAGE);
    }

    #[tokio::test]
    async fn a_query_that_cannot_be_asked_is_not_sent() {
        let fake = Fake::start(|_| Reply::Silence).await;
        let query = ChangeQuery::open().project(&"a\"}".parse().unwrap());
        assert!(fake.client().changes(&query).await.is_err());
        assert!(fake.asked().is_empty());
    }

    #[tokio::test]
    async fn an_unknown_state_is_not_guessed_at() {
        let strange = listed(1, false).replace("NEW", "DRAFT");
        let fake = Fake::start(move |_| Reply::Json(format!("[{strange}]"))).await;
        assert!(matches!(
            fake.client().changes(&ChangeQuery::any()).await,
            Err(RestError::BadAnswer { .. })
        ));
    }
}
