//! The stand-in for the CLI, in a folder of its own.

use crate::lab::{contents, passphrase};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tidegate_pulumi::{
    Backend, Cancel, Cli, CliError, Environment, Failure, HmacKey, Limits, LocalState, Previewed,
    Request, Scratch, StackId, preview,
};

/// A CLI that does what its files say, a project, and a stack without resources.
pub(crate) struct Fake {
    pub(crate) root: TempDir,
    pub(crate) scratch: Scratch,
    pub(crate) environment: Environment,
    key: HmacKey,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(&root.path().join("scratch")).unwrap();
        for folder in ["bin", "project", "states/.pulumi/stacks/app"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        symlink(program(), root.path().join("bin/pulumi")).unwrap();
        let fake = Self { root, scratch, environment: passphrase(), key: HmacKey::new([9; 32]) };
        fake.write("project/Pulumi.yaml", "name: app\nruntime: yaml\n");
        fake.write("states/.pulumi/meta.yaml", "version: 1\n");
        fake.write(
            "states/.pulumi/stacks/app/dev.json",
            r#"{"version":3,"checkpoint":{"stack":"organization/app/dev","latest":{}}}"#,
        );
        fake.version("v3.259.0\n")
    }

    pub(crate) fn version(self, text: &str) -> Self {
        self.write("bin/version", text);
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root.path().join(name), text).unwrap();
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("project")
    }

    pub(crate) async fn find(&self) -> Result<Cli, CliError> {
        Cli::find(Some(&self.root.path().join("bin")), &[], &self.scratch).await
    }

    pub(crate) async fn state(&self, cli: &Cli) -> LocalState {
        let stack = StackId::new("app", "dev").unwrap();
        let backend = Backend::File(self.root.path().join("states"));
        let (limits, cancel) = (Limits::default(), Cancel::never());
        backend.local_copy(cli, &self.scratch, &stack, &[], &limits, &cancel).await.unwrap()
    }

    /// A request to preview in the way that `word` says.
    pub(crate) fn request<'a>(
        &'a self,
        word: &str,
        cli: &'a Cli,
        folder: &'a Path,
        state: &'a LocalState,
        limits: Limits,
    ) -> Request<'a> {
        self.write("bin/preview", word);
        Request {
            cli,
            scratch: &self.scratch,
            folder,
            state,
            environment: &self.environment,
            key: &self.key,
            parallel: None,
            limits,
            cancel: Cancel::never(),
            progress: None,
        }
    }

    pub(crate) async fn preview(&self, word: &str, limits: Limits) -> Result<Previewed, Failure> {
        let cli = self.find().await.unwrap();
        let state = self.state(&cli).await;
        preview(self.request(word, &cli, &self.folder(), &state, limits)).await
    }

    /// Whether nothing is left of any run: no file, and no process.
    pub(crate) fn is_clean(&self) -> bool {
        contents(&self.root.path().join("scratch")).is_empty() && self.processes().is_empty()
    }

    /// The processes of this stand-in's runs.
    pub(crate) fn processes(&self) -> Vec<String> {
        processes(self.root.path())
    }
}

/// The processes that have `folder` in their environment.
pub(crate) fn processes(folder: &Path) -> Vec<String> {
    let needle = folder.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ"));
            String::from_utf8_lossy(&environment.unwrap_or_default()).contains(needle)
        })
        .collect()
}

/// Cargo builds examples with the tests, beside the folder of this test's own program.
pub(crate) fn program() -> PathBuf {
    example("fake-pulumi")
}

/// The program of the gate's policy pack.
pub(crate) fn relay() -> PathBuf {
    example("gate-relay")
}

fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(program.exists(), "run all tests of the crate, so that cargo builds its examples");
    program
}
