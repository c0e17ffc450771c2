//! `tidegate explain`.

use crate::config::Config;
use crate::exit::{Coded, NO};
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;
use tidegate_core::review::Review;
use tidegate_core::verdict::Verdict;
use tidegate_store::Store;

pub(crate) fn run(path: &Path, change: &str, json: bool) -> Result<ExitCode> {
    let config = Config::read(path)?;
    let Some((project, number)) = change.rsplit_once('~') else {
        let text = format!("{change:?} is no change: expected PROJECT~NUMBER, such as infra~12");
        return Err(Coded::Config(text).into());
    };
    let store = Store::open_read_only(config.store())?;
    let ending = format!("/{project}/{number}");
    let found = store
        .recent_subjects("review", None, usize::MAX)?
        .into_iter()
        .find(|subject| subject.key.ends_with(&ending));
    let Some(subject) = found else {
        eprintln!("tidegate: {change} was never looked at; is its project in gerrit.projects?");
        return Ok(ExitCode::from(NO));
    };
    let review: Review = serde_json::from_slice(&subject.state)?;
    match &review.verdict {
        None => {
            println!("{change} is closed, or none of ours.");
            Ok(ExitCode::SUCCESS)
        }
        Some(verdict) => {
            if json {
                println!("{}", serde_json::to_string_pretty(verdict)?);
            } else {
                print!("{}", text(change, verdict));
            }
            Ok(if verdict.submittable { ExitCode::SUCCESS } else { ExitCode::from(NO) })
        }
    }
}

fn text(change: &str, verdict: &Verdict) -> String {
    let mut text = format!("{change}: {}\n", verdict.summary);
    for reason in &verdict.reasons {
        let stack = reason.stack.as_ref().map(|stack| format!("{stack}: ")).unwrap_or_default();
        text.push_str(&format!("- {stack}{}\n", reason.text));
        if let Some(cure) = &reason.cure {
            text.push_str(&format!("  {cure}\n"));
        }
    }
    for (stack, verdict) in &verdict.stacks {
        let plan = verdict.binding.as_ref().map_or("none yet", |binding| binding.short());
        let (given, needed) = (verdict.approvals, verdict.needed);
        text.push_str(&format!("  {stack}: plan {plan}, {given} of {needed} approval(s)\n"));
    }
    text
}
