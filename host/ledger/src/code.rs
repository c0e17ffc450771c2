//! What a leaf says.

use crate::commitment::Role;

/// Declares the codes: variant, name in the leaf, ids that the leaf must have, meaning.
macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal $([$($required:expr),+])?;)+) => {
        /// What happened. The names are stable: a code is never renamed, reused or removed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])+ $variant,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code's name in a leaf.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The ids without which a leaf of this code would say nothing.
            #[must_use]
            pub fn required_ids(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => &[$($($required),+)?],)+
                }
            }
        }
    };
}

const ACCOUNT: &str = Role::Account.as_str();

codes! {
    /// A raw event was stored.
    EventSeen = "event-seen";
    /// The facts of a subject were read from Gerrit.
    FactsRead = "facts-read";
    /// The settings in force changed.
    SettingsChanged = "settings-changed";
    /// The host began to work with another core.
    CoreChanged = "core-changed";
    /// A vote was seen for the first time, or its withdrawal as a vote of 0.
    VoteSeen = "vote-seen" [ACCOUNT];
    /// An approval of a plan by name was seen.
    ApprovalSeen = "approval-seen" [ACCOUNT];
    /// A withdrawal of an approval was seen.
    WithdrawalSeen = "withdrawal-seen" [ACCOUNT];
    /// A plan was published on a change.
    PlanPublished = "plan-published";
    /// Policy modules gave their findings.
    FindingsMade = "findings-made";
    /// A verdict was made.
    Verdict = "verdict";
    /// A record was written to its ref.
    RecordWritten = "record-written";
    /// A guarded branch moved.
    BranchMoved = "branch-moved";
    /// A commit was found on a guarded branch that no review explains.
    ShadowFound = "shadow-found";
    /// A rollout began.
    RolloutOpened = "rollout-opened";
    /// A rollout ended.
    RolloutClosed = "rollout-closed";
    /// An effect on the world is about to happen; nothing happens before this is under a
    /// checkpoint.
    Intent = "intent" ["run", "stack"];
    /// What became of an intent.
    Outcome = "outcome" ["run", "stack"];
    /// A stack was stopped until a person has dealt with it.
    Hold = "hold" ["stack"];
    /// A hold ended.
    Release = "release" ["stack"];
    /// A person had a failed step run again.
    Retry = "retry" [ACCOUNT];
    /// A person gave a rollout up.
    Abort = "abort" [ACCOUNT];
    /// A person took note of a finding, such as a shadow change.
    Acknowledged = "acknowledged" [ACCOUNT];
    /// A stack's baseline was recorded.
    Adopted = "adopted" [ACCOUNT, "stack"];
    /// A credential was issued for one stack and phase.
    CredentialIssued = "credential-issued" ["run", "stack"];
    /// A salt was erased: a commitment (as `account`) can't be traced to its account any more.
    SaltErased = "salt-erased";
}

impl Code {
    /// The code of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_kebab_case_name_of_its_own() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(token::is_key(code.as_str()) && !code.as_str().contains('.'), "{code:?}");
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
        assert_eq!(Code::parse("Verdict"), None);
    }

    #[test]
    fn required_ids_can_be_names_of_ids() {
        for code in Code::ALL {
            assert!(code.required_ids().iter().all(|key| token::is_key(key)), "{code:?}");
        }
    }
}
