//! Figures for Prometheus, in its text format.

use crate::pages::{Pages, Unmade};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};
use tidegate_core::review::Review;
use tidegate_core::rollout::{Next, Progress};
use tidegate_store::MAX_PAGE;

/// How many changes are counted by their verdict, the latest changed ones.
const CHANGES: usize = 5_000;

pub(crate) async fn show(State(pages): State<Pages>) -> Result<impl IntoResponse, Unmade> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let mut text = String::new();
    queues(&pages, now_ms, &mut text)?;
    changes(&pages, &mut text)?;
    holds(&pages, &mut text)?;
    trail(&pages, &mut text)?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}

fn queues(pages: &Pages, now_ms: i64, text: &mut String) -> Result<(), Unmade> {
    let backlog = pages.store.backlog(now_ms)?;
    head(text, "tidegate_events_pending", "gauge", "Stored events that wait to be looked at.");
    line(text, "tidegate_events_pending", &[], backlog.pending);
    head(text, "tidegate_log_entries", "gauge", "Entries that are in the log.");
    line(text, "tidegate_log_entries", &[], pages.store.logged()?);
    head(text, "tidegate_effects", "gauge", "Effects by kind and state.");
    for queue in pages.store.queues(now_ms)? {
        for (state, n) in [
            ("ready", queue.ready),
            ("delayed", queue.delayed),
            ("leased", queue.leased),
            ("expired", queue.expired),
        ] {
            line(text, "tidegate_effects", &[("kind", &queue.kind), ("state", state)], n);
        }
    }
    Ok(())
}

/// Open changes by their verdict.
fn changes(pages: &Pages, text: &mut String) -> Result<(), Unmade> {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    let mut mark = None;
    for _ in 0..CHANGES / MAX_PAGE {
        let some = pages.store.recent_subjects("review", mark.as_ref(), MAX_PAGE)?;
        let Some(last) = some.last() else { break };
        mark = Some(last.mark());
        for subject in &some {
            let review: Review = serde_json::from_slice(&subject.state)?;
            if let (Some(_), Some(verdict)) = (&review.seen, &review.verdict) {
                *counts.entry(format!("{:?}", verdict.outcome).to_lowercase()).or_default() += 1;
            }
        }
    }
    head(text, "tidegate_changes", "gauge", "Open changes by the outcome of their verdict.");
    for (outcome, n) in counts {
        line(text, "tidegate_changes", &[("outcome", &outcome)], n);
    }
    Ok(())
}

/// Stacks that are held now, by what they wait for.
fn holds(pages: &Pages, text: &mut String) -> Result<(), Unmade> {
    let (mut plan, mut approval, mut operator) = (0, 0, 0);
    for branch in pages.branches()? {
        for open in branch.rollouts.iter().flat_map(|rollout| rollout.stacks.values()) {
            let Progress::Held { hold } = &open.progress else { continue };
            match hold.next {
                Next::Plan | Next::Preview { .. } => plan += 1,
                Next::Approval => approval += 1,
                Next::Operator => operator += 1,
            }
        }
    }
    head(text, "tidegate_holds_open", "gauge", "Stacks that are held, by what they wait for.");
    for (waits, n) in [("plan", plan), ("approval", approval), ("operator", operator)] {
        line(text, "tidegate_holds_open", &[("for", waits)], n);
    }
    Ok(())
}

/// What follows from the log.
fn trail(pages: &Pages, text: &mut String) -> Result<(), Unmade> {
    let figures = pages.trail.figures(&pages.store)?;
    head(text, "tidegate_applies_total", "counter", "Applies that ended, by result.");
    for (result, n) in &figures.applies {
        line(text, "tidegate_applies_total", &[("result", result)], *n);
    }
    head(text, "tidegate_holds_total", "counter", "Holds, by the code of their reason.");
    for (code, n) in &figures.holds {
        line(text, "tidegate_holds_total", &[("code", code)], *n);
    }
    let name = "tidegate_changes_published_total";
    head(text, name, "counter", "Changes on which a plan was published.");
    line(text, name, &[], figures.changes);
    let help = "Plans published on a change after its first one: each asks for votes again. \
                Divided by tidegate_changes_published_total: re-votes per change.";
    head(text, "tidegate_revotes_total", "counter", help);
    line(text, "tidegate_revotes_total", &[], figures.revotes);
    let help = "Seconds waited, for people (review: from the last plan to the first apply; hold) or \
                machines (apply).";
    head(text, "tidegate_waited_seconds", "summary", help);
    for (wait, sum) in &figures.waits {
        let (whom, what) = wait.labels();
        let labels = [("for", whom), ("what", what)];
        let seconds = format!("{}.{:03}", sum.total_ms / 1000, sum.total_ms % 1000);
        line(text, "tidegate_waited_seconds_sum", &labels, seconds);
        line(text, "tidegate_waited_seconds_count", &labels, sum.count);
    }
    Ok(())
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let quoted = |(name, value): &(&str, &str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    let labels: Vec<_> = labels.iter().map(quoted).collect();
    let labels =
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}");
}
