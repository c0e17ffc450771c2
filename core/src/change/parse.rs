//! Reads a [`Change`] from its meta log. What it doesn't understand it refuses: a change whose
//! history can't be read can't be approved.

use super::footers::Footers;
use super::vote_line::{VoteLine, account};
use super::{Change, Message, PatchSet, Place, Status, Vote, VoteKey};
use crate::ids::{AccountId, PatchSetNumber, RefName, Revision};
use crate::limits;
use crate::meta_log::{MetaCommit, MetaLog};
use std::collections::{BTreeMap, BTreeSet};

/// Why a meta log can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// Too many commits.
    #[error("the change's history has {found} entries; {} are read at most", limits::META_COMMITS)]
    TooLong {
        /// How many it has.
        found: usize,
    },
    /// The commits don't end at the tip that they were read at.
    #[error("the change's history doesn't end at {tip}, the commit that it was read at")]
    NotAtTip {
        /// The tip that was named.
        tip: Revision,
    },
    /// A footer that stands twice, or whose value has an unknown form.
    #[error("history entry {commit}: the footer {key:?} can't be read: {found:?}")]
    Footer {
        /// The meta commit.
        commit: Revision,
        /// The footer.
        key: &'static str,
        /// Its value, shortened.
        found: String,
    },
    /// Something that every change has is missing.
    #[error("the change's history names no {what}")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
}

impl MetaLog {
    /// The change that the log tells of.
    ///
    /// # Errors
    /// [`MetaError`] if an entry can't be understood.
    pub fn change(&self) -> Result<Change, MetaError> {
        if self.commits.len() > limits::META_COMMITS {
            return Err(MetaError::TooLong { found: self.commits.len() });
        }
        if self.commits.last().map(|commit| &commit.id) != Some(&self.tip) {
            return Err(MetaError::NotAtTip { tip: self.tip.clone() });
        }
        let mut reader = Reader::default();
        for (place, commit) in self.commits.iter().enumerate() {
            reader.read(place, commit)?;
        }
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    owner: Option<AccountId>,
    branch: Option<RefName>,
    status: Option<Status>,
    work_in_progress: bool,
    private: bool,
    current: Option<PatchSetNumber>,
    patch_sets: BTreeMap<PatchSetNumber, PatchSet>,
    deleted: BTreeSet<PatchSetNumber>,
    votes: BTreeMap<VoteKey, Vote>,
    messages: Vec<Message>,
}

/// One meta commit with what most of its parts need.
struct Entry<'a> {
    place: Place,
    commit: &'a MetaCommit,
    footers: Footers<'a>,
    patch_set: PatchSetNumber,
    author: Option<AccountId>,
    real: Option<AccountId>,
}

impl Entry<'_> {
    fn bad(&self, key: &'static str, found: &str) -> MetaError {
        bad(self.commit, key, found)
    }

    #[inline(never)]
    fn one(&self, key: &'static str) -> Result<Option<&str>, MetaError> {
        one(&self.footers, self.commit, key)
    }

    #[inline(never)]
    fn flag(&self, key: &'static str) -> Result<Option<bool>, MetaError> {
        match self.one(key)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => Err(self.bad(key, text)),
        }
    }

    fn impersonated(&self) -> bool {
        self.real != self.author
    }
}

impl Reader {
    #[inline(never)]
    fn read(&mut self, place: Place, commit: &MetaCommit) -> Result<(), MetaError> {
        let entry = entry(place, commit)?;
        if place == 0 {
            self.owner = entry.author;
        }
        self.read_status(&entry)?;
        self.read_patch_set(&entry)?;
        self.read_votes(&entry)?;
        if !entry.footers.text.is_empty() {
            self.messages.push(Message {
                place,
                patch_set: entry.patch_set,
                author: entry.author,
                impersonated: entry.impersonated(),
                tag: entry.one("Tag")?.map(str::to_owned),
                text: entry.footers.text.clone(),
            });
        }
        Ok(())
    }

    #[inline(never)]
    fn read_status(&mut self, entry: &Entry<'_>) -> Result<(), MetaError> {
        if let Some(text) = entry.one("Branch")? {
            let full = if text.starts_with("refs/") {
                text.to_owned()
            } else {
                format!("refs/heads/{text}")
            };
            self.branch = Some(RefName::try_from(full).map_err(|_| entry.bad("Branch", text))?);
        }
        if let Some(text) = entry.one("Status")? {
            self.status = Some(match text.to_ascii_lowercase().as_str() {
                "new" => Status::New,
                "merged" => Status::Merged,
                "abandoned" => Status::Abandoned,
                _ => return Err(entry.bad("Status", text)),
            });
        }
        if let Some(on) = entry.flag("Work-in-progress")? {
            self.work_in_progress = on;
        }
        if let Some(on) = entry.flag("Private")? {
            self.private = on;
        }
        Ok(())
    }

    #[inline(never)]
    fn read_patch_set(&mut self, entry: &Entry<'_>) -> Result<(), MetaError> {
        if entry.one("Patch-set")?.is_some_and(|text| text.contains("(DELETED)")) {
            self.deleted.insert(entry.patch_set);
            return Ok(());
        }
        if let Some(text) = entry.one("Commit")? {
            let revision =
                Revision::try_from(text.to_owned()).map_err(|_| entry.bad("Commit", text))?;
            let author = entry.author.ok_or(MetaError::Missing { what: "uploader" })?;
            let uploaders = entry.real.into_iter().chain([author]).collect();
            let merged = entry.one("Status")?.is_some_and(|s| s.eq_ignore_ascii_case("merged"));
            let by_submission = merged && entry.one("Submission-id")?.is_some();
            let patch_set = PatchSet { revision, uploaders, place: entry.place, by_submission };
            if self.patch_sets.insert(entry.patch_set, patch_set).is_some() {
                return Err(entry.bad("Commit", "a second commit for one patch set"));
            }
            self.current = Some(entry.patch_set);
        } else if entry.flag("Current")? == Some(true) {
            self.current = Some(entry.patch_set);
        }
        Ok(())
    }

    #[inline(never)]
    fn read_votes(&mut self, entry: &Entry<'_>) -> Result<(), MetaError> {
        for (key, copied) in [("Copied-Label", true), ("Label", false)] {
            for text in entry.footers.all(key) {
                let line = VoteLine::parse(text).ok_or_else(|| entry.bad(key, text))?;
                self.vote(entry, line, copied)?;
            }
        }
        for text in entry.footers.all("Removed") {
            if let Some(gone) = person(text) {
                self.remove(gone);
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn remove(&mut self, reviewer: AccountId) {
        self.votes.retain(|key, _| key.account != reviewer);
    }

    #[inline(never)]
    fn vote(&mut self, entry: &Entry<'_>, line: VoteLine, copied: bool) -> Result<(), MetaError> {
        let account = line.account.or(entry.author).ok_or(MetaError::Missing { what: "voter" })?;
        let key = VoteKey { patch_set: entry.patch_set, label: line.label, account };
        match line.value {
            None | Some(0) => {
                self.votes.remove(&key);
            }
            Some(value) => {
                let impersonated = if copied { line.impersonated } else { entry.impersonated() };
                let vote = Vote { value, place: entry.place, copied, impersonated };
                self.votes.insert(key, vote);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Change, MetaError> {
        for number in &self.deleted {
            self.patch_sets.remove(number);
            self.votes.retain(|key, _| key.patch_set != *number);
        }
        let last = self.patch_sets.keys().next_back().copied();
        let current = self.current.filter(|number| self.patch_sets.contains_key(number)).or(last);
        Ok(Change {
            owner: self.owner.ok_or(MetaError::Missing { what: "owner" })?,
            branch: self.branch.ok_or(MetaError::Missing { what: "branch" })?,
            status: self.status.unwrap_or(Status::New),
            work_in_progress: self.work_in_progress,
            private: self.private,
            current: current.ok_or(MetaError::Missing { what: "patch set" })?,
            patch_sets: self.patch_sets,
            votes: self.votes,
            messages: self.messages,
        })
    }
}

#[inline(never)]
fn entry(place: Place, commit: &MetaCommit) -> Result<Entry<'_>, MetaError> {
    let footers = Footers::split(&commit.message);
    let patch_set = patch_set(&footers, commit)?;
    let author = account(&commit.author);
    let real = match one(&footers, commit, "Real-user")? {
        None => author,
        Some(text) => Some(person(text).ok_or_else(|| bad(commit, "Real-user", text))?),
    };
    Ok(Entry { place, commit, footers, patch_set, author, real })
}

#[inline(never)]
fn patch_set(footers: &Footers<'_>, commit: &MetaCommit) -> Result<PatchSetNumber, MetaError> {
    let text = one(footers, commit, "Patch-set")?;
    let text = text.ok_or_else(|| bad(commit, "Patch-set", "it is missing"))?;
    let number = text.split(' ').next().unwrap_or_default();
    number.parse().map(PatchSetNumber).map_err(|_| bad(commit, "Patch-set", text))
}

#[inline(never)]
fn one<'a>(
    footers: &Footers<'a>,
    commit: &MetaCommit,
    key: &'static str,
) -> Result<Option<&'a str>, MetaError> {
    footers.one(key).map_err(|key| bad(commit, key, "it stands more than once"))
}

#[inline(never)]
fn bad(commit: &MetaCommit, key: &'static str, found: &str) -> MetaError {
    let (commit, found) = (commit.id.clone(), found.chars().take(120).collect());
    MetaError::Footer { commit, key, found }
}

/// The account of `Name <1000001@server>`.
#[inline(never)]
fn person(text: &str) -> Option<AccountId> {
    text.rsplit_once('<').and_then(|(_, mail)| mail.strip_suffix('>')).and_then(account)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn commit(n: usize, author: &str, message: &str) -> MetaCommit {
        let id = Revision::try_from(format!("{n:040x}")).unwrap();
        MetaCommit { id, author: author.into(), time: 0, message: message.into() }
    }

    fn log(entries: &[(&str, &str)]) -> MetaLog {
        let commits: Vec<_> =
            entries.iter().enumerate().map(|(n, (a, m))| commit(n, a, m)).collect();
        MetaLog { tip: commits.last().unwrap().id.clone(), commits }
    }

    const CREATED: &str = "Create change\n\nUploaded patch set 1.\n\nPatch-set: 1\nBranch: refs/heads/main\nStatus: new\nCommit: b1c72f6a1a27be5f48ae3ae9584d9cb121278651\nTag: autogenerated:gerrit:newPatchSet\nPrivate: false\nWork-in-progress: false\n";
    const SUBMITTED: &str = "Create patch set 2\n\nRebased and submitted\n\nPatch-set: 2\nStatus: merged\nCommit: f14c0887b2a90b7d8967608d9c7bb89b8b5b1a65\nLabel: Code-Review=+2, 10\nSubmission-id: 1\nSubmitted-with: OK\n";

    #[test]
    fn votes_keep_their_order_and_patch_set() {
        let change = log(&[
            ("1@s", CREATED),
            (
                "2@s",
                "Update\n\nPatch Set 1: Code-Review+2\n\nPatch-set: 1\nLabel: Code-Review=+2, ab",
            ),
            ("3@s", "Update\n\nPatch-set: 1\nLabel: Code-Review=+1, cd\nReal-user: G <4@s>"),
            ("2@s", "Update\n\nPatch-set: 1\nLabel: -Code-Review"),
        ])
        .change()
        .unwrap();
        let votes: Vec<_> =
            change.votes.iter().map(|(k, v)| (k.account.0, v.value, v.place)).collect();
        assert_eq!(votes, [(3, 1, 2)]);
        assert!(change.votes.values().all(|vote| vote.impersonated));
        assert_eq!(change.messages.len(), 2);
    }

    #[test]
    fn a_patch_set_made_by_the_submission_was_not_reviewed() {
        let change = log(&[("1@s", CREATED), ("2@s", SUBMITTED)]).change().unwrap();
        assert_eq!(change.status, Status::Merged);
        assert_eq!(change.current, PatchSetNumber(2));
        assert_eq!(change.reviewed(), PatchSetNumber(1));
        assert!(change.is_reviewed(PatchSetNumber(2)));
    }

    #[test]
    fn a_reviewer_who_was_removed_has_no_vote() {
        let change = log(&[
            ("1@s", CREATED),
            ("2@s", "Update\n\nPatch-set: 1\nLabel: Code-Review=+2, ab"),
            ("1@s", "Update\n\nPatch-set: 1\nRemoved: Gerrit User 2 <2@s>"),
        ])
        .change()
        .unwrap();
        assert!(change.votes.is_empty());
    }

    #[test]
    fn an_unknown_status_is_refused() {
        let error = log(&[("1@s", &CREATED.replace("Status: new", "Status: draft"))]).change();
        assert!(matches!(error, Err(MetaError::Footer { key: "Status", .. })));
    }

    #[test]
    fn a_log_that_misses_its_tip_is_refused() {
        let mut log = log(&[("1@s", CREATED), ("2@s", SUBMITTED)]);
        log.commits.pop();
        assert!(matches!(log.change(), Err(MetaError::NotAtTip { .. })));
    }
}
