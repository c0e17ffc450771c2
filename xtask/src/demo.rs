//! The walk of one change through a real Gerrit and a real Pulumi, a line for each thing that
//! happens.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::json;
use tidegate_tests::{Change, Installation, Repository, Site, User, eventually, finish, workspace};

use crate::build::{Built, build};
use crate::setup::setup;
use crate::terminal::{heading, say};

/// How the demo ends.
#[derive(Args)]
pub(crate) struct Ending {
    /// End at once instead of keeping the servers running.
    #[arg(long)]
    exit: bool,
}

/// What a playground is for.
#[derive(Args)]
pub(crate) struct Playground {
    /// Write URLs, users, passwords and folders to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Sets everything up and walks one change through it.
pub(crate) fn demo(ending: &Ending) -> Result<()> {
    let installation = installed()?;
    walk(&installation)?;
    if ending.exit {
        return Ok(());
    }
    keep_running(&installation)
}

/// Sets everything up and keeps it running.
pub(crate) fn playground(playground: &Playground) -> Result<()> {
    let installation = installed()?;
    let site = &installation.site;
    let people: Vec<_> = [&User::admin(), &site.olivia, &site.rita, &site.omar, &site.tide]
        .iter()
        .map(|user| json!({ "name": user.name, "password": user.password }))
        .collect();
    let known = json!({
        "gerrit": site.gerrit.url(),
        "tidegate": installation.tidegate.url(),
        "repository": site.project,
        "users": people,
        "stacks": ["network-staging", "app-staging", "network-prod", "app-prod"],
        "config": installation.tidegate.config(),
        "state": installation.state,
        "log": installation.log,
        "log_key": installation.log_key,
    });
    if let Some(path) = &playground.json {
        std::fs::write(path, format!("{known:#}\n"))
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    say(&format!("{known:#}"));
    keep_running(&installation)
}

/// Sets everything up and starts it.
pub(crate) fn installed() -> Result<Installation> {
    setup()?;
    let Built { programs, plugin } = build()?;
    // The harness takes what was just built.
    ensure!(plugin.is_some(), "there is no plugin in this source tree");
    workspace::use_built(&programs);
    heading("Starting");
    let pages = match env::var_os("TIDEGATE_GERRIT_WAR") {
        Some(_) => "from your gerrit.war, with its web pages",
        None => "from Maven artifacts: the real server, without web pages",
    };
    say(&format!("Gerrit comes {pages}"));
    let mut installation = Installation::with_plugin(Site::builder().deployed())?;
    installation.tidegate.start()?;
    say(&format!("Gerrit    {}", installation.site.gerrit.url()));
    say(&format!("Tidegate  {}/", installation.tidegate.url().trim_end_matches('/')));
    Ok(installation)
}

fn walk(installation: &Installation) -> Result<()> {
    let site = &installation.site;
    let (olivia, rita) = (site.gerrit.rest(&site.olivia), site.gerrit.rest(&site.rita));
    heading("Taking over");
    installation.adopt()?;
    say("tidegate adopt took the four stacks over as they are");
    heading("One change");
    let clone = site.clone_as(&site.olivia)?;
    let gateway = "outputs:\n  gatewayId: ${gateway.id}\n";
    clone.replace("network/Pulumi.yaml", "outputs:\n", gateway)?;
    clone.replace("network/Pulumi.yaml", "resources:\n", GATEWAY)?;
    clone.replace("app/Pulumi.yaml", "        image: ${image}\n", THROUGH_IT)?;
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:1.1")?;
    clone.commit("Send shop 1.1 through a gateway")?;
    let change = clone.push_for("main", &[])?.change()?;
    say(&format!("olivia pushed change {}: {}", change.number, page(installation, &change)));
    let (message, plan) = installation.plan(&change, 1)?;
    say(&format!("Tidegate published plan {plan}:"));
    quote(&message.text);

    let requirement = change.requirement(&rita, "Tidegate")?;
    ensure!(requirement.as_deref() == Some("UNSATISFIED"), "the gate is open: {requirement:?}");
    say("nobody can submit it yet:");
    let explained = eventually("tidegate explains it", Duration::from_secs(60), || {
        let said = installation.explain(&change);
        ensure!(said.contains("Tidegate-Approve"), "it says {said}");
        Ok(Some(said))
    })?;
    quote(&explained);

    again(&clone)?;
    let change = clone.push_for("main", &[])?.change()?;
    let (_, second) = installation.plan(&change, 2)?;
    say(&format!("olivia pushed patch set 2; Tidegate published plan {second}"));
    change.vote(&rita, "Code-Review", 2)?;
    installation.submittable(&change, true)?;
    say("rita voted Code-Review+2: one vote on one plan, and the gate is open");
    change.submit(&rita)?.json()?;
    say(&format!("rita submitted it: {}", change.status(&olivia)?));
    let message = installation.message(&change, |m| m.text.contains("Deployed: "))?;
    say(
        "Tidegate deployed it wave by wave; app got the gateway's id, which nobody knew at review:",
    );
    quote(&message.text);
    say(&format!("the rollout: {}/rollouts", installation.tidegate.url().trim_end_matches('/')));

    held(installation)?;
    refused(installation)?;
    around(installation)?;
    trail(installation)?;
    verify(installation)
}

/// A resource whose id is known only after it was created.
const GATEWAY: &str = "resources:\n  gateway:\n    type: pulumi:index:Stash\n    properties:\n      \
                       input:\n        vpc: ${vpc.id}\n";

/// A service that gets that id from the other stack.
const THROUGH_IT: &str =
    "        image: ${image}\n        gateway: ${network.outputs[\"gatewayId\"]}\n";

/// Somebody changes a stack by hand between the approval and the deploy.
fn held(installation: &Installation) -> Result<()> {
    let site = &installation.site;
    let rita = site.gerrit.rest(&site.rita);
    heading("A stranger");
    let clone = site.clone_as(&site.olivia)?;
    clone.replace("app/Pulumi.prod.yaml", "shop:1.0", "shop:1.2")?;
    clone.commit("Deploy shop 1.2 to prod")?;
    let change = clone.push_for("main", &[])?.change()?;
    say(&format!("olivia pushed change {}: {}", change.number, page(installation, &change)));
    installation.plan(&change, 1)?;
    change.vote(&rita, "Code-Review", 2)?;
    installation.submittable(&change, true)?;

    let stranger = site.clone_as(&site.omar)?;
    stranger.replace("app/Pulumi.prod.yaml", "shop:1.0", "shop:by-hand")?;
    let arguments = ["up", "--yes", "--skip-preview", "--stack", "prod"];
    site.pulumi.run(&stranger.folder().join("app"), &arguments)?.ok()?;
    say("rita approved it; then somebody ran `pulumi up` by hand");
    change.submit(&rita)?.json()?;
    let message = installation.message(&change, |m| m.text.contains("Held: "))?;
    say("rita submitted it, and Tidegate holds the deploy:");
    quote(&message.text);
    let name = message.text.split("Tidegate-Approve: ").nth(1).unwrap_or_default();
    let name: String = name.chars().take_while(char::is_ascii_hexdigit).collect();
    change.comment(&rita, &format!("Tidegate-Approve: {name}"))?;
    installation.message(&change, |m| m.text.contains("Deployed: "))?;
    say(&format!("rita wrote \"Tidegate-Approve: {name}\", and it was deployed"));
    Ok(())
}

/// A policy module objects to a plan.
fn refused(installation: &Installation) -> Result<()> {
    let site = &installation.site;
    let rita = site.gerrit.rest(&site.rita);
    heading("A policy");
    installation.enforce("{ protected-types = [\"pulumi:index:Stash\"] }")?;
    say("an administrator had the module guardrails protect resources of one type");
    let clone = site.clone_as(&site.olivia)?;
    clone.replace("network/Pulumi.yaml", GATEWAY.trim_start_matches("resources:\n"), "")?;
    clone.replace("network/Pulumi.yaml", "  gatewayId: ${gateway.id}\n", "")?;
    clone.replace("app/Pulumi.yaml", "        gateway: ${network.outputs[\"gatewayId\"]}\n", "")?;
    clone.commit("Do without the gateway")?;
    let change = clone.push_for("main", &[])?.change()?;
    installation.plan(&change, 1)?;
    change.vote(&rita, "Code-Review", 2)?;
    let explained = eventually("the module is heard", Duration::from_secs(60), || {
        let said = installation.explain(&change);
        ensure!(said.contains("guardrails"), "it says {said}");
        Ok(Some(said))
    })?;
    installation.submittable(&change, false)?;
    say("olivia pushed a change that deletes one; rita approved it, and the gate stays shut:");
    quote(&explained);
    Ok(())
}

/// What the stacks are left with, and where that came from.
fn trail(installation: &Installation) -> Result<()> {
    let site = &installation.site;
    heading("The trail");
    let clone = site.clone_as(&site.olivia)?;
    for stack in ["staging", "prod"] {
        let arguments = ["stack", "output", "--stack", stack, "--json"];
        let said = site.pulumi.run(&clone.folder().join("app"), &arguments)?.ok()?;
        say(&format!("app/{stack} has {}", said.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    quote(&installation.rollouts());
    Ok(())
}

/// The second patch set.
fn again(clone: &Repository) -> Result<()> {
    clone.replace("app/Pulumi.staging.yaml", "shop:1.1", "shop:1.2")?;
    clone.amend()?;
    Ok(())
}

/// Somebody with the right to push tries to.
fn around(installation: &Installation) -> Result<()> {
    let site = &installation.site;
    let admins = site.gerrit.group("Administrators")?;
    site.gerrit.grant(&site.project, "refs/heads/*", "push", &admins)?;
    let clone = site.clone_as(&User::admin())?;
    clone.replace("app/Pulumi.prod.yaml", "shop:1.2", "shop:6.6.6")?;
    clone.commit("Go around the review")?;
    let push = clone.push_directly("main")?;
    ensure!(!push.accepted, "a direct push was taken: {}", push.output);
    say("admin, who has the right to push, pushed straight to main and was refused:");
    let told =
        |line: &&str| ["Tidegate", "prohibited", "rejected"].iter().any(|w| line.contains(w));
    let said = push.output.lines().filter(told);
    quote(&said.collect::<Vec<_>>().join("\n"));
    Ok(())
}

/// Checks the log without the writer's code.
fn verify(installation: &Installation) -> Result<()> {
    let mut verify = Command::new(workspace::program("tidegate-verify", "tidegate-verify")?);
    verify.arg(&installation.log).args(["--key", &installation.log_key]);
    let said = finish(&mut verify, Duration::from_secs(60))?.ok()?;
    say("tidegate-verify read the log:");
    quote(&said);
    Ok(())
}

fn keep_running(installation: &Installation) -> Result<()> {
    heading("Running until Ctrl-C");
    say(&format!("Gerrit    {}", installation.site.gerrit.url()));
    say(&format!("Tidegate  {}", installation.tidegate.url()));
    loop {
        std::thread::park();
    }
}

fn page(installation: &Installation, change: &Change) -> String {
    let url = installation.tidegate.url();
    format!("{}/change/{}", url.trim_end_matches('/'), change.number)
}

fn quote(text: &str) {
    for line in text.trim().lines() {
        say(&format!("    {line}"));
    }
}
