//! Policy modules, found by the digest of their bytes.

mod bindings;
mod describe;
mod failure;
mod imports;
mod limits;
mod module;
mod nothing;
mod shown;

pub use describe::{Described, Kind, NotGranted, SettingHelp, Want};
pub use failure::{FindingsError, ModuleError};
pub use imports::granted;
pub use limits::PolicyLimits;
pub use module::{Check, PolicyModule, PolicySandbox};

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_core::ids::Digest;
use tidegate_core::policy::{Judgement, PolicyChange, PolicyInput, PolicyOutcome, PolicyStack};
use tidegate_core::settings::{Policy, PolicyName};
use tidegate_core::steps::Steps;

/// Largest module, in bytes. One with a whole interpreter in it has some 40 MB.
const MODULE_BYTES: u64 = 64 << 20;

/// Most files of the folder that are looked through.
const FILES: usize = 1_000;

/// The administrator's folder of modules, and those of them that were asked for so far, compiled.
#[derive(Debug)]
pub struct Policies {
    sandbox: PolicySandbox,
    folder: PathBuf,
    loaded: Mutex<BTreeMap<Digest, Arc<PolicyModule>>>,
}

/// Why there is no module of a digest.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No file has the digest.
    #[error(
        "no policy module with the digest {digest} is in {}; put its file there, under any name \
         that ends in .wasm",
        folder.display()
    )]
    NotFound {
        /// The digest.
        digest: Digest,
        /// The folder.
        folder: PathBuf,
    },
    /// The folder or a file in it can't be read.
    #[error("{} can't be read as a policy module", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder has too many files to look through.
    #[error("{} has more than {FILES} files; keep policy modules in a folder of their own", .0.display())]
    TooMany(PathBuf),
    /// It was found, and can't be used.
    #[error("the policy module {digest} can't be used")]
    Module {
        /// The digest.
        digest: Digest,
        /// Why.
        #[source]
        source: ModuleError,
    },
}

impl Policies {
    /// The modules of `folder`. Nothing is read yet.
    #[must_use]
    pub fn new(sandbox: PolicySandbox, folder: impl Into<PathBuf>) -> Self {
        Self { sandbox, folder: folder.into(), loaded: Mutex::default() }
    }

    /// The module with a digest: compiled once, and then kept. Files are told by their bytes, not
    /// by their names; `<digest>.wasm` is looked at first.
    ///
    /// # Errors
    /// [`FindError`]. It is not kept: the next call looks again.
    pub fn module(&self, digest: &Digest) -> Result<Arc<PolicyModule>, FindError> {
        if let Some(module) = self.loaded().get(digest) {
            return Ok(Arc::clone(module));
        }
        let bytes = self.find(digest)?;
        // Not under the lock: compiling takes seconds. Two may do it, and the first one stays.
        let module = self
            .sandbox
            .load(&bytes)
            .map_err(|source| FindError::Module { digest: digest.clone(), source })?;
        let mut loaded = self.loaded();
        Ok(Arc::clone(loaded.entry(digest.clone()).or_insert_with(|| Arc::new(module))))
    }

    /// Asks every policy about one stack's steps. A module that can't be had or asked is a
    /// judgement too: it says why.
    ///
    /// Blocks for as long as the modules take; not for the threads of an async runtime.
    #[must_use]
    pub fn judge(
        &self,
        policies: &BTreeMap<PolicyName, Policy>,
        change: Option<&PolicyChange>,
        stack: &PolicyStack,
        steps: &Steps,
    ) -> BTreeMap<PolicyName, Judgement> {
        let mut input = PolicyInput {
            schema: PolicyInput::SCHEMA,
            change: change.cloned(),
            stack: stack.clone(),
            steps: steps.clone(),
            settings: BTreeMap::new(),
        };
        let mut judgements = BTreeMap::new();
        for (name, policy) in policies {
            input.settings.clone_from(&policy.settings);
            let outcome = match self.module(&policy.module) {
                Ok(module) => module.outcome(&input),
                Err(error) => PolicyOutcome::failed(&chain(&error)),
            };
            let module = policy.module.clone();
            judgements.insert(name.clone(), Judgement { module, outcome });
        }
        judgements
    }

    /// A panic elsewhere leaves a whole map behind: entries are put in at once.
    fn loaded(&self) -> std::sync::MutexGuard<'_, BTreeMap<Digest, Arc<PolicyModule>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, digest: &Digest) -> Result<Vec<u8>, FindError> {
        let not_found =
            || FindError::NotFound { digest: digest.clone(), folder: self.folder.clone() };
        let by_name = self.folder.join(format!("{digest}.wasm"));
        if by_name.is_file() {
            let bytes = read_module(&by_name)?;
            if Digest::of(&bytes) == *digest {
                return Ok(bytes);
            }
        }
        for path in self.files()? {
            // One unreadable file says nothing of the others.
            let Ok(bytes) = read_module(&path) else { continue };
            if Digest::of(&bytes) == *digest {
                return Ok(bytes);
            }
        }
        Err(not_found())
    }

    fn files(&self) -> Result<Vec<PathBuf>, FindError> {
        let unreadable = |source| FindError::Unreadable { path: self.folder.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
                files.push(path);
            }
            if files.len() > FILES {
                return Err(FindError::TooMany(self.folder.clone()));
            }
        }
        files.sort();
        Ok(files)
    }
}

/// The bytes of a module's file.
///
/// # Errors
/// It can't be read, or is larger than any module.
pub fn read_module(path: &Path) -> Result<Vec<u8>, FindError> {
    let unreadable = |source| FindError::Unreadable { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MODULE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MODULE_BYTES {
        let text = format!("it has more than {} MiB", MODULE_BYTES >> 20);
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, text)));
    }
    Ok(bytes)
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
