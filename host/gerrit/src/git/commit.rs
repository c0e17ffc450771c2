//! Commits as git stores them.
//!
//! They are read whole, by `cat-file --batch`, which gives each object's size before it. A format of
//! `git log` would end a message at its first NUL, and a message with a NUL is something that any
//! reviewer can post: the lines behind it, where Gerrit keeps vote and name, would be gone.

use crate::git::{GitError, Mirror};
use tidegate_core::ids::Revision;

/// A commit, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawCommit {
    pub(crate) id: Revision,
    pub(crate) tree: Revision,
    pub(crate) parents: Vec<Revision>,
    pub(crate) author: Ident,
    pub(crate) committer: Ident,
    pub(crate) message: String,
}

/// Who, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ident {
    pub(crate) email: String,
    /// Seconds since the epoch; 0 if unreadable.
    pub(crate) time: i64,
}

impl Mirror {
    /// Reads commits, in the order of `ids`, with at most `bound` bytes in all.
    pub(crate) async fn raw_commits(
        &self,
        ids: &[Revision],
        bound: usize,
    ) -> Result<Vec<RawCommit>, GitError> {
        let asked: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let bytes = self.git("cat-file", ["--batch"]).input(asked).bound(bound).output().await?;
        let mut rest = bytes.as_slice();
        ids.iter()
            .map(|id| {
                let body = next_object(&mut rest, id).map_err(unexpected)?;
                parse(id, body)
                    .ok_or_else(|| unexpected(format!("{id} is not a well-formed commit")))
            })
            .collect()
    }

    /// Reads one commit.
    pub(crate) async fn raw_commit(&self, id: &Revision) -> Result<RawCommit, GitError> {
        let mut commits = self.raw_commits(std::slice::from_ref(id), 8 << 20).await?;
        commits.pop().ok_or_else(|| unexpected(format!("{id} was not given")))
    }
}

fn unexpected(found: String) -> GitError {
    GitError::Unexpected { asked: "cat-file".to_owned(), found }
}

/// Takes one object off the output: a line `id type size`, the bytes, a line end.
fn next_object<'a>(rest: &mut &'a [u8], id: &Revision) -> Result<&'a [u8], String> {
    let short = || format!("its output ends within {id}");
    let end = rest.iter().position(|b| *b == b'\n').ok_or_else(short)?;
    let (line, after) = rest.split_at(end);
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    if words.next() != Some(id.as_str()) || words.next() != Some("commit") {
        return Err(format!("{id} is missing or not a commit"));
    }
    let size: usize = words.next().and_then(|size| size.parse().ok()).ok_or_else(short)?;
    let body = after.get(1..=size).ok_or_else(short)?;
    *rest = after.get(size + 2..).ok_or_else(short)?;
    Ok(body)
}

/// Parses a commit: headers, an empty line, the message.
fn parse(id: &Revision, bytes: &[u8]) -> Option<RawCommit> {
    let split = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (headers, message) = match split {
        Some(at) => (bytes.get(..at)?, bytes.get(at + 2..)?),
        // A commit with an empty message ends after its headers.
        None => (bytes.strip_suffix(b"\n").unwrap_or(bytes), &[][..]),
    };
    let mut tree = None;
    let mut parents = Vec::new();
    let mut author = None;
    let mut committer = None;
    for line in headers.split(|b| *b == b'\n') {
        let text = String::from_utf8_lossy(line);
        match text.split_once(' ') {
            Some(("tree", name)) if tree.is_none() => tree = Some(name.parse().ok()?),
            Some(("parent", name)) => parents.push(name.parse().ok()?),
            Some(("author", ident)) if author.is_none() => author = Some(self::ident(ident)),
            Some(("committer", ident)) if committer.is_none() => {
                committer = Some(self::ident(ident))
            }
            // Signatures, encodings, merge tags and their continuation lines.
            _ => {}
        }
    }
    Some(RawCommit {
        id: id.clone(),
        tree: tree?,
        parents,
        author: author?,
        committer: committer?,
        message: String::from_utf8_lossy(message).into_owned(),
    })
}

/// `Name <e-mail> seconds zone`. As in git and JGit the e-mail is what is between the first `<` and
/// the next `>`, and the time stands behind the last `>`.
fn ident(text: &str) -> Ident {
    let email = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    let time =
        text.rsplit_once('>').and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    Ident {
        email: email.map_or_else(String::new, |(email, _)| email.to_owned()),
        time: time.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    const ID: &str = "a1f953dea770d14441f33b7814432ee74fa85858";
    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    #[rstest]
    #[case::usual("Olivia <o@example.com> 12 +0100", "o@example.com", 12)]
    #[case::no_name("<o@example.com> 12 +0000", "o@example.com", 12)]
    #[case::two("O <a@b> <c@d> 12 +0000", "a@b", 12)]
    #[case::no_time("O <a@b>", "a@b", 0)]
    #[case::nonsense("nobody", "", 0)]
    fn idents_are_read_as_git_reads_them(
        #[case] text: &str,
        #[case] email: &str,
        #[case] time: i64,
    ) {
        assert_eq!(ident(text), Ident { email: email.to_owned(), time });
    }

    #[test]
    fn a_message_keeps_everything_behind_a_nul() {
        let bytes = format!(
            "tree {TREE}\nauthor A <1@s> 1 +0000\ncommitter G <g@s> 2 +0000\nencoding x\n\nhi\0there\n\nLabel: X=+1\n"
        );
        let commit = parse(&ID.parse().unwrap(), bytes.as_bytes()).unwrap();
        assert_eq!(commit.message, "hi\0there\n\nLabel: X=+1\n");
        assert_eq!(commit.author.email, "1@s");
    }

    #[rstest]
    #[case::no_tree("author A <1@s> 1 +0000\ncommitter G <g@s> 2 +0000\n\nm")]
    #[case::no_author(
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ncommitter G <g@s> 2 +0000\n\nm"
    )]
    #[case::bad_parent(
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent x\nauthor A <1@s> 1 +0000\ncommitter G <g@s> 2 +0000\n\nm"
    )]
    #[case::empty("")]
    fn a_malformed_commit_is_none(#[case] bytes: &str) {
        assert_eq!(parse(&ID.parse().unwrap(), bytes.as_bytes()), None);
    }

    #[rstest]
    #[case::missing("a1f953dea770d14441f33b7814432ee74fa85858 missing\n")]
    #[case::a_tree("a1f953dea770d14441f33b7814432ee74fa85858 tree 0\n\n")]
    #[case::truncated("a1f953dea770d14441f33b7814432ee74fa85858 commit 9\nabc\n")]
    #[case::nothing("")]
    fn bad_batches_are_errors(#[case] output: &str) {
        let mut rest = output.as_bytes();
        assert!(next_object(&mut rest, &ID.parse().unwrap()).is_err());
    }

    #[test]
    fn objects_are_taken_one_after_the_other() {
        let output = format!("{ID} commit 3\na\nb\n{ID} commit 0\n\n");
        let mut rest = output.as_bytes();
        let id = ID.parse().unwrap();
        assert_eq!(next_object(&mut rest, &id), Ok(&b"a\nb"[..]));
        assert_eq!(next_object(&mut rest, &id), Ok(&b""[..]));
        assert!(rest.is_empty());
    }
}
