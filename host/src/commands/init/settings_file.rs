//! The text of `tidegate.toml`: a first one, or more claims in one that exists.
//!
//! What exists is never written anew: people's comments and order stay.

use serde::Deserialize;
use std::collections::BTreeSet;
use tidegate_core::ids::StackId;
use tidegate_core::settings::{EnvironmentName, PulumiProject, PulumiStack, RepoPath};
use tidegate_gerrit::rest::Group;
use toml::Spanned;

/// One claim to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewClaim {
    pub(super) id: StackId,
    pub(super) project: PulumiProject,
    pub(super) stack: PulumiStack,
    pub(super) path: RepoPath,
    /// Only where the file's defaults don't say it.
    pub(super) branch: Option<String>,
    /// Only where the file's defaults don't say it.
    pub(super) backend: Option<String>,
    pub(super) environment: Option<EnvironmentName>,
    pub(super) reads: BTreeSet<StackId>,
    /// What a person should check.
    pub(super) note: Option<String>,
}

/// What a first file says besides its claims.
#[derive(Clone, Debug, Default)]
pub(super) struct First {
    pub(super) mode: &'static str,
    pub(super) branch: String,
    /// Where the states are of stacks that don't say it.
    pub(super) backend: Option<String>,
    pub(super) operators: Option<Group>,
    pub(super) approvers: Option<Group>,
    pub(super) trusted: Vec<Group>,
    /// Those to declare; none if they are inherited or couldn't be guessed.
    pub(super) environments: Vec<EnvironmentName>,
}

impl First {
    /// A whole file.
    pub(super) fn text(&self, claims: &[NewClaim]) -> String {
        let mut text = format!(
            "# Which folders of this project are whose stacks, and who approves their plans.\n\
             # A first draft by `tidegate init`; from now on it is yours.\n\
             schema = 1\n\n\
             # observe: say what would be done. gate: guard submits. deploy: roll out as well.\n\
             mode = {}\n\n",
            quoted(self.mode)
        );
        match &self.operators {
            Some(group) => text.push_str(&format!(
                "# Who may retry, abort, release and acknowledge: {}.\noperators = {}\n\n",
                plain(&group.name),
                quoted(group.uuid.as_str())
            )),
            None => text.push_str(
                "# Who may retry, abort, release and acknowledge: nobody yet.\n\
                 # operators = \"GROUP\"\n\n",
            ),
        }
        text.push_str("[defaults]\n");
        if self.branch != "main" {
            text.push_str(&format!("branch = {}\n", quoted(&self.branch)));
        }
        if let Some(backend) = &self.backend {
            text.push_str(&format!("backend = {}\n", quoted(backend)));
        }
        if let Some(group) = &self.approvers {
            text.push_str(&format!(
                "# Approvers must be in {}.\napprove = {{ group = {} }}\n",
                plain(&group.name),
                quoted(group.uuid.as_str())
            ));
        }
        text.push_str(&self.trust());
        if !self.environments.is_empty() {
            text.push_str(
                "\n# Their order is the order of rollouts. Names and order are guessed from the stacks' names:\n# check \
                 them.\n",
            );
            for name in &self.environments {
                text.push_str(&format!("[[environment]]\nname = {}\n\n", quoted(name.as_str())));
            }
            text.pop();
        }
        text.push_str(
            "\n# An id is never used again for another stack. `reads` is known of programs in YAML only, \
             and\n# `inputs`, what a program takes from other folders, was not looked for: add them.\n",
        );
        text + &all(claims)
    }

    fn trust(&self) -> String {
        if self.trusted.is_empty() {
            return "\n# Whose patch sets are previewed: nobody's yet.\n[trust]\ngroups = []\n"
                .to_owned();
        }
        let names: Vec<String> = self.trusted.iter().map(|group| plain(&group.name)).collect();
        let uuids: Vec<String> =
            self.trusted.iter().map(|group| quoted(group.uuid.as_str())).collect();
        format!(
            "\n# Whose patch sets are previewed: {}.\n[trust]\ngroups = [{}]\n",
            names.join(", "),
            uuids.join(", ")
        )
    }
}

/// `text` with more claims at its end.
pub(super) fn with_claims(text: &str, claims: &[NewClaim]) -> String {
    if claims.is_empty() {
        return text.to_owned();
    }
    let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
    format!("{text}{gap}# Found by `tidegate init`.\n{}", all(claims))
}

/// `text` with another mode.
///
/// # Errors
/// When the text isn't TOML.
pub(super) fn with_mode(text: &str, mode: &str) -> Result<String, toml::de::Error> {
    #[derive(Deserialize)]
    struct Modes {
        mode: Option<Spanned<String>>,
        schema: Option<Spanned<u32>>,
    }
    let found: Modes = toml::from_str(text)?;
    let mut changed = text.to_owned();
    match (found.mode, found.schema) {
        (Some(old), _) if old.get_ref() == mode => {}
        (Some(old), _) => changed.replace_range(old.span(), &quoted(mode)),
        (None, Some(schema)) => {
            let rest = text.get(schema.span().end..).unwrap_or_default();
            let line = rest.find('\n').map_or(text.len(), |end| schema.span().end + end);
            changed.insert_str(line, &format!("\nmode = {}", quoted(mode)));
        }
        (None, None) => changed.insert_str(0, &format!("mode = {}\n", quoted(mode))),
    }
    Ok(changed)
}

fn all(claims: &[NewClaim]) -> String {
    let texts: Vec<String> = claims.iter().map(NewClaim::text).collect();
    texts.join("\n")
}

impl NewClaim {
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(note) = &self.note {
            text.push_str(&format!("# {}\n", plain(note)));
        }
        text.push_str("[[stack]]\n");
        let keys = [
            ("id", Some(self.id.as_str())),
            ("project", Some(self.project.as_str())),
            ("stack", Some(self.stack.as_str())),
            ("path", Some(self.path.as_str())),
            ("branch", self.branch.as_deref()),
            ("backend", self.backend.as_deref()),
            ("environment", self.environment.as_ref().map(EnvironmentName::as_str)),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                text.push_str(&format!("{key} = {}\n", quoted(value)));
            }
        }
        if !self.reads.is_empty() {
            let ids: Vec<String> = self.reads.iter().map(|id| quoted(id.as_str())).collect();
            text.push_str(&format!("reads = [{}]\n", ids.join(", ")));
        }
        text
    }
}

/// A TOML string. JSON's escapes are TOML's too, but for DEL, which it leaves as it is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A name as it may stand in a comment.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use rstest::rstest;
    use tidegate_core::settings::{Floor, Mode, Settings, SettingsLayer};

    fn group(digit: &str, name: &str) -> Group {
        Group { uuid: digit.repeat(40).parse().unwrap(), name: name.to_owned() }
    }

    fn claim(id: &str) -> NewClaim {
        NewClaim {
            id: id.parse().unwrap(),
            project: "app".parse().unwrap(),
            stack: id.parse().unwrap(),
            path: "apps/web".parse().unwrap(),
            branch: None,
            backend: None,
            environment: Some("prod".parse().unwrap()),
            reads: BTreeSet::new(),
            note: None,
        }
    }

    fn read(text: &str) -> Settings {
        let layer = SettingsLayer {
            project: "infra".parse().unwrap(),
            commit: "1".repeat(40).parse().unwrap(),
            text: text.to_owned(),
            groups: String::new(),
        };
        Settings::read(&[layer], &Floor::default())
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn a_first_file_says_what_was_asked_for() {
        let mut first = First {
            mode: "observe",
            branch: "release/1".to_owned(),
            backend: Some("s3://states".to_owned()),
            environments: vec!["dev".parse().unwrap(), "prod".parse().unwrap()],
            ..First::default()
        };
        let bare = read(&first.text(&[claim("a")]));
        assert_eq!((bare.mode, bare.operators, bare.trust.groups.len()), (Mode::Observe, None, 0));
        first.mode = "gate";
        first.operators = Some(group("a", "SRE\nmode = \"deploy\""));
        first.approvers = Some(group("b", "Approvers"));
        first.trusted = vec![group("c", "Authors"), group("d", "Bots")];
        let reads = ["a".parse().unwrap()].into();
        let reader = NewClaim { reads, ..claim("b") };
        let settings = read(&first.text(&[claim("a"), reader]));
        assert_eq!(settings.stacks.values().map(|stack| stack.reads.len()).sum::<usize>(), 1);
        assert_eq!(settings.mode, Mode::Gate);
        assert_eq!(settings.operators, Some(group("a", "").uuid));
        assert_eq!(settings.trust.groups.len(), 2);
        let stack = settings.stacks.values().next().unwrap();
        assert_eq!(stack.branch.as_str(), "refs/heads/release/1");
        assert_eq!(stack.backend.as_str(), "s3://states");
        assert_eq!(stack.approve.group, Some(group("b", "").uuid));
        assert_eq!(settings.rank(stack), 1);
    }

    #[test]
    fn more_claims_leave_what_is_there_as_it_is() {
        let before = "# Ours.\nschema = 1 # yes\n[[environment]]\nname = \"prod\"\n\
                      [trust] # nobody\ngroups = []";
        let after = with_claims(before, &[claim("a"), claim("b")]);
        assert!(after.starts_with(before), "{after}");
        assert_eq!(read(&after).stacks.len(), 2);
        assert_eq!(with_claims(before, &[]), before);
    }

    #[rstest]
    #[case::replaced(
        "schema = 1\nmode = 'observe' # for now\n",
        "schema = 1\nmode = \"gate\" # for now\n"
    )]
    #[case::equal("mode = 'gate'\nschema = 1\n", "mode = 'gate'\nschema = 1\n")]
    #[case::added("schema = 1 # ours\n[trust]\n", "schema = 1 # ours\nmode = \"gate\"\n[trust]\n")]
    #[case::added_at_the_end("schema = 1", "schema = 1\nmode = \"gate\"")]
    fn the_mode_is_changed_where_it_stands(#[case] before: &str, #[case] after: &str) {
        assert_eq!(with_mode(before, "gate").unwrap(), after);
        assert_eq!(read(after).mode, Mode::Gate);
    }
}
