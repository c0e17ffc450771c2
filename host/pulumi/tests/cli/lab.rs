//! A backend, projects and a scratch folder for one test, driven by the real CLI.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tidegate_pulumi::{
    Backend, Cancel, Cli, Environment, Failure, HmacKey, Limits, LocalState, Previewed, Request,
    Scratch, Secret, StackId, StateError, preview,
};

pub(crate) const PASSPHRASE: &str = "canary-of-the-passphrase";

/// Everything that a test needs, removed at its end.
pub(crate) struct Lab {
    pub(crate) root: TempDir,
    pub(crate) cli: Cli,
    pub(crate) scratch: Scratch,
    pub(crate) environment: Environment,
    pub(crate) key: HmacKey,
}

/// The folder of the CLI as the test runner names it; else it is looked for on PATH.
pub(crate) fn bin() -> Option<PathBuf> {
    std::env::var_os("TIDEGATE_PULUMI_BIN").map(PathBuf::from)
}

pub(crate) fn passphrase() -> Environment {
    Environment::new().passphrase(Secret::new(PASSPHRASE.to_owned())).unwrap()
}

impl Lab {
    pub(crate) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(&root.path().join("scratch")).unwrap();
        let cli = match Cli::find(bin().as_deref(), &[], &scratch).await {
            Ok(cli) => cli,
            Err(error) => panic!(
                "{error}; run the tests through `cargo xtask test`, which gets the Pulumi CLI and \
                 names its folder in TIDEGATE_PULUMI_BIN"
            ),
        };
        for folder in ["states", "home", "tree"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root, cli, scratch, environment: passphrase(), key: HmacKey::new([9; 32]) }
    }

    /// The folder of a project.
    pub(crate) fn folder(&self, project: &str) -> PathBuf {
        self.root.path().join("tree").join(project)
    }

    /// Writes a YAML program, and makes its stack `dev` if it is not there.
    pub(crate) fn project(&self, name: &str, program: &str) -> &Self {
        let folder = self.folder(name);
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!("name: {name}\nruntime: yaml\n{program}");
        std::fs::write(folder.join("Pulumi.yaml"), text).unwrap();
        let stack = format!("organization/{name}/dev");
        if !self.states().join(format!(".pulumi/stacks/{name}/dev.json")).exists() {
            self.pulumi(name, &["stack", "init", &stack]);
        }
        self
    }

    pub(crate) fn set(&self, project: &str, key: &str, value: &str, flags: &[&str]) -> &Self {
        let mut arguments = vec!["config", "set", "--stack", "dev"];
        arguments.extend(flags);
        arguments.extend([key, value]);
        self.pulumi(project, &arguments);
        self
    }

    pub(crate) fn up(&self, project: &str) -> &Self {
        self.pulumi(project, &["up", "--yes", "--skip-preview", "--stack", "dev"]);
        self
    }

    /// Runs the CLI by hand, on the backend itself.
    pub(crate) fn pulumi(&self, project: &str, arguments: &[&str]) -> String {
        let home = self.root.path().join("home");
        let output = Command::new(self.cli.program())
            .args(["--non-interactive", "--color", "never", "-C"])
            .arg(self.folder(project))
            .args(arguments)
            .env_clear()
            .env("PATH", self.cli.program().parent().unwrap())
            .env("HOME", &home)
            .env("USER", "tester")
            .env("PULUMI_HOME", &home)
            .env("PULUMI_BACKEND_URL", format!("file://{}", self.states().display()))
            .env("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
            .env("PULUMI_SKIP_UPDATE_CHECK", "true")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn states(&self) -> PathBuf {
        self.root.path().join("states")
    }

    pub(crate) async fn copy_from(
        &self,
        backend: &Backend,
        project: &str,
        references: &[&str],
    ) -> Result<LocalState, StateError> {
        let id = |project: &str| StackId::new(project, "dev").unwrap();
        let references: Vec<_> = references.iter().map(|project| id(project)).collect();
        backend
            .local_copy(
                &self.cli,
                &self.scratch,
                &id(project),
                &references,
                &Limits::default(),
                &Cancel::never(),
            )
            .await
    }

    pub(crate) async fn copy(&self, project: &str, references: &[&str]) -> LocalState {
        self.copy_from(&Backend::File(self.states()), project, references).await.unwrap()
    }

    pub(crate) fn request<'a>(&'a self, folder: &'a Path, state: &'a LocalState) -> Request<'a> {
        Request {
            cli: &self.cli,
            scratch: &self.scratch,
            folder,
            state,
            environment: &self.environment,
            key: &self.key,
            parallel: None,
            limits: Limits::default(),
            cancel: Cancel::never(),
            progress: None,
        }
    }

    pub(crate) async fn preview(
        &self,
        project: &str,
        references: &[&str],
    ) -> Result<Previewed, Failure> {
        let state = self.copy(project, references).await;
        preview(self.request(&self.folder(project), &state)).await
    }
}

/// The bytes of all files below `folder`, by path.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}
