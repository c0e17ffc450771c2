//! Everything that is read before anything is proposed.

use super::PROJECT_FILE;
use super::args::InitArgs;
use super::claims::Backends;
use super::found::{self, Found};
use super::propose::branch_ref;
use super::rights::{Missing, missing};
use crate::config::{Config, secret};
use crate::exit::Coded;
use crate::serve::connect;
use anyhow::{Context as _, Result, anyhow, bail};
use std::collections::BTreeMap;
use tidegate_core::Verb;
use tidegate_core::ids::{Project, RefName, Revision};
use tidegate_core::settings::{Floor, Settings, SettingsInput, SettingsLayer};
use tidegate_gerrit::git::{Committer, ConfigFile, Mirror, Mirrors};
use tidegate_gerrit::rest::{Client, Group};
use tidegate_gerrit::{FactsError, GROUPS_FILE, SETTINGS_FILE, settings_layers};

/// The group that everybody is in, signed in or not.
const EVERYBODY: &str = "global:Anonymous-Users";

/// What is known.
pub(super) struct Survey {
    pub(super) client: Client,
    pub(super) mirrors: Mirrors,
    pub(super) mirror: Mirror,
    pub(super) branch: RefName,
    pub(super) found: Found,
    pub(super) backends: Backends,
    /// The service account's user name.
    pub(super) user: String,
    pub(super) who: Committer,
    pub(super) everybody: Group,
    pub(super) service: Group,
    pub(super) approvers: Option<Group>,
    pub(super) operators: Option<Group>,
    pub(super) trusted: Vec<Group>,
    /// The project's own files, and those of the project that all others inherit from.
    pub(super) own: SettingsLayer,
    pub(super) root: SettingsLayer,
    parents: Vec<SettingsLayer>,
    floor: Floor,
    /// The settings as they are.
    pub(super) before: Settings,
    /// Those of the other projects that the host watches.
    pub(super) elsewhere: BTreeMap<Project, Settings>,
    pub(super) missing: Vec<Missing>,
    pub(super) notes: Vec<String>,
}

impl Survey {
    /// Looks at Gerrit and the project.
    ///
    /// # Errors
    /// Something needed is missing; the message says what to do.
    pub(super) async fn take(args: &InitArgs, config: &Config) -> Result<Self> {
        check_arguments(args, config)?;
        let project: Project = args.project.parse().map_err(unusable)?;
        let branch = branch_ref(&args.branch).map_err(unusable)?;
        let (client, mirrors) = connect::client(config, &secret(&config.gerrit.password_file)?)?;
        let me = client.self_account().await.context("Gerrit doesn't tell who we are")?;
        if !args.no_plugin {
            plugin_answers(&client).await?;
        }
        let profile = client.profile().await?;
        let user = profile.username.unwrap_or_else(|| config.gerrit.user.clone());
        let email = profile.email.with_context(|| {
            format!("the account {user} has no e-mail address, and Gerrit takes no commit without: give it one")
        })?;
        let who = Committer { name: profile.name.unwrap_or_else(|| user.clone()), email };

        let service = group(&client, &args.service_group).await?;
        let account = client.account(me).await?;
        let inside = account.as_ref().is_some_and(|account| account.groups.contains(&service.uuid));
        if !inside {
            let text = format!(
                "the account {user} is not in the group {}: add it, or name its group with \
                 --service-group",
                service.name
            );
            return Err(Coded::Config(text).into());
        }
        let mut notes = Vec::new();
        if account.is_some_and(|account| !account.service) {
            notes.push(format!(
                "{user} is not in Service Users: people will be asked to review for it, and its vote \
                 could be taken for a person's"
            ));
        }
        if !config.gerrit.projects.contains(&project) {
            notes.push(format!(
                "add {project} to gerrit.projects of {}, or `serve` won't watch it",
                args.config.config.display()
            ));
        }

        let layers = settings_layers(&client, &mirrors, &project)
            .await
            .map_err(|error| unreadable(error, &project, &service.name))?;
        let floor = config.floor.clone().unwrap_or_default();
        let before = effective(&layers, &floor)?.map_err(|said| {
            anyhow!("the settings of {project} as they are can't be used; mend them first:\n{said}")
        })?;
        let mut parents = layers;
        let own = parents.pop().context("the project has no configuration")?;
        let root = parents.first().unwrap_or(&own).clone();
        let mirror = mirrors.mirror(&project).await?;
        for path in [SETTINGS_FILE, GROUPS_FILE] {
            let bytes = mirror.file(&own.commit, path).await?.unwrap_or_default();
            if std::str::from_utf8(&bytes).is_err() {
                bail!("{path} on refs/meta/config of {project} is not UTF-8: mend it first");
            }
        }
        let found = found::find(&mirror, &tip(&client, &mirror, &branch).await?).await?;
        let elsewhere = elsewhere(&client, &mirrors, config, &project, &mut notes).await?;
        let held = client.own_capabilities().await?;
        let named = |name: &Option<String>| name.clone();
        let mut trusted = Vec::new();
        for name in &args.trust {
            trusted.push(group(&client, name).await?);
        }
        Ok(Self {
            approvers: maybe(&client, named(&args.approve_group)).await?,
            operators: maybe(&client, named(&args.operators)).await?,
            everybody: client
                .group(EVERYBODY)
                .await?
                .unwrap_or(Group { uuid: EVERYBODY.parse()?, name: "Anonymous Users".to_owned() }),
            missing: missing(&held, !args.no_plugin, &service.name),
            backends: backends(args, config),
            client,
            mirrors,
            mirror,
            branch,
            found,
            user,
            who,
            service,
            trusted,
            own,
            root,
            parents,
            floor,
            before,
            elsewhere,
            notes,
        })
    }

    /// The project's settings with these files, as the core reads them.
    ///
    /// # Errors
    /// The core's words on what is wrong.
    pub(super) fn after(&self, text: &str, groups: &str) -> Result<Settings> {
        let mut layers = self.parents.clone();
        let (text, groups) = (text.to_owned(), groups.to_owned());
        layers.push(SettingsLayer { text, groups, ..self.own.clone() });
        effective(&layers, &self.floor)?.map_err(|said| {
            anyhow!("what would be proposed can't be used; add the claims by hand:\n{said}")
        })
    }

    /// `project.config` of the project, and those that it inherits, root-most first.
    ///
    /// # Errors
    /// One can't be read.
    pub(super) async fn project_configs(&self) -> Result<(ConfigFile, Vec<ConfigFile>)> {
        let mut parents = Vec::new();
        for layer in &self.parents {
            let mirror = self.mirrors.mirror(&layer.project).await?;
            let bytes = mirror.file(&layer.commit, PROJECT_FILE).await?.unwrap_or_default();
            parents.push(mirror.config_file(&bytes).await?);
        }
        let bytes = self.mirror.file(&self.own.commit, PROJECT_FILE).await?.unwrap_or_default();
        Ok((self.mirror.config_file(&bytes).await?, parents))
    }
}

/// What can be told without asking anybody.
fn check_arguments(args: &InitArgs, config: &Config) -> Result<()> {
    let path = args.config.config.display();
    let text = if !args.no_plugin && !config.gerrit.plugin {
        format!(
            "{path} says gerrit.plugin = false: install the plugin (docs/install.md) and remove that \
             line, or give --no-plugin for the weaker gate by the host's vote"
        )
    } else if args.no_plugin && config.gerrit.vote.is_none() {
        format!(
            "without the plugin the host's vote is the gate, and {path} names no label: set vote = \
             \"Pulumi-Preview\" below [gerrit]"
        )
    } else if config.backend.is_empty() {
        format!("{path} has no state backend: add a section such as [backend.main]")
    } else if let Some(name) =
        args.backend.as_ref().filter(|name| !config.backend.contains_key(*name))
    {
        let names: Vec<&str> = config.backend.keys().map(String::as_str).collect();
        format!("{path} has no [backend.{name}]; it has {}", names.join(", "))
    } else {
        return Ok(());
    };
    Err(Coded::Config(text).into())
}

fn unusable(error: impl std::fmt::Display) -> Coded {
    Coded::Config(error.to_string())
}

async fn plugin_answers(client: &Client) -> Result<()> {
    match client.plugin_status().await.context("the plugin can't be asked")? {
        Some(status) => match status.problem {
            None => Ok(()),
            Some(problem) => bail!(
                "the plugin refuses every submit ({problem}): mend it first, or no change could be \
                 submitted"
            ),
        },
        None => Err(Coded::Config(
            "Gerrit doesn't have the tidegate plugin, and takes no submit requirement that asks it: \
             copy tidegate.jar into the site's plugins folder (docs/install.md), or give --no-plugin \
             for the weaker gate by the host's vote"
                .to_owned(),
        )
        .into()),
    }
}

async fn maybe(client: &Client, name: Option<String>) -> Result<Option<Group>> {
    match name {
        Some(name) => group(client, &name).await.map(Some),
        None => Ok(None),
    }
}

async fn group(client: &Client, name: &str) -> Result<Group> {
    client.group(name).await?.ok_or_else(|| {
        let text = format!(
            "Gerrit has no group {name:?}, or doesn't show it to the service account: make it visible \
             to all registered users, or its members can't be seen either"
        );
        Coded::Config(text).into()
    })
}

/// The tip of the branch that is looked through.
async fn tip(client: &Client, mirror: &Mirror, branch: &RefName) -> Result<Revision> {
    let project = mirror.project();
    let Some(commit) = client.branch(project, branch).await? else {
        bail!(
            "{project} has no {branch}, or the service account may not read it: grant Read on it"
        );
    };
    mirror.fetch_commit(&commit, std::slice::from_ref(branch)).await?;
    Ok(commit)
}

/// The settings of the other projects that the host watches: ids are once in an installation.
async fn elsewhere(
    client: &Client,
    mirrors: &Mirrors,
    config: &Config,
    own: &Project,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<Project, Settings>> {
    let mut all = BTreeMap::new();
    for project in config.gerrit.projects.iter().filter(|project| *project != own) {
        let read = match settings_layers(client, mirrors, project).await {
            Ok(layers) => effective(&layers, &config.floor.clone().unwrap_or_default())?,
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(settings) => {
                all.insert(project.clone(), settings);
            }
            Err(said) => notes.push(format!(
                "whether {project} claims the same ids or stacks can't be told: {said}"
            )),
        }
    }
    Ok(all)
}

/// What the core makes of settings files, or what it says is wrong with them. The core that is linked
/// in is asked: to compile the component takes seconds, and both say the same.
fn effective(layers: &[SettingsLayer], floor: &Floor) -> Result<Result<Settings, String>> {
    let input = SettingsInput { layers: layers.to_vec(), floor: floor.clone() };
    match Verb::Settings.call(&serde_json::to_vec(&input)?) {
        Ok(settings) => Ok(Ok(serde_json::from_slice(&settings)?)),
        Err(said) => Ok(Err(said)),
    }
}

/// Says which grant is missing.
fn unreadable(error: FactsError, asked: &Project, group: &str) -> anyhow::Error {
    match error {
        FactsError::NoConfig { project } => anyhow!(
            "the service account may not read refs/meta/config of {project}, or it doesn't exist. \
             Grant it, in project.config of {project} or of All-Projects:\n\
             [access \"refs/meta/config\"]\n  read = group {group}"
        ),
        FactsError::Rest(error) if error.is_not_found() => anyhow!(
            "Gerrit has no project {asked}, or the service account may read nothing in it: grant Read \
             on refs/heads/* to the group {group}"
        ),
        error => error.into(),
    }
}

fn backends(args: &InitArgs, config: &Config) -> Backends {
    let names = config.backend.iter().map(|(name, backend)| (backend.url.clone(), name.clone()));
    let only = match config.backend.keys().collect::<Vec<_>>().as_slice() {
        [name] => Some((*name).clone()),
        _ => None,
    };
    Backends { usual: args.backend.clone().or(only), names: names.collect() }
}
