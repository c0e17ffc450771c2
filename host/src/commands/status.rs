//! `tidegate status`.

use crate::config::Config;
use anyhow::Result;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use tidegate_core::review::Review;
use tidegate_engine::{Clock as _, SystemClock};
use tidegate_store::Store;

/// How many changes are listed.
const SHOWN: usize = 50;

pub(crate) fn run(path: &Path, as_json: bool) -> Result<ExitCode> {
    let config = Config::read(path)?;
    let store = Store::open_read_only(config.store())?;
    let now = SystemClock.now_ms();
    let queues = store.queues(now)?;
    let backlog = store.backlog(now)?;
    let mut changes = Vec::new();
    for subject in store.recent_subjects("review", None, SHOWN)? {
        let review: Review = serde_json::from_slice(&subject.state)?;
        if let (Some(_), Some(verdict)) = (&review.seen, &review.verdict) {
            changes.push((format!("{}~{}", review.project, review.number), verdict.clone()));
        }
    }
    if as_json {
        let queues: Vec<_> = queues
            .iter()
            .map(|q| json!({"kind": q.kind, "ready": q.ready, "delayed": q.delayed, "leased": q.leased}))
            .collect();
        let changes: Vec<_> =
            changes.iter().map(|(change, v)| json!({"change": change, "verdict": v})).collect();
        let status = json!({
            "events_pending": backlog.pending,
            "queues": queues,
            "log_entries": store.logged()?,
            "changes": changes,
        });
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} event(s) wait, {} log entries", backlog.pending, store.logged()?);
    for q in &queues {
        println!("{}: {} ready, {} delayed, {} running", q.kind, q.ready, q.delayed, q.leased);
    }
    if changes.is_empty() {
        println!("no open change touches a claimed stack");
    }
    for (change, verdict) in &changes {
        println!("{change}: {}", verdict.summary);
    }
    Ok(ExitCode::SUCCESS)
}
