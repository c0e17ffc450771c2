//! Facts of a change on a server that is half made up and half real git.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::{Fake, Reply, Repo, Request, mirrors};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tidegate_core::facts::{LabelRange, PatchSetFacts};
use tidegate_core::ids::{PatchSetNumber, Revision};

/// What the made-up half answers, by path; and the tips that the change has, one for each time that
/// it is asked for, the last one for ever.
#[derive(Default)]
struct World {
    answers: BTreeMap<String, Reply>,
    tips: Vec<Revision>,
}

struct Site {
    gerrit: Gerrit,
    fake: Fake,
    repo: Repo,
    parent: Repo,
    world: Arc<Mutex<World>>,
    _folder: TempDir,
}

impl Site {
    async fn new() -> Self {
        let repo = Repo::with(&[("app/Pulumi.yaml", "name: app\n")]);
        repo.branch("change", "main");
        repo.commit(&[("app/x", "1"), ("z", "1")]);
        repo.git(&["update-ref", "refs/changes/07/7/1", "HEAD"]);
        repo.branch("config", "main");
        repo.commit(&[("tidegate.toml", "mode = \"gate\"\n"), ("groups", "# UUID\tName\n")]);
        repo.git(&["update-ref", "refs/meta/config", "HEAD"]);
        let parent = repo.beside("All-Projects", &[("project.config", "[access]\n")]);
        parent.git(&["update-ref", "refs/meta/config", "HEAD"]);
        let world = Arc::new(Mutex::new(World::default()));
        let seen = Arc::clone(&world);
        let fake = Fake::start(move |request: &Request| {
            let mut world = seen.lock().unwrap();
            if request.path.starts_with("/a/changes/infra~7?o=CURRENT_REVISION") {
                let tip = if world.tips.len() > 1 {
                    world.tips.remove(0)
                } else {
                    world.tips.first().unwrap().clone()
                };
                return Reply::Json(change(&tip));
            }
            world.answers.get(&request.path).cloned().unwrap_or(Reply::Text(404, "Not found"))
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let mirrors = mirrors(repo.server(), folder.path());
        let gerrit = Gerrit::new(fake.client(), mirrors, "server-1".parse().unwrap());
        let site = Self { gerrit, fake, repo, parent, world, _folder: folder };
        site.usual();
        let first = site.update("Create change\n\nPatch-set: 1\n");
        site.tips(&[first]);
        site
    }

    fn usual(&self) {
        self.json("/a/projects/infra/parent", "\"All-Projects\"");
        self.json("/a/projects/All-Projects/parent", "\"\"");
        for (project, repo) in [("infra", &self.repo), ("All-Projects", &self.parent)] {
            let tip = repo.revision("refs/meta/config");
            self.json(
                &format!("/a/projects/{project}/branches/refs%2Fmeta%2Fconfig"),
                &format!("{{\"ref\":\"refs/meta/config\",\"revision\":\"{tip}\"}}"),
            );
        }
        self.json(
            "/a/projects/infra/labels/?inherited=",
            "[{\"name\":\"Code-Review\",\"values\":{\"-2\":\"\",\" 0\":\"\",\"+2\":\"\"}},{\"name\":\"Other\",\"values\":{\" 0\":\"\"}}]",
        );
        self.json("/a/accounts/self/capabilities", "{\"viewSecondaryEmails\":true}");
        let by_email = |email: &str| {
            format!(
                "/a/accounts/?q=email%3A%22{email}%40example.com%22+%28is%3Aactive+OR+is%3Ainactive%29&o=ALL_EMAILS"
            )
        };
        self.json(&by_email("olivia"), "[{\"_account_id\":1,\"email\":\"o@example.com\",\"secondary_emails\":[\"olivia@example.com\"]},{\"_account_id\":9,\"email\":\"OLIVIA@example.com\"}]");
        self.json(&by_email("ravi"), "[]");
        self.account(
            1,
            "{}",
            "\"ok\"",
            "[{\"id\":\"ops\"},{\"id\":\"global%3ARegistered-Users\"}]",
        );
        self.account(3, "{\"tags\":[\"SERVICE_USER\"]}", "\"ok\"", "[]");
        self.account(4, "{}", "", "[{\"id\":\"ops\"}]");
    }

    fn account(&self, id: u32, detail: &str, active: &str, groups: &str) {
        self.json(&format!("/a/accounts/{id}/detail"), detail);
        let path = format!("/a/accounts/{id}/active");
        let reply =
            if active.is_empty() { Reply::Text(204, "") } else { Reply::Json(active.to_owned()) };
        self.world.lock().unwrap().answers.insert(path, reply);
        self.json(&format!("/a/accounts/{id}/groups"), groups);
    }

    fn json(&self, path: &str, json: &str) {
        self.world.lock().unwrap().answers.insert(path.to_owned(), Reply::Json(json.to_owned()));
    }

    fn tips(&self, tips: &[Revision]) {
        self.world.lock().unwrap().tips = tips.to_vec();
    }

    /// Puts one more commit on the change's meta ref.
    fn update(&self, message: &str) -> Revision {
        let tree = self.repo.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let parent =
            self.repo.try_git(&["rev-parse", "--verify", "--quiet", "refs/changes/07/7/meta"]);
        let parent = parent.map_or_else(|_| String::new(), |id| format!("parent {id}\n"));
        let commit = self.repo.raw_commit(&format!(
            "tree {tree}\n{parent}author Gerrit User 1 <1@server-1> 1700000000 +0000\n\
             committer Gerrit <g@h> 1700000000 +0000\n\n{message}"
        ));
        self.repo.git(&["update-ref", "refs/changes/07/7/meta", commit.as_str()]);
        commit
    }

    async fn facts(&self, rules: &dyn Rules) -> Result<ChangeFacts, FactsError> {
        self.gerrit.facts(&"infra".parse().unwrap(), ChangeNumber(7), rules).await
    }
}

fn change(tip: &Revision) -> String {
    format!(
        "{{\"project\":\"infra\",\"_number\":7,\"branch\":\"main\",\"status\":\"NEW\",\
         \"updated\":\"2026-11-25 00:30:47.000000000\",\"meta_rev_id\":\"{tip}\",\"owner\":{{\"_account_id\":1}},\
         \"current_revision\":\"{tip}\",\"revisions\":{{\"{tip}\":{{\"_number\":1}}}}}}"
    )
}

/// Rules that always need the same, and keep what they were asked.
struct Fixed {
    needs: Needs,
    inputs: Mutex<Vec<NeedsInput>>,
}

impl Fixed {
    fn all() -> Self {
        Self::of(Needs {
            ours: true,
            patch_sets: [PatchSetNumber(1)].into(),
            labels: ["Code-Review".to_owned(), "Nowhere".to_owned()].into(),
            accounts: [1, 2, 3, 4].map(AccountId).into(),
            groups: ["ops".parse().unwrap(), "others".parse().unwrap()].into(),
        })
    }

    fn of(needs: Needs) -> Self {
        Self { needs, inputs: Mutex::default() }
    }
}

impl Rules for Fixed {
    fn needs(&self, input: &[u8]) -> Result<Vec<u8>, String> {
        self.inputs.lock().unwrap().push(serde_json::from_slice(input).unwrap());
        Ok(serde_json::to_vec(&self.needs).unwrap())
    }
}

#[tokio::test]
async fn the_facts_that_are_needed_are_gathered_and_no_others() {
    let site = Site::new().await;
    let commit = site.repo.revision("main");
    site.json(
        "/a/changes/infra~7/tidegate~record",
        &format!("{{\"commit\":\"{commit}\",\"text\":\"{{}}\"}}"),
    );
    let rules = Fixed::all();
    let facts = site.facts(&rules).await.unwrap();

    assert_eq!((facts.schema, facts.server.as_str()), (1, "server-1"));
    assert_eq!(facts.meta.commits.len(), 1);
    let layers: Vec<_> = facts
        .settings
        .iter()
        .map(|l| (l.project.as_str(), l.text.as_str(), l.groups.as_str()))
        .collect();
    assert_eq!(
        layers,
        [("All-Projects", "", ""), ("infra", "mode = \"gate\"\n", "# UUID\tName\n")]
    );
    let patch_set = PatchSetFacts {
        revision: site.repo.revision("change"),
        parents: vec![commit.clone()],
        paths: vec!["app/x".to_owned(), "z".to_owned()],
        contributors: [AccountId(1)].into(),
    };
    assert_eq!(facts.patch_sets, BTreeMap::from([(PatchSetNumber(1), patch_set)]));
    assert_eq!(
        facts.labels,
        BTreeMap::from([("Code-Review".to_owned(), LabelRange { min: -2, max: 2 })])
    );
    let ops = BTreeSet::from(["ops".parse().unwrap()]);
    let account = |active, service, groups: &BTreeSet<GroupUuid>| AccountFacts {
        active,
        service,
        groups: groups.clone(),
    };
    let accounts = BTreeMap::from([
        (AccountId(1), account(true, false, &ops)),
        (AccountId(3), account(true, true, &BTreeSet::new())),
        (AccountId(4), account(false, false, &ops)),
    ]);
    assert_eq!(facts.accounts, accounts, "account 2 does not exist any more");
    assert_eq!(facts.record, Some(RecordFact { commit, text: "{}".to_owned() }));

    let inputs = rules.inputs.lock().unwrap();
    assert_eq!(inputs.len(), 1);
    let first = inputs.first().unwrap();
    assert_eq!((&first.meta, &first.settings), (&facts.meta, &facts.settings));
}

#[tokio::test]
async fn a_change_that_is_none_of_ours_costs_no_further_questions() {
    let site = Site::new().await;
    let facts = site.facts(&Fixed::of(Needs::default())).await.unwrap();
    assert!(facts.accounts.is_empty() && facts.patch_sets.is_empty() && facts.record.is_none());
    assert!(
        !site
            .fake
            .asked()
            .iter()
            .any(|asked| asked.contains("accounts") || asked.contains("labels"))
    );
}

#[tokio::test]
async fn a_patch_set_that_is_not_there_is_left_out() {
    let site = Site::new().await;
    let needs =
        Needs { ours: true, patch_sets: [1, 2].map(PatchSetNumber).into(), ..Needs::default() };
    let facts = site.facts(&Fixed::of(needs)).await.unwrap();
    assert_eq!(facts.patch_sets.keys().collect::<Vec<_>>(), [&PatchSetNumber(1)]);
}

#[tokio::test]
async fn a_label_whose_branches_only_gerrit_can_tell_counts_if_the_change_shows_it() {
    let site = Site::new().await;
    site.json(
        "/a/projects/infra/labels/?inherited=",
        r#"[{"name":"Code-Review","values":{" 0":""},"branches":["^refs/heads/m.*"]},{"name":"Nowhere","values":{" 0":""},"branches":["^x"]}]"#,
    );
    site.json("/a/changes/infra~7?o=DETAILED_LABELS", r#"{"labels":{"Code-Review":{}}}"#);
    let facts = site.facts(&Fixed::all()).await.unwrap();
    assert_eq!(facts.labels.keys().collect::<Vec<_>>(), ["Code-Review"]);
}

#[tokio::test]
async fn a_change_that_moves_is_read_again() {
    let site = Site::new().await;
    let first = site.repo.revision("refs/changes/07/7/meta");
    let second = site.update("Update patch set 1\n\nPatch-set: 1\nLabel: Code-Review=-2\n");
    site.tips(&[first, second.clone()]);
    let facts = site.facts(&Fixed::all()).await.unwrap();
    assert_eq!(facts.meta.tip, second);
    assert_eq!(facts.meta.commits.len(), 2);
}

#[tokio::test]
async fn a_change_that_never_holds_still_is_given_up() {
    let site = Site::new().await;
    let first = site.repo.revision("refs/changes/07/7/meta");
    let second = site.update("Update patch set 1\n\nPatch-set: 1\n");
    site.tips(&[&first, &second].repeat(10).into_iter().cloned().collect::<Vec<_>>());
    let error = site.facts(&Fixed::of(Needs::default())).await.unwrap_err();
    assert!(matches!(error, FactsError::KeepsMoving { rounds: ROUNDS, .. }), "{error}");
}

#[tokio::test]
async fn facts_are_refused_when_authors_cannot_be_told() {
    let site = Site::new().await;
    site.json("/a/accounts/self/capabilities", "{\"emailReviewers\":true}");
    let error = site.facts(&Fixed::all()).await.unwrap_err();
    assert!(error.to_string().contains("View Secondary Emails"), "{error}");
}

#[tokio::test]
async fn facts_are_refused_when_a_parents_settings_are_hidden() {
    let site = Site::new().await;
    let hidden = "/a/projects/All-Projects/branches/refs%2Fmeta%2Fconfig";
    site.world.lock().unwrap().answers.remove(hidden);
    let error = site.facts(&Fixed::all()).await.unwrap_err().to_string();
    assert!(error.contains("refs/meta/config of All-Projects can't be read"), "{error}");
}

#[tokio::test]
async fn a_vanished_change_is_told() {
    let site = Site::new().await;
    let error = site
        .gerrit
        .facts(&"infra".parse().unwrap(), ChangeNumber(8), &Fixed::all())
        .await
        .unwrap_err();
    assert!(matches!(error, FactsError::NoChange { number: ChangeNumber(8), .. }), "{error}");
}

#[tokio::test]
async fn a_core_that_refuses_is_quoted() {
    struct Refusing;
    impl Rules for Refusing {
        fn needs(&self, _: &[u8]) -> Result<Vec<u8>, String> {
            Err("schema 1 is not known".to_owned())
        }
    }
    let site = Site::new().await;
    let error = site.facts(&Refusing).await.unwrap_err().to_string();
    assert!(error.ends_with("schema 1 is not known"), "{error}");
}

#[tokio::test]
async fn an_account_that_cannot_be_asked_ends_it() {
    let site = Site::new().await;
    site.world
        .lock()
        .unwrap()
        .answers
        .insert("/a/accounts/3/groups".to_owned(), Reply::Text(403, "no"));
    assert!(matches!(
        site.facts(&Fixed::all()).await,
        Err(FactsError::Rest(RestError::Forbidden { .. }))
    ));
}

#[tokio::test]
async fn the_server_id_is_found_in_the_newest_change() {
    let site = Site::new().await;
    let tip = site.repo.revision("refs/changes/07/7/meta");
    let path = "/a/changes/?q=%28status%3Aopen+OR+status%3Aclosed%29&n=1&o=CURRENT_REVISION";
    site.json(path, &format!("[{}]", change(&tip)));
    let found = Gerrit::server_id(site.gerrit.client(), site.gerrit.mirrors()).await.unwrap();
    assert_eq!(found, Some("server-1".parse().unwrap()));
    site.json(path, "[]");
    assert_eq!(Gerrit::server_id(site.gerrit.client(), site.gerrit.mirrors()).await.unwrap(), None);
}
