//! Checkouts of hostile trees.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::{Repo, mirrors};
use rstest::rstest;

#[rstest]
#[case::beside("a/b", "c", false)]
#[case::up_within("a/b", "../c", false)]
#[case::up_out("a/b", "../../c", true)]
#[case::down_and_out("b", "x/../../c", true)]
#[case::absolute("b", "/etc/passwd", true)]
fn links_out_of_the_tree_are_told(#[case] path: &str, #[case] target: &str, #[case] out: bool) {
    assert_eq!(leaves(path, Path::new(target)), out);
}

async fn checked_out(repo: &Repo, folder: &Path) -> Worktree {
    let mirrors = mirrors(repo.server(), folder);
    let mirror = mirrors.mirror(&"infra".parse().unwrap()).await.unwrap();
    let commit = repo.revision("HEAD");
    mirror.fetch_commit(&commit, &[]).await.unwrap();
    mirror.worktree(&commit).await.unwrap()
}

#[tokio::test]
async fn files_are_the_bytes_of_the_commit_whatever_its_attributes_say() {
    let attributes = "*.txt text eol=crlf\n*.key ident\n*.bin filter=steal\n*.utf working-tree-encoding=ISO-8859-1\n";
    let repo = Repo::with(&[
        (".gitattributes", attributes),
        ("a.txt", "1\n2\n"),
        ("b.key", "$Id$\n"),
        ("c.bin", "x"),
        ("e.utf", "caf\u{e9}"),
        ("d/e/f", "deep"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let worktree = checked_out(&repo, folder.path()).await;
    for path in ["a.txt", "b.key", "c.bin", "e.utf", "d/e/f"] {
        let stored = repo.git(&["cat-file", "blob", &format!("HEAD:{path}")]);
        let text = std::fs::read_to_string(worktree.path().join(path)).unwrap();
        assert_eq!(text.trim_end_matches('\n'), stored, "{path}");
    }
    assert_ne!(std::fs::read_to_string(worktree.path().join("e.utf")).unwrap(), "caf\u{e9}");
    assert!(!worktree.path().join(".git").exists());
}

#[tokio::test]
async fn links_submodules_and_lfs_pointers_are_noted() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let repo = Repo::with(&[("app/big", pointer), ("app/small", "version 1")]);
    std::os::unix::fs::symlink("../../../etc/passwd", repo.path().join("app/out")).unwrap();
    std::os::unix::fs::symlink("app/small", repo.path().join("in")).unwrap();
    repo.git(&["add", "--all"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", "1".repeat(40))]);
    repo.git(&["commit", "--quiet", "--message=Odd things"]);
    let folder = tempfile::tempdir().unwrap();
    let worktree = checked_out(&repo, folder.path()).await;
    let link = |path: &str, target: &str, leaves| Symlink {
        path: path.to_owned(),
        target: target.to_owned(),
        leaves,
    };
    assert_eq!(
        worktree.symlinks,
        [link("app/out", "../../../etc/passwd", true), link("in", "app/small", false)]
    );
    assert_eq!(worktree.submodules, ["sub"]);
    assert_eq!(worktree.lfs, ["app/big"]);
}

#[tokio::test]
async fn a_checkout_is_gone_when_dropped_or_removed() {
    let repo = Repo::with(&[("a/b", "1")]);
    let folder = tempfile::tempdir().unwrap();
    let dropped = checked_out(&repo, folder.path()).await;
    let removed = checked_out(&repo, folder.path()).await;
    let paths = [dropped.path().to_owned(), removed.path().to_owned()];
    assert!(paths.iter().all(|path| path.join("a/b").exists()));
    std::fs::write(dropped.path().join("made by a program"), "x").unwrap();
    drop(dropped);
    removed.remove().await.unwrap();
    assert!(!paths.iter().any(|path| path.exists()));
    assert_eq!(std::fs::read_dir(folder.path().join("scratch")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_hook_or_a_filter_in_the_servers_repository_never_runs() {
    let repo = Repo::with(&[("a", "1"), (".gitattributes", "* filter=steal\n")]);
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ran");
    let script = format!("#!/bin/sh\ntouch {}\n", mark.display());
    let hook = repo.path().join(".git/hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, script).unwrap();
    drop(checked_out(&repo, folder.path()).await);
    assert!(!mark.exists());
}
