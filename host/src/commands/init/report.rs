//! What `init` says.

use super::claims::Already;
use super::propose::{Outcome, Proposed};
use super::rights::Missing;
use super::settings_file::NewClaim;
use serde_json::json;

/// Everything that is worth saying.
pub(super) struct Report {
    pub(super) project: String,
    pub(super) branch: String,
    pub(super) mode: String,
    pub(super) new: Vec<NewClaim>,
    pub(super) already: Vec<Already>,
    pub(super) skipped: Vec<String>,
    pub(super) notes: Vec<String>,
    /// What the service account lacks, and in which project it is granted.
    pub(super) missing: Vec<Missing>,
    pub(super) root: String,
    pub(super) changes: Vec<Proposed>,
}

impl Report {
    /// For machines.
    pub(super) fn json(&self) -> serde_json::Value {
        let claim = |claim: &NewClaim| {
            json!({
                "id": claim.id,
                "project": claim.project,
                "stack": claim.stack,
                "path": claim.path,
                "environment": claim.environment,
                "reads": claim.reads,
            })
        };
        json!({
            "project": self.project,
            "branch": self.branch,
            "mode": self.mode,
            "claims": self.new.iter().map(claim).collect::<Vec<_>>(),
            "claimed_already": self.already,
            "skipped": self.skipped,
            "notes": self.notes,
            "missing": self.missing,
            "changes": self.changes,
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}, branch {}, mode {}\n", self.project, self.branch, self.mode);
        for claim in &self.new {
            let environment = claim.environment.as_ref();
            let environment = environment.map(|name| format!(", {name}")).unwrap_or_default();
            let (id, project, stack, path) = (&claim.id, &claim.project, &claim.stack, &claim.path);
            line(&mut text, format!("  + {id}: {project}/{stack} in {path}{environment}"));
        }
        for Already { id, stack } in &self.already {
            line(&mut text, format!("  = {id}: {stack}, claimed already"));
        }
        for skipped in &self.skipped {
            line(&mut text, format!("  - {skipped}"));
        }
        for note in &self.notes {
            line(&mut text, format!("note: {note}"));
        }
        if !self.missing.is_empty() {
            let root = &self.root;
            line(&mut text, "The service account lacks rights.".to_owned());
            for right in &self.missing {
                line(&mut text, format!("  {}: {}", right.name, right.why));
            }
            line(&mut text, format!("Grant them in project.config of {root}:\n    [capability]"));
            for right in &self.missing {
                line(&mut text, format!("      {}", right.grant));
            }
            if !self.changes.iter().any(|change| change.project.as_str() == root) {
                line(&mut text, "or let --all-projects propose that.".to_owned());
            }
        }
        for change in &self.changes {
            let (project, url) = (&change.project, change.url.as_deref().unwrap_or("its page"));
            let said = match change.outcome {
                Outcome::NothingToDo => format!("{project}: nothing to do"),
                Outcome::Waiting => format!("{project}: nothing to do, {url} waits for review"),
                Outcome::Proposed => format!("{project}: proposed as {url}"),
                Outcome::Amended => format!("{project}: amended {url}"),
                Outcome::DryRun => {
                    format!("{project}: would propose\n{}", change.difference.trim_end())
                }
            };
            line(&mut text, said);
        }
        text
    }
}

fn line(text: &mut String, line: String) {
    // What comes from a repository may hold anything; a terminal shouldn't.
    text.extend(line.chars().map(|c| if c.is_control() && !"\n\t".contains(c) { '?' } else { c }));
    text.push('\n');
}
