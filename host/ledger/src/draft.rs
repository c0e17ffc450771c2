//! A leaf in the making.

use crate::code::Code;
use crate::commitment::{Commitment, Role};
use crate::digest::Digest;
use crate::leaf::Leaf;
use crate::leaf_error::LeafError;
use crate::subject::Subject;
use crate::token;
use std::collections::BTreeMap;

/// A leaf in the making; [`LeafDraft::build`] checks it.
///
/// ```
/// use tidegate_ledger::{Code, Digest, Leaf, Role, Salt, Subject};
///
/// let account = Salt::generate()?.commit("srv/1000042");
/// let leaf = Leaf::draft(Code::ApprovalSeen, Subject::change("srv", "infra", 12)?, 1_764_000_000_000)
///     .account(Role::Account, &account)
///     .id("patch-set", 3)
///     .digest("binding", &Digest::sha256(&"0a".repeat(32))?)
///     .build()?;
/// assert!(leaf.bytes().starts_with(br#"{"code":"approval-seen","digests":{"binding":"sha256:"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LeafDraft {
    code: Code,
    subject: Subject,
    time_ms: u64,
    ids: BTreeMap<String, String>,
    digests: BTreeMap<String, String>,
    twice: Option<String>,
}

impl LeafDraft {
    pub(crate) fn new(code: Code, subject: Subject, time_ms: u64) -> Self {
        Self { code, subject, time_ms, ids: BTreeMap::new(), digests: BTreeMap::new(), twice: None }
    }

    /// Adds an id. Bytes that a token can't hold are encoded as `%XX`. Roles are no names for it.
    pub fn id(mut self, key: &str, id: impl ToString) -> Self {
        if self.ids.insert(key.to_owned(), token::encode(&id.to_string())).is_some() {
            self.twice = Some(key.to_owned());
        }
        self
    }

    /// Adds an account in a role. The second one of a role is named `role.2`, and so on.
    pub fn account(mut self, role: Role, commitment: &Commitment) -> Self {
        let mut key = role.as_str().to_owned();
        let mut number = 2;
        while self.ids.contains_key(&key) {
            key = format!("{}.{number}", role.as_str());
            number += 1;
        }
        self.ids.insert(key, commitment.as_str().to_owned());
        self
    }

    /// Adds a digest of something that lies beside the log.
    pub fn digest(mut self, key: &str, digest: &Digest) -> Self {
        if self.digests.insert(key.to_owned(), digest.as_str().to_owned()).is_some() {
            self.twice = Some(key.to_owned());
        }
        self
    }

    /// The leaf.
    ///
    /// # Errors
    /// When a name or an id is not allowed, something is given twice, there is too much of it, or
    /// an id that the code wants is missing.
    pub fn build(self) -> Result<Leaf, LeafError> {
        if let Some(key) = self.twice {
            return Err(LeafError::Twice { code: self.code.as_str(), key });
        }
        Leaf::check(self.code, self.subject, self.time_ms, self.ids, self.digests)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::commitment::Salt;
    use crate::leaf::{MAX_ENTRY_BYTES, MAX_ITEMS, MAX_TIME_MS};
    use crate::subject::MAX_SUBJECT_BYTES;
    use crate::token::{MAX_ID_BYTES, MAX_KEY_BYTES};
    use proptest::prelude::*;

    fn draft(code: Code) -> LeafDraft {
        Leaf::draft(code, Subject::host(), 1_764_000_000_000)
    }

    #[test]
    fn the_order_in_which_things_are_added_does_not_matter() {
        let one = draft(Code::Verdict).id("change", 12).id("patch-set", 3).build().unwrap();
        let two = draft(Code::Verdict).id("patch-set", 3).id("change", 12).build().unwrap();
        assert_eq!(one.bytes(), two.bytes());
        assert_eq!(
            String::from_utf8_lossy(one.bytes()),
            r#"{"code":"verdict","digests":{},"ids":{"change":"12","patch-set":"3"},"subject":"host","time":1764000000000,"v":1}"#
        );
    }

    #[test]
    fn several_accounts_of_one_role_are_numbered() {
        let one = Salt::from_bytes([1; 32]).commit("srv/1");
        let two = Salt::from_bytes([2; 32]).commit("srv/2");
        let leaf = draft(Code::Verdict)
            .account(Role::Approver, &one)
            .account(Role::Approver, &two)
            .build()
            .unwrap();
        assert_eq!(leaf.ids()["approver"], one.as_str());
        assert_eq!(leaf.ids()["approver.2"], two.as_str());
    }

    #[test]
    fn an_account_in_the_clear_is_refused() {
        let error = draft(Code::Verdict).id("uploader", 1_000_042).build().unwrap_err();
        assert!(matches!(error, LeafError::Account { .. }), "{error}");
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let error = draft(Code::Verdict).id("plan", 1).id("plan", 2).build().unwrap_err();
        assert_eq!(error, LeafError::Twice { code: "verdict", key: "plan".into() });
    }

    #[test]
    fn a_vote_without_a_voter_is_refused() {
        let error = draft(Code::VoteSeen).id("label", "Code-Review").build().unwrap_err();
        assert_eq!(error, LeafError::Missing { code: "vote-seen", key: "account" });
    }

    #[test]
    fn ids_end_at_their_longest() {
        assert!(draft(Code::Verdict).id("urn", "a".repeat(MAX_ID_BYTES)).build().is_ok());
        let error = draft(Code::Verdict).id("urn", "a".repeat(MAX_ID_BYTES + 1)).build();
        assert!(matches!(error, Err(LeafError::Id { .. })), "{error:?}");
    }

    #[test]
    fn the_largest_leaf_fits_into_an_entry() {
        let key = |i: usize| format!("{}{i:02}", "k".repeat(MAX_KEY_BYTES - 2));
        let subject = Subject::new(&"s".repeat(MAX_SUBJECT_BYTES)).unwrap();
        let mut draft = Leaf::draft(Code::CredentialIssued, subject, MAX_TIME_MS)
            .id("run", "r".repeat(MAX_ID_BYTES))
            .id("stack", "r".repeat(MAX_ID_BYTES));
        for i in 2..MAX_ITEMS {
            draft = draft.id(&key(i), "v".repeat(MAX_ID_BYTES));
        }
        for i in 0..MAX_ITEMS {
            draft = draft.digest(&key(i), &Digest::sha256(&"0".repeat(64)).unwrap());
        }
        assert!(draft.clone().build().unwrap().bytes().len() <= MAX_ENTRY_BYTES);
        let error = draft.id("more", 1).build().unwrap_err();
        assert!(matches!(error, LeafError::TooMany { found: 49, .. }), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_back(ids in prop::collection::btree_map("[a-z][a-z0-9-]{0,9}", ".{1,40}", 0..9), time in 0..=MAX_TIME_MS) {
            let mut draft = Leaf::draft(Code::EventSeen, Subject::host(), time);
            for (key, id) in &ids {
                if Role::parse(key).is_none() {
                    draft = draft.id(key, id);
                }
            }
            let leaf = draft.build().unwrap();
            prop_assert_eq!(Leaf::parse(leaf.bytes()).unwrap(), leaf);
        }
    }
}
