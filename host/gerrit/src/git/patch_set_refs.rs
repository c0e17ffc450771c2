//! Which change a commit belongs to, told by the remote's refs.

use crate::git::{GitError, Mirror};
use tidegate_core::ids::{ChangeNumber, Revision};

impl Mirror {
    /// The change that has `commit` as a patch set, told by the refs of the remote and not by its
    /// search index, which may be behind. Of several, the newest.
    ///
    /// # Errors
    /// When the remote can't be asked.
    pub async fn change_of(&self, commit: &Revision) -> Result<Option<ChangeNumber>, GitError> {
        let url = self.remote_url();
        let arguments = ["--quiet", "--refs", "--", &url, "refs/changes/*"];
        let listed = self.remote_git("ls-remote", arguments).output().await?;
        let listed = String::from_utf8_lossy(&listed);
        let of = |line: &str| change_in(line, commit);
        Ok(listed.lines().filter_map(of).max())
    }
}

/// The change that a line of `git ls-remote` names for `commit`: `ID\trefs/changes/NN/NNNN/PP`.
fn change_in(line: &str, commit: &Revision) -> Option<ChangeNumber> {
    let (id, reference) = line.split_once('\t')?;
    if id != commit.as_str() {
        return None;
    }
    let mut parts = reference.strip_prefix("refs/changes/")?.split('/').skip(1);
    let number = parts.next()?.parse().ok()?;
    // `meta` and `robot-comments` stand beside the patch sets.
    let _: u32 = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(ChangeNumber(number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_patch_set("refs/changes/34/1234/5", Some(1234))]
    #[case::its_history("refs/changes/34/1234/meta", None)]
    #[case::a_branch("refs/heads/main", None)]
    #[case::deeper("refs/changes/34/1234/5/6", None)]
    fn a_ref_names_its_change(#[case] reference: &str, #[case] number: Option<u32>) {
        let commit: Revision = "a".repeat(40).parse().unwrap();
        let line = format!("{commit}\t{reference}");
        assert_eq!(change_in(&line, &commit), number.map(ChangeNumber));
        let other = format!("{}\t{reference}", "b".repeat(40));
        assert_eq!(change_in(&other, &commit), None);
    }
}
