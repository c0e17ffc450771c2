//! The pages over a store that was filled by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod filled;

use filled::{BRANCH, CHANGE, Filled, HOSTILE, REVISION};
use serde_json::json;

#[tokio::test]
async fn an_empty_store_has_pages_that_say_so() {
    let site = Filled::new();
    for (path, said) in [
        ("/", "No open change"),
        ("/rollouts", "No branch"),
        ("/stacks", "No branch"),
        ("/healthz", "ok"),
        ("/metrics", "tidegate_log_entries 0"),
    ] {
        let page = site.get(path).await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains(said), "{path}: {page}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let site = Filled::with_a_change();
    for path in ["/change/13", "/change/12?project=other", "/plan/00", "/output/zz", "/nothing"] {
        let page = site.get(path).await;
        assert!(page.starts_with("HTTP/1.1 404"), "{path}: {page}");
    }
    assert!(site.get("/change/x").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_change_shows_its_verdict_with_what_would_change_it() {
    let site = Filled::with_a_change();
    assert!(site.get("/").await.contains("/change/12?project=infra"));
    let page = site.get("/change/12?project=infra").await;
    assert!(page.contains("Waiting"), "{page}");
    assert!(page.contains("approvals are missing"), "{page}");
    assert!(page.contains("What would change it: vote Code-Review +2"), "{page}");
    assert!(page.contains("0 of 1"), "{page}");
    assert!(page.contains("What would change it: keep it"), "{page}");
    assert!(page.contains("Policy quotas gave no answer: it traps"), "{page}");
}

#[tokio::test]
async fn a_plan_shows_old_and_new_values_and_never_a_secret() {
    let site = Filled::with_a_change();
    let page = site.get("/change/12?project=infra").await;
    assert!(page.contains("<code>&quot;same&quot;</code>"), "{page}");
    assert!(page.contains("<em>secret</em>"), "{page}");
    assert!(!page.contains("c20651d599a6"), "a keyed hash is shown: {page}");
}

#[tokio::test]
async fn of_two_objects_only_what_differs_is_listed() {
    let site = Filled::new();
    let steps = String::from_utf8(filled::hostile_steps(1)).unwrap();
    let mut steps: serde_json::Value = serde_json::from_str(&steps).unwrap();
    steps["steps"][0]["changes"] = json!({"tags": {
        "old": {"team": "blue", "tier": "web", "gone": true},
        "new": {"team": "green", "tier": "web"},
    }});
    let plan = site.blob(steps.to_string().as_bytes(), false);
    let page = site.get(&format!("/plan/{plan}")).await;
    let team = "team: <del><code>&quot;blue&quot;</code></del> → \
                <ins><code>&quot;green&quot;</code></ins>";
    assert!(page.contains(team), "{page}");
    assert!(page.contains("gone: <del><code>true</code></del> → not set"), "{page}");
    assert!(page.contains("1 unchanged") && !page.contains("tier"), "{page}");
}

#[tokio::test]
async fn names_from_programs_are_text_and_nothing_else() {
    let site = Filled::with_a_change();
    site.roll_out();
    let plan = site.blob(&filled::hostile_steps(3), false);
    let paths = ["/", "/change/12?project=infra", "/rollouts", "/stacks", &format!("/plan/{plan}")];
    for path in paths {
        let page = site.get(path).await;
        assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
        assert!(!page.contains("<script"), "{path}: {page}");
        assert!(!page.contains(HOSTILE), "{path}: {page}");
        assert!(page.contains("content-security-policy: default-src 'none'"), "{path}: {page}");
    }
    let page = site.get(&format!("/plan/{plan}")).await;
    assert!(page.contains("&lt;script&gt;"), "{page}");
}

#[tokio::test]
async fn a_long_plan_has_pages() {
    let site = Filled::new();
    let plan = site.blob(&filled::hostile_steps(250), false);
    let first = site.get(&format!("/plan/{plan}")).await;
    assert_eq!(first.matches("<details").count(), 100);
    assert!(first.contains("Page 1 of 3") && first.contains("?page=2"), "{first}");
    let last = site.get(&format!("/plan/{plan}?page=99")).await;
    assert_eq!(last.matches("<details").count(), 50);
}

#[tokio::test]
async fn what_exports_leave_out_is_not_shown() {
    let site = Filled::new();
    let secret = site.blob(&filled::hostile_steps(1), true);
    for path in [format!("/plan/{secret}"), format!("/output/{secret}")] {
        assert!(site.get(&path).await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn a_runs_output_is_plain_text() {
    let site = Filled::new();
    let output = site.blob(b"<script>alert(1)</script>", false);
    let page = site.get(&format!("/output/{output}")).await;
    assert!(page.contains("content-type: text/plain"), "{page}");
    assert!(page.contains("x-content-type-options: nosniff"), "{page}");
}

#[tokio::test]
async fn a_rollout_shows_each_stack_its_hold_and_its_checkpoint() {
    let site = Filled::with_a_change();
    site.roll_out();
    for path in ["/change/12?project=infra", "/rollouts"] {
        let page = site.get(path).await;
        assert!(page.contains("deployed in 1.5 s"), "{path}: {page}");
        assert!(page.contains("logged under <code>log.example 7 abc</code>"), "{path}: {page}");
        assert!(page.contains("what would run now is not what was approved"), "{path}: {page}");
        assert!(page.contains("Tidegate-Approve: "), "{path}: {page}");
    }
    let page = site.get("/change/12?project=infra").await;
    assert!(page.contains("1 of 2 stack(s) deployed, 1 held"), "{page}");
    let stacks = site.get("/stacks").await;
    assert!(stacks.contains("adopted by admin"), "{stacks}");
    assert!(stacks.contains("its new plan waits for an approval"), "{stacks}");
}

#[tokio::test]
async fn the_timeline_goes_from_the_plan_to_the_proof() {
    let site = Filled::with_a_change();
    site.roll_out();
    site.log(CHANGE, 1_000, "plan-published", &json!({"patch-set": "1"}));
    site.log(CHANGE, 61_000, "plan-published", &json!({"patch-set": "2"}));
    let about = |more: serde_json::Value| {
        let mut ids = json!({"revision": REVISION, "stack": "app-staging", "run": "r1"});
        ids.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids
    };
    site.log(BRANCH, 121_000, "intent", &about(json!({"change": "12", "attempt": "1"})));
    site.log(BRANCH, 124_500, "outcome", &about(json!({"result": "applied"})));
    site.log(BRANCH, 130_000, "hold", &about(json!({"code": "plan-not-covered"})));
    site.log(BRANCH, 190_000, "retry", &about(json!({"stack": "all"})));
    let page = site.get("/change/12?project=infra").await;
    let published = page.find("Patch set 2: plan").unwrap();
    let begun = page.find("is about to begin").unwrap();
    let ended = page.find("<strong>applied</strong>").unwrap();
    assert!(published < begun && begun < ended, "{page}");
    assert!(page.contains("not yet under a checkpoint"), "{page}");

    let metrics = site.get("/metrics").await;
    for line in [
        "tidegate_applies_total{result=\"applied\"} 1",
        "tidegate_holds_total{code=\"plan-not-covered\"} 1",
        "tidegate_holds_open{for=\"approval\"} 1",
        "tidegate_changes{outcome=\"waiting\"} 1",
        "tidegate_changes_published_total 1",
        "tidegate_revotes_total 1",
        "tidegate_waited_seconds_sum{for=\"people\",what=\"review\"} 60.000",
        "tidegate_waited_seconds_sum{for=\"people\",what=\"hold\"} 60.000",
        "tidegate_waited_seconds_sum{for=\"machines\",what=\"apply\"} 3.500",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    // What was read is not counted again.
    assert!(site.get("/metrics").await.contains("tidegate_revotes_total 1\n"));
}
