//! People: who is active, who is a service user, who is in which group, whose an e-mail is.

use crate::rest::change_query::quote;
use crate::rest::changes::AccountInfo;
use crate::rest::{Client, RestError};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::ids::{AccountId, GroupUuid};
use url::form_urlencoded::parse as percent_decoded;

/// Gerrit's own tag for a member of the group "Service Users", direct or not.
const SERVICE_TAG: &str = "SERVICE_USER";

/// An account, as of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether it is active.
    pub active: bool,
    /// Whether it is a service user.
    pub service: bool,
    /// Every group that it is in, directly or through others, and that we may see.
    pub groups: BTreeSet<GroupUuid>,
}

/// What our own account may do on the whole server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// It sees e-mails that aren't an account's first, so that an author can be told for sure.
    pub view_secondary_emails: bool,
    /// It may follow the event stream.
    pub stream_events: bool,
    /// It may list plugins.
    pub view_plugins: bool,
    /// It is an administrator: more than it needs, and it would see private changes.
    pub administrate_server: bool,
}

impl Capabilities {
    /// Whether every e-mail of every account can be found.
    #[must_use]
    pub fn sees_all_emails(self) -> bool {
        self.view_secondary_emails || self.administrate_server
    }
}

impl Client {
    /// The number of our own account; asked once.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn self_account(&self) -> Result<AccountId, RestError> {
        let ask = || async {
            let own: AccountInfo = self.ask(&self.get(&["accounts", "self"])).await?;
            Ok(own.id)
        };
        self.me().get_or_try_init(ask).await.copied()
    }

    /// What our own account may do.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn capabilities(&self) -> Result<Capabilities, RestError> {
        self.ask(&self.get(&["accounts", "self", "capabilities"])).await
    }

    /// An account; none if it doesn't exist any more.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, RestError> {
        let id = id.to_string();
        let detail = self.get(&["accounts", &id, "detail"]);
        let detail: DetailInfo = match self.ask(&detail).await {
            Ok(detail) => detail,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        // "ok" or no content.
        let active = !self.send(&self.get(&["accounts", &id, "active"])).await?.is_empty();
        let groups: Vec<GroupInfo> = self.ask(&self.get(&["accounts", &id, "groups"])).await?;
        Ok(Some(Account {
            active,
            service: detail.tags.iter().any(|tag| tag == SERVICE_TAG),
            groups: groups.into_iter().filter_map(|group| uuid(&group.id)).collect(),
        }))
    }

    /// Whether we can see a group, and so who is in it. A hidden group has no members for us.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn sees_group(&self, group: &GroupUuid) -> Result<bool, RestError> {
        match self.send(&self.get(&["groups", group.as_str()])).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The accounts, active or not, that exactly this e-mail belongs to.
    ///
    /// Secondary e-mails are only found with the capability *View Secondary Emails*.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn accounts_by_email(&self, email: &str) -> Result<BTreeSet<AccountId>, RestError> {
        // Gerrit refuses such addresses for accounts; commits may carry anything.
        let Some(quoted) = quote(email).filter(|_| email.contains('@')) else {
            return Ok(BTreeSet::new());
        };
        let query = format!("email:{quoted} (is:active OR is:inactive)");
        let call = self.get(&["accounts", ""]).query("q", &query).query("o", "ALL_EMAILS");
        let found: Vec<EmailInfo> = self.ask(&call).await?;
        // The search disregards case; Gerrit's own look-up of an author doesn't.
        Ok(found
            .into_iter()
            .filter(|account| account.has(email))
            .map(|account| account.id)
            .collect())
    }
}

#[derive(Debug, Deserialize)]
struct DetailInfo {
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct GroupInfo {
    id: String,
}

#[derive(Debug, Deserialize)]
struct EmailInfo {
    #[serde(rename = "_account_id")]
    id: AccountId,
    email: Option<String>,
    #[serde(default)]
    secondary_emails: Vec<String>,
}

impl EmailInfo {
    fn has(&self, email: &str) -> bool {
        self.email.as_deref() == Some(email) || self.secondary_emails.iter().any(|e| e == email)
    }
}

/// Group ids come percent-encoded, such as `global%3ARegistered-Users`.
pub(crate) fn uuid(id: &str) -> Option<GroupUuid> {
    // A form's decoder does the same, once its own meaning of '+', '&' and '=' is out of the way.
    let escaped = id.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded: BTreeMap<String, String> =
        percent_decoded(escaped.as_bytes()).into_owned().collect();
    decoded.into_keys().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain(
        "394e6ccb075df48a0bc0a6e53a8477891a1995e4",
        "394e6ccb075df48a0bc0a6e53a8477891a1995e4"
    )]
    #[case::system("global%3ARegistered-Users", "global:Registered-Users")]
    #[case::ldap("ldap%3Acn%3Dops%2Cou%3Da+b", "ldap:cn=ops,ou=a+b")]
    fn group_ids_are_decoded(#[case] id: &str, #[case] expected: &str) {
        assert_eq!(uuid(id).as_ref().map(GroupUuid::as_str), Some(expected));
    }
}
