use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tidegate_tests::workspace;

use crate::build::{cargo, run};
use crate::terminal::{heading, say};

/// The program of the core that prints all schemas; the list of types stands there.
const EXAMPLE: [&str; 6] =
    ["--package", "tidegate-core", "--features", "schema", "--example", "schemas"];

/// Writes `docs/schemas` anew.
pub(crate) fn schemas() -> Result<()> {
    heading("Writing the schemas");
    let folder = folder();
    let wanted = wanted()?;
    for (name, text) in &wanted {
        fs::write(folder.join(name), text)?;
    }
    for name in present(&folder)?.keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    say(&format!("{} schemas in {}", wanted.len(), folder.display()));
    Ok(())
}

/// Fails if `docs/schemas` is not what the core's types say, and checks the program's lints.
pub(crate) fn check() -> Result<()> {
    heading("Checking the schemas");
    run(cargo().arg("clippy").args(EXAMPLE).args(["--", "--deny", "warnings"]))?;
    let differing = differing(&wanted()?, &present(&folder())?);
    if !differing.is_empty() {
        bail!(
            "docs/schemas is not what the core's types say ({}); run `cargo xtask schemas` and \
             look at the difference: a field that others read needs a new schema number",
            differing.join(", "),
        );
    }
    Ok(())
}

fn folder() -> PathBuf {
    workspace::root().join("docs/schemas")
}

/// The schemas as the core's types have them, by the name of their file.
fn wanted() -> Result<BTreeMap<String, String>> {
    let mut command = cargo();
    let output = command.args(["run", "--quiet"]).args(EXAMPLE).output()?;
    ensure!(
        output.status.success(),
        "the core's schemas can't be built ({}):\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    serde_json::from_slice(&output.stdout).context("the schemas are not a JSON object of texts")
}

fn present(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json")
            && let Some(name) = path.file_name()
        {
            files.insert(name.to_string_lossy().into_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}

/// The names of the files that are missing, left over, or of another content.
fn differing(wanted: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Vec<String> {
    let both = wanted.iter().chain(present);
    let mut names: Vec<String> = both
        .filter(|(name, _)| wanted.get(*name) != present.get(*name))
        .map(|(name, _)| name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn missing_left_over_and_changed_files_differ() {
        let wanted = files(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let present = files(&[("b", "1"), ("c", "2"), ("d", "1")]);
        assert_eq!(differing(&wanted, &present), ["a", "c", "d"]);
        assert!(differing(&wanted, &wanted).is_empty());
    }
}
