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
