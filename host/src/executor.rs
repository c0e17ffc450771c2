//! Carries effects out: the hands of the engine. Nothing is decided here; each effect comes to a
//! result that the core judges.

mod apply;
mod gate;
mod mark;
mod post;
mod preview;
mod read_branch;
mod read_change;
mod read_project;
mod record;
mod stack;

use crate::config::Config;
use std::sync::Arc;
use tidegate_core::Verb;
use tidegate_core::advance::{Action, Effect};
use tidegate_core::ids::AccountId;
use tidegate_core::settings::Floor;
use tidegate_engine::{Cancel, Done, Executor, Problem, SubjectInput};
use tidegate_gerrit::Gerrit;
use tidegate_gerrit::rest::RestError;
use tidegate_ledger::LogKey;
use tidegate_pulumi::{Cli, Scratch};
use tidegate_sandbox::Rules;

/// What effects are carried out with.
pub(crate) struct Hands {
    /// The configuration.
    pub(crate) config: Config,
    /// Gerrit.
    pub(crate) gerrit: Gerrit,
    /// The core.
    pub(crate) rules: Arc<SandboxedRules>,
    /// Pulumi.
    pub(crate) cli: Cli,
    /// Where runs put their files.
    pub(crate) scratch: Scratch,
    /// The account that we are in Gerrit.
    pub(crate) publisher: AccountId,
    /// What records are signed with.
    pub(crate) record_key: Option<LogKey>,
    /// The store, to read what was published and what blobs hold.
    pub(crate) store: tidegate_store::Reader,
    /// The policy modules.
    pub(crate) policies: Arc<tidegate_sandbox::Policies>,
    /// What the stacks' keys for hashes of secrets are made from.
    pub(crate) seal: crate::seal::Seal,
}

impl Hands {
    /// The least that this installation asks for.
    fn floor(&self) -> Floor {
        self.config.floor.clone().unwrap_or_default()
    }
}

impl Executor for Hands {
    async fn execute(
        &self,
        effect: Effect,
        // What a run that was cut off did is told by what it left, not by a number.
        _attempt: u64,
        cancel: Cancel,
    ) -> Result<Done, Problem> {
        let Effect { id, action, .. } = effect;
        match action {
            Action::ReadChange { project, number } => self.read_change(id, project, number).await,
            Action::ReadProject { project } => self.read_project(id, project).await,
            Action::Nudge { project, number } => {
                Ok(Done::new(SubjectInput::change_hint(self.gerrit.server(), &project, number)))
            }
            Action::NudgeBranch { project, branch } => {
                let server = self.gerrit.server();
                Ok(Done::new(SubjectInput::branch_hint(server, &project, &branch)))
            }
            Action::ReadBranch { project, branch, walked, changes, revisions } => {
                let asked = read_branch::Asked { project, branch, walked, changes, revisions };
                self.read_branch(id, asked).await
            }
            Action::Apply(request) => self.apply(id, *request, cancel).await,
            Action::Preview(request) => self.preview(id, *request, cancel).await,
            Action::WriteRecord { project, number, expect, text } => {
                self.write_record(id, project, number, expect, text).await
            }
            Action::Post(post) => self.post(id, *post).await,
        }
    }
}

/// What Gerrit's refusal to answer means for an effect: it is tried again.
fn not_now(error: &RestError) -> Problem {
    Problem::new(error)
}

/// The core in its sandbox, as its neighbours need it.
#[derive(Debug)]
pub(crate) struct SandboxedRules(pub(crate) Rules);

impl tidegate_engine::Rules for SandboxedRules {
    fn call(&self, verb: Verb, input: &[u8]) -> Result<Vec<u8>, tidegate_engine::RulesError> {
        self.0.call(verb, input).map_err(|error| tidegate_engine::RulesError(error.to_string()))
    }
}

impl tidegate_gerrit::Rules for SandboxedRules {
    fn needs(&self, input: &[u8]) -> Result<Vec<u8>, String> {
        self.0.call(Verb::Needs, input).map_err(|error| error.to_string())
    }
}
