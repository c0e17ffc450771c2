//! What stands against a submit, and what does not.

use crate::host::Host;
use crate::world::{OLIVIA, RITA};
use rstest::rstest;
use tidegate_core::verdict::{Code, Outcome};

fn ready() -> Host {
    let mut host = Host::published();
    host.world.vote(RITA, 2);
    assert!(host.world.verdict().submittable);
    host
}

#[rstest]
#[case::work_in_progress("Work-in-progress: true", Code::WorkInProgress)]
#[case::private("Private: true", Code::Private)]
#[case::abandoned("Status: abandoned", Code::Abandoned)]
#[case::unreadable("Label: nonsense", Code::HistoryUnreadable)]
fn a_ready_change_is_stopped_by(#[case] footer: &str, #[case] code: Code) {
    let mut host = ready();
    host.world.footer(OLIVIA, footer);
    let verdict = host.world.verdict();
    assert!(!verdict.submittable);
    assert_eq!(verdict.reasons[0].code, code, "{verdict:#?}");
}

#[test]
fn no_record_is_no_pass() {
    let mut host = ready();
    host.world.record = None;
    assert_eq!(host.world.codes(), [Code::RecordMissing]);
}

#[rstest]
#[case::cut_off("{\"schema\":1")]
#[case::empty("")]
#[case::newer("{\"schema\":9}")]
fn a_record_that_can_not_be_read_is_no_pass(#[case] text: &str) {
    let mut host = ready();
    host.world.record.as_mut().unwrap().text = text.to_owned();
    assert_eq!(host.world.codes(), [Code::RecordUnusable]);
}

#[test]
fn a_record_of_another_change_is_no_pass() {
    let mut host = ready();
    let record = host.world.record.as_mut().unwrap();
    record.text = record.text.replace("\"number\":12", "\"number\":13");
    assert_eq!(host.world.codes(), [Code::RecordUnusable]);
}

#[test]
fn settings_that_changed_since_the_plan_are_no_pass() {
    let mut host = ready();
    host.world.settings =
        host.world.settings.replace("[defaults.approve]", "[defaults.approve]\ncount = 2");
    host.world.settings_commit = 2;
    assert_eq!(host.world.codes(), [Code::SettingsChanged]);
    host.look();
    assert_eq!(host.world.codes(), [Code::ApprovalMissing]);
}

#[test]
fn a_fact_that_is_missing_is_no_pass() {
    let mut host = ready();
    host.world.patch_sets.clear();
    assert_eq!(host.world.codes(), [Code::FactMissing]);
}

#[test]
fn observing_stops_nothing_and_says_what_it_would() {
    let mut host = Host::new();
    host.world.settings = host.world.settings.replace("mode = \"deploy\"", "mode = \"observe\"");
    host.look();
    let verdict = host.world.verdict();
    assert!(verdict.submittable);
    assert_eq!(verdict.outcome, Outcome::Waiting);
}

#[test]
fn a_branch_without_claims_is_none_of_ours() {
    let mut host = Host::new();
    host.world.settings = "schema = 1\nmode = \"deploy\"\n".to_owned();
    let verdict = host.world.verdict();
    assert_eq!((verdict.submittable, verdict.outcome), (true, Outcome::NotOurs));
}

#[test]
fn less_is_never_more() {
    let host = ready();
    let facts = host.world.facts();
    for account in facts.accounts.keys() {
        let mut world = ready().world;
        world.accounts.remove(account);
        let submittable = world.verdict().submittable;
        assert!(!submittable || account.0 != RITA, "without account {account}");
    }
    // A history that is cut at any place passes only where the whole approval is in it.
    for cut in 1..host.world.commits.len() {
        let mut world = ready().world;
        world.commits.truncate(cut);
        assert!(!world.verdict().submittable, "cut at {cut}");
    }
}
