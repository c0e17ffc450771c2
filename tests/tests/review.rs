//! From a push in the real Gerrit to a plan on the change, by the real Pulumi.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;
use tidegate_tests::{Change, Installation, Site, eventually, finish};

/// Pushes a new image for the staging service, as Olivia.
fn push_image(installation: &Installation, image: &str) -> Change {
    let clone = installation.site.clone_as(&installation.site.olivia).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", image).unwrap();
    clone.commit("Deploy another shop to staging").unwrap();
    clone.push_for("main", &[]).unwrap().change().unwrap()
}

#[test]
fn without_the_plugin_one_vote_on_one_plan_makes_a_change_ready() {
    let mut installation = Installation::without_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    let change = push_image(&installation, "shop:1.1");
    let (message, _) = installation.plan(&change, 1).unwrap();
    assert!(message.text.contains("app/staging: 1 update"), "{}", message.text);
    installation.submittable(&change, false).unwrap();

    let rita = installation.site.gerrit.rest(&installation.site.rita);
    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&change, true).unwrap();
    change.delete_vote(&rita, installation.site.rita.id, "Code-Review").unwrap();
    installation.submittable(&change, false).unwrap();
}

#[test]
fn with_the_plugin_only_what_was_approved_is_submitted() {
    let mut installation = Installation::with_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    let site = &installation.site;
    let (olivia, rita) = (site.gerrit.rest(&site.olivia), site.gerrit.rest(&site.rita));
    let change = push_image(&installation, "shop:1.1");

    let (_, first) = installation.plan(&change, 1).unwrap();
    let requirement = |expected: &str| {
        let found = change.requirement(&rita, "Tidegate").unwrap();
        assert_eq!(found.as_deref(), Some(expected), "{}", installation.explain(&change));
    };
    requirement("UNSATISFIED");

    // Somebody else's record is not taken.
    let forged = serde_json::json!({ "expect": null, "text": "{}", "signature": "" });
    let answer = rita.call("PUT", &change.path("tidegate~record"), Some(&forged)).unwrap();
    assert_eq!(answer.status, 403, "{}", answer.body);

    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&change, true).unwrap();

    // A second patch set has another plan, and needs another vote.
    let clone = site.clone_as(&site.olivia).unwrap();
    clone.git(&["fetch", "origin", "refs/changes/*:refs/changes/*"]).unwrap();
    clone.reset(&change.revision(&olivia).unwrap()).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.1", "shop:1.2").unwrap();
    clone.amend().unwrap();
    clone.push_for("main", &[]).unwrap().change().unwrap();
    installation.submittable(&change, false).unwrap();
    let (_, second) = installation.plan(&change, 2).unwrap();
    assert_ne!(first, second);
    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&change, true).unwrap();
    requirement("SATISFIED");
    // The plugin may answer before the host has looked again.
    eventually("the host explains it", Duration::from_secs(60), || {
        let explained = installation.explain(&change);
        anyhow::ensure!(explained.contains("app-staging: plan "), "{explained}");
        Ok(Some(()))
    })
    .unwrap();
    change.submit(&rita).unwrap().json().unwrap();
    assert_eq!(change.status(&olivia).unwrap(), "MERGED");
}

#[test]
fn with_the_plugin_nobody_goes_around_the_review() {
    let mut installation = Installation::with_plugin(Site::builder()).unwrap();
    installation.tidegate.start().unwrap();
    let site = &installation.site;
    let admins = site.gerrit.group("Administrators").unwrap();
    site.gerrit.grant(&site.project, "refs/heads/*", "push", &admins).unwrap();
    // Somebody takes the block away that `tidegate init` put there: the plugin is there still.
    let block = serde_json::json!({ "refs/heads/main": { "permissions": { "push": {} } } });
    let access = serde_json::json!({ "remove": block });
    site.gerrit.change_access(&site.project, &access).unwrap();
    let clone = site.clone_as(&tidegate_tests::User::admin()).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:6.6.6").unwrap();
    clone.commit("Go around the review").unwrap();
    let push = clone.push_directly("main").unwrap();
    assert!(!push.accepted, "{}", push.output);
    assert!(push.output.contains("guarded by Tidegate"), "{}", push.output);
    let push = clone.push(&["HEAD:refs/tidegate/changes/01/1"]).unwrap();
    assert!(!push.accepted, "{}", push.output);
}

#[test]
fn a_plan_is_published_once_however_often_the_host_is_killed() {
    let mut installation = Installation::without_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    let change = push_image(&installation, "shop:1.1");
    for _ in 0..3 {
        drop(installation.tidegate.kill().unwrap());
        installation.tidegate.start().unwrap();
    }
    let (_, name) = installation.plan(&change, 1).unwrap();
    let olivia = installation.site.gerrit.rest(&installation.site.olivia);
    change.comment(&olivia, "Any news?").unwrap();
    drop(installation.tidegate.kill().unwrap());
    installation.tidegate.start().unwrap();
    // A second patch set's plan comes after anything that the first one could still cause.
    let clone = installation.site.clone_as(&installation.site.olivia).unwrap();
    clone.git(&["fetch", "origin", "refs/changes/*:refs/changes/*"]).unwrap();
    clone.reset(&change.revision(&olivia).unwrap()).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.1", "shop:1.2").unwrap();
    clone.amend().unwrap();
    clone.push_for("main", &[]).unwrap().change().unwrap();
    installation.plan(&change, 2).unwrap();
    let plans = change.messages(&olivia).unwrap();
    let plans = plans.iter().filter(|message| message.text.contains(&name)).count();
    assert_eq!(plans, 1);

    let ended = installation.tidegate.stop(Duration::from_secs(30)).unwrap();
    assert!(ended.is_some());
    let mut verify = std::process::Command::new(
        tidegate_tests::workspace::program("tidegate-verify", "tidegate-verify").unwrap(),
    );
    verify.arg(&installation.log).args(["--key", &installation.log_key]);
    finish(&mut verify, Duration::from_secs(60)).unwrap().ok().unwrap();
}
