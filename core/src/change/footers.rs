//! Splits the message of a meta commit into its text and its footers.

/// A meta commit's message, taken apart.
pub(super) struct Footers<'a> {
    /// What a person (or Gerrit) wrote, without subject and footers; empty if nothing was written.
    pub(super) text: String,
    lines: Vec<(&'a str, &'a str)>,
}

impl<'a> Footers<'a> {
    /// Footers are the last paragraph and nothing else, so a person's text can't pretend to be one:
    /// Gerrit always puts its own after it.
    #[inline(never)]
    pub(super) fn split(message: &'a str) -> Self {
        let message = message.trim_end_matches('\n');
        let (body, last) = message.rsplit_once("\n\n").unwrap_or(("", message));
        let lines = last
            .split('\n')
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| (key, value.trim()))
            .collect();
        let text = body.split_once("\n\n").map_or("", |(_subject, text)| text);
        Self { text: text.trim_matches('\n').to_owned(), lines }
    }

    /// All values of a footer, in order. Keys are compared as Gerrit does, without case.
    #[inline(never)]
    pub(super) fn all(&self, key: &str) -> Vec<&'a str> {
        let of_key = self.lines.iter().filter(|(found, _)| found.eq_ignore_ascii_case(key));
        of_key.map(|(_, value)| *value).collect()
    }

    /// The value of a footer that may stand once.
    ///
    /// # Errors
    /// The key, if it stands twice.
    #[inline(never)]
    pub(super) fn one(&self, key: &'static str) -> Result<Option<&'a str>, &'static str> {
        match self.all(key).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(key),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_persons_text_is_no_footer() {
        let message =
            "Update patch set 1\n\nPatch Set 1:\n\nLabel: Code-Review=+2\n\nPatch-set: 1\nTag: x\n";
        let footers = Footers::split(message);
        assert_eq!(footers.text, "Patch Set 1:\n\nLabel: Code-Review=+2");
        assert!(footers.all("Label").is_empty());
        assert_eq!(footers.one("patch-set"), Ok(Some("1")));
    }

    #[test]
    fn a_commit_without_text_has_footers_only() {
        let footers = Footers::split("Update patch set 4\n\nPatch-set: 4\nLabel: SUBM=+1, c257");
        assert_eq!(footers.text, "");
        assert_eq!(footers.all("Label"), ["SUBM=+1, c257"]);
    }
}
