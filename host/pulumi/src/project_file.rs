//! `Pulumi.yaml`: whose project it is, and what in it a stranger must not change.

use crate::{limits, tree, yaml};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The names under which the CLI looks for a project, in its order.
pub const PROJECT_FILES: [&str; 3] = ["Pulumi.json", "Pulumi.yaml", "Pulumi.yml"];

/// Keys that only describe, or hold values for the program.
const FREE: [&str; 2] = ["config", "description"];

/// Keys that are the program itself where the language is `yaml`.
const PROGRAM: [&str; 3] = ["outputs", "resources", "variables"];

/// The type of the resource by which a program reads another stack's outputs.
const STACK_REFERENCE: &str = "pulumi:pulumi:StackReference";

/// A project's settings as they lie in a checkout.
#[derive(Clone, Debug)]
pub struct ProjectFile {
    file: &'static str,
    name: String,
    language: String,
    document: BTreeMap<String, Value>,
}

/// Why a project or stack file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectFileError {
    /// There is none in the folder itself. The CLI would go on upwards and take another one.
    #[error(
        "found no Pulumi.yaml in the project's folder: the claim must name the folder it is in"
    )]
    Missing,
    /// There are several, and which one counts depends on who looks.
    #[error("found both {0} and {1} in the project's folder: remove one of them")]
    Ambiguous(&'static str, &'static str),
    /// It can't be read as a plain file.
    #[error("cannot read {file}: {source}")]
    Unreadable {
        /// The file's name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no YAML, or abuses it.
    #[error("cannot parse {file}: {what}")]
    NotYaml {
        /// The file's name.
        file: String,
        /// What is wrong with it, and where.
        what: String,
    },
    /// It lacks what every project has, or has it in a wrong form.
    #[error("cannot use {file}: {what}")]
    Shape {
        /// The file's name.
        file: String,
        /// What was expected.
        what: &'static str,
    },
}

impl ProjectFile {
    /// Reads the project in `folder`.
    ///
    /// # Errors
    /// If there is not exactly one project file, a plain one that parses within the limits.
    pub fn read(folder: &Path) -> Result<Self, ProjectFileError> {
        let mut found: Option<(&'static str, Vec<u8>)> = None;
        for file in PROJECT_FILES {
            let bytes = tree::read(folder, Path::new(file), limits::PROJECT_FILE_BYTES)
                .map_err(|source| ProjectFileError::Unreadable { file: file.to_owned(), source })?;
            match (bytes, &found) {
                (Some(_), Some((first, _))) => {
                    return Err(ProjectFileError::Ambiguous(first, file));
                }
                (Some(bytes), None) => found = Some((file, bytes)),
                (None, _) => {}
            }
        }
        let (file, bytes) = found.ok_or(ProjectFileError::Missing)?;
        Self::parse(file, &bytes)
    }

    /// Reads the bytes of a project file that lies elsewhere, such as in a git object.
    ///
    /// # Errors
    /// If it doesn't parse within the limits, or lacks what every project has.
    pub fn parse(file: &'static str, bytes: &[u8]) -> Result<Self, ProjectFileError> {
        if bytes.len() > limits::PROJECT_FILE_BYTES {
            let source = io::Error::other("it is too large");
            return Err(ProjectFileError::Unreadable { file: file.to_owned(), source });
        }
        let shape = |what| ProjectFileError::Shape { file: file.to_owned(), what };
        let document = members(file, bytes)?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let name = text(document.get("name")).ok_or_else(|| shape("`name` must be a text"))?;
        let language = match document.get("runtime") {
            // A project without a language has no program (CLI 3.246.0 and newer).
            None => String::new(),
            Some(Value::Object(map)) => {
                text(map.get("name")).ok_or_else(|| shape("`runtime.name` must be a text"))?
            }
            other => text(other).ok_or_else(|| shape("`runtime` must be a text or an object"))?,
        };
        Ok(Self { file, name, language, document })
    }

    /// The project's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program's language, such as `yaml`; empty if there is no program.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The file's name in the project's folder.
    #[must_use]
    pub fn file(&self) -> &str {
        self.file
    }

    /// The members that steer the engine: all but `config`, `description` and, in `yaml`, the
    /// program. A patch set of a stranger may not add, remove or change one: compare this with that
    /// of the target branch. Keys that are not known are among them.
    #[must_use]
    pub fn guarded(&self) -> BTreeMap<&str, &Value> {
        let is_program = |key: &str| self.language == "yaml" && PROGRAM.contains(&key);
        self.document
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .filter(|(key, _)| !FREE.contains(key) && !is_program(key))
            .collect()
    }

    /// The state backend that it names, if it does.
    #[must_use]
    pub fn backend_url(&self) -> Option<&str> {
        self.document.get("backend")?.get("url")?.as_str()
    }

    /// The names of the stacks that a program in `yaml` reads the outputs of, as it spells them:
    /// `${pulumi.stack}` may stand in them. Programs in other languages don't tell.
    #[must_use]
    pub fn stack_references(&self) -> Vec<&str> {
        let resources = self.document.get("resources").and_then(Value::as_object);
        let resources = resources.filter(|_| self.language == "yaml").into_iter().flatten();
        resources
            .filter(|(_, resource)| {
                resource.get("type").and_then(Value::as_str) == Some(STACK_REFERENCE)
            })
            .filter_map(|(name, resource)| {
                // Without a name of its own, the resource's is the stack's.
                let given = resource.get("properties").and_then(|p| p.get("name"));
                given.map_or(Some(name.as_str()), Value::as_str)
            })
            .collect()
    }

    /// Where the stack files lie, relative to the project's folder; empty for the folder itself.
    ///
    /// # Errors
    /// If `stackConfigDir` is not a text.
    pub fn stack_folder(&self) -> Result<&str, ProjectFileError> {
        match self.document.get("stackConfigDir") {
            None => Ok(""),
            Some(value) => value.as_str().ok_or_else(|| ProjectFileError::Shape {
                file: self.file.to_owned(),
                what: "`stackConfigDir` must be a text",
            }),
        }
    }
}

/// The members of a document that is an object. An empty one has none, as for the CLI.
pub(crate) fn members(
    file: &str,
    bytes: &[u8],
) -> Result<BTreeMap<String, Value>, ProjectFileError> {
    match yaml::parse(bytes) {
        Ok(Value::Object(map)) => Ok(map.into_iter().collect()),
        Ok(Value::Null) => Ok(BTreeMap::new()),
        Ok(_) => Err(ProjectFileError::Shape {
            file: file.to_owned(),
            what: "expected keys and values at its top",
        }),
        Err(error) => {
            let what = error.to_string().chars().take(300).collect();
            Err(ProjectFileError::NotYaml { file: file.to_owned(), what })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn parse(text: &str) -> Result<ProjectFile, ProjectFileError> {
        ProjectFile::parse("Pulumi.yaml", text.as_bytes())
    }

    #[rstest]
    #[case::yaml_program(
        "name: a\nruntime: yaml\nresources: {}\noutputs: {}\nvariables: {}\nconfig: {}\ndescription: x\n",
        &["name", "runtime"]
    )]
    #[case::other_language("name: a\nruntime: {name: python, options: {x: 1}}\nresources: {}\n", &["name", "resources", "runtime"])]
    #[case::dangerous(
        "name: a\nruntime: yaml\nbackend: {url: 'file:///'}\nplugins: {}\npackages: {}\nmain: ../x\noptions: {}\n",
        &["backend", "main", "name", "options", "packages", "plugins", "runtime"]
    )]
    #[case::hidden_by_a_merge_key("name: a\nruntime: yaml\n<<: {backend: {url: x}}\n", &["backend", "name", "runtime"])]
    #[case::other_case("name: a\nruntime: yaml\nBackend: {url: x}\n", &["Backend", "name", "runtime"])]
    fn everything_but_program_values_and_description_is_guarded(
        #[case] text: &str,
        #[case] expected: &[&str],
    ) {
        let file = parse(text).unwrap();
        assert_eq!(file.guarded().into_keys().collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case::list("- a\n", "keys and values")]
    #[case::no_name("runtime: yaml\n", "`name`")]
    #[case::name_of_a_wrong_type("name: 5\n", "`name`")]
    #[case::runtime_of_a_wrong_type("name: a\nruntime: [yaml]\n", "`runtime`")]
    #[case::empty("", "`name`")]
    #[case::broken("name: [a\n", "cannot parse")]
    fn a_file_without_a_projects_shape_is_refused(#[case] text: &str, #[case] expected: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[rstest]
    #[case::yaml("yaml", &["organization/network/${pulumi.stack}", "shared"])]
    #[case::other("python", &[])]
    fn what_a_yaml_program_reads_is_told(#[case] runtime: &str, #[case] expected: &[&str]) {
        let text = format!(
            "name: a\nruntime: {runtime}\nresources:\n  shared:\n    type: {STACK_REFERENCE}\n  \
             net:\n    type: {STACK_REFERENCE}\n    properties:\n      name: \
             organization/network/${{pulumi.stack}}\n  x:\n    type: a:b:C\n    properties: 5\n"
        );
        let file = parse(&text).unwrap();
        let mut references = file.stack_references();
        references.sort_unstable();
        assert_eq!(references, expected);
    }

    #[test]
    fn there_must_be_exactly_one_project_in_the_folder_itself() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("Pulumi.yaml"), "name: upper\nruntime: yaml\n").unwrap();
        let inner = root.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert!(matches!(ProjectFile::read(&inner), Err(ProjectFileError::Missing)));
        assert_eq!(ProjectFile::read(root.path()).unwrap().name(), "upper");
        std::fs::write(root.path().join("Pulumi.yml"), "name: other\n").unwrap();
        assert!(matches!(ProjectFile::read(root.path()), Err(ProjectFileError::Ambiguous(..))));
    }
}
