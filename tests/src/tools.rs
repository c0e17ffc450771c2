use std::env;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, anyhow, bail};

use crate::cache::Cache;
use crate::gerrit_release::GerritRelease;
use crate::gerrit_template::GerritTemplate;
use crate::jdk::Jdk;
use crate::pulumi_release::PulumiRelease;

/// Finds what the real servers need, and fetches or builds the rest once.
#[derive(Clone, Debug)]
pub struct Tools {
    cache: Cache,
    jdk: Jdk,
}

impl Tools {
    /// Finds the cache and a JDK.
    ///
    /// # Errors
    /// There is no JDK that is new enough.
    pub fn find() -> Result<Self> {
        Ok(Self { cache: Cache::open()?, jdk: Jdk::find()? })
    }

    /// The one set of tools of this process.
    ///
    /// # Errors
    /// As [`Tools::find`].
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Tools, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::find().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    /// Where results are kept.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The JDK that runs Gerrit and builds the plugin.
    #[must_use]
    pub fn jdk(&self) -> &Jdk {
        &self.jdk
    }

    /// Maven in batch mode on the found JDK; the caller adds goals.
    ///
    /// # Errors
    /// Maven isn't on PATH.
    pub fn maven(&self) -> Result<Command> {
        let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default())
            .any(|folder| folder.join("mvn").is_file());
        if !on_path {
            bail!("Maven is missing: `mvn` is not on PATH");
        }
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--no-transfer-progress"]).env("JAVA_HOME", &self.jdk.home);
        Ok(maven)
    }

    /// Gerrit's jars or the user's war.
    ///
    /// # Errors
    /// As [`GerritRelease::get`].
    pub fn gerrit(&self) -> Result<GerritRelease> {
        GerritRelease::get(&self.cache, &self.jdk, || self.maven())
    }

    /// A site to copy.
    ///
    /// # Errors
    /// As [`GerritTemplate::get`].
    pub fn gerrit_template(&self) -> Result<GerritTemplate> {
        GerritTemplate::get(&self.cache, &self.jdk, &self.gerrit()?)
    }

    /// The Pulumi CLI.
    ///
    /// # Errors
    /// As [`PulumiRelease::get`].
    pub fn pulumi(&self) -> Result<PulumiRelease> {
        PulumiRelease::get(&self.cache)
    }
}
