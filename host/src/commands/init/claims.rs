//! Which of the stacks that were found are claimed, and how.

use super::environments::{among, guess};
use super::found::FoundStack;
use super::reads;
use super::settings_file::NewClaim;
use super::stack_ids::stack_id;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::ids::{BadId, Project, RefName, StackId};
use tidegate_core::settings::{Claim, EnvironmentName, Settings};

/// The state backends that the host knows.
#[derive(Debug, Default)]
pub(super) struct Backends {
    /// The one for stacks whose project names none.
    pub(super) usual: Option<String>,
    /// Names by URL.
    pub(super) names: BTreeMap<String, String>,
}

impl Backends {
    /// The backend of a project that names this URL, or none.
    fn of(&self, url: Option<&str>) -> Result<&str, String> {
        match (url, &self.usual) {
            (Some(url), _) => self.names.get(url).map(String::as_str).ok_or_else(|| {
                format!(
                    "its Pulumi.yaml names the state backend {url}, which the configuration's \
                     [backend] sections don't have"
                )
            }),
            (None, Some(name)) => Ok(name),
            (None, None) => Err("which state backend it is in is not said: give --backend".into()),
        }
    }
}

/// What the stacks are claimed against.
pub(super) struct Place<'a> {
    pub(super) branch: &'a RefName,
    pub(super) backends: &'a Backends,
    /// Whether the project has no settings file of its own yet.
    pub(super) first: bool,
    /// The project's settings as they are.
    pub(super) settings: &'a Settings,
    /// Those of the other projects that the host watches.
    pub(super) elsewhere: &'a BTreeMap<Project, Settings>,
}

/// The found stacks, sorted out.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) new: Vec<NewClaim>,
    /// Environments to declare, in order.
    pub(super) environments: Vec<EnvironmentName>,
    pub(super) already: Vec<Already>,
    /// What isn't claimed, and why.
    pub(super) skipped: Vec<String>,
    /// What programs read and claims can't say.
    pub(super) unread: Vec<String>,
}

/// A stack that was found and is claimed.
#[derive(Debug, Serialize)]
pub(super) struct Already {
    pub(super) id: StackId,
    /// Pulumi project, stack and folder, for people.
    pub(super) stack: String,
}

/// Sorts what was found.
///
/// # Errors
/// Never, but for types that can't promise it.
pub(super) fn sort(found: &[FoundStack], place: &Place<'_>) -> Result<Sorted, BadId> {
    let mut sorted = Sorted::default();
    let mut wanted = Vec::new();
    for stack in found {
        match place.judge(stack, found) {
            Ok(None) => wanted.push(stack),
            Ok(Some(id)) => sorted.already.push(Already { id, stack: told(stack) }),
            Err(why) => sorted.skipped.push(format!("{}: {why}", told(stack))),
        }
    }
    let declared: Vec<EnvironmentName> =
        place.settings.environments.iter().map(|environment| environment.name.clone()).collect();
    let guessed = if place.first && declared.is_empty() {
        guess(wanted.iter().map(|stack| &stack.stack))?
    } else {
        super::environments::Guess::default()
    };
    let all = std::iter::once(place.settings).chain(place.elsewhere.values());
    let mut taken: BTreeSet<StackId> = all.flat_map(|s| s.stacks.keys().cloned()).collect();
    let mut claimed = Vec::new();
    for stack in wanted {
        let (project, name) = (stack.project.as_str(), stack.stack.as_str());
        let id = stack_id(project, name, stack.path.as_str(), &taken)?;
        taken.insert(id.clone());
        let known = among(&stack.stack, &declared);
        let note = (known.is_none() && !declared.is_empty()).then(|| {
            "No environment is named like this stack: the last one is a guess, check it.".to_owned()
        });
        let backend = place.backends.of(stack.backend_url.as_deref()).ok().map(str::to_owned);
        sorted.new.push(NewClaim {
            id,
            project: stack.project.clone(),
            stack: stack.stack.clone(),
            path: stack.path.clone(),
            branch: (!place.first).then(|| short(place.branch).to_owned()),
            backend: backend.filter(|b| !place.first || place.backends.usual.as_ref() != Some(b)),
            environment: known
                .or_else(|| declared.last().cloned())
                .or_else(|| guessed.of.get(&stack.stack).cloned()),
            reads: BTreeSet::new(),
            note,
        });
        claimed.push(stack);
    }
    sorted.environments = guessed.order;
    let ranks = if declared.is_empty() { &sorted.environments } else { &declared };
    reads::fill(&mut sorted.new, &claimed, place.settings, ranks, &mut sorted.unread);
    Ok(sorted)
}

impl Place<'_> {
    /// The claim that a stack has already, or why it can't be claimed.
    fn judge(&self, stack: &FoundStack, found: &[FoundStack]) -> Result<Option<StackId>, String> {
        let backend = self.backends.of(stack.backend_url.as_deref());
        let same = |claim: &&Claim| {
            let place = claim.branch == *self.branch && claim.path == stack.path;
            let state = claim.project == stack.project
                && backend.as_ref().is_ok_and(|backend| *backend == claim.backend.as_str());
            claim.stack == stack.stack && (place || state)
        };
        if let Some(claim) = self.settings.stacks.values().find(same) {
            if claim.project != stack.project {
                return Err(format!(
                    "{} claims this folder for the project {}",
                    claim.id, claim.project
                ));
            }
            return Ok(Some(claim.id.clone()));
        }
        let backend = backend.clone()?;
        let other = self.settings.on_branch(self.branch).find(|claim| claim.path == stack.path);
        if let Some(claim) = other.filter(|claim| claim.project != stack.project) {
            return Err(format!(
                "{} claims this folder for the project {}",
                claim.id, claim.project
            ));
        }
        for (project, settings) in self.elsewhere {
            let owns = |claim: &&Claim| {
                let state = (claim.backend.as_str(), &claim.project, &claim.stack);
                state == (backend, &stack.project, &stack.stack)
            };
            if let Some(claim) = settings.stacks.values().find(owns) {
                return Err(format!("the project {project} claims it as {}", claim.id));
            }
        }
        let twin = |other: &&FoundStack| {
            other.path != stack.path
                && other.project == stack.project
                && other.stack == stack.stack
                && self.backends.of(other.backend_url.as_deref()) == Ok(backend)
        };
        match found.iter().find(twin) {
            Some(other) => Err(format!(
                "the folder {} has the same stack, and one state can't have two masters: claim one of \
                 them by hand",
                other.path
            )),
            None => Ok(None),
        }
    }
}

/// A stack as people read it.
pub(super) fn told(stack: &FoundStack) -> String {
    format!("{}/{} in {}", stack.project, stack.stack, stack.path)
}

/// A branch's name without what stands before every branch's.
pub(super) fn short(branch: &RefName) -> &str {
    branch.as_str().strip_prefix("refs/heads/").unwrap_or(branch.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use tidegate_core::settings::{Floor, SettingsLayer};

    fn settings(text: &str) -> Settings {
        let layer = SettingsLayer {
            project: "infra".parse().unwrap(),
            commit: "1".repeat(40).parse().unwrap(),
            text: text.to_owned(),
            groups: String::new(),
        };
        Settings::read(&[layer], &Floor::default()).unwrap()
    }

    fn stack(project: &str, stack: &str, path: &str, url: Option<&str>) -> FoundStack {
        FoundStack {
            project: project.parse().unwrap(),
            stack: stack.parse().unwrap(),
            path: path.parse().unwrap(),
            backend_url: url.map(str::to_owned),
            references: Vec::new(),
        }
    }

    fn sorted(found: &[FoundStack], own: &str, elsewhere: &str) -> Sorted {
        let names = [("s3://main", "main"), ("s3://old", "old")];
        let names = names.map(|(url, name)| (url.to_owned(), name.to_owned())).into();
        let backends = Backends { usual: Some("main".to_owned()), names };
        let elsewhere = [("other".parse().unwrap(), settings(elsewhere))].into();
        let branch = "refs/heads/main".parse().unwrap();
        let place = Place {
            branch: &branch,
            backends: &backends,
            first: own.is_empty(),
            settings: &settings(own),
            elsewhere: &elsewhere,
        };
        sort(found, &place).unwrap()
    }

    #[test]
    fn a_first_file_gets_every_stack_and_guessed_environments() {
        let found =
            [stack("app", "prod", "app", None), stack("app", "dev", "app", Some("s3://old"))];
        let sorted = sorted(&found, "", "");
        let ids: Vec<_> = sorted.new.iter().map(|claim| claim.id.as_str()).collect();
        assert_eq!(ids, ["app-prod", "app-dev"]);
        let backends: Vec<_> = sorted.new.iter().map(|claim| claim.backend.as_deref()).collect();
        assert_eq!(backends, [None, Some("old")]);
        assert_eq!(sorted.environments.len(), 2);
    }

    #[test]
    fn a_claim_says_what_its_program_reads() {
        let mut reader = stack("app", "dev", "app", None);
        reader.references = vec!["organization/net/${pulumi.stack}".to_owned()];
        let sorted = sorted(&[stack("net", "dev", "net", None), reader], "", "");
        let reads: Vec<usize> = sorted.new.iter().map(|claim| claim.reads.len()).collect();
        assert_eq!(reads, [0, 1]);
    }

    const OWN: &str = "schema = 1\n[defaults]\nbackend = \"main\"\n[[environment]]\nname = \"dev\"\n\
        [[environment]]\nname = \"live\"\n[[stack]]\nid = \"a\"\nproject = \"app\"\nstack = \"dev\"\n\
        path = \"app\"\nenvironment = \"dev\"\n";

    #[test]
    fn an_existing_file_gets_what_is_missing_in_its_own_environments() {
        let found = [
            stack("app", "dev", "app", None),
            stack("app", "prod", "app", None),
            stack("app", "blue", "app", None),
            stack("moved", "dev", "app", None),
        ];
        let sorted = sorted(&found, OWN, "");
        assert_eq!(sorted.already.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["a"]);
        let told = |claim: &NewClaim| {
            let environment = claim.environment.as_ref().map(|name| name.as_str().to_owned());
            (claim.id.to_string(), environment, claim.branch.clone(), claim.note.is_some())
        };
        let (live, main) = (Some("live".to_owned()), Some("main".to_owned()));
        let expected = [
            ("app-prod".to_owned(), live.clone(), main.clone(), false),
            ("app-blue".to_owned(), live, main, true),
        ];
        assert_eq!(sorted.new.iter().map(told).collect::<Vec<_>>(), expected);
        assert!(sorted.skipped.concat().contains("a claims this folder for the project app"));
    }

    #[test]
    fn what_has_another_master_or_no_backend_is_said_and_not_claimed() {
        let elsewhere = "schema = 1\n[defaults]\nbackend = \"main\"\n[[stack]]\nid = \"net-dev\"\n\
            project = \"net\"\nstack = \"dev\"\npath = \"net\"\n[[stack]]\nid = \"web-dev\"\n\
            project = \"web2\"\nstack = \"dev\"\npath = \"web\"\n";
        let found = [
            stack("net", "dev", "net", None),
            stack("app", "dev", "a", None),
            stack("app", "dev", "b", None),
            stack("app", "dev", "c", Some("s3://old")),
            stack("far", "dev", "far", Some("s3://unknown")),
            stack("web", "dev", "web", None),
        ];
        let sorted = sorted(&found, "", elsewhere);
        let ids: Vec<_> = sorted.new.iter().map(|claim| claim.id.to_string()).collect();
        assert_eq!(ids.len(), 2, "{ids:?}");
        assert_eq!(ids.first().map(String::as_str), Some("app-dev"));
        assert!(ids.last().unwrap().starts_with("web-dev-"), "an id is once in the installation");
        let said = sorted.skipped.join("\n");
        for part in ["other claims it as net-dev", "two masters", "s3://unknown"] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(sorted.skipped.len(), 4);
    }
}
