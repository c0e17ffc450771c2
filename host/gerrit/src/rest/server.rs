//! The server itself, and whether our plugin is there.

use crate::rest::{Client, RestError};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidegate_core::ids::ServerId;

/// A Gerrit server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its version, such as `3.13.5`; `(dev)` for a build of somebody's own.
    pub version: String,
    /// Its id, where the plugin tells it. REST doesn't; see [`Gerrit::server_id`].
    ///
    /// [`Gerrit::server_id`]: crate::Gerrit::server_id
    pub server_id: Option<ServerId>,
    /// The names and versions of its plugins, if we may list them (*View Plugins*).
    pub plugins: Option<BTreeMap<String, Option<String>>>,
}

/// What our plugin says of itself: `GET /config/server/tidegate~status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginStatus {
    /// The plugin's version.
    pub version: Option<String>,
    /// The server's id, where it is told.
    pub server_id: Option<ServerId>,
    /// The digest of the core in it.
    pub core: Option<String>,
    /// Why it says *not submittable* to everything, if it does: its core doesn't pass its own tests.
    pub problem: Option<String>,
    /// The public keys that a record may be signed with, as `name+id`.
    pub record_keys: Vec<String>,
    /// What is wrong with keys and journal, for people.
    pub faults: Vec<String>,
}

impl Client {
    /// What is known of the server.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn server(&self) -> Result<Server, RestError> {
        let version = self.ask(&self.get(&["config", "server", "version"])).await?;
        let listed = self.ask(&self.get(&["plugins", ""]).query("all", "")).await;
        let plugins: Option<BTreeMap<String, PluginInfo>> = match listed {
            Ok(plugins) => Some(plugins),
            Err(RestError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        };
        let enabled = |(name, plugin): (String, PluginInfo)| {
            (!plugin.disabled).then_some((name, plugin.version))
        };
        Ok(Server {
            version,
            server_id: self.plugin_status().await?.and_then(|status| status.server_id),
            plugins: plugins.map(|plugins| plugins.into_iter().filter_map(enabled).collect()),
        })
    }

    /// What our plugin says of itself; none if it isn't there.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn plugin_status(&self) -> Result<Option<PluginStatus>, RestError> {
        let call = self.get(&["config", "server", "tidegate~status"]);
        match self.ask::<StatusInfo>(&call).await {
            Ok(info) => Ok(Some(info.status())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[derive(Debug, Deserialize)]
struct PluginInfo {
    version: Option<String>,
    #[serde(default)]
    disabled: bool,
}

/// The plugin's answer. A part that an older or newer plugin leaves out is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusInfo {
    version: Option<String>,
    server_id: Option<ServerId>,
    core: CoreInfo,
    records: RecordsInfo,
    journal: JournalInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CoreInfo {
    digest: Option<String>,
    ok: bool,
    detail: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RecordsInfo {
    keys: Vec<String>,
    faults: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JournalInfo {
    error: Option<String>,
}

impl StatusInfo {
    fn status(self) -> PluginStatus {
        let ill = || self.core.detail.unwrap_or_else(|| "its core isn't well".to_owned());
        let mut faults = self.records.faults;
        faults.extend(self.journal.error);
        PluginStatus {
            version: self.version,
            server_id: self.server_id,
            problem: (!self.core.ok).then(ill),
            core: self.core.digest,
            record_keys: self.records.keys,
            faults,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Fake, Reply};
    use rstest::rstest;

    #[rstest]
    #[case::well(
        r#"{"version":"1","java":"25","core":{"digest":"d","ok":true,"detail":"3 known cases"},"records":{"keys":["a+1"],"faults":[]},"journal":{"id":"j","first":1,"last":2}}"#,
        PluginStatus { version: Some("1".into()), core: Some("d".into()), record_keys: vec!["a+1".into()], ..PluginStatus::default() }
    )]
    #[case::ill(
        r#"{"core":{"ok":false,"detail":"case 2 differs"},"records":{"faults":["no key"]},"journal":{"error":"locked"}}"#,
        PluginStatus { problem: Some("case 2 differs".into()), faults: vec!["no key".into(), "locked".into()], ..PluginStatus::default() }
    )]
    #[case::silent("{}", PluginStatus { problem: Some("its core isn't well".into()), ..PluginStatus::default() })]
    #[tokio::test]
    async fn the_plugins_status_is_read(#[case] json: &'static str, #[case] status: PluginStatus) {
        let fake = Fake::start(move |_| Reply::Json(json.to_owned())).await;
        assert_eq!(fake.client().plugin_status().await.unwrap(), Some(status));
    }

    #[tokio::test]
    async fn a_server_is_described_also_where_plugins_are_hidden_or_absent() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/a/config/server/version" => Reply::Json("\"3.13.5\"".to_owned()),
            "/a/plugins/?all=" => Reply::Text(403, "view plugins not permitted"),
            _ => Reply::Text(404, "Not found: tidegate~status"),
        })
        .await;
        let expected = Server { version: "3.13.5".to_owned(), server_id: None, plugins: None };
        assert_eq!(fake.client().server().await.unwrap(), expected);
        assert_eq!(fake.client().plugin_status().await.unwrap(), None);
    }
}
