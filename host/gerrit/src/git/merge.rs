//! The merge of a change with its target branch, as a submission would make it.
//!
//! Gerrit has no endpoint that would tell; what it does for each submit type is in its
//! `SubmitStrategy` classes. Only the tree matters here: the commit is ours, made without a clock,
//! so that the same merge has the same id wherever it is made.

use crate::git::three_way::{EMPTY_TREE, Trees};
use crate::git::{Commit, GitError, Mirror};
use crate::rest::{ProjectConfig, SubmitType};
use tidegate_core::ids::Revision;

/// Deepest nesting of merge bases that have several bases themselves. Histories that criss-cross
/// are rare, and twice is a curiosity.
const DEPTH: usize = 8;

/// Most commits of a chain that are rebased one after the other: as many changes in one submission.
const CHAIN: usize = 500;

/// The name that our merges carry.
const WHO: &str = "Tidegate";

/// How the project's changes are merged.
pub type MergeRule = ProjectConfig;

/// What a merge comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// A tree, in this commit: the change's own where the submission would only move the branch.
    Clean {
        /// The commit.
        commit: Revision,
        /// Its tree.
        tree: Revision,
    },
    /// Nothing; a person has to rebase and resolve these paths.
    Conflict {
        /// The paths, sorted.
        paths: Vec<String>,
    },
    /// Nothing; the project only fast-forwards, and the branch has moved.
    NotFastForward,
}

/// The outcome of one step, with commits as text.
enum Step {
    To(String),
    Conflict(Vec<String>),
}

impl Mirror {
    /// Merges `revision` into `target` by `rule`. Both must have been fetched.
    ///
    /// # Errors
    /// When git fails.
    pub async fn merge(
        &self,
        target: &Revision,
        revision: &Revision,
        rule: MergeRule,
    ) -> Result<Merge, GitError> {
        if self.is_ancestor(revision, target).await? {
            return self.clean(target.as_str()).await;
        }
        let forward = self.is_ancestor(target, revision).await?;
        let content = rule.content_merge;
        let step = match rule.submit_type {
            SubmitType::FastForwardOnly if !forward => return Ok(Merge::NotFastForward),
            SubmitType::FastForwardOnly => Step::To(revision.to_string()),
            SubmitType::MergeIfNecessary | SubmitType::RebaseIfNecessary if forward => {
                Step::To(revision.to_string())
            }
            SubmitType::MergeIfNecessary | SubmitType::MergeAlways => {
                self.merge_commits(target.as_str(), revision.as_str(), content).await?
            }
            SubmitType::RebaseIfNecessary | SubmitType::RebaseAlways => {
                self.rebase(target, revision, content).await?
            }
            SubmitType::CherryPick => {
                let parents = self.raw_commit(revision).await?.parents;
                let commit = Commit { id: revision.clone(), parents };
                self.apply(target.to_string(), &commit, content).await?
            }
        };
        match step {
            Step::To(commit) => self.clean(&commit).await,
            Step::Conflict(paths) => Ok(Merge::Conflict { paths }),
        }
    }

    /// Whether the tree of a merge of two parents is what merging them gives, with or without a look
    /// into files that both changed (`content`). A merge that a person resolved is not.
    ///
    /// # Errors
    /// When a commit wasn't fetched, or git fails.
    pub async fn is_automatic(&self, merge: &Revision, content: bool) -> Result<bool, GitError> {
        let commit = self.raw_commit(merge).await?;
        let [ours, theirs] = commit.parents.as_slice() else { return Ok(false) };
        match self.merge_commits(ours.as_str(), theirs.as_str(), content).await? {
            Step::To(merged) => Ok(self.tree(&revision(&merged)?).await? == commit.tree),
            Step::Conflict(_) => Ok(false),
        }
    }

    async fn clean(&self, commit: &str) -> Result<Merge, GitError> {
        let commit = revision(commit)?;
        let tree = self.tree(&commit).await?;
        Ok(Merge::Clean { commit, tree })
    }

    /// Puts the commits that the target lacks onto it, one after the other. What is below a merge
    /// commit comes with that merge.
    async fn rebase(
        &self,
        target: &Revision,
        to: &Revision,
        content: bool,
    ) -> Result<Step, GitError> {
        let commits = self.first_parent_commits(target, to).await?;
        let last_merge = commits.iter().rposition(|commit| commit.parents.len() > 1).unwrap_or(0);
        let chain = commits.get(last_merge..).unwrap_or_default();
        if chain.len() > CHAIN {
            return Err(GitError::TooMany {
                what: format!("the chain {target}..{to}"),
                limit: CHAIN,
            });
        }
        let mut tip = target.to_string();
        for commit in chain {
            match self.apply(tip, commit, content).await? {
                Step::To(next) => tip = next,
                conflict @ Step::Conflict(_) => return Ok(conflict),
            }
        }
        Ok(Step::To(tip))
    }

    /// Puts one commit onto `tip`: what it changed since its parent, or the whole of it if it is a
    /// merge, which can't be copied.
    async fn apply(&self, tip: String, commit: &Commit, content: bool) -> Result<Step, GitError> {
        let base = match commit.parents.as_slice() {
            [] => EMPTY_TREE.to_owned(),
            [parent] => format!("{parent}^{{tree}}"),
            _ if self.is_ancestor(&revision(&tip)?, &commit.id).await? => {
                return Ok(Step::To(commit.id.to_string()));
            }
            _ => return self.merge_commits(&tip, commit.id.as_str(), content).await,
        };
        let trees = [base, format!("{tip}^{{tree}}"), format!("{}^{{tree}}", commit.id)];
        let [base, ours, theirs] = self.resolve(trees).await?;
        match self.merge_trees(&base, &ours, &theirs, content).await? {
            Trees::Clean(tree) => {
                self.make_commit(&tree, &[&tip], commit.id.as_str()).await.map(Step::To)
            }
            Trees::Conflict(paths) => Ok(Step::Conflict(paths)),
        }
    }

    /// Merges two commits over their common ancestors. Several ancestors are merged first, and a
    /// conflict between them is a conflict of the whole, as in JGit's recursive strategy.
    async fn merge_commits(
        &self,
        ours: &str,
        theirs: &str,
        content: bool,
    ) -> Result<Step, GitError> {
        let base = match Box::pin(self.merge_base_tree(ours, theirs, content, 0)).await? {
            Trees::Clean(tree) => tree,
            Trees::Conflict(paths) => return Ok(Step::Conflict(paths)),
        };
        let trees = [base, format!("{ours}^{{tree}}"), format!("{theirs}^{{tree}}")];
        let [base, our_tree, their_tree] = self.resolve(trees).await?;
        match self.merge_trees(&base, &our_tree, &their_tree, content).await? {
            Trees::Clean(tree) => {
                self.make_commit(&tree, &[ours, theirs], theirs).await.map(Step::To)
            }
            Trees::Conflict(paths) => Ok(Step::Conflict(paths)),
        }
    }

    /// The tree that two commits are compared with.
    async fn merge_base_tree(
        &self,
        ours: &str,
        theirs: &str,
        content: bool,
        depth: usize,
    ) -> Result<Trees, GitError> {
        let bases = self.merge_bases(ours, theirs).await?;
        let Some((first, others)) = bases.split_first() else {
            return Ok(Trees::Clean(EMPTY_TREE.to_owned()));
        };
        if depth >= DEPTH {
            return Err(GitError::TooMany {
                what: "the nesting of merge bases".to_owned(),
                limit: DEPTH,
            });
        }
        let mut merged = first.clone();
        for other in others {
            let base =
                match Box::pin(self.merge_base_tree(&merged, other, content, depth + 1)).await? {
                    Trees::Clean(tree) => tree,
                    conflict @ Trees::Conflict(_) => return Ok(conflict),
                };
            let trees = [base, format!("{merged}^{{tree}}"), format!("{other}^{{tree}}")];
            let [base, ours, theirs] = self.resolve(trees).await?;
            merged = match self.merge_trees(&base, &ours, &theirs, content).await? {
                Trees::Clean(tree) => self.make_commit(&tree, &[&merged, other], other).await?,
                conflict @ Trees::Conflict(_) => return Ok(conflict),
            };
        }
        let [tree] = self.resolve([format!("{merged}^{{tree}}")]).await?;
        Ok(Trees::Clean(tree))
    }

    /// The ids of objects that git's notation names.
    async fn resolve<const N: usize>(&self, names: [String; N]) -> Result<[String; N], GitError> {
        let listed = self.git("rev-parse", names).line().await?;
        let ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        ids.try_into().map_err(|ids: Vec<String>| GitError::Unexpected {
            asked: "rev-parse".to_owned(),
            found: format!("{} ids instead of {N}", ids.len()),
        })
    }

    /// Makes a commit whose id depends on its content only: its time is that of the youngest parent.
    async fn make_commit(
        &self,
        tree: &str,
        parents: &[&str],
        of: &str,
    ) -> Result<String, GitError> {
        let mut time = 0;
        for parent in parents {
            time = time.max(self.raw_commit(&revision(parent)?).await?.committer.time);
        }
        let date = format!("{time} +0000");
        let mut arguments = vec![tree];
        for parent in parents {
            arguments.extend(["-p", parent]);
        }
        let command = self
            .git("commit-tree", arguments)
            .input(format!("Merge {of} with its target\n"))
            .environment("GIT_AUTHOR_NAME", WHO)
            .environment("GIT_AUTHOR_EMAIL", "tidegate@localhost")
            .environment("GIT_AUTHOR_DATE", &date)
            .environment("GIT_COMMITTER_NAME", WHO)
            .environment("GIT_COMMITTER_EMAIL", "tidegate@localhost")
            .environment("GIT_COMMITTER_DATE", &date);
        command.line().await
    }
}

fn revision(text: &str) -> Result<Revision, GitError> {
    text.parse().map_err(|error| GitError::Unexpected {
        asked: "commit-tree".to_owned(),
        found: format!("no commit: {error}"),
    })
}

#[cfg(test)]
mod tests;
