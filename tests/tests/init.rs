//! From a Gerrit with a repository of Pulumi programs to a gated project, by `tidegate init`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde_json::Value;
use std::fs;
use std::path::Path;
use tidegate_tests::{Change, Finished, Installation, Site, User};

/// Runs `init` for the project; `options` come after.
fn init(installation: &Installation, options: &[&str]) -> Finished {
    let config = installation.tidegate.config().to_string_lossy().into_owned();
    let project = installation.site.project.as_str();
    let mut words = vec!["init", "--config", &config, "--project", project];
    words.extend(options);
    installation.tidegate.run(&words).unwrap()
}

/// What `init --json` says, if it is done.
fn report(installation: &Installation, options: &[&str]) -> Value {
    let said = init(installation, &[&["--json"], options].concat());
    serde_json::from_str(&said.ok().unwrap()).unwrap()
}

fn outcomes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = report["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(&change["project"]), text(&change["outcome"]))).collect()
}

/// The change that a report names for a project.
fn change(report: &Value, project: &str) -> Change {
    let changes = report["changes"].as_array().unwrap();
    let named = changes.iter().find(|change| change["project"] == project).unwrap();
    let (_, number) = named["url"].as_str().unwrap().rsplit_once("/+/").unwrap();
    Change::new(project, number.parse().unwrap())
}

/// Lets the administrator approve and submit it.
fn submit(installation: &Installation, change: &Change) {
    let admin = installation.site.gerrit.admin();
    change.vote(&admin, "Code-Review", 2).unwrap();
    change.submit(&admin).unwrap().json().unwrap();
}

fn names<'v>(report: &'v Value, list: &str, key: &str) -> Vec<&'v str> {
    report[list].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap()).collect()
}

/// Lets the service account read the configuration that projects inherit.
fn let_it_read(installation: &Installation) {
    let site = &installation.site;
    let services = &site.groups.services;
    site.gerrit.grant("All-Projects", "refs/meta/config", "read", services).unwrap();
}

const GROUPS: [&str; 6] = [
    "--approve-group",
    "infra-approvers",
    "--operators",
    "infra-operators",
    "--trust",
    "infra-authors",
];

#[test]
fn a_project_is_set_up_by_one_reviewed_change_and_gated_from_then_on() {
    let mut installation = Installation::beside_plugin(Site::builder().deployed()).unwrap();
    let refused = init(&installation, &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("read = group Service Users"), "{}", refused.stderr);
    let_it_read(&installation);

    // A look first: nothing is pushed.
    let looked = init(&installation, &["--dry-run"]);
    assert_eq!(looked.code, Some(0), "{}", looked.stderr);
    for part in ["+mode = \"observe\"", "+id = \"app-prod\"", "+++ b/groups", "would propose"] {
        assert!(looked.stdout.contains(part), "{part}: {}", looked.stdout);
    }
    assert!(!looked.stdout.contains("submit-requirement"), "it only observes: {}", looked.stdout);

    // The change, and what the service account lacks.
    let options = [&["--mode", "gate"], &GROUPS[..4]].concat();
    let first = report(&installation, &options);
    assert_eq!(outcomes(&first), [("infra".to_owned(), "proposed".to_owned())]);
    let ids = ["app-prod", "app-staging", "network-prod", "network-staging"];
    assert_eq!(names(&first, "claims", "id"), ids);
    assert_eq!(names(&first, "claims", "environment"), ["prod", "staging", "prod", "staging"]);
    assert_eq!(first["claims"][0]["reads"], serde_json::json!(["network-prod"]));
    assert_eq!(first["notes"].as_array().unwrap().len(), 1, "nobody is trusted: {first}");
    let lacking = ["viewSecondaryEmails", "tidegate-followEvents", "tidegate-writeRecord"];
    assert_eq!(names(&first, "missing", "capability"), lacking);
    let set_up = change(&first, "infra");
    let admin = installation.site.gerrit.admin();
    assert_eq!(set_up.patch_set(&admin).unwrap(), 1);

    // More options amend it; the same ones leave it.
    let options = [&["--mode", "gate", "--all-projects"], &GROUPS[..]].concat();
    let amended = report(&installation, &options);
    let expected = [("infra", "amended"), ("All-Projects", "proposed")];
    assert_eq!(outcomes(&amended), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(change(&amended, "infra"), set_up);
    assert_eq!(set_up.patch_set(&admin).unwrap(), 2);
    let same = report(&installation, &options);
    let expected = [("infra", "waiting"), ("All-Projects", "waiting")];
    assert_eq!(outcomes(&same), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    submit(&installation, &set_up);
    submit(&installation, &change(&amended, "All-Projects"));

    // Nothing is left to do, also after Gerrit has written the configuration anew.
    let_push(&installation);
    let done = report(&installation, &["--all-projects"]);
    assert_eq!(outcomes(&done), [("infra".to_owned(), "nothing-to-do".to_owned())]);
    assert_eq!(done["missing"].as_array().unwrap().len(), 0);
    assert_eq!(names(&done, "claimed_already", "id"), ids);

    nobody_goes_around(&installation);
    let clone = installation.site.clone_as(&User::admin()).unwrap();
    let hidden = clone.git(&["ls-remote", "origin", "refs/tidegate/*"]).unwrap();
    assert_eq!(hidden, "");

    // Doctor finds the claims, and notices a configuration that was made for another server.
    let config = installation.tidegate.config().to_path_buf();
    let doctor = |config: &Path| {
        let config = config.to_string_lossy().into_owned();
        installation.tidegate.run(&["doctor", "--config", &config]).unwrap()
    };
    let well = doctor(&config);
    assert_eq!(well.code, Some(0), "{}{}", well.stdout, well.stderr);
    assert!(well.stdout.contains("infra: 4 claimed stack(s), mode Gate"), "{}", well.stdout);
    let other = installation.state.join("other.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&other, text.replace("[gerrit]\n", "[gerrit]\nserver_id = \"another\"\n")).unwrap();
    let ill = doctor(&other);
    assert_eq!(ill.code, Some(3), "{}{}", ill.stdout, ill.stderr);
    let id = installation.site.gerrit.server_id();
    assert!(
        ill.stdout.contains(&format!("BAD  server id: the plugin says {id}")),
        "{}",
        ill.stdout
    );

    // The host takes the claims, and a change waits for an approved plan.
    installation.tidegate.start().unwrap();
    let change = push_cidr(&installation);
    let rita = installation.site.gerrit.rest(&installation.site.rita);
    assert_eq!(change.requirement(&rita, "Tidegate").unwrap().as_deref(), Some("UNSATISFIED"));
    let (message, _) = installation.plan(&change, 1).unwrap();
    assert!(message.text.contains("network/staging: "), "{}", message.text);
    installation.submittable(&change, false).unwrap();
    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&change, true).unwrap();
}

#[test]
fn without_the_plugin_the_hosts_vote_is_the_gate_if_that_is_asked_for() {
    let mut installation = Installation::beside_bare_gerrit(Site::builder().deployed()).unwrap();
    let_it_read(&installation);
    let refused = init(&installation, &[]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("--no-plugin"), "{}", refused.stderr);
    // Also where the configuration believes that the plugin is there.
    let hopeful = installation.state.join("hopeful.toml");
    let text = fs::read_to_string(installation.tidegate.config()).unwrap();
    fs::write(&hopeful, text.replace("plugin = false", "plugin = true")).unwrap();
    let hopeful = hopeful.to_string_lossy().into_owned();
    let words = ["init", "--config", &hopeful, "--project", "infra"];
    let refused = installation.tidegate.run(&words).unwrap();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("tidegate.jar"), "{}", refused.stderr);

    // A group of its own, as docs/install.md has it.
    let gerrit = &installation.site.gerrit;
    gerrit.create_group("Tidegate Hosts", &[&installation.site.tide]).unwrap();
    let hosts = ["--no-plugin", "--service-group", "Tidegate Hosts"];
    let refused = init(&installation, &["--no-plugin", "--service-group", "infra-approvers"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("is not in the group infra-approvers"), "{}", refused.stderr);

    // Observe first: the claims are reviewed, and nothing is stopped.
    let first = report(&installation, &[&hosts[..], &GROUPS[..]].concat());
    submit(&installation, &change(&first, "infra"));
    assert_eq!(first["mode"], "observe");
    let push = push_cidr(&installation);
    let rita = installation.site.gerrit.rest(&installation.site.rita);
    push.vote(&rita, "Code-Review", 2).unwrap();
    assert!(push.is_submittable(&rita).unwrap());

    // Then the gate.
    let second = report(&installation, &[&hosts[..], &["--mode", "gate"]].concat());
    assert_eq!(outcomes(&second), [("infra".to_owned(), "proposed".to_owned())]);
    assert_ne!(change(&second, "infra"), change(&first, "infra"));
    submit(&installation, &change(&second, "infra"));
    let done = report(&installation, &hosts);
    assert_eq!(outcomes(&done), [("infra".to_owned(), "nothing-to-do".to_owned())]);
    assert_eq!(names(&done, "missing", "capability"), ["viewSecondaryEmails"]);
    assert!(!push.is_submittable(&rita).unwrap());
    let_push(&installation);
    nobody_goes_around(&installation);

    let site = &installation.site;
    let services = &site.groups.services;
    site.gerrit
        .grant("All-Projects", "GLOBAL_CAPABILITIES", "viewSecondaryEmails", services)
        .unwrap();
    installation.tidegate.start().unwrap();
    installation.plan(&push, 1).unwrap();
    push.delete_vote(&rita, installation.site.rita.id, "Code-Review").unwrap();
    push.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&push, true).unwrap();
}

/// Lets administrators push to every branch, as far as nothing blocks it.
fn let_push(installation: &Installation) {
    let gerrit = &installation.site.gerrit;
    let admins = gerrit.group("Administrators").unwrap();
    gerrit.grant("infra", "refs/heads/*", "push", &admins).unwrap();
    gerrit.grant("infra", "refs/heads/*", "delete", &admins).unwrap();
    gerrit.grant("infra", "refs/for/refs/heads/*", "submit", &admins).unwrap();
}

/// Nobody gets a commit onto the branch without a change that is submitted, not even who may push.
fn nobody_goes_around(installation: &Installation) {
    let clone = installation.site.clone_as(&User::admin()).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:6.6.6").unwrap();
    clone.commit("Go around the review").unwrap();
    for arguments in [
        &["HEAD:refs/heads/main"][..],
        &["--force", "HEAD:refs/heads/main"],
        &[":refs/heads/main"],
        &["HEAD:refs/for/main%submit"],
    ] {
        let push = clone.push(arguments).unwrap();
        assert!(!push.accepted, "{arguments:?}: {}", push.output);
        assert!(push.output.contains("prohibited by Gerrit"), "{arguments:?}: {}", push.output);
    }
    let other = clone.push(&["HEAD:refs/heads/other"]).unwrap();
    assert!(other.accepted, "only claimed branches are closed: {}", other.output);
}

/// Pushes another address range for the staging network, as Olivia.
fn push_cidr(installation: &Installation) -> Change {
    let clone = installation.site.clone_as(&installation.site.olivia).unwrap();
    clone.replace("network/Pulumi.staging.yaml", "10.1.", "10.9.").unwrap();
    clone.commit("Move the staging network").unwrap();
    clone.push_for("main", &[]).unwrap().change().unwrap()
}
