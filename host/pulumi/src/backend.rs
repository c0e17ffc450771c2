//! Where states are kept, and how a copy of them is taken.

use crate::digest::sha256;
use crate::errors::chain;
use crate::job::Job;
use crate::local_state::{Copied, LocalState};
use crate::process::{Allowance, End, Stop};
use crate::{
    Cancel, Cli, Environment, Evidence, Failure, Limits, Redactor, Scratch, ScratchError, Secret,
    StackId, classify, limits, lock, output,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use url::Url;

/// Endings of a state file: plain, and compressed. The newest one counts, as for the CLI.
const ENDINGS: [&str; 3] = ["json", "json.gz", "json.zst"];

/// The layout with a folder for each project: the only one that the CLI still takes.
const META: &[u8] = b"version: 1\n";

/// Most bytes of a backend's `meta.yaml`.
const META_BYTES: u64 = 4 << 10;

/// A self-managed state backend.
#[derive(Clone, Debug)]
pub enum Backend {
    /// A folder of this machine, by its path; states are copied without the CLI.
    File(PathBuf),
    /// Anything else that the CLI knows, such as a bucket: its URL, which may hold a password, and
    /// the credentials to read it. States come by `pulumi stack export`.
    Remote {
        /// The URL, as `pulumi login` takes it.
        url: Secret,
        /// What the CLI needs to read it. Never handed to a preview.
        environment: Environment,
    },
}

/// Why there is no copy of a state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The URL is none that is supported.
    #[error("cannot use this state backend: {0}")]
    Url(String),
    /// The folder is no backend, or one of an old layout.
    #[error(
        "cannot use {path} as a state backend: expected .pulumi/meta.yaml with `version: 1`; states \
         of an older layout need `pulumi state upgrade`"
    )]
    NotABackend {
        /// The folder.
        path: PathBuf,
    },
    /// The stack is not there.
    #[error("stacks are never created by a preview: create {0} with `pulumi stack init {0}`")]
    StackMissing(StackId),
    /// A stack that it reads is not there.
    #[error("the referenced stack {0} does not exist in the backend: deploy it first")]
    ReferenceMissing(StackId),
    /// More references than are copied.
    #[error(
        "a preview can read at most {} other stacks, and this one names {found}",
        limits::REFERENCES
    )]
    TooManyReferences {
        /// How many.
        found: usize,
    },
    /// The state is too large.
    #[error("the state of {stack} is larger than {} bytes", limits::STATE_BYTES)]
    TooLarge {
        /// The stack.
        stack: StackId,
    },
    /// What came is no state.
    #[error("what the backend holds for {stack} is no state: {what}")]
    NotAState {
        /// The stack.
        stack: StackId,
        /// What is wrong with it.
        what: String,
    },
    /// The files can't be read or written.
    #[error("cannot copy the state of {stack}")]
    Files {
        /// The stack.
        stack: StackId,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The CLI could not export it.
    #[error("cannot export the state of {stack}")]
    Export {
        /// The stack.
        stack: StackId,
        /// Why.
        #[source]
        source: Box<Failure>,
    },
    /// No scratch space.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
}

/// What `stack export` prints: the deployment as it is stored, secrets encrypted.
#[derive(Deserialize)]
struct Exported<'a> {
    version: u32,
    #[serde(borrow, default)]
    features: Option<&'a RawValue>,
    #[serde(borrow)]
    deployment: &'a RawValue,
}

impl Backend {
    /// A backend by its URL: `file://` and an absolute path, or `s3://`, `gs://`, `azblob://` and
    /// `postgres://`. The service of Pulumi is not among them.
    ///
    /// # Errors
    /// If the URL does not parse or names another kind of place.
    pub fn new(url: &str, environment: Environment) -> Result<Self, StateError> {
        // The URL may hold a password, so no message repeats it.
        let parsed = Url::parse(url)
            .map_err(|error| StateError::Url(format!("its URL is none: {error}")))?;
        match parsed.scheme() {
            "file" => parsed.to_file_path().map(Self::File).map_err(|()| {
                StateError::Url("a file:// URL needs an absolute path of this machine".to_owned())
            }),
            "s3" | "gs" | "azblob" | "postgres" => {
                Ok(Self::Remote { url: Secret::new(url.to_owned()), environment })
            }
            other => Err(StateError::Url(format!(
                "{other}:// is not supported; use file, s3, gs, azblob or postgres"
            ))),
        }
    }

    /// The URL, and what a run needs to use it. Only for runs of a reviewed program.
    pub(crate) fn access(&self) -> Result<(Secret, Environment), StateError> {
        match self {
            Self::File(path) => {
                let url = std::path::absolute(path).ok().and_then(|p| Url::from_file_path(p).ok());
                let url = url.ok_or_else(|| StateError::NotABackend { path: path.clone() })?;
                Ok((Secret::new(url.to_string()), Environment::new()))
            }
            Self::Remote { url, environment } => Ok((url.clone(), environment.clone())),
        }
    }

    /// Copies the states of `stack` and of the stacks that it reads into a backend of one job. The
    /// original is only read.
    ///
    /// # Errors
    /// If a stack is not there, its state can't be had, or is none.
    pub async fn local_copy(
        &self,
        cli: &Cli,
        scratch: &Scratch,
        stack: &StackId,
        references: &[StackId],
        allowed: &Limits,
        cancel: &Cancel,
    ) -> Result<LocalState, StateError> {
        if references.len() > limits::REFERENCES {
            return Err(StateError::TooManyReferences { found: references.len() });
        }
        let job = Job::new(scratch)?;
        let mut copied = Vec::new();
        for (index, id) in std::iter::once(stack).chain(references).enumerate() {
            let result = match self {
                Self::File(path) => copy_file(path, job.folder(), id),
                Self::Remote { url, environment } => {
                    export(&job, cli, url, environment, id, allowed, cancel).await
                }
            };
            copied.push(result.map_err(|error| match error {
                StateError::StackMissing(id) if index > 0 => StateError::ReferenceMissing(id),
                other => other,
            })?);
        }
        let files = |source| StateError::Files { stack: stack.clone(), source };
        std::fs::write(job.folder().join(".pulumi/meta.yaml"), META).map_err(files)?;
        let locks = match self {
            Self::File(path) => Some(lock::read_all(&path.join(".pulumi"), stack).map_err(files)?),
            Self::Remote { .. } => None,
        };
        LocalState::new(job, copied, locks)
    }
}

fn copy_file(backend: &Path, into: &Path, stack: &StackId) -> Result<Copied, StateError> {
    let files = |source| StateError::Files { stack: stack.clone(), source };
    let bookkeeping = backend.join(".pulumi");
    let mut meta = String::new();
    File::open(bookkeeping.join("meta.yaml"))
        .and_then(|file| file.take(META_BYTES).read_to_string(&mut meta))
        .ok()
        .filter(|_| meta.trim() == "version: 1")
        .ok_or_else(|| StateError::NotABackend { path: backend.to_owned() })?;
    let folder = bookkeeping.join("stacks").join(stack.project());
    let mut newest: Option<(SystemTime, &str, PathBuf)> = None;
    for ending in ENDINGS {
        let path = folder.join(format!("{}.{ending}", stack.stack()));
        match path.metadata() {
            Ok(data) => {
                let modified = data.modified().map_err(files)?;
                if newest.as_ref().is_none_or(|(known, ..)| modified >= *known) {
                    newest = Some((modified, ending, path));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(files(error)),
        }
    }
    let (_, ending, path) = newest.ok_or_else(|| StateError::StackMissing(stack.clone()))?;
    let mut bytes = Vec::new();
    let limited = File::open(path).map_err(files)?.take(limits::STATE_BYTES + 1);
    { limited }.read_to_end(&mut bytes).map_err(files)?;
    store(into, stack, ending, &bytes, sha256(&bytes))
}

async fn export(
    job: &Job,
    cli: &Cli,
    url: &Secret,
    environment: &Environment,
    stack: &StackId,
    allowed: &Limits,
    cancel: &Cancel,
) -> Result<Copied, StateError> {
    let failed = |failure| StateError::Export { stack: stack.clone(), source: Box::new(failure) };
    let name = stack.to_string();
    let allowance = Allowance {
        time: allowed.time,
        patience: allowed.patience,
        output: usize::try_from(limits::STATE_BYTES).unwrap_or(usize::MAX),
    };
    let finished = job
        .run(
            cli,
            environment,
            Some(url),
            ["stack", "export", "--stack", &name],
            allowance,
            cancel.clone(),
        )
        .await
        .map_err(|error| failed(error.into()))?;
    match finished.end {
        End::Exited(0) => {}
        End::Exited(code) => {
            let mut redactor = Redactor::new();
            redactor.add(url);
            if let Some(password) = Url::parse(url.expose()).ok().as_ref().and_then(Url::password) {
                redactor.add(&Secret::new(password.to_owned()));
            }
            environment.secrets().for_each(|secret| redactor.add(secret));
            // Standard output is the state: it is not for showing.
            let shown = output::shown(&[], &finished.stderr, job.folder(), &mut redactor);
            let evidence = Evidence {
                version: cli.version(),
                code,
                stdout: "",
                stderr: &output::plain(&finished.stderr),
                diagnostics: &[],
                result: None,
            };
            return Err(match classify(&evidence, stack, output::tail(&shown)) {
                Failure::StackMissing(stack) => StateError::StackMissing(stack),
                other => failed(other),
            });
        }
        End::Stopped(Stop::OutputTooLarge) => {
            return Err(StateError::TooLarge { stack: stack.clone() });
        }
        End::Stopped(Stop::TimedOut) => {
            return Err(failed(Failure::TimedOut { seconds: allowed.time.as_secs() }));
        }
        End::Stopped(Stop::Cancelled | Stop::EventLogTooLarge | Stop::Refused) => {
            return Err(failed(Failure::Cancelled));
        }
        End::Signalled(signal) => return Err(failed(Failure::Killed(signal))),
    }
    let not_a_state = |what: String| StateError::NotAState { stack: stack.clone(), what };
    let exported: Exported<'_> = serde_json::from_slice(&finished.stdout)
        .map_err(|error| not_a_state(format!("it has no deployment ({})", chain(&error))))?;
    // What the CLI keeps in a backend: the same deployment in another wrapper.
    let features =
        exported.features.map(|raw| format!(r#""features":{},"#, raw.get())).unwrap_or_default();
    let checkpoint = format!(
        r#"{{"version":{},{features}"checkpoint":{{"stack":"{name}","latest":{}}}}}"#,
        exported.version,
        exported.deployment.get()
    );
    store(job.folder(), stack, ENDINGS[0], checkpoint.as_bytes(), sha256(&finished.stdout))
}

fn store(
    into: &Path,
    stack: &StackId,
    ending: &str,
    bytes: &[u8],
    digest: String,
) -> Result<Copied, StateError> {
    if bytes.len() as u64 > limits::STATE_BYTES {
        return Err(StateError::TooLarge { stack: stack.clone() });
    }
    let folder = into.join(".pulumi/stacks").join(stack.project());
    let path = folder.join(format!("{}.{ending}", stack.stack()));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, bytes))
        .map_err(|source| StateError::Files { stack: stack.clone(), source })?;
    Ok(Copied { stack: stack.clone(), digest, path, is_plain: ending == ENDINGS[0] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::relative("file://states", "absolute")]
    #[case::service("https://api.pulumi.com", "not supported")]
    #[case::unknown("ftp://u:canary@h/x", "not supported")]
    #[case::no_url("states", "is none")]
    fn only_self_managed_backends_are_taken(#[case] url: &str, #[case] expected: &str) {
        let error = Backend::new(url, Environment::new()).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_backends_url_is_not_printed() {
        let url = "postgres://u:canary@127.0.0.1/states";
        let backend = Backend::new(url, Environment::new()).unwrap();
        assert!(!format!("{backend:?}").contains("canary"));
        let local = Backend::new("file:///var/lib/a%20b", Environment::new()).unwrap();
        assert!(matches!(local, Backend::File(path) if path == Path::new("/var/lib/a b")));
    }

    fn backend() -> (tempfile::TempDir, StackId) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(".pulumi/stacks/app");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(root.path().join(".pulumi/meta.yaml"), META).unwrap();
        std::fs::write(folder.join("dev.json"), "{}").unwrap();
        (root, StackId::new("app", "dev").unwrap())
    }

    #[test]
    fn the_newest_file_of_a_stack_is_copied_and_digested() {
        let (root, stack) = backend();
        let newer = root.path().join(".pulumi/stacks/app/dev.json.gz");
        std::fs::write(&newer, "newer").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        File::options().write(true).open(&newer).unwrap().set_modified(later).unwrap();
        let into = tempfile::tempdir().unwrap();
        let copied = copy_file(root.path(), into.path(), &stack).unwrap();
        assert!(!copied.is_plain);
        assert_eq!(copied.digest, sha256(b"newer"));
        assert_eq!(std::fs::read(copied.path).unwrap(), b"newer");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (root, _) = backend();
        let into = tempfile::tempdir().unwrap();
        let other = StackId::new("app", "prod").unwrap();
        let error = copy_file(root.path(), into.path(), &other).unwrap_err();
        assert!(error.to_string().contains("pulumi stack init organization/app/prod"));
        std::fs::remove_file(root.path().join(".pulumi/meta.yaml")).unwrap();
        let error = copy_file(root.path(), into.path(), &other).unwrap_err();
        assert!(error.to_string().contains("pulumi state upgrade"), "{error}");
    }
}
