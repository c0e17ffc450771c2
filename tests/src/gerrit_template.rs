use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::finished::{finish, run_logged};
use crate::gerrit::{Gerrit, environment};
use crate::gerrit_options::GerritOptions;
use crate::gerrit_release::GerritRelease;
use crate::jdk::Jdk;

/// Changes when the making of a template changes, so that old ones are not used.
const RECIPE: &str = "3";

/// Every site of the harness has this server id: it is part of subjects' names.
pub(crate) const SERVER_ID: &str = "00000000-7469-4465-8761-746500000000";

/// Four seconds on an idle machine.
const INIT: Duration = Duration::from_secs(5 * 60);

/// Makes later starts quicker by a second: the JVM's archive of parsed classes.
const ARCHIVE: &str = "classes.jsa";

/// A freshly initialised site, to be copied, and the JVM's archive of Gerrit's classes.
#[derive(Clone, Debug)]
pub struct GerritTemplate {
    /// The release that made it.
    pub release: GerritRelease,
    /// The JDK that made it and runs the copies.
    pub jdk: Jdk,
    folder: PathBuf,
}

impl GerritTemplate {
    /// The template for a release, made at first.
    ///
    /// # Errors
    /// Gerrit's Init fails, or a first start and stop of the daemon.
    pub fn get(cache: &Cache, jdk: &Jdk, release: &GerritRelease) -> Result<Self> {
        let key = release.key()?.text(RECIPE).text(&jdk.version).text(&jdk.home.to_string_lossy());
        let log = cache.log("gerrit-site", &key);
        let template = |folder: &Path| Self {
            release: release.clone(),
            jdk: jdk.clone(),
            folder: folder.to_path_buf(),
        };
        let folder = cache.entry("gerrit-site", &key, |folder| {
            template(folder).initialise(&log)?;
            template(folder).archive_classes()
        })?;
        Ok(template(&folder))
    }

    /// Copies the site to `site`, a folder that doesn't exist yet.
    pub(crate) fn copy_to(&self, site: &Path) -> Result<()> {
        copy(&self.folder.join("site"), site)
            .with_context(|| format!("failed to copy the template site to {}", site.display()))
    }

    /// JVM options for a quick start.
    pub(crate) fn jvm_options(&self) -> Vec<String> {
        let archive = self.folder.join(ARCHIVE);
        if archive.is_file() {
            vec![format!("-XX:SharedArchiveFile={}", archive.display())]
        } else {
            Vec::new()
        }
    }

    fn initialise(&self, log: &Path) -> Result<()> {
        let site = self.folder.join("site");
        // Init takes the user's own SSH key for its administrator, if it finds one.
        let home = self.folder.join("home");
        fs::create_dir_all(&home)?;
        let mut init = self.release.command(
            &self.jdk,
            &[format!("-Duser.home={}", home.display())],
            "Init",
        )?;
        init.args(["--batch", "--dev", "--no-auto-start", "--skip-plugins", "-d"])
            .arg(&site)
            .env_clear()
            .envs(environment(&home));
        run_logged("initialising a Gerrit site", log, INIT, &mut init)?;
        // Loopback only: a fresh site listens on every address.
        for (key, value) in [
            // Not before Init, which makes an administrator only where it finds nothing.
            ("gerrit.serverId", SERVER_ID),
            ("httpd.listenUrl", "http://127.0.0.1:0/"),
            ("sshd.listenAddress", "127.0.0.1:0"),
            ("sendemail.enable", "false"),
            // Nobody shall wait for a counter of open tabs or a pack of objects.
            ("gc.startTime", "off"),
            ("changeCleanup.startTime", "off"),
        ] {
            set(&site, key, value)?;
        }
        // Every write is on disk at once, so that a killed daemon comes back with all changes.
        for index in ["changes_open", "changes_closed", "accounts", "groups", "projects"] {
            set(&site, &format!("index.{index}.commitWithin"), "0")?;
        }
        // A copy of the program itself, 60 MB in each copy of the site.
        fs::remove_file(site.join("bin/gerrit.war")).or_else(|error| {
            if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
        })?;
        Ok(())
    }

    /// Lets the JVM write its archive, which it does when a daemon ends in good order.
    fn archive_classes(&self) -> Result<()> {
        let options = GerritOptions::new()
            .jvm_option("-XX:+AutoCreateSharedArchive")
            .jvm_option(&format!("-XX:SharedArchiveFile={}", self.folder.join(ARCHIVE).display(),));
        let mut gerrit = Gerrit::from_template(self, options)?;
        gerrit.stop()
    }
}

/// Sets a value in a site's `gerrit.config`.
pub(crate) fn set(site: &Path, key: &str, value: &str) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["config", "--file"]).arg(site.join("etc/gerrit.config")).args([key, value]);
    finish(&mut git, Duration::from_secs(60))?.ok()?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
