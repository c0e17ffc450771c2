//! One Gerrit server, by REST and git together.

use crate::emails::Emails;
use crate::facts::FactsError;
use crate::git::{GitError, Mirror, Mirrors, change_ref, meta_ref};
use crate::rest::{ChangeQuery, ChangeRef, Client};
use std::collections::BTreeSet;
use std::sync::Arc;
use tidegate_core::facts::PatchSetFacts;
use tidegate_core::ids::{ChangeNumber, PatchSetNumber, Project, RefName, Revision, ServerId};
use tidegate_core::meta_log::MetaLog;
use tidegate_core::settings::SettingsLayer;

/// The branch that projects keep their configuration on.
pub const CONFIG_BRANCH: &str = "refs/meta/config";

/// Our settings file on that branch.
pub const SETTINGS_FILE: &str = "tidegate.toml";

/// Gerrit's own file beside it, which gives groups' UUIDs their names.
pub const GROUPS_FILE: &str = "groups";

/// A Gerrit server: who asks for facts about its changes asks this. Clones are the same.
#[derive(Clone, Debug)]
pub struct Gerrit {
    client: Client,
    mirrors: Mirrors,
    server: ServerId,
    pub(crate) emails: Arc<Emails>,
}

impl Gerrit {
    /// The server `server`, asked through `client` and read through `mirrors`.
    #[must_use]
    pub fn new(client: Client, mirrors: Mirrors, server: ServerId) -> Self {
        Self { client, mirrors, server, emails: Arc::default() }
    }

    /// Finds out a server's id: from the plugin, or else from the newest visible change, whose
    /// history names people as `number@server id`. None if there is neither.
    ///
    /// REST doesn't tell it. A change that was imported from another server carries that one's id in
    /// its older commits, so the newest commit by a person counts; an administrator may set the id
    /// instead.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn server_id(
        client: &Client,
        mirrors: &Mirrors,
    ) -> Result<Option<ServerId>, FactsError> {
        if let Some(id) = client.plugin_status().await?.and_then(|status| status.server_id) {
            return Ok(Some(id));
        }
        let Some(change) = client.newest_change(&ChangeQuery::any()).await? else {
            return Ok(None);
        };
        let mirror = mirrors.mirror(&change.project).await?;
        mirror
            .fetch_commit(&change.meta, &[meta_ref(change.number).map_err(GitError::from)?])
            .await?;
        let meta = mirror.meta_log(change.number, &change.meta).await?;
        let id = |author: &str| {
            let (account, server) = author.split_once('@')?;
            account.parse::<u32>().ok()?;
            server.parse().ok()
        };
        Ok(meta.commits.iter().rev().find_map(|commit| id(&commit.author)))
    }

    /// REST.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Git.
    #[must_use]
    pub fn mirrors(&self) -> &Mirrors {
        &self.mirrors
    }

    /// The server's id.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// The history of a change as it is now.
    ///
    /// # Errors
    /// [`FactsError::NoChange`] when it doesn't exist or isn't visible.
    pub async fn meta_log(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<MetaLog, FactsError> {
        let tip = self.meta_tip(project, number).await?;
        self.history(project, number, &tip).await
    }

    /// The tip of a change's history as it is now.
    ///
    /// # Errors
    /// [`FactsError::NoChange`] when it doesn't exist or isn't visible.
    pub async fn meta_tip(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<Revision, FactsError> {
        Ok(self.change(project, number).await?.meta)
    }

    /// A change as REST has it now.
    ///
    /// # Errors
    /// [`FactsError::NoChange`] when it doesn't exist or isn't visible.
    pub async fn change(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<ChangeRef, FactsError> {
        self.client.change(project, number).await.map_err(|error| {
            if error.is_not_found() {
                FactsError::NoChange { project: project.clone(), number }
            } else {
                error.into()
            }
        })
    }

    /// The settings files that `project` inherits and has, from the root down, each at the present
    /// tip of its `refs/meta/config`.
    ///
    /// # Errors
    /// [`FactsError::NoConfig`] when we may not read one of them.
    pub async fn settings(&self, project: &Project) -> Result<Vec<SettingsLayer>, FactsError> {
        settings_layers(&self.client, &self.mirrors, project).await
    }

    /// What git and the directory say of one patch set.
    ///
    /// # Errors
    /// When it can't be fetched, or Gerrit can't be asked.
    pub async fn patch_set(
        &self,
        project: &Project,
        number: ChangeNumber,
        patch_set: PatchSetNumber,
    ) -> Result<PatchSetFacts, FactsError> {
        let mirror = self.mirrors.mirror(project).await?;
        let reference = change_ref(number, patch_set).map_err(GitError::from)?;
        let revision = fetched_once(&mirror, &reference).await?;
        let commit = mirror.patch_set_commit(&revision).await?;
        let mut contributors = BTreeSet::new();
        for email in &commit.emails {
            contributors.extend(self.emails.accounts(&self.client, email).await?);
        }
        let (revision, parents, paths) = (commit.revision, commit.parents, commit.paths);
        Ok(PatchSetFacts { revision, parents, paths, contributors })
    }

    /// The history of a change up to `tip`.
    pub(crate) async fn history(
        &self,
        project: &Project,
        number: ChangeNumber,
        tip: &Revision,
    ) -> Result<MetaLog, FactsError> {
        let mirror = self.mirrors.mirror(project).await?;
        mirror.fetch_commit(tip, &[meta_ref(number).map_err(GitError::from)?]).await?;
        Ok(mirror.meta_log(number, tip).await?)
    }
}

/// The settings files that `project` inherits and has; see [`Gerrit::settings`]. For who doesn't know
/// yet which server it is.
///
/// # Errors
/// [`FactsError::NoConfig`] when we may not read one of them.
pub async fn settings_layers(
    client: &Client,
    mirrors: &Mirrors,
    project: &Project,
) -> Result<Vec<SettingsLayer>, FactsError> {
    let mut layers = Vec::new();
    for project in client.project_parents(project).await? {
        layers.push(settings_layer(client, mirrors, project).await?);
    }
    Ok(layers)
}

async fn settings_layer(
    client: &Client,
    mirrors: &Mirrors,
    project: Project,
) -> Result<SettingsLayer, FactsError> {
    let branch: RefName = CONFIG_BRANCH.parse().map_err(GitError::from)?;
    let Some(commit) = client.branch(&project, &branch).await? else {
        return Err(FactsError::NoConfig { project });
    };
    let mirror = mirrors.mirror(&project).await?;
    mirror.fetch_commit(&commit, &[branch]).await?;
    let text = text_of(&mirror, &commit, SETTINGS_FILE).await?;
    let groups = text_of(&mirror, &commit, GROUPS_FILE).await?;
    Ok(SettingsLayer { project, commit, text, groups })
}

/// The commit of a patch set's ref, which never moves: it is fetched once.
async fn fetched_once(mirror: &Mirror, reference: &RefName) -> Result<Revision, FactsError> {
    if let Some(revision) = mirror.fetched_tip(reference).await? {
        return Ok(revision);
    }
    mirror.fetch(std::slice::from_ref(reference)).await?;
    let missing =
        || GitError::NoSuchRef { project: mirror.project().clone(), reference: reference.clone() };
    Ok(mirror.fetched_tip(reference).await?.ok_or_else(missing)?)
}

/// A file's text; empty if there is none. What isn't UTF-8 becomes U+FFFD, which TOML may hold in
/// strings only.
async fn text_of(mirror: &Mirror, commit: &Revision, path: &str) -> Result<String, GitError> {
    let bytes = mirror.file(commit, path).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
