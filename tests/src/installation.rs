use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::change::{Change, Message};
use crate::eventually::eventually;
use crate::finished::finish;
use crate::gerrit_options::GerritOptions;
use crate::ports::free_port;
use crate::pulumi::PASSPHRASE;
use crate::site::{Site, SiteBuilder};
use crate::tidegate::Tidegate;
use crate::user::User;
use crate::workspace;

/// A preview of two stacks takes two seconds on an idle machine.
const PUBLISHED: Duration = Duration::from_secs(120);

/// The line by which a message publishes plans.
const PLAN_LINE: &str = "Tidegate-Plan: ";

/// The label that the host votes on.
const LABEL: &str = "Pulumi-Preview";

/// A [`Site`] with Tidegate installed beside it: claims, settings, label, rights, submit requirement,
/// keys and the host's own file.
pub struct Installation {
    /// The host, not yet running.
    pub tidegate: Tidegate,
    /// The verifier line of the log's key.
    pub log_key: String,
    /// The log's folder.
    pub log: PathBuf,
    /// The host's own folder.
    pub state: PathBuf,
    /// Gerrit, Pulumi and the people.
    pub site: Site,
}

impl Installation {
    /// Installs Tidegate on a site whose Gerrit has the plugin.
    ///
    /// # Errors
    /// A tool is missing, or a step fails.
    pub fn with_plugin(builder: SiteBuilder) -> Result<Self> {
        let installation = Self::beside_plugin(builder)?;
        installation.set_up(true)?;
        Ok(installation)
    }

    /// Installs Tidegate on a site whose Gerrit has no plugin: events come over SSH, and the submit
    /// requirement is the host's vote.
    ///
    /// # Errors
    /// A tool is missing, or a step fails.
    pub fn without_plugin(builder: SiteBuilder) -> Result<Self> {
        let installation = Self::beside_bare_gerrit(builder)?;
        installation.set_up(false)?;
        Ok(installation)
    }

    /// The host beside a Gerrit with the plugin, before anything is set up in the project: no rights,
    /// no label, no settings.
    ///
    /// # Errors
    /// A tool is missing, or a step fails.
    pub fn beside_plugin(builder: SiteBuilder) -> Result<Self> {
        Self::new(builder, Some(&workspace::plugin_jar()?))
    }

    /// As above, beside a Gerrit without the plugin.
    ///
    /// # Errors
    /// A tool is missing, or a step fails.
    pub fn beside_bare_gerrit(builder: SiteBuilder) -> Result<Self> {
        Self::new(builder, None)
    }

    fn new(builder: SiteBuilder, plugin: Option<&Path>) -> Result<Self> {
        let keys = tempfile::tempdir()?;
        let record = new_key("tidegate.test/records", &keys.path().join("record.key"))?;
        let log_key = new_key("tidegate.test/log", &keys.path().join("log.key"))?;
        let mut gerrit = GerritOptions::new();
        if let Some(jar) = plugin {
            gerrit = gerrit.plugin(jar).setting("plugin.tidegate.recordKey", &record);
        }
        let site = builder.gerrit(gerrit).build()?;
        let state = site.folder().join("tidegate");
        fs::create_dir_all(&state)?;
        for name in ["record.key", "log.key"] {
            fs::copy(keys.path().join(name), state.join(name))?;
        }
        let port = free_port()?;
        let config = configure(&site, &state, port, plugin.is_some())?;
        let tidegate = Tidegate::new(&config, port, &site.folder().join("tidegate.log"))?;
        Ok(Self { tidegate, log_key, log: state.join("log"), state, site })
    }

    /// Sets the project up as an administrator does: the service account's rights, and the change that
    /// `tidegate init` proposes.
    fn set_up(&self, plugin: bool) -> Result<()> {
        let (site, gerrit) = (&self.site, &self.site.gerrit);
        let services = &site.groups.services;
        let mut capabilities = vec!["viewSecondaryEmails"];
        if plugin {
            capabilities.extend(["tidegate-followEvents", "tidegate-writeRecord"]);
        }
        for capability in capabilities {
            gerrit.grant("All-Projects", "GLOBAL_CAPABILITIES", capability, services)?;
        }
        gerrit.grant("All-Projects", "refs/meta/config", "read", services)?;
        let config = self.tidegate.config().to_string_lossy().into_owned();
        let mut words = vec!["init", "--json", "--config", &config, "--project", &site.project];
        words.extend(["--mode", "deploy", "--approve-group", "infra-approvers"]);
        words.extend(["--operators", "infra-operators", "--trust", "infra-authors"]);
        if !plugin {
            words.push("--no-plugin");
        }
        let report: Value = serde_json::from_str(&self.tidegate.run(&words)?.ok()?)?;
        let url = report["changes"][0]["url"].as_str();
        let number = url.and_then(|url| url.rsplit_once("/+/")?.1.parse().ok());
        let number = number.with_context(|| format!("no change was proposed: {report}"))?;
        let (change, admin) = (Change::new(&site.project, number), gerrit.admin());
        change.vote(&admin, "Code-Review", 2)?;
        change.submit(&admin)?.json()?;
        Ok(())
    }

    /// Takes all claimed stacks over as they are.
    ///
    /// # Errors
    /// `tidegate adopt` fails.
    pub fn adopt(&self) -> Result<()> {
        let config = self.tidegate.config().to_string_lossy().into_owned();
        let project = self.site.project.clone();
        let reason = "the tests begin here";
        let arguments = ["adopt", "--config", &config, "--project", &project, "--reason", reason];
        self.tidegate.run(&arguments)?.ok().with_context(|| self.tidegate.log_tail(30))?;
        Ok(())
    }

    /// Has the bundled policy module judge plans, with `settings` as TOML writes a table. The change of
    /// the project's settings goes through review, as every such change.
    ///
    /// # Errors
    /// The module was not built (`cargo xtask build`), or the change is refused.
    pub fn enforce(&self, settings: &str) -> Result<()> {
        let built = workspace::target_dir().join("dist/guardrails.wasm");
        let modules = self.state.join("policies");
        fs::create_dir_all(&modules)?;
        fs::copy(&built, modules.join("guardrails.wasm"))
            .with_context(|| format!("{} isn't there: run cargo xtask build", built.display()))?;
        let digest = fs::read_to_string(built.with_extension("wasm.sha256"))?;
        let digest = digest.split_whitespace().next().unwrap_or_default();
        let clone = self.site.clone_as(&User::admin())?;
        clone.git(&["fetch", "origin", "refs/meta/config"])?;
        clone.git(&["checkout", "--quiet", "FETCH_HEAD"])?;
        let before = clone.read("tidegate.toml")?;
        let policy = format!(
            "\n[[policy]]\nname = \"guardrails\"\nmodule = \"sha256:{digest}\"\n\
             effect = \"enforce\"\nsettings = {settings}\n"
        );
        clone.write("tidegate.toml", &format!("{before}{policy}"))?;
        clone.commit("Have guardrails judge plans")?;
        let change = clone.push(&["HEAD:refs/for/refs/meta/config"])?.change()?;
        let admin = self.site.gerrit.admin();
        change.vote(&admin, "Code-Review", 2)?;
        change.submit(&admin)?.json()?;
        Ok(())
    }

    /// Waits for a message of the host on the change for which `wanted` holds.
    ///
    /// # Errors
    /// None comes in time, with what is there and the end of the host's log.
    pub fn message(&self, change: &Change, wanted: impl Fn(&Message) -> bool) -> Result<Message> {
        let reader = self.site.gerrit.rest(&self.site.olivia);
        eventually("Tidegate's message comes", PUBLISHED, || {
            let messages = change.messages(&reader)?;
            let found = messages
                .iter()
                .rfind(|message| message.author == Some(self.site.tide.id) && wanted(message));
            ensure!(found.is_some(), "there are {messages:?}");
            Ok(found.cloned())
        })
        .with_context(|| self.tidegate.log_tail(30))
        .with_context(|| self.rollouts())
    }

    /// Waits for the plan of a patch set, and returns its message and the name of its list.
    ///
    /// # Errors
    /// None comes in time.
    pub fn plan(&self, change: &Change, patch_set: u64) -> Result<(Message, String)> {
        let message =
            self.message(change, |m| m.patch_set == patch_set && m.text.contains(PLAN_LINE))?;
        let name = message.text.rsplit(PLAN_LINE).next().unwrap_or_default().trim().to_owned();
        Ok((message, name))
    }

    /// Waits until Gerrit says that the change may be submitted, or may not.
    ///
    /// # Errors
    /// It never says so.
    pub fn submittable(&self, change: &Change, expected: bool) -> Result<()> {
        let reader = self.site.gerrit.rest(&self.site.rita);
        eventually("the change's readiness is as expected", PUBLISHED, || {
            let found = change.is_submittable(&reader)?;
            ensure!(found == expected, "submittable: {found}, expected {expected}");
            Ok(Some(()))
        })
        .with_context(|| self.tidegate.log_tail(30))
        .with_context(|| self.explain(change))
    }

    /// What `tidegate rollout list` says.
    #[must_use]
    pub fn rollouts(&self) -> String {
        let config = self.tidegate.config().to_string_lossy().into_owned();
        match self.tidegate.run(&["rollout", "list", "--config", &config]) {
            Ok(said) => format!("{}{}", said.stdout, said.stderr),
            Err(error) => format!("{error:#}"),
        }
    }

    /// What `tidegate explain` says of the change.
    #[must_use]
    pub fn explain(&self, change: &Change) -> String {
        let config = self.tidegate.config().to_string_lossy().into_owned();
        let change = format!("{}~{}", change.project, change.number);
        match self.tidegate.run(&["explain", "--config", &config, &change]) {
            Ok(said) => format!("{}{}", said.stdout, said.stderr),
            Err(error) => format!("{error:#}"),
        }
    }
}

/// Makes a key with the program itself; returns its verifier line.
fn new_key(name: &str, path: &Path) -> Result<String> {
    let mut command = Command::new(workspace::program("tidegate", "tidegate")?);
    command.args(["keys", "new", "--name", name, "--out"]).arg(path);
    let made = finish(&mut command, Duration::from_secs(60))?.ok()?;
    Ok(made.trim().to_owned())
}

/// Writes the host's own file and the secrets that it names.
fn configure(site: &Site, state: &Path, port: u16, plugin: bool) -> Result<PathBuf> {
    secret(&state.join("password"), &site.tide.password)?;
    secret(&state.join("passphrase"), PASSPHRASE)?;
    let release = site.pulumi.release();
    let mut text = format!(
        "state = \"state\"\n\n[gerrit]\nurl = \"{}\"\nuser = \"{}\"\npassword_file = \"password\"\n\
         projects = [\"{}\"]\nplugin = {plugin}\nvote = \"{LABEL}\"\n\
         record_key_file = \"record.key\"\n",
        site.gerrit.url(),
        site.tide.name,
        site.project,
    );
    if !plugin {
        let known_hosts = state.join("known_hosts");
        fs::write(&known_hosts, site.gerrit.known_host()?)?;
        let key = site.tide.ssh_key.as_ref().context("the service account has no SSH key")?;
        text.push_str(&format!(
            "\n[gerrit.ssh]\nhost = \"127.0.0.1\"\nport = {}\nkey_file = \"{}\"\n\
             known_hosts_file = \"known_hosts\"\n",
            site.gerrit.ssh_port(),
            key.display(),
        ));
    }
    text.push_str(&format!(
        "\n[pulumi]\nbin = \"{}\"\n\n[log]\nfolder = \"log\"\nkey_file = \"log.key\"\n\n\
         [web]\nlisten = \"127.0.0.1:{port}\"\n\n\
         [backend.main]\nurl = \"{}\"\npassphrase_file = \"passphrase\"\n",
        release.folder.display(),
        site.pulumi.backend(),
    ));
    let path = state.join("tidegate.toml");
    fs::write(&path, text)?;
    Ok(path)
}

fn secret(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}
