//! Which approvals count.

use crate::host::Host;
use crate::world::{NOBODY, OLIVIA, RAVI, RITA, TIDE};
use rstest::rstest;
use tidegate_core::ids::AccountId;
use tidegate_core::verdict::Code;

/// The short name of the list that was published last.
fn list(host: &Host) -> String {
    let post = host.posts.last().unwrap();
    post.marker.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn one_vote_approves_one_plan() {
    let mut host = Host::published();
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
    host.world.vote(RITA, 2);
    assert!(host.world.verdict().submittable, "{:#?}", host.world.verdict());
}

#[test]
fn a_vote_from_before_the_plan_does_not_count_and_a_line_does() {
    let mut host = Host::new();
    host.world.vote(RITA, 2);
    host.look();
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
    let name = list(&host);
    host.world.say(RITA, &format!("Tidegate-Approve: {name}"));
    assert!(host.world.verdict().submittable);
}

#[rstest]
#[case::the_author(OLIVIA, 2)]
#[case::outside_the_group(NOBODY, 2)]
#[case::a_service_user(TIDE, 2)]
#[case::too_low(RITA, 1)]
fn these_votes_do_not_count(#[case] by: u32, #[case] value: i32) {
    let mut host = Host::published();
    host.world.vote(by, value);
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn a_vote_in_somebody_elses_name_does_not_count() {
    let mut host = Host::published();
    host.world.vote_as(NOBODY, RITA, 2);
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn a_vote_of_an_account_that_left_does_not_count() {
    let mut host = Host::published();
    host.world.vote(RITA, 2);
    host.world.accounts.get_mut(&AccountId(RITA)).unwrap().active = false;
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn a_vote_taken_back_does_not_count() {
    let mut host = Host::published();
    host.world.vote(RITA, 2);
    host.world.footer(RITA, "Label: -Code-Review");
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn a_withdrawal_ends_a_bare_vote_until_a_later_approval() {
    let mut host = Host::published();
    let name = list(&host);
    host.world.vote(RITA, 2);
    host.world.say(RITA, &format!("Tidegate-Withdraw: {name}"));
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
    host.world.say(RITA, &format!("Tidegate-Approve: {name}"));
    assert!(host.world.verdict().submittable);
}

#[test]
fn a_line_without_the_vote_is_worth_nothing() {
    let mut host = Host::published();
    let name = list(&host);
    host.world.say(RITA, &format!("Tidegate-Approve: {name}"));
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn after_a_second_plan_a_bare_vote_is_no_longer_plain() {
    let mut host = Host::published();
    host.program = "two".to_owned();
    host.inputs.insert("network-prod".parse().unwrap(), "other".to_owned());
    host.look();
    assert_eq!(host.posts.len(), 2);
    host.world.vote(RITA, 2);
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
    let name = list(&host);
    host.world.say(RITA, &format!("I read it.\n\nTidegate-Approve: {name}"));
    assert!(host.world.verdict().submittable, "{:#?}", host.world.verdict());
}

#[test]
fn a_vote_on_the_first_plan_does_not_approve_the_second() {
    let mut host = Host::published();
    host.world.vote(RITA, 2);
    host.program = "two".to_owned();
    host.inputs.insert("network-prod".parse().unwrap(), "other".to_owned());
    host.look();
    let verdict = host.world.verdict();
    let missing: Vec<_> =
        verdict.reasons.iter().filter_map(|r| r.stack.as_ref()).map(ToString::to_string).collect();
    assert_eq!(missing, ["network-prod"], "the other stack's plan is the same one");
}

#[rstest]
#[case::too_short("Tidegate-Approve: 0123456")]
#[case::not_hex("Tidegate-Approve: everything!!")]
#[case::unknown("Tidegate-Approve: 0123456789ab")]
#[case::quoted("> Tidegate-Approve: NAME")]
fn such_lines_approve_nothing(#[case] line: &str) {
    let mut host = Host::new();
    host.world.vote(RITA, 2);
    host.look();
    let line = line.replace("NAME", &list(&host));
    host.world.say(RITA, &line);
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn a_strangers_message_publishes_nothing() {
    let mut host = Host::published();
    let post = host.posts[0].clone();
    let mut forged = Host::published();
    forged.world.commits.retain(|commit| !commit.message.contains("Tidegate-Plan:"));
    forged.world.say_tagged(NOBODY, &post.message, &post.tag);
    forged.world.vote(RITA, 2);
    assert_eq!(forged.world.codes(), [Code::RecordMissing]);
    host.world.vote(RITA, 2);
    assert!(host.world.verdict().submittable);
}

#[test]
fn two_approvals_are_two_people() {
    let mut host = Host::new();
    host.world.settings =
        host.world.settings.replace("[defaults.approve]", "[defaults.approve]\ncount = 2");
    host.look();
    host.world.vote(RITA, 2);
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
    host.world.vote(RAVI, 2);
    assert!(host.world.verdict().submittable);
}

#[test]
fn a_new_patch_set_needs_a_new_approval() {
    let mut host = Host::published();
    host.world.vote(RITA, 2);
    host.world.upload(OLIVIA, &["network/Pulumi.yaml"]);
    assert_eq!(host.world.codes(), [Code::RecordOutdated]);
    host.look();
    host.world.footer(OLIVIA, "Copied-Label: Code-Review=+2, ab U <2@srv>");
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}
