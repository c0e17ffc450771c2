//! From a push to a published plan.

use crate::host::Host;
use crate::world::{NOBODY, OLIVIA};
use tidegate_core::review::{ReviewInput, VoteMeaning};
use tidegate_core::steps::Steps;
use tidegate_core::verdict::Code;

/// The steps of one created resource.
pub fn some_steps() -> Steps {
    serde_json::from_str(include_str!("steps.json")).unwrap()
}

#[test]
fn a_patch_set_is_previewed_recorded_and_published_once() {
    let mut host = Host::published();
    assert_eq!(host.previews, ["network-staging", "network-prod"]);
    assert_eq!(host.posts.len(), 1, "{:?}", host.posts);
    let post = &host.posts[0];
    assert!(post.message.ends_with(&post.marker), "{}", post.message);
    assert_eq!(post.labels.values().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(host.log, ["plan-published"]);
    for _ in 0..3 {
        host.look();
    }
    assert_eq!((host.previews.len(), host.posts.len()), (2, 1));
}

#[test]
fn hints_during_a_read_make_one_more_read() {
    let mut host = Host::new();
    for _ in 0..5 {
        host.hint();
    }
    assert_eq!(host.queue.len(), 1);
    host.settle();
    assert_eq!(host.posts.len(), 1);
    assert!(host.queue.is_empty());
}

#[test]
fn a_new_patch_set_cancels_the_previews_of_the_last() {
    let mut host = Host::new();
    host.hint();
    host.settle_reads();
    let running: Vec<_> = host
        .queue
        .iter()
        .filter(|e| e.action.kind() == "preview")
        .map(|e| e.id.to_string())
        .collect();
    assert_eq!(running.len(), 2);
    host.queue.clear();
    host.world.upload(OLIVIA, &["network/Pulumi.yaml"]);
    host.hint();
    host.settle_reads();
    assert!(running.iter().all(|id| host.cancelled.contains(id)), "{:?}", host.cancelled);
}

#[test]
fn a_moved_branch_previews_only_what_it_changed() {
    let mut host = Host::published();
    host.inputs.insert("network-prod".parse().unwrap(), "other".to_owned());
    host.look();
    assert_eq!(host.previews, ["network-staging", "network-prod", "network-prod"]);
    assert_eq!(host.posts.len(), 1, "equal steps are the same plan");
    host.program = "two".to_owned();
    host.inputs.insert("network-prod".parse().unwrap(), "another".to_owned());
    host.look();
    assert_eq!(host.posts.len(), 2, "other steps are another plan");
}

#[test]
fn a_stranger_is_not_previewed() {
    let mut host = Host::new();
    host.world.upload(NOBODY, &["network/Pulumi.yaml"]);
    host.look();
    assert!(host.previews.is_empty());
    assert_eq!(host.world.codes(), [Code::UploaderUntrusted]);
    assert!(host.posts[0].message.contains("trusted"));
}

#[test]
fn a_failed_preview_is_said_and_can_be_asked_for_again() {
    let mut host = Host::new();
    host.failing.insert("network-prod".to_owned());
    host.look();
    assert_eq!(host.posts.len(), 1);
    assert!(
        host.posts[0].message.starts_with("1 of 2 preview(s) failed."),
        "{}",
        host.posts[0].message
    );
    assert_eq!(host.world.codes(), [Code::PreviewFailed, Code::RecordMissing]);
    host.failing.clear();
    host.step(ReviewInput::Rerun { stacks: vec![] });
    host.settle();
    assert_eq!(host.previews.len(), 3, "what ended well is kept");
    assert_eq!(host.posts.len(), 2);
}

#[test]
fn a_change_to_other_paths_is_recorded_and_not_commented() {
    let mut host = Host::new();
    host.world.upload(OLIVIA, &["docs/readme.md"]);
    host.look();
    assert!(host.previews.is_empty());
    assert!(host.posts.iter().all(|post| post.message.is_empty()));
    assert!(host.world.verdict().submittable);
}

#[test]
fn settings_that_do_not_parse_are_said_on_the_change() {
    let mut host = Host::new();
    host.world.settings = "schema = 1\nmode = \"deply\"\n".to_owned();
    host.look();
    assert!(host.previews.is_empty());
    assert!(host.posts[0].message.contains("mode"), "{}", host.posts[0].message);
    assert_eq!(host.world.codes(), [Code::SettingsError]);
}

#[test]
fn without_the_plugin_the_vote_is_the_verdict() {
    let mut host = Host::new();
    host.plugin = false;
    host.meaning = VoteMeaning::Ready;
    host.look();
    assert_eq!(host.posts.last().unwrap().labels["Pulumi-Preview"], 0);
    host.world.vote(crate::world::RITA, 2);
    host.look();
    assert_eq!(host.posts.last().unwrap().labels["Pulumi-Preview"], 1);
    host.world.footer(crate::world::RITA, "Label: -Code-Review");
    host.look();
    assert_eq!(host.posts.last().unwrap().labels["Pulumi-Preview"], 0);
}

#[test]
fn a_merged_change_is_let_go() {
    let mut host = Host::published();
    host.world.submit_by_rebase(crate::world::RITA);
    host.look();
    assert!(host.state.unwrap().seen.is_none());
}
