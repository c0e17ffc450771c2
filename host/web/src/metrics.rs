//! Figures for Prometheus, in its text format.

use crate::pages::{Pages, Unmade};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) async fn show(State(pages): State<Pages>) -> Result<impl IntoResponse, Unmade> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let mut text = String::new();
    let backlog = pages.store.backlog(now_ms)?;
    gauge(&mut text, "tidegate_events_pending", "Stored events that wait to be looked at.");
    let _ = writeln!(text, "tidegate_events_pending {}", backlog.pending);
    gauge(&mut text, "tidegate_log_entries", "Entries that are in the log.");
    let _ = writeln!(text, "tidegate_log_entries {}", pages.store.logged()?);
    gauge(&mut text, "tidegate_effects", "Effects by kind and state.");
    for queue in pages.store.queues(now_ms)? {
        let kind = &queue.kind;
        for (state, n) in
            [("ready", queue.ready), ("delayed", queue.delayed), ("leased", queue.leased)]
        {
            let _ = writeln!(text, "tidegate_effects{{kind=\"{kind}\",state=\"{state}\"}} {n}");
        }
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}

fn gauge(text: &mut String, name: &str, help: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}
