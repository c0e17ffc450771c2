//! Pulumi projects and their stacks, found in a branch.

use anyhow::Result;
use std::collections::BTreeMap;
use tidegate_core::ids::Revision;
use tidegate_core::settings::{PulumiProject, PulumiStack, RepoPath};
use tidegate_gerrit::git::Mirror;
use tidegate_pulumi::{PROJECT_FILES, ProjectFile};

/// Folders that hold other people's code, with projects of theirs as examples.
const FOREIGN: [&str; 5] = ["node_modules", "vendor", "site-packages", ".venv", "venv"];

/// A stack that has a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundStack {
    pub(super) project: PulumiProject,
    pub(super) stack: PulumiStack,
    /// The folder of `Pulumi.yaml`.
    pub(super) path: RepoPath,
    /// The state backend that `Pulumi.yaml` names.
    pub(super) backend_url: Option<String>,
    /// The stacks whose outputs the program reads, as it spells their names.
    pub(super) references: Vec<String>,
}

/// What a branch has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) stacks: Vec<FoundStack>,
    /// What looked like a project or stack and can't be claimed, and why.
    pub(super) skipped: Vec<String>,
}

/// A folder with project files.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    /// Empty for the root, else with a slash at its end.
    folder: String,
    files: Vec<&'static str>,
}

/// Looks through the tree of a commit.
///
/// # Errors
/// When it can't be read.
pub(super) async fn find(mirror: &Mirror, commit: &Revision) -> Result<Found> {
    let paths = mirror.paths(commit).await?;
    let mut found = Found::default();
    for candidate in candidates(&paths) {
        let [file] = candidate.files.as_slice() else {
            let files = candidate.files.join(" and ");
            found.skip(format!("{}: {files} stand side by side", shown(&candidate.folder)));
            continue;
        };
        let path = format!("{}{file}", candidate.folder);
        let bytes = mirror.file(commit, &path).await?.unwrap_or_default();
        found.add(&candidate.folder, file, &bytes, &paths);
    }
    Ok(found)
}

fn candidates(paths: &[String]) -> Vec<Candidate> {
    let mut folders: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for path in paths {
        let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| {
            (path.get(..=folder.len()).unwrap_or_default(), name)
        });
        let foreign = folder.split('/').any(|part| FOREIGN.contains(&part));
        if let Some(file) = PROJECT_FILES.into_iter().find(|file| *file == name && !foreign) {
            folders.entry(folder).or_default().push(file);
        }
    }
    let candidate = |(folder, files): (&str, _)| Candidate { folder: folder.to_owned(), files };
    folders.into_iter().map(candidate).collect()
}

impl Found {
    /// Notes what can't be claimed. A repository's names may hold anything; a terminal shouldn't.
    fn skip(&mut self, text: String) {
        self.skipped.push(text.chars().map(|c| if c.is_control() { '?' } else { c }).collect());
    }

    /// Adds the stacks of the project whose file has these bytes.
    fn add(&mut self, folder: &str, file: &'static str, bytes: &[u8], paths: &[String]) {
        if let Err(why) = self.try_add(folder, file, bytes, paths) {
            self.skip(format!("{folder}{file}: {why}"));
        }
    }

    fn try_add(
        &mut self,
        folder: &str,
        file: &'static str,
        bytes: &[u8],
        paths: &[String],
    ) -> Result<(), String> {
        let parsed = ProjectFile::parse(file, bytes).map_err(|error| error.to_string())?;
        let project: PulumiProject = parsed.name().parse().map_err(text)?;
        let path = RepoPath::lenient(if folder.is_empty() { "." } else { folder }).map_err(text)?;
        let beside = parsed.stack_folder().map_err(|error| error.to_string())?;
        let stacks = if beside.is_empty() {
            folder.to_owned()
        } else {
            let below = RepoPath::lenient(&format!("{folder}{beside}")).map_err(text)?;
            if below.as_str() == "." { String::new() } else { format!("{below}/") }
        };
        let extension = file.rsplit_once('.').map_or("yaml", |(_, extension)| extension);
        let mut any = false;
        for found in paths.iter().filter_map(|path| stack_of(path, &stacks, extension)) {
            any = true;
            match found.parse() {
                Ok(stack) => self.stacks.push(FoundStack {
                    project: project.clone(),
                    stack,
                    path: path.clone(),
                    backend_url: parsed.backend_url().map(str::to_owned),
                    references: parsed.stack_references().into_iter().map(str::to_owned).collect(),
                }),
                Err(error) => self.skip(format!("{stacks}Pulumi.{found}.{extension}: {error}")),
            }
        }
        if any {
            return Ok(());
        }
        Err(format!("no Pulumi.<stack>.{extension} beside it; claim its stacks by hand"))
    }
}

/// The stack whose file `path` is, if it lies in `folder` itself.
fn stack_of<'p>(path: &'p str, folder: &str, extension: &str) -> Option<&'p str> {
    let name = path.strip_prefix(folder).filter(|name| !name.contains('/'))?;
    let stack = name.strip_prefix("Pulumi.")?.strip_suffix(extension)?.strip_suffix('.')?;
    (!stack.is_empty()).then_some(stack)
}

fn shown(folder: &str) -> &str {
    if folder.is_empty() { "the root" } else { folder }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn paths(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    fn found(folder: &str, text: &str, all: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut found = Found::default();
        found.add(folder, "Pulumi.yaml", text.as_bytes(), &paths(all));
        let told = found.stacks.iter().map(|f| format!("{}/{} in {}", f.project, f.stack, f.path));
        (told.collect(), found.skipped)
    }

    #[test]
    fn projects_are_found_anywhere_but_in_other_peoples_code() {
        let listed = paths(&[
            "Pulumi.yaml",
            "apps/web/Pulumi.yml",
            "apps/web/node_modules/x/Pulumi.yaml",
            "lib/Pulumi.yaml/README",
            "lib/notPulumi.yaml",
            "vendor/y/Pulumi.yaml",
            "vendors/Pulumi.yaml",
        ]);
        let folders: Vec<String> = candidates(&listed).into_iter().map(|c| c.folder).collect();
        assert_eq!(folders, ["", "apps/web/", "vendors/"]);
    }

    #[test]
    fn two_project_files_in_one_folder_are_one_candidate() {
        let listed = paths(&["a/Pulumi.yaml", "a/Pulumi.yml"]);
        let [candidate] = candidates(&listed).try_into().unwrap_or_else(|_| unreachable!());
        assert_eq!(candidate.files, ["Pulumi.yaml", "Pulumi.yml"]);
    }

    #[rstest]
    #[case::beside("app/", "name: app\n", &["app/Pulumi.dev.yaml", "app/Pulumi.prod.eu.yaml"], &["app/dev in app", "app/prod.eu in app"])]
    #[case::root("", "name: app\n", &["Pulumi.dev.yaml", "x/Pulumi.prod.yaml"], &["app/dev in ."])]
    #[case::other_folder("app/", "name: app\nstackConfigDir: cfg\n", &["app/Pulumi.a.yaml", "app/cfg/Pulumi.b.yaml"], &["app/b in app"])]
    #[case::other_extension("app/", "name: app\n", &["app/Pulumi.a.yaml", "app/Pulumi.b.yml"], &["app/a in app"])]
    fn the_stacks_of_a_project_are_those_with_a_file(
        #[case] folder: &str,
        #[case] text: &str,
        #[case] all: &[&str],
        #[case] expected: &[&str],
    ) {
        let (stacks, skipped) = found(folder, text, all);
        assert_eq!(stacks, expected);
        assert!(skipped.is_empty(), "{skipped:?}");
    }

    #[rstest]
    #[case::no_name("runtime: yaml\n", &["app/Pulumi.dev.yaml"], "`name`")]
    #[case::bad_name("name: a/b\n", &["app/Pulumi.dev.yaml"], "Pulumi project")]
    #[case::no_stack("name: app\n", &["app/Pulumi.yaml", "app/Pulumi..yaml"], "by hand")]
    #[case::outside("name: app\nstackConfigDir: ../x\n", &["x/Pulumi.dev.yaml"], "path")]
    #[case::control("name: app\n", &["app/Pulumi.a\u{1b}[2J.yaml"], "app/Pulumi.a?[2J.yaml")]
    #[case::bad_stack("name: app\n", &["app/Pulumi.a b.yaml"], "Pulumi stack")]
    fn what_cannot_be_claimed_is_said(#[case] text: &str, #[case] all: &[&str], #[case] why: &str) {
        let (stacks, skipped) = found("app/", text, all);
        assert!(stacks.is_empty(), "{stacks:?}");
        assert!(skipped.concat().contains(why), "{skipped:?}");
    }
}
