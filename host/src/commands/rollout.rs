//! `tidegate rollout`: shows rollouts, and says an operator's word on a change.

use crate::cli::{RolloutCommand, WordArgs};
use crate::config::{Config, secret};
use crate::exit::Coded;
use crate::serve::connect;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use tidegate_core::ids::{ChangeNumber, Project};
use tidegate_core::rollout::{ABORT_LINE, Branch, RELEASE_LINE, RETRY_LINE};
use tidegate_store::Store;

/// How many branches are listed.
const SHOWN: usize = 200;

pub(crate) fn run(command: &RolloutCommand, as_json: bool) -> Result<ExitCode> {
    match command {
        RolloutCommand::List(config) => list(&config.config, as_json),
        RolloutCommand::Retry(word) => say(word, RETRY_LINE),
        RolloutCommand::Abort(word) => say(word, ABORT_LINE),
        RolloutCommand::Release(word) => say(word, RELEASE_LINE),
    }
}

fn list(path: &Path, as_json: bool) -> Result<ExitCode> {
    let config = Config::read(path)?;
    let store = Store::open_read_only(config.store())?;
    let mut branches = Vec::new();
    for subject in store.recent_subjects("branch", None, SHOWN)? {
        branches.push(serde_json::from_slice::<Branch>(&subject.state)?);
    }
    if as_json {
        let listed: Vec<_> = branches
            .iter()
            .map(|branch| {
                json!({
                    "project": branch.project,
                    "branch": branch.branch,
                    "trouble": branch.trouble,
                    "deployed": branch.deployed,
                    "shadows": branch.shadows,
                    "rollouts": branch.rollouts,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(ExitCode::SUCCESS);
    }
    if branches.is_empty() {
        println!("no branch with claimed stacks was looked at yet");
    }
    for branch in &branches {
        print!("{}", text(branch));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(branch: &Branch) -> String {
    let mut text = format!("{} {}\n", branch.project, branch.branch);
    if let Some(reason) = &branch.trouble {
        text.push_str(&format!("  nothing is rolled out: {}\n", reason.text));
    }
    for shadow in &branch.shadows {
        text.push_str(&format!("  {}\n", shadow.reason.text));
    }
    for (stack, deployed) in &branch.deployed {
        let how = if deployed.adopted.is_some() { "adopted" } else { "deployed" };
        text.push_str(&format!("  {stack}: {how} at {}\n", deployed.revision));
    }
    for rollout in branch.rollouts.iter().rev() {
        let changes: Vec<_> = rollout.changes.iter().map(ToString::to_string).collect();
        let changes = changes.join(", ");
        text.push_str(&format!("  rollout of {} (change {changes})\n", rollout.revision));
        let mut stacks: Vec<_> = rollout.stacks.values().collect();
        stacks.sort_by_key(|open| (open.wave, open.title.as_str()));
        for open in stacks {
            text.push_str(&format!("    {}: {}\n", open.title, open.sentence()));
        }
    }
    text
}

/// Writes the word on the change, in the operator's own name: Gerrit knows who may.
fn say(word: &WordArgs, line: &str) -> Result<ExitCode> {
    let (project, number) = change(&word.change)?;
    let mut config = Config::read(&word.config.config)?;
    config.gerrit.user.clone_from(&word.user);
    let password = secret(&word.password_file)?;
    // Another provider can't be installed yet: this is the first thing that happens.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (client, _) = connect::client(&config, &password)?;
    let stack = word.stack.as_ref().map(|stack| format!("{stack} ")).unwrap_or_default();
    let reason = word.reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if reason.is_empty() {
        return Err(Coded::Config("a reason is needed: it stands on the change".to_owned()).into());
    }
    let text = format!("{line} {stack}{reason}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(client.say(&project, number, &text))
        .with_context(|| format!("the word can't be said on {}", word.change))?;
    println!("said on {} as {}: {text}", word.change, word.user);
    println!("it counts if {} is in the operators' group of tidegate.toml", word.user);
    Ok(ExitCode::SUCCESS)
}

fn change(text: &str) -> Result<(Project, ChangeNumber)> {
    let parsed = text.rsplit_once('~').and_then(|(project, number)| {
        Some((project.parse().ok()?, ChangeNumber(number.parse().ok()?)))
    });
    parsed.ok_or_else(|| {
        let text = format!("{text:?} is no change: expected PROJECT~NUMBER, such as infra~12");
        Coded::Config(text).into()
    })
}
