//! Reaches Gerrit: who we are there, which server it is, whether the plugin is well.

use crate::config::Config;
use crate::exit::Coded;
use anyhow::{Context as _, Result};
use tidegate_core::ids::AccountId;
use tidegate_gerrit::git::{Mirrors, MirrorsConfig, Remote};
use tidegate_gerrit::rest::{Auth, Client, Config as GerritConfig};
use tidegate_gerrit::{Gerrit, Secret};
use url::Url;

/// A client for the configured server.
pub(crate) fn client(config: &Config, password: &str) -> Result<(Client, Mirrors)> {
    let url: Url = config.gerrit.url.parse().map_err(|error| {
        Coded::Config(format!("gerrit.url {:?} is no URL: {error}", config.gerrit.url))
    })?;
    let auth = Auth::Password(Secret::new(password));
    let mut gerrit = GerritConfig::new(url, config.gerrit.user.clone(), auth);
    gerrit.requests_in_flight = config.gerrit.requests;
    let client = Client::new(&gerrit)?;
    let mirrors = MirrorsConfig::new(config.state.join("git"), config.state.join("checkouts"));
    Ok((client, Mirrors::new(mirrors, Remote::gerrit(&gerrit)?)))
}

/// Connects, and finds out who we are and which server it is.
pub(crate) async fn connect(config: &Config, password: &str) -> Result<(Gerrit, AccountId)> {
    let (client, mirrors) = client(config, password)?;
    let publisher = client.self_account().await.context("Gerrit doesn't tell who we are")?;
    if config.gerrit.plugin {
        let status = client.plugin_status().await.context("the plugin can't be asked")?;
        match status {
            None => {
                let text = "Gerrit doesn't have the tidegate plugin; install it (docs/install.md), \
                            or set gerrit.plugin = false";
                return Err(Coded::Config(text.to_owned()).into());
            }
            Some(status) => {
                if let Some(problem) = status.problem {
                    tracing::error!(problem, "the plugin refuses every submit");
                }
                tracing::info!(version = status.version, core = status.core, "the plugin answers");
            }
        }
    }
    let server = match &config.gerrit.server_id {
        Some(id) => id.clone(),
        None => Gerrit::server_id(&client, &mirrors).await?.context(
            "the server's id can't be told from any change: set gerrit.server_id to the \
             gerrit.serverId of the server's gerrit.config",
        )?,
    };
    Ok((Gerrit::new(client, mirrors, server), publisher))
}
