//! Accounts in leaves: commitments that a salt opens and nothing else.

use crate::digest::is_hex;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

/// What is authenticated before the account, so that no other use of a salt gives the same bytes.
const DOMAIN: &str = "tidegate/account/v1\n";

/// What a commitment starts with in a leaf.
const PREFIX: &str = "hmac-sha256:";

/// HMAC's block of SHA-256; a shorter key is filled up with zeroes (RFC 2104).
const BLOCK_BYTES: usize = 64;

/// The secret that ties commitments to one account. Without it they tie to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; Salt::LEN]);

/// An account in a leaf: `hmac-sha256:` and the hex of `HMAC-SHA256(salt, "tidegate/account/v1\n" + account)`.
///
/// One account has one salt, so that an auditor sees that the approver is not the author; once
/// the salt is erased, nobody can tell who either was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment(String);

/// Why a text is no commitment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "commitment {0:?}: expected hmac-sha256:<64 hex digits>; accounts never stand in a leaf themselves"
)]
pub struct CommitmentError(String);

/// In which role an account appears in a leaf. Ids of these names must be commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Who did what the leaf says.
    Account,
    /// The author of a commit.
    Author,
    /// The committer of a commit.
    Committer,
    /// Who uploaded a patch set.
    Uploader,
    /// Who rebased it last.
    Rebaser,
    /// Who owns the change.
    Owner,
    /// Who submitted it.
    Submitter,
    /// Whose approval counts.
    Approver,
    /// Who asked for it.
    Requester,
    /// Which operator acted.
    Operator,
}

impl Salt {
    /// The length of a salt in bytes.
    pub const LEN: usize = 32;

    /// A new salt.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; Self::LEN];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The salt of these bytes, from a caller's own table.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a caller's own table.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The commitment of `account`, such as `<server id>/1000042`.
    #[must_use]
    pub fn commit(&self, account: &str) -> Commitment {
        let mut key = [0; BLOCK_BYTES];
        key[..Self::LEN].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&key.into());
        mac.update(DOMAIN.as_bytes());
        mac.update(account.as_bytes());
        let mut text = PREFIX.to_owned();
        for byte in mac.finalize().into_bytes() {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Commitment(text)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Commitment {
    /// The commitment as it stands in a leaf.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Commitment {
    type Err = CommitmentError;

    fn from_str(text: &str) -> Result<Self, CommitmentError> {
        if text.strip_prefix(PREFIX).is_some_and(|hex| is_hex(hex, &[64])) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CommitmentError(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Role {
    /// Every role.
    pub const ALL: &[Self] = &[
        Self::Account,
        Self::Author,
        Self::Committer,
        Self::Uploader,
        Self::Rebaser,
        Self::Owner,
        Self::Submitter,
        Self::Approver,
        Self::Requester,
        Self::Operator,
    ];

    /// The name of the id.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Author => "author",
            Self::Committer => "committer",
            Self::Uploader => "uploader",
            Self::Rebaser => "rebaser",
            Self::Owner => "owner",
            Self::Submitter => "submitter",
            Self::Approver => "approver",
            Self::Requester => "requester",
            Self::Operator => "operator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Made with `openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…`.
    #[test]
    fn a_commitment_is_the_hmac_of_the_account() {
        let commitment = Salt::from_bytes([7; 32]).commit("srv/1000042");
        assert_eq!(
            commitment.as_str(),
            "hmac-sha256:b6ca9059300018fbb00e2b9eecd0c54c10ac19fd61ee9ea37870c6d3aecacd93"
        );
        assert_eq!(commitment.as_str().parse::<Commitment>().unwrap(), commitment);
    }

    #[test]
    fn two_salts_of_one_account_have_nothing_in_common() {
        let (one, two) = (Salt::generate().unwrap(), Salt::generate().unwrap());
        assert_ne!(one.commit("srv/1"), two.commit("srv/1"));
        assert_ne!(one.commit("srv/1"), one.commit("srv/2"));
        assert_eq!(format!("{one:?}"), "Salt(..)");
    }

    #[test]
    fn an_account_in_the_clear_is_no_commitment() {
        assert!("1000042".parse::<Commitment>().is_err());
        assert!("hmac-sha256:1000042".parse::<Commitment>().is_err());
    }
}
