//! From a submit in the real Gerrit to stacks that the real Pulumi deployed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use tidegate_tests::{Change, Installation, Site};

/// Pushes a new image for a service, as Olivia.
fn push_image(installation: &Installation, stack: &str, image: &str) -> Change {
    let clone = installation.site.clone_as(&installation.site.olivia).unwrap();
    let before = "shop:1.0";
    clone.replace(&format!("app/Pulumi.{stack}.yaml"), before, image).unwrap();
    clone.commit("Deploy another shop").unwrap();
    clone.push_for("main", &[]).unwrap().change().unwrap()
}

/// The output `image` of a service, as the state has it.
fn image(installation: &Installation, stack: &str) -> String {
    let site = &installation.site;
    let clone = site.clone_as(&site.olivia).unwrap();
    let arguments = ["stack", "output", "--stack", stack, "image"];
    let said = site.pulumi.run(&clone.folder().join("app"), &arguments).unwrap().ok().unwrap();
    said.trim().to_owned()
}

#[test]
fn what_was_approved_and_submitted_is_deployed() {
    let mut installation = Installation::with_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    installation.adopt().unwrap();
    let site = &installation.site;
    let rita = site.gerrit.rest(&site.rita);
    let change = push_image(&installation, "staging", "shop:1.1");
    installation.plan(&change, 1).unwrap();
    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&change, true).unwrap();
    assert_eq!(image(&installation, "staging"), "shop:1.0");
    change.submit(&rita).unwrap().json().unwrap();

    let message = installation.message(&change, |m| m.text.contains("Deployed: ")).unwrap();
    assert!(message.text.contains("app/staging: deployed in"), "{}", message.text);
    assert!(message.text.contains("Log checkpoint: tidegate.test/log "), "{}", message.text);
    assert_eq!(image(&installation, "staging"), "shop:1.1");
}

/// Approves and submits a change whose plan is published.
fn approve_and_submit(installation: &Installation, change: &Change) {
    let rita = installation.site.gerrit.rest(&installation.site.rita);
    installation.plan(change, 1).unwrap();
    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(change, true).unwrap();
    change.submit(&rita).unwrap().json().unwrap();
}

#[test]
fn an_output_that_was_unknown_at_review_needs_no_second_vote() {
    let mut installation = Installation::with_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    installation.adopt().unwrap();
    let site = &installation.site;
    let clone = site.clone_as(&site.olivia).unwrap();
    let gateway = "outputs:\n  gatewayId: ${gateway.id}\n";
    clone.replace("network/Pulumi.yaml", "outputs:\n", gateway).unwrap();
    let resource = "resources:\n  gateway:\n    type: pulumi:index:Stash\n    properties:\n      \
                    input:\n        vpc: ${vpc.id}\n";
    clone.replace("network/Pulumi.yaml", "resources:\n", resource).unwrap();
    let input = "        image: ${image}\n        gateway: ${network.outputs[\"gatewayId\"]}\n";
    clone.replace("app/Pulumi.yaml", "        image: ${image}\n", input).unwrap();
    clone.commit("Send the service through a gateway").unwrap();
    let change = clone.push_for("main", &[]).unwrap().change().unwrap();
    let (message, _) = installation.plan(&change, 1).unwrap();
    assert!(message.text.contains("Known only after network/prod: gatewayId"), "{}", message.text);
    approve_and_submit(&installation, &change);

    let message = installation.message(&change, |m| m.text.contains("Deployed: ")).unwrap();
    assert!(message.text.contains("Deployed: 4 stack(s)"), "{}", message.text);
    let output = |project: &str, name: &str| {
        let folder = clone.folder().join(project);
        let arguments = ["stack", "output", "--stack", "prod", "--json", name];
        site.pulumi.run(&folder, &arguments).unwrap().ok().unwrap()
    };
    let gateway: String = serde_json::from_str(&output("network", "gatewayId")).unwrap();
    let service: serde_json::Value = serde_json::from_str(&output("app", "service")).unwrap();
    assert_eq!(service["gateway"], gateway.as_str());
}

#[test]
fn what_a_stranger_changed_is_held_until_the_new_plan_is_approved() {
    let mut installation = Installation::with_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    installation.adopt().unwrap();
    let site = &installation.site;
    let change = push_image(&installation, "staging", "shop:1.1");
    installation.plan(&change, 1).unwrap();

    let stranger = site.clone_as(&site.omar).unwrap();
    stranger.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:by-hand").unwrap();
    let arguments = ["up", "--yes", "--skip-preview", "--stack", "staging"];
    let folder = stranger.folder().join("app");
    site.pulumi.run(&folder, &arguments).unwrap().ok().unwrap();
    approve_and_submit(&installation, &change);

    let held = installation.message(&change, |m| m.text.contains("Held: ")).unwrap();
    assert!(held.text.contains("was changed by somebody else"), "{}", held.text);
    assert!(!held.text.contains("by-hand"), "{}", held.text);
    assert_eq!(image(&installation, "staging"), "shop:by-hand");
    let name = held.text.split("Tidegate-Approve: ").nth(1).unwrap()[..12].to_owned();
    let rita = site.gerrit.rest(&site.rita);
    change.comment(&rita, &format!("Tidegate-Approve: {name}")).unwrap();
    installation.message(&change, |m| m.text.contains("Deployed: ")).unwrap();
    assert_eq!(image(&installation, "staging"), "shop:1.1");
}

#[test]
fn a_host_that_is_killed_after_the_submit_deploys_after_its_start() {
    let mut installation = Installation::with_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    installation.adopt().unwrap();
    let change = push_image(&installation, "staging", "shop:1.1");
    approve_and_submit(&installation, &change);
    drop(installation.tidegate.kill().unwrap());
    installation.tidegate.start().unwrap();
    installation.message(&change, |m| m.text.contains("Deployed: ")).unwrap();
    assert_eq!(image(&installation, "staging"), "shop:1.1");
}

#[test]
fn a_push_past_review_holds_the_next_rollout_until_an_operator_releases_it() {
    let mut installation = Installation::without_plugin(Site::builder().deployed()).unwrap();
    installation.tidegate.start().unwrap();
    installation.adopt().unwrap();
    let site = &installation.site;
    let admins = site.gerrit.group("Administrators").unwrap();
    site.gerrit.grant(&site.project, "refs/heads/*", "push", &admins).unwrap();
    // `tidegate init` blocks pushes; an administrator can take that away.
    let block = serde_json::json!({ "refs/heads/main": { "permissions": { "push": {} } } });
    let body = serde_json::json!({ "remove": block });
    site.gerrit.change_access(&site.project, &body).unwrap();
    // Gerrit took all rights on the branch away; the host's vote is still wanted.
    let (services, label) = (&site.groups.services, "Pulumi-Preview");
    let main = "refs/heads/main";
    site.gerrit.grant_label(&site.project, main, label, services, (-1, 1)).unwrap();
    let admin = site.clone_as(&tidegate_tests::User::admin()).unwrap();
    admin.write("README", "Past review\n").unwrap();
    admin.commit("Go around the review").unwrap();
    let push = admin.push_directly("main").unwrap();
    assert!(push.accepted, "{}", push.output);

    let change = push_image(&installation, "staging", "shop:1.1");
    approve_and_submit(&installation, &change);
    let waits = || {
        let said = installation.rollouts();
        anyhow::ensure!(said.contains("came past review"), "{said}");
        Ok(Some(()))
    };
    let patience = std::time::Duration::from_secs(60);
    tidegate_tests::eventually("the rollout waits", patience, waits).unwrap();
    assert_eq!(image(&installation, "staging"), "shop:1.0");
    let omar = site.gerrit.rest(&site.omar);
    change.comment(&omar, "Tidegate-Release: the push was looked at").unwrap();
    installation.message(&change, |m| m.text.contains("Deployed: ")).unwrap();
    assert_eq!(image(&installation, "staging"), "shop:1.1");
}

#[test]
fn what_a_policy_module_objects_to_is_not_submitted() {
    let mut installation = Installation::with_plugin(Site::builder().deployed()).unwrap();
    installation.enforce("{ protected-types = [\"pulumi:index:Stash\"] }").unwrap();
    installation.tidegate.start().unwrap();
    installation.adopt().unwrap();
    let site = &installation.site;
    let (olivia, rita) = (site.gerrit.rest(&site.olivia), site.gerrit.rest(&site.rita));
    let clone = site.clone_as(&site.olivia).unwrap();
    let stash = "  subnets:\n    type: pulumi:index:Stash\n    properties:\n      input:\n        \
                 vpc: ${vpc.id}\n        count: ${subnetCount}\n";
    clone.replace("network/Pulumi.yaml", stash, "").unwrap();
    clone.replace("network/Pulumi.yaml", "  subnets: ${subnets.input}\n", "").unwrap();
    clone.commit("Do without subnets").unwrap();
    let change = clone.push_for("main", &[]).unwrap().change().unwrap();
    installation.plan(&change, 1).unwrap();
    change.vote(&rita, "Code-Review", 2).unwrap();
    let patience = std::time::Duration::from_secs(60);
    tidegate_tests::eventually("the module's finding refuses it", patience, || {
        let said = installation.explain(&change);
        anyhow::ensure!(said.contains("guardrails"), "{said}");
        Ok(Some(()))
    })
    .unwrap();
    installation.submittable(&change, false).unwrap();
    assert_eq!(change.requirement(&rita, "Tidegate").unwrap().as_deref(), Some("UNSATISFIED"));

    clone.reset(&change.revision(&olivia).unwrap()).unwrap();
    clone.git(&["checkout", "--quiet", "HEAD~1", "--", "network"]).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:1.1").unwrap();
    clone.amend().unwrap();
    clone.push_for("main", &[]).unwrap().change().unwrap();
    installation.plan(&change, 2).unwrap();
    change.vote(&rita, "Code-Review", 2).unwrap();
    installation.submittable(&change, true).unwrap();
}
