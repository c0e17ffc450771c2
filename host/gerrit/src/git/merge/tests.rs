//! Our merges beside those of the real git.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::{Repo, mirrors};
use rstest::rstest;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

const MERGES: &[SubmitType] = &[SubmitType::MergeIfNecessary, SubmitType::MergeAlways];
const REBASES: &[SubmitType] = &[SubmitType::RebaseIfNecessary, SubmitType::RebaseAlways];

/// A branch that moved from `base` by `ours`, and a change on `base` of one or more commits.
fn diverged(base: &[(&str, &str)], ours: &[(&str, &str)], theirs: &[&[(&str, &str)]]) -> Repo {
    let repo = Repo::with(base);
    repo.branch("change", "main");
    for files in theirs {
        repo.commit(files);
    }
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit(ours);
    repo
}

struct Merging {
    repo: Repo,
    mirror: Mirror,
    _folder: TempDir,
}

impl Merging {
    async fn of(repo: Repo) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
        mirror.fetch_commit(&repo.revision("main"), &[]).await.unwrap();
        mirror.fetch_commit(&repo.revision("change"), &[]).await.unwrap();
        Self { repo, mirror, _folder: folder }
    }

    async fn merge(&self, submit_type: SubmitType, content_merge: bool) -> Merge {
        let (target, revision) = (self.repo.revision("main"), self.repo.revision("change"));
        self.mirror
            .merge(&target, &revision, MergeRule { submit_type, content_merge })
            .await
            .unwrap()
    }

    async fn tree(&self, submit_type: SubmitType) -> String {
        match self.merge(submit_type, true).await {
            Merge::Clean { tree, .. } => tree.to_string(),
            other => panic!("{submit_type:?}: {other:?}"),
        }
    }

    /// The tree that git itself makes by `how`, from a branch that is thrown away.
    fn by_git(&self, start: &str, how: &[&str]) -> String {
        self.repo.branch("scratch", start);
        self.repo.git(how);
        self.repo.git(&["rev-parse", "HEAD^{tree}"])
    }
}

#[rstest]
#[case::other_files(diverged(&[("a", "1"), ("b", "1")], &[("a", "2")], &[&[("b", "2")], &[("c", "1")]]))]
#[case::lines_of_one_file(diverged(
    &[("a", "1\n2\n3\n4\n5\n6\n7\n8\n")],
    &[("a", "one\n2\n3\n4\n5\n6\n7\n8\n")],
    &[&[("a", "1\n2\n3\n4\n5\n6\n7\neight\n")]],
))]
#[case::equal_changes(diverged(&[("a", "1")], &[("a", "2"), ("n", "1")], &[&[("a", "2")], &[("n", "1")]]))]
#[case::deleted_beside(diverged(&[("a", "1"), ("b", "1"), ("d/x", "1")], &[("a", "2"), ("d/x", "")], &[&[("b", "")]]))]
#[case::file_becomes_folder(diverged(&[("a", "1"), ("b", "1")], &[("b", "2")], &[&[("a", ""), ("a/x", "1")]]))]
#[tokio::test]
async fn a_clean_merge_has_gits_own_tree(#[case] repo: Repo) {
    let merging = Merging::of(repo).await;
    let merged =
        merging.by_git("main", &["merge", "--quiet", "--no-ff", "--message=Merge", "change"]);
    let rebased = merging.by_git("change", &["rebase", "--quiet", "main"]);
    let picked = merging
        .by_git("main", &["cherry-pick", "--allow-empty", "--keep-redundant-commits", "change"]);
    for submit_type in MERGES {
        assert_eq!(merging.tree(*submit_type).await, merged, "{submit_type:?}");
    }
    for submit_type in REBASES {
        assert_eq!(merging.tree(*submit_type).await, rebased, "{submit_type:?}");
    }
    assert_eq!(merging.tree(SubmitType::CherryPick).await, picked);
    assert_eq!(merging.merge(SubmitType::FastForwardOnly, true).await, Merge::NotFastForward);
}

#[rstest]
#[case::one_line(diverged(&[("a", "1\n")], &[("a", "2\n")], &[&[("a", "3\n")]]), &["a"])]
#[case::changed_and_deleted(diverged(&[("a", "1\n")], &[("a", "2\n")], &[&[("a", "")]]), &["a"])]
#[case::added_twice(diverged(&[("a", "1")], &[("n", "1\n")], &[&[("n", "2\n")]]), &["n"])]
#[case::binary(diverged(&[("a", "1\0\n2\n3\n4\n")], &[("a", "one\0\n2\n3\n4\n")], &[&[("a", "1\0\n2\n3\nfour\n")]]), &["a"])]
#[tokio::test]
async fn a_conflict_names_its_paths_where_git_finds_one_too(
    #[case] repo: Repo,
    #[case] paths: &[&str],
) {
    let merging = Merging::of(repo).await;
    merging.repo.branch("scratch", "main");
    assert!(merging.repo.try_git(&["merge", "--no-ff", "--message=Merge", "change"]).is_err());
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    for submit_type in MERGES.iter().chain(REBASES).chain(&[SubmitType::CherryPick]) {
        let expected = Merge::Conflict { paths: paths.clone() };
        assert_eq!(merging.merge(*submit_type, true).await, expected, "{submit_type:?}");
    }
}

#[rstest]
#[case::added_twice(diverged(&[("b", "1")], &[("a", "1")], &[&[("a/x", "1")]]))]
#[case::replaced_and_extended(diverged(&[("a/y", "1")], &[("a/x", "1")], &[&[("a/y", ""), ("a", "1")]]))]
#[tokio::test]
async fn a_file_against_a_folder_is_a_conflict(#[case] repo: Repo) {
    match Merging::of(repo).await.merge(SubmitType::MergeIfNecessary, true).await {
        Merge::Conflict { paths } => assert_eq!(paths, ["a", "a/x"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rename_is_not_followed_because_gerrit_does_not() {
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n";
    let changed = "one\n2\n3\n4\n5\n6\n7\n8\n";
    let repo = diverged(&[("a", text)], &[("a", ""), ("b", text)], &[&[("a", changed)]]);
    let merging = Merging::of(repo).await;
    merging.repo.branch("scratch", "main");
    assert!(merging.repo.try_git(&["merge", "--no-ff", "--message=Merge", "change"]).is_ok());
    let expected = Merge::Conflict { paths: vec!["a".to_owned()] };
    assert_eq!(merging.merge(SubmitType::MergeIfNecessary, true).await, expected);
}

#[tokio::test]
async fn without_content_merge_a_file_changed_on_both_sides_is_a_conflict() {
    let repo = diverged(
        &[("a", "1\n2\n3\n4\n")],
        &[("a", "one\n2\n3\n4\n")],
        &[&[("a", "1\n2\n3\nfour\n")]],
    );
    let merging = Merging::of(repo).await;
    let expected = Merge::Conflict { paths: vec!["a".to_owned()] };
    assert_eq!(merging.merge(SubmitType::MergeIfNecessary, false).await, expected);
    merging.tree(SubmitType::MergeIfNecessary).await;
}

#[tokio::test]
async fn a_mode_and_a_line_are_merged_together() {
    let repo = Repo::with(&[("a", "1\n2\n3\n4\n")]);
    repo.branch("change", "main");
    std::fs::set_permissions(repo.path().join("a"), Permissions::from_mode(0o755)).unwrap();
    repo.commit(&[]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit(&[("a", "one\n2\n3\n4\n")]);
    let merging = Merging::of(repo).await;
    let merged =
        merging.by_git("main", &["merge", "--quiet", "--no-ff", "--message=Merge", "change"]);
    assert_eq!(merging.tree(SubmitType::MergeAlways).await, merged);
}

#[rstest]
#[case(SubmitType::MergeIfNecessary, true)]
#[case(SubmitType::RebaseIfNecessary, true)]
#[case(SubmitType::FastForwardOnly, true)]
#[case(SubmitType::MergeAlways, false)]
#[case(SubmitType::RebaseAlways, false)]
#[case(SubmitType::CherryPick, false)]
#[tokio::test]
async fn a_change_on_the_tip_keeps_its_commit_or_only_its_tree(
    #[case] submit_type: SubmitType,
    #[case] same: bool,
) {
    let repo = Repo::with(&[("a", "1")]);
    repo.branch("change", "main");
    repo.commit(&[("a", "2")]);
    let merging = Merging::of(repo).await;
    let (own, own_tree) = (merging.repo.revision("change"), merging.repo.revision("change^{tree}"));
    match merging.merge(submit_type, true).await {
        Merge::Clean { commit, tree } => {
            assert_eq!((commit == own, tree == own_tree), (same, true))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_merge_has_the_same_id_again() {
    let repo = diverged(&[("a", "1"), ("b", "1")], &[("a", "2")], &[&[("b", "2")]]);
    let merging = Merging::of(repo).await;
    for submit_type in [SubmitType::MergeAlways, SubmitType::RebaseAlways, SubmitType::CherryPick] {
        assert_eq!(merging.merge(submit_type, true).await, merging.merge(submit_type, true).await);
    }
}

#[tokio::test]
async fn what_is_merged_already_stays_the_tip() {
    let repo = Repo::with(&[("a", "1")]);
    repo.git(&["branch", "change", "main"]);
    repo.commit(&[("a", "2")]);
    let merging = Merging::of(repo).await;
    for submit_type in
        MERGES.iter().chain(REBASES).chain(&[SubmitType::CherryPick, SubmitType::FastForwardOnly])
    {
        match merging.merge(*submit_type, true).await {
            Merge::Clean { commit, .. } => assert_eq!(commit, merging.repo.revision("main")),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_cherry_pick_leaves_the_ancestors_behind() {
    let repo = diverged(&[("a", "1")], &[("m", "1")], &[&[("first", "1")], &[("second", "1")]]);
    let merging = Merging::of(repo).await;
    let tree = merging.tree(SubmitType::CherryPick).await;
    let names = merging.mirror.git("ls-tree", ["--name-only", &tree]).line().await.unwrap();
    assert_eq!(names, "a\nm\nsecond");
}

#[tokio::test]
async fn a_merge_commit_in_a_chain_is_merged_and_what_follows_is_rebased() {
    let repo = Repo::with(&[("a", "1")]);
    repo.branch("side", "main");
    repo.commit(&[("s", "1")]);
    repo.branch("change", "main");
    repo.commit(&[("c", "1")]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message=Merge", "side"]);
    repo.commit(&[("c", "2")]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit(&[("m", "1")]);
    let merging = Merging::of(repo).await;
    let merged =
        merging.by_git("main", &["merge", "--quiet", "--no-ff", "--message=Merge", "change"]);
    for submit_type in REBASES {
        assert_eq!(merging.tree(*submit_type).await, merged, "{submit_type:?}");
    }
    match merging.merge(SubmitType::RebaseAlways, true).await {
        Merge::Clean { commit, .. } => {
            let parents = merging.mirror.raw_commit(&commit).await.unwrap().parents;
            assert_eq!(parents.len(), 1, "the last commit is a copy on top of the merge");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_criss_cross_history_is_merged_over_the_merge_of_its_bases() {
    let base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let repo = Repo::with(&[("a", base)]);
    repo.branch("change", "main");
    repo.commit(&[("a", &base.replace('1', "one"))]);
    repo.git(&["tag", "left"]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.commit(&[("a", &base.replace('9', "nine"))]);
    repo.git(&["tag", "right"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message=Cross", "left"]);
    repo.commit(&[("m", "1")]);
    repo.git(&["checkout", "--quiet", "change"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message=Cross", "right"]);
    repo.commit(&[("a", &base.replace('1', "one").replace('9', "nine").replace('5', "five"))]);
    let merging = Merging::of(repo).await;
    let merged =
        merging.by_git("main", &["merge", "--quiet", "--no-ff", "--message=Merge", "change"]);
    assert_eq!(merging.tree(SubmitType::MergeIfNecessary).await, merged);
}

#[tokio::test]
async fn histories_without_a_common_commit_are_merged_over_nothing() {
    let repo = Repo::with(&[("a", "1")]);
    repo.git(&["checkout", "--quiet", "--orphan", "change"]);
    repo.git(&["rm", "--quiet", "-r", "--force", "."]);
    repo.commit(&[("b", "1")]);
    let merging = Merging::of(repo).await;
    for submit_type in [SubmitType::MergeAlways, SubmitType::RebaseAlways, SubmitType::CherryPick] {
        let tree = merging.tree(submit_type).await;
        let names = merging.mirror.git("ls-tree", ["--name-only", &tree]).line().await.unwrap();
        assert_eq!(names, "a\nb", "{submit_type:?}");
    }
}
