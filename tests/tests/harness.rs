//! The harness against the real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tidegate_tests::{Ended, Gerrit, Pulumi, Repository, Rest, Site, User, Warded, eventually};

#[test]
fn a_change_is_pushed_voted_on_read_and_submitted() {
    let site = Site::builder().build().unwrap();
    let (olivia, rita) = (site.gerrit.rest(&site.olivia), site.gerrit.rest(&site.rita));

    let clone = site.clone_as(&site.olivia).unwrap();
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:1.1").unwrap();
    let first = clone.commit("Deploy shop 1.1 to staging").unwrap();
    let change = clone.push_for("main", &[]).unwrap().change().unwrap();
    assert_eq!(change.revision(&olivia).unwrap(), first.id);
    assert_eq!(change.patch_set(&olivia).unwrap(), 1);

    clone.replace("app/Pulumi.staging.yaml", "shop:1.1", "shop:1.2").unwrap();
    let second = clone.amend().unwrap();
    assert_eq!(second.change_id, first.change_id);
    let again = clone.push_for("main", &["wip"]).unwrap().change().unwrap();
    assert_eq!(again, change);
    assert_eq!(change.patch_set(&olivia).unwrap(), 2);
    change.set_work_in_progress(&olivia, false).unwrap();

    assert_eq!(change.submit(&rita).unwrap().status, 409);
    change.vote(&rita, "Code-Review", 2).unwrap();
    change.comment(&olivia, "Thank you!").unwrap();
    assert_eq!(change.votes(&olivia, "Code-Review").unwrap(), [(site.rita.id, 2)]);
    let messages = change.messages(&olivia).unwrap();
    let last = messages.last().unwrap();
    assert_eq!((last.author, last.patch_set), (Some(site.olivia.id), 2));
    assert!(last.text.ends_with("Thank you!"), "{}", last.text);
    assert_eq!(change.requirement(&rita, "Code-Review").unwrap().as_deref(), Some("SATISFIED"),);
    assert!(change.is_submittable(&rita).unwrap());

    change.submit(&rita).unwrap().json().unwrap();
    assert_eq!(change.status(&olivia).unwrap(), "MERGED");
    let tip = site.gerrit.tip(&site.project, "refs/heads/main").unwrap();
    assert_eq!(tip.as_deref(), Some(second.id.as_str()));

    let direct = clone.push_directly("main").unwrap();
    assert!(direct.accepted, "nothing to push: {}", direct.output);
    clone.write("note", "around the review").unwrap();
    clone.commit("Go around the review").unwrap();
    let direct = clone.push_directly("main").unwrap();
    assert!(!direct.accepted);
    assert!(direct.output.contains("prohibited by Gerrit"), "{}", direct.output);
}

#[test]
fn a_change_is_made_private_abandoned_and_restored() {
    let site = Site::builder().build().unwrap();
    let (olivia, rita) = (site.gerrit.rest(&site.olivia), site.gerrit.rest(&site.rita));
    let clone = site.clone_as(&site.olivia).unwrap();
    clone.write("note", "text").unwrap();
    clone.commit("Add a note").unwrap();
    let change = clone.push_for("main", &[]).unwrap().change().unwrap();
    change.set_private(&olivia, true).unwrap();
    assert_eq!(rita.call("GET", &change.path(""), None).unwrap().status, 404);
    change.set_private(&olivia, false).unwrap();
    change.abandon(&olivia).unwrap();
    assert_eq!(change.status(&rita).unwrap(), "ABANDONED");
    change.restore(&olivia).unwrap();
    change.vote(&rita, "Code-Review", 1).unwrap();
    change.delete_vote(&rita, site.rita.id, "Code-Review").unwrap();
    assert!(change.votes(&rita, "Code-Review").unwrap().is_empty());
    change.delete(&site.gerrit.admin()).unwrap();
    assert_eq!(rita.call("GET", &change.path(""), None).unwrap().status, 404);
}

#[test]
fn a_gerrit_comes_back_with_its_changes_after_a_crash_and_after_a_restart() {
    let mut gerrit = Gerrit::start().unwrap();
    let mut tide = gerrit.create_user("tide").unwrap();
    gerrit.add_ssh_key(&mut tide).unwrap();
    let token = gerrit.create_token(&tide, "ci").unwrap();
    gerrit.create_project("team/infra", "REBASE_ALWAYS").unwrap();

    let by_token = Rest::with_password(&gerrit.url(), "tide", &token);
    assert_eq!(by_token.get("accounts/self").unwrap()["_account_id"], tide.id);
    let mut with_token = tide.clone();
    with_token.password = token;
    let folder = tempfile::tempdir().unwrap();
    let clone =
        Repository::clone(&gerrit.url(), "team/infra", &with_token, &folder.path().join("clone"))
            .unwrap();
    clone.write("note", "text").unwrap();
    clone.commit("Add a note").unwrap();
    let change = clone.push_for("main", &["topic=notes"]).unwrap().change().unwrap();

    let pid = gerrit.pid();
    gerrit.kill().unwrap();
    gerrit.resume().unwrap();
    assert_ne!(gerrit.pid(), pid);
    let found = gerrit.admin().get("changes/?q=topic:notes").unwrap();
    assert_eq!(found[0]["_number"], change.number);
    gerrit.set("gerrit.reportBugUrl", "http://127.0.0.1/bugs").unwrap();
    gerrit.restart().unwrap();
    let info = gerrit.anonymous().get("config/server/info").unwrap();
    assert_eq!(info["gerrit"]["report_bug_url"], "http://127.0.0.1/bugs");
    assert_eq!(info["gerrit"]["instance_id"], gerrit.instance_id());
    gerrit.set_active(&tide, false).unwrap();
    assert_eq!(by_token.call("GET", "accounts/self", None).unwrap().status, 401);
    assert!(gerrit.known_host().unwrap().contains(" ssh-ed25519 "));
    assert!(gerrit.log_tail(200).contains("ready"));
}

#[test]
fn the_sample_programs_preview_and_deploy_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let pulumi = Pulumi::new(folder.path()).unwrap();
    let [network, app] = ["network", "app"].map(|name| {
        let copy = folder.path().join(name);
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(Site::programs().join(name)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        copy
    });
    for project in [&network, &app] {
        pulumi.init(project, "staging").unwrap();
    }
    let (plan, events) = (folder.path().join("plan.json"), folder.path().join("events.jsonl"));

    let shown = pulumi.preview(&network, "staging", &plan, &events).unwrap();
    assert!(shown.contains("vpcId  : [unknown]"), "{shown}");
    assert!(shown.contains("3 to create"), "{shown}");
    assert!(fs::read_to_string(&plan).unwrap().contains("resourcePlans"));
    assert!(fs::read_to_string(&events).unwrap().contains("summaryEvent"));
    let shown = pulumi.preview(&app, "staging", &plan, &events).unwrap();
    assert!(!shown.contains("cidr"), "the network has no outputs yet: {shown}");
    assert_eq!(pulumi.outputs(&network, "staging").unwrap(), serde_json::json!({}));

    pulumi.up(&network, "staging").unwrap();
    pulumi.up(&app, "staging").unwrap();
    let network = pulumi.outputs(&network, "staging").unwrap();
    let app = pulumi.outputs(&app, "staging").unwrap();
    assert_eq!(network["cidr"], "10.1.0.0/16");
    assert_eq!(app["service"]["vpc"], network["vpcId"]);
    assert!(network["vpcId"].is_string());
    assert!(pulumi.locks("app", "staging").unwrap().is_empty());
}

#[test]
fn a_gerrit_ends_when_it_is_dropped() {
    let gerrit = Gerrit::start().unwrap();
    let (url, site) = (gerrit.url(), gerrit.site());
    let rest = Rest::gerrit(&url, &User::admin());
    assert!(rest.get("config/server/version").unwrap().is_string());
    drop(gerrit);
    assert!(rest.get("config/server/version").is_err());
    assert!(!site.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_program_left_running_goes_on_until_its_warden_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("timeout");
    command.args(["600", "sleep", "600"]).env("PATH", std::env::var_os("PATH").unwrap());
    let mut warded = Warded::start("timeout", &command, &folder.path().join("log")).unwrap();
    let pid = warded.pid();
    let child = eventually("timeout has started sleep", Duration::from_secs(60), || {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        Ok(children.split_whitespace().next().map(str::to_owned))
    })
    .unwrap();
    let sleeps = || Path::new("/proc").join(&child).exists();

    assert_eq!(warded.ended(), None);
    assert_eq!(warded.kill().unwrap(), Ended::Signal(9));
    assert!(warded.check_runs().is_err());
    assert!(sleeps());
    drop(warded);
    assert!(!sleeps());
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let command = Command::new("/no/such/program");
    let started = Warded::start("the server", &command, &folder.path().join("log"));
    let error = started.err().unwrap().to_string();
    assert!(error.contains("failed to start the server"), "{error}");
    assert!(error.contains("No such file"), "{error}");
}

#[test]
fn waiting_ends_with_the_reason_of_the_last_look() {
    let error = eventually("the sea is sweet", Duration::ZERO, || {
        anyhow::bail!("it is salt") as anyhow::Result<Option<()>>
    });
    let error = format!("{:#}", error.unwrap_err());
    assert_eq!(error, "the sea is sweet: not within 0ns: it is salt");
}
