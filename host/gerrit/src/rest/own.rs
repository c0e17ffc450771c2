//! Who our own account is and what it may do, and groups by name.

use crate::rest::accounts::uuid;
use crate::rest::{Client, RestError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::ids::GroupUuid;

/// Our own account, as commits name it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// The user name.
    pub username: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The preferred e-mail address.
    pub email: Option<String>,
}

/// A group of Gerrit's or of a directory behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What never changes.
    pub uuid: GroupUuid,
    /// What people call it.
    pub name: String,
}

impl Client {
    /// Our own account.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn profile(&self) -> Result<Profile, RestError> {
        self.ask(&self.get(&["accounts", "self"])).await
    }

    /// The names of all global capabilities of our own account, as `project.config` spells them,
    /// those of plugins (`tidegate-followEvents`) among them. An administrator has all.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn own_capabilities(&self) -> Result<BTreeSet<String>, RestError> {
        let call = self.get(&["accounts", "self", "capabilities"]);
        let all: BTreeMap<String, Value> = self.ask(&call).await?;
        // Some are numbers or ranges, such as the query limit.
        Ok(all.into_iter().filter(|(_, value)| *value == true).map(|(name, _)| name).collect())
    }

    /// The group with a name or UUID; none if there isn't one, or we don't see it.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn group(&self, name: &str) -> Result<Option<Group>, RestError> {
        let call = self.get(&["groups", name]);
        let info: GroupInfo = match self.ask(&call).await {
            Ok(info) => info,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let unexpected = || RestError::Unexpected {
            asked: call.asked.clone(),
            found: format!("the group's id {:?}", info.id),
        };
        let uuid = uuid(&info.id).ok_or_else(unexpected)?;
        Ok(Some(Group { uuid, name: info.name.unwrap_or_else(|| name.to_owned()) }))
    }
}

#[derive(Debug, Deserialize)]
struct GroupInfo {
    id: String,
    name: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Fake, Reply};

    #[tokio::test]
    async fn capabilities_and_groups_are_read() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/a/accounts/self/capabilities" => Reply::Json(
                r#"{"queryLimit":{"min":0,"max":500},"streamEvents":true,"tidegate-followEvents":true,"accessDatabase":false}"#
                    .to_owned(),
            ),
            "/a/groups/Anonymous%20Users" => Reply::Json(
                r#"{"id":"global%3AAnonymous-Users","name":"Anonymous Users"}"#.to_owned(),
            ),
            _ => Reply::Text(404, "Not found"),
        })
        .await;
        let client = fake.client();
        let capabilities = client.own_capabilities().await.unwrap();
        let expected = ["streamEvents", "tidegate-followEvents"].map(str::to_owned);
        assert_eq!(capabilities, BTreeSet::from(expected));
        let group = client.group("Anonymous Users").await.unwrap().unwrap();
        assert_eq!(group.uuid.as_str(), "global:Anonymous-Users");
        assert_eq!(client.group("hidden").await.unwrap(), None);
    }
}
