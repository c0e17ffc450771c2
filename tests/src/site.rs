use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::gerrit::Gerrit;
use crate::gerrit_options::GerritOptions;
use crate::pulumi::Pulumi;
use crate::repository::Repository;
use crate::user::User;
use crate::workspace;

/// The groups of a site, by UUID.
#[derive(Clone, Debug)]
pub struct Groups {
    /// `infra-authors`: olivia. Whoever may have changes previewed.
    pub authors: String,
    /// `infra-approvers`: rita. Votes Code-Review from -2 to +2, and submits.
    pub approvers: String,
    /// `infra-operators`: omar. Retries, aborts, releases.
    pub operators: String,
    /// Gerrit's own `Service Users`: tide. May stream events.
    pub services: String,
}

/// A small installation: Gerrit with the repository `infra`, people, and a state backend with the
/// stacks `staging` and `prod` of the projects `network` and `app`.
///
/// Nothing of Tidegate is set up here: that is what `tidegate init` is for.
pub struct Site {
    /// The running Gerrit.
    pub gerrit: Gerrit,
    /// The CLI with the site's state backend, as a person would use it.
    pub pulumi: Pulumi,
    /// The repository's name in Gerrit.
    pub project: String,
    /// Author of changes; votes Code-Review from -1 to +1 as everybody does.
    pub olivia: User,
    /// Approver.
    pub rita: User,
    /// Operator.
    pub omar: User,
    /// The account of the service, with an SSH key.
    pub tide: User,
    /// Groups by UUID.
    pub groups: Groups,
    folder: PathBuf,
    // Last, so that the folder goes after everything that writes into it.
    _scratch: Option<TempDir>,
}

/// How a site is made.
#[derive(Clone, Debug, Default)]
pub struct SiteBuilder {
    gerrit: GerritOptions,
    folder: Option<PathBuf>,
    submit_type: Option<String>,
    deployed: bool,
}

impl Site {
    /// A site with the usual options.
    #[must_use]
    pub fn builder() -> SiteBuilder {
        SiteBuilder::default()
    }

    /// Everything of the site lies below this folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A fresh clone of the repository as a user.
    ///
    /// # Errors
    /// git or Gerrit refuses.
    pub fn clone_as(&self, user: &User) -> Result<Repository> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join("clones").join(format!("{}-{count}", user.name));
        Repository::clone(&self.gerrit.url(), &self.project, user, &folder)
    }

    /// The sample programs of this source tree: `network` and `app`.
    #[must_use]
    pub fn programs() -> PathBuf {
        workspace::root().join("tests/fixtures/programs")
    }
}

impl SiteBuilder {
    /// Options for Gerrit, such as a plugin. Its folder is the site's.
    #[must_use]
    pub fn gerrit(mut self, options: GerritOptions) -> Self {
        self.gerrit = options;
        self
    }

    /// Keeps everything in `folder` when all is over.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_path_buf());
        self
    }

    /// Gerrit's submit type of the repository; `MERGE_IF_NECESSARY` unless told otherwise.
    #[must_use]
    pub fn submit_type(mut self, submit_type: &str) -> Self {
        self.submit_type = Some(submit_type.to_owned());
        self
    }

    /// Deploys all stacks at the first commit; without it they exist and are empty.
    #[must_use]
    pub fn deployed(mut self) -> Self {
        self.deployed = true;
        self
    }

    /// Starts Gerrit and sets everything up.
    ///
    /// # Errors
    /// A tool is missing, or a step fails.
    pub fn build(self) -> Result<Site> {
        let scratch = match self.folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("tidegate-site-").tempdir()?),
        };
        let folder = match (&self.folder, &scratch) {
            (Some(folder), _) => std::path::absolute(folder)?,
            (None, Some(scratch)) => scratch.path().to_path_buf(),
            (None, None) => bail!("no folder for the site"),
        };
        let pulumi = Pulumi::new(&folder)?;
        let gerrit = Gerrit::start_with(self.gerrit.folder(&folder.join("gerrit")))?;
        let project = "infra".to_owned();
        let olivia = gerrit.create_user("olivia")?;
        let rita = gerrit.create_user("rita")?;
        let omar = gerrit.create_user("omar")?;
        let mut tide = gerrit.create_user("tide")?;
        gerrit.add_ssh_key(&mut tide)?;
        gerrit.add_to_group("Service Users", &tide)?;
        let groups = Groups {
            authors: gerrit.create_group("infra-authors", &[&olivia])?,
            approvers: gerrit.create_group("infra-approvers", &[&rita])?,
            operators: gerrit.create_group("infra-operators", &[&omar])?,
            services: gerrit.group("Service Users")?,
        };
        let submit_type = self.submit_type.as_deref().unwrap_or("MERGE_IF_NECESSARY");
        gerrit.create_project(&project, submit_type)?;
        let (heads, approvers) = ("refs/heads/*", &groups.approvers);
        gerrit.grant_label(&project, heads, "Code-Review", approvers, (-2, 2))?;
        gerrit.grant(&project, heads, "submit", approvers)?;
        let site = Site {
            gerrit,
            pulumi,
            project,
            olivia,
            rita,
            omar,
            tide,
            groups,
            folder,
            _scratch: scratch,
        };
        site.add_programs(self.deployed)?;
        Ok(site)
    }
}

impl Site {
    /// Brings the sample programs onto `main`, before any branch is guarded, and makes their stacks.
    fn add_programs(&self, deployed: bool) -> Result<()> {
        let admin = User::admin();
        let clone = self.clone_as(&admin)?;
        for program in ["network", "app"] {
            clone.copy_in(&Self::programs().join(program), program)?;
        }
        clone.commit("Add network and app")?;
        let change = clone.push_for("main", &[])?.change()?;
        let as_admin = self.gerrit.admin();
        change.vote(&as_admin, "Code-Review", 2)?;
        change.submit(&as_admin)?.json()?;
        for stack in ["staging", "prod"] {
            for program in ["network", "app"] {
                let folder = clone.folder().join(program);
                self.pulumi.init(&folder, stack)?;
                if deployed {
                    self.pulumi.up(&folder, stack)?;
                }
            }
        }
        Ok(())
    }
}
