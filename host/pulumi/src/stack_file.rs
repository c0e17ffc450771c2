//! `Pulumi.<stack>.yaml`: the configuration of one stack.

use crate::project_file::{ProjectFileError, members};
use crate::{ProjectFile, StackId, limits, tree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The only key that a stranger may change: values for the program.
const FREE: &str = "config";

/// A stack's configuration as it lies in a checkout.
#[derive(Clone, Debug)]
pub struct StackFile {
    file: String,
    bytes: Vec<u8>,
    document: BTreeMap<String, Value>,
}

impl StackFile {
    /// Reads the stack file of `stack` in `folder`; `None` if there is none, which is allowed: the
    /// stack then has no values of its own.
    ///
    /// # Errors
    /// If it is not a plain file inside the folder that parses within the limits.
    pub fn read(
        folder: &Path,
        project: &ProjectFile,
        stack: &StackId,
    ) -> Result<Option<Self>, ProjectFileError> {
        // The CLI takes the project file's extension (`ProjectStackPath` in its sources).
        let extension = Path::new(project.file()).extension().unwrap_or_default();
        let name = format!("Pulumi.{}.{}", stack.stack(), extension.to_string_lossy());
        let path = Path::new(project.stack_folder()?).join(name);
        let file = path.display().to_string();
        let bytes = tree::read(folder, &path, limits::PROJECT_FILE_BYTES)
            .map_err(|source| ProjectFileError::Unreadable { file: file.clone(), source })?;
        let Some(bytes) = bytes else { return Ok(None) };
        let document = members(&file, &bytes)?;
        Ok(Some(Self { file, bytes, document }))
    }

    /// The file's path in the project's folder.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The members that steer the engine: all but the `config` values. A patch set of a stranger
    /// may not add, remove or change one.
    #[must_use]
    pub fn guarded(&self) -> BTreeMap<&str, &Value> {
        self.document
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .filter(|(key, _)| *key != FREE)
            .collect()
    }

    /// Whether some value is encrypted.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.document.values().any(has_secure)
    }

    /// The values for the program, encrypted ones as `{"secure": …}`.
    pub(crate) fn config(&self) -> Option<&Value> {
        self.document.get(FREE)
    }

    /// The file as it is.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn has_secure(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key("secure") || map.values().any(has_secure),
        Value::Array(items) => items.iter().any(has_secure),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(project: &str, stack_file: &str, text: &str) -> Result<Option<StackFile>, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Pulumi.yml"), project).unwrap();
        let path = folder.path().join(stack_file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        let project = ProjectFile::read(folder.path()).unwrap();
        let stack = StackId::new("app", "dev").unwrap();
        StackFile::read(folder.path(), &project, &stack).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_found_beside_the_project_by_its_extension_and_folder() {
        let text = "encryptionsalt: v1:x\nconfig:\n  app:o:\n    l: [{secure: v1:y}]\n";
        let file = read("name: app\n", "Pulumi.dev.yml", text).unwrap().unwrap();
        assert!(file.has_secrets());
        assert_eq!(file.guarded().into_keys().collect::<Vec<_>>(), ["encryptionsalt"]);
        assert!(read("name: app\n", "Pulumi.dev.yaml", text).unwrap().is_none());
        let file = read("name: app\nstackConfigDir: c/d\n", "c/d/Pulumi.dev.yml", "").unwrap();
        assert_eq!(file.map(|file| file.has_secrets()), Some(false));
    }

    #[test]
    fn a_folder_outside_of_the_project_is_refused() {
        let error = read("name: app\nstackConfigDir: ../../etc\n", "x", "").unwrap_err();
        assert!(error.contains("outside"), "{error}");
    }
}
