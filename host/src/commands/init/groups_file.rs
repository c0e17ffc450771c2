//! Gerrit's file `groups`, which gives the UUIDs of groups the names that `project.config` uses.

use tidegate_gerrit::rest::Group;

/// What a new file starts with, as Gerrit writes it.
const HEADER: &str = "# UUID                                  \tGroup Name\n#\n";

/// A name that stands for two groups.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file groups on refs/meta/config gives the name {name} to {found}, but Gerrit gives it to \
     {expected}: change that line"
)]
pub(super) struct OtherGroup {
    name: String,
    found: String,
    expected: String,
}

/// The name that the file has for a group, and the file with a line for it.
///
/// # Errors
/// When the name is another group's there.
pub(super) fn with_group(text: &str, group: &Group) -> Result<(String, String), OtherGroup> {
    let uuid = group.uuid.as_str();
    let lines = || {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .map(|(uuid, name)| (uuid.trim(), name.trim()))
    };
    if let Some((_, name)) = lines().find(|(found, _)| *found == uuid) {
        return Ok((name.to_owned(), text.to_owned()));
    }
    if let Some((found, name)) = lines().find(|(_, name)| *name == group.name) {
        let (name, found) = (name.to_owned(), found.to_owned());
        return Err(OtherGroup { name, found, expected: uuid.to_owned() });
    }
    let mut text = if text.is_empty() { HEADER.to_owned() } else { text.to_owned() };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("{uuid:40}\t{}\n", group.name));
    Ok((group.name.clone(), text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn group(uuid: &str, name: &str) -> Group {
        Group { uuid: uuid.parse().unwrap(), name: name.to_owned() }
    }

    #[test]
    fn a_group_is_added_once_and_keeps_the_name_that_it_has() {
        let everybody = group("global:Anonymous-Users", "Anonymous Users");
        let (name, text) = with_group("", &everybody).unwrap();
        assert_eq!(name, "Anonymous Users");
        assert!(text.ends_with("\nglobal:Anonymous-Users                  \tAnonymous Users\n"));
        let renamed = group("global:Anonymous-Users", "Everybody");
        assert_eq!(with_group(&text, &renamed).unwrap(), (name, text));
        let (_, text) = with_group("x\tY", &everybody).unwrap();
        assert!(text.starts_with("x\tY\nglobal:"), "{text}");
    }

    #[test]
    fn a_name_that_is_anothers_is_refused() {
        let error = with_group("ldap:x\tSRE\n", &group("ldap:y", "SRE")).unwrap_err().to_string();
        assert!(error.contains("ldap:x") && error.contains("ldap:y"), "{error}");
    }
}
