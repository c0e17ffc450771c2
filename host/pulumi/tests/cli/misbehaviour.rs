//! A CLI that ends in ways that the real one rarely does.

use crate::fake::Fake;
use rstest::rstest;
use tidegate_pulumi::Limits;

#[rstest]
#[case::signal("dies", "killed", "signal 6")]
#[case::unknown_text("says-something-new", "uncertain", "code 42")]
#[case::log_cut_in_a_line("truncates", "event-log-broken", "can't be trusted")]
#[case::no_log("has-no-log", "result-broken", "events.jsonl")]
#[case::no_plan("has-no-plan", "result-broken", "plan.json")]
#[case::broken_plan("breaks-the-plan", "result-broken", "no JSON")]
#[case::success_with_a_failed_summary("claims-failure", "event-log-broken", "can't be trusted")]
#[case::violated_plan("violates", "plan-violated", "plan is violated")]
#[tokio::test]
async fn what_is_not_a_whole_success_is_a_named_failure(
    #[case] word: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    let fake = Fake::new();
    let failure = fake.preview(word, Limits::default()).await.unwrap_err();
    let text = failure.to_string();
    assert_eq!(failure.code(), code, "{text}");
    assert!(text.contains(message), "{text}");
    assert!(!text.contains("canary"), "{text}");
    assert!(fake.is_clean());
}

#[tokio::test]
async fn unknown_text_is_handed_on_for_a_person_to_read() {
    let failure = Fake::new().preview("says-something-new", Limits::default()).await.unwrap_err();
    assert!(failure.to_string().contains("wrong phase"), "{failure}");
}

#[tokio::test]
async fn escapes_do_not_reach_the_reader() {
    let previewed = Fake::new().preview("escapes", Limits::default()).await.unwrap();
    assert_eq!(previewed.output, "red end\n");
}

#[rstest]
#[case::output("floods-output", "output-too-large")]
#[case::errors("floods-errors", "output-too-large")]
#[case::events("floods-events", "event-log-too-large")]
#[tokio::test]
async fn a_flood_is_stopped_at_its_limit(#[case] word: &str, #[case] code: &str) {
    let limits = Limits { output_bytes: 1 << 20, event_log_bytes: 1 << 20, ..Limits::default() };
    let fake = Fake::new();
    let failure = fake.preview(word, limits).await.unwrap_err();
    assert_eq!(failure.code(), code, "{failure}");
    assert!(fake.is_clean());
}
