//! Label, rights and submit requirement in a project's `project.config`.

use anyhow::{Result, bail};
use std::collections::BTreeSet;
use tidegate_core::ids::RefName;
use tidegate_gerrit::git::ConfigFile;

/// The submit requirement.
const REQUIREMENT: &str = "submit-requirement.Tidegate";

/// The operand that the plugin answers.
const READY: &str = "has:ready_tidegate";

/// The label's values, with what each says.
const VALUES: [&str; 3] = ["-1 Failed", "0 Not yet", "+1 Good"];

/// What `project.config` is to say.
#[derive(Debug)]
pub(super) struct Access<'a> {
    /// The name that the file `groups` has for everybody, signed in or not.
    pub(super) everybody: &'a str,
    /// The name that it has for the group of the service account.
    pub(super) service: &'a str,
    /// The service account's own name.
    pub(super) user: &'a str,
    /// The claimed branches.
    pub(super) branches: BTreeSet<RefName>,
    /// The label that the host votes on.
    pub(super) label: Option<&'a str>,
    /// Whether submits are guarded.
    pub(super) guarded: bool,
    /// Whether Gerrit has the plugin.
    pub(super) plugin: bool,
}

impl Access<'_> {
    /// Adds what is missing in `own`; `parents` are the files that it inherits from. Gives what a
    /// person should look at.
    ///
    /// # Errors
    /// What stands there contradicts, or git refuses.
    pub(super) async fn apply(
        &self,
        own: &mut ConfigFile,
        parents: &[ConfigFile],
    ) -> Result<Vec<String>> {
        let block = format!("block group {}", self.everybody);
        own.add("access.refs/tidegate/*.read", &block).await?;
        if let Some(label) = self.label {
            self.define(label, own, parents).await?;
            for branch in &self.branches {
                let right = format!("-1..+1 group {}", self.service);
                own.add(&format!("access.{branch}.label-{label}"), &right).await?;
            }
        }
        if !self.guarded {
            return Ok(Vec::new());
        }
        let mut notes = Vec::new();
        for branch in &self.branches {
            for (section, right) in [
                (branch.to_string(), "push"),
                (branch.to_string(), "delete"),
                (format!("refs/for/{branch}"), "submit"),
            ] {
                let key = format!("access.{section}.{right}");
                own.add(&key, &block).await?;
                // In one section, an allowed group goes before a blocked one.
                let allowed = own.values(&key).filter(|rule| allows(rule));
                notes.extend(allowed.map(|rule| {
                    format!(
                        "project.config allows `{right} = {rule}` on {section}, which goes before \
                         the block beside it: remove it unless it is meant"
                    )
                }));
            }
        }
        self.require(own, parents).await?;
        Ok(notes)
    }

    /// Defines the label where no project above does.
    async fn define(
        &self,
        label: &str,
        own: &mut ConfigFile,
        parents: &[ConfigFile],
    ) -> Result<()> {
        let defined = |file: &ConfigFile| file.has_section("label", label);
        if !defined(own) && !parents.iter().any(defined) {
            own.set(&format!("label.{label}.function"), "NoBlock").await?;
            for value in VALUES {
                own.add(&format!("label.{label}.value"), value).await?;
            }
            return Ok(());
        }
        // The nearest definition counts.
        let files = std::iter::once(&*own).chain(parents.iter().rev());
        let Some(file) = files.into_iter().find(|file| defined(file)) else { return Ok(()) };
        let key = format!("label.{label}.value");
        for value in ["-1", "+1"] {
            let has = |found: &str| found.split_whitespace().next() == Some(value);
            if !file.values(&key).any(has) {
                bail!(
                    "the label {label} has no value {value}, which the host votes: add it, or name \
                     another label in gerrit.vote"
                );
            }
        }
        Ok(())
    }

    async fn require(&self, own: &mut ConfigFile, parents: &[ConfigFile]) -> Result<()> {
        let key = |name: &str| format!("{REQUIREMENT}.{name}");
        let (applicable, submittable) = self.requirement();
        let said = |file: &ConfigFile| file.values(&key("submittableIf")).last().map(str::to_owned);
        let inherited = parents.iter().rev().find_map(|file| {
            let overridable =
                file.values(&key("canOverrideInChildProjects")).last() == Some("true");
            said(file).map(|expression| (expression, overridable))
        });
        match (said(own), inherited) {
            (None, Some((found, _))) if found == submittable => return Ok(()),
            (_, Some((found, false))) => bail!(
                "a project above has the submit requirement Tidegate with `{found}` and lets nobody \
                 override it: it must be `{submittable}`"
            ),
            (Some(found), _) if found != submittable && !is_ours(&found) => bail!(
                "the submit requirement Tidegate in project.config is `{found}`: it must be \
                 `{submittable}`; put other conditions into a requirement of their own"
            ),
            _ => {}
        }
        if said(own).is_none() {
            let text = "What was reviewed is what will be applied";
            own.set(&key("description"), text).await?;
        }
        own.set(&key("applicableIf"), &applicable).await?;
        own.set(&key("submittableIf"), &submittable).await?;
        own.set(&key("canOverrideInChildProjects"), "false").await?;
        Ok(())
    }

    /// When the requirement applies, and when it is met.
    fn requirement(&self) -> (String, String) {
        if self.plugin {
            // The settings themselves can be mended while the plugin is away.
            return ("-branch:refs/meta/config".to_owned(), READY.to_owned());
        }
        // The host votes on the changes of claimed branches only.
        let branches: Vec<String> =
            self.branches.iter().map(|branch| format!("branch:{branch}")).collect();
        let label = self.label.unwrap_or_default();
        (branches.join(" OR "), format!("label:{label}=MAX,user={}", self.user))
    }
}

/// Whether a rule such as `+force group A` allows something.
fn allows(rule: &str) -> bool {
    !rule.starts_with("block ") && !rule.starts_with("deny ")
}

/// Whether an expression is one that was written here, for some label and account.
fn is_ours(expression: &str) -> bool {
    let by_vote = expression.strip_prefix("label:").is_some_and(|rest| rest.contains("=MAX,user="));
    expression == READY || (by_vote && !expression.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("has:ready_tidegate", true)]
    #[case("label:Pulumi-Preview=MAX,user=tide", true)]
    #[case("label:Pulumi-Preview=MAX,user=tide AND label:X=MAX", false)]
    #[case("label:Code-Review=MAX", false)]
    fn an_expression_of_ours_is_known(#[case] expression: &str, #[case] ours: bool) {
        assert_eq!(is_ours(expression), ours);
    }
}
