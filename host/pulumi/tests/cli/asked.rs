//! A gate that answers as a test wants and keeps what it was asked.

use crate::fake::relay;
use crate::lab::Lab;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use tidegate_core::steps::{SCHEMA, StackName, Steps, StepsInput, steps};
use tidegate_pulumi::{
    Backend, Cancel, DryRun, DryRunRequest, Failure, Gate, Held, Limits, LocalState, Outcome,
    Previewed, StackId, UpdateRequest, Verdict, dry_run, update,
};

/// How a gate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// Never.
    Hang,
}

/// A gate for one run.
pub(crate) struct Asked<'a> {
    pub(crate) answer: Answer,
    /// The end of the URN of the step that is refused.
    pub(crate) refuse: Option<&'static str>,
    /// Called while it holds.
    pub(crate) meanwhile: Option<&'a (dyn Fn() + Sync)>,
    /// Called before each answer about a step, with its URN.
    pub(crate) at_step: Option<&'a (dyn Fn(&str) + Sync)>,
    held: Mutex<Vec<Held>>,
    shown: Mutex<Vec<Value>>,
}

impl Asked<'_> {
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            answer,
            refuse: None,
            meanwhile: None,
            at_step: None,
            held: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    /// What was decided on; one at most.
    pub(crate) fn held(&self) -> Option<Held> {
        let held = self.held.lock().unwrap();
        assert!(held.len() <= 1, "asked {} times", held.len());
        held.first().cloned()
    }

    /// The names of the resources whose steps were asked about.
    pub(crate) fn steps(&self) -> Vec<String> {
        let shown = self.shown.lock().unwrap();
        shown.iter().map(|shown| name(shown["urn"].as_str().unwrap())).collect()
    }

    /// All that it was shown, as text.
    pub(crate) fn text(&self) -> String {
        let held = self.held().map(|h| format!("{}{}{}", h.events, h.resources, h.state));
        format!("{}{:?}", held.unwrap_or_default(), self.shown.lock().unwrap())
    }
}

pub(crate) fn name(urn: &str) -> String {
    urn.rsplit("::").next().unwrap().to_owned()
}

impl Gate for Asked<'_> {
    async fn hold(&self, held: Held) -> Verdict {
        self.held.lock().unwrap().push(held);
        if let Some(meanwhile) = self.meanwhile {
            meanwhile();
        }
        match self.answer {
            Answer::Yes => Verdict::Yes,
            Answer::No => Verdict::No,
            Answer::Hang => std::future::pending().await,
        }
    }

    async fn step(&self, shown: Value) -> Verdict {
        let urn = shown["urn"].as_str().unwrap();
        let refused = self.refuse.is_some_and(|end| urn.ends_with(end));
        if let Some(at_step) = self.at_step {
            at_step(urn);
        }
        self.shown.lock().unwrap().push(shown);
        if refused { Verdict::No } else { Verdict::Yes }
    }
}

/// What an update needs, kept for as long as its request.
pub(crate) struct Setting {
    pub(crate) folder: PathBuf,
    pub(crate) backend: Backend,
    pub(crate) stack: StackId,
    pub(crate) program: PathBuf,
}

impl Lab {
    pub(crate) fn setting(&self, project: &str) -> Setting {
        Setting {
            folder: self.folder(project),
            backend: Backend::File(self.states()),
            stack: StackId::new(project, "dev").unwrap(),
            program: relay(),
        }
    }

    pub(crate) fn update_request<'a>(
        &'a self,
        setting: &'a Setting,
        plan: &'a [u8],
    ) -> UpdateRequest<'a> {
        UpdateRequest {
            cli: &self.cli,
            scratch: &self.scratch,
            folder: &setting.folder,
            backend: &setting.backend,
            stack: &setting.stack,
            environment: &self.environment,
            key: &self.key,
            plan: Some(plan),
            gate_program: &setting.program,
            parallel: None,
            limits: Limits { patience: Duration::from_secs(60), ..Limits::default() },
            hold_time: Duration::from_secs(60),
            cancel: Cancel::never(),
            progress: None,
        }
    }

    pub(crate) async fn update(&self, project: &str, plan: &[u8], gate: &Asked<'_>) -> Outcome {
        let setting = self.setting(project);
        update(self.update_request(&setting, plan), gate).await
    }

    pub(crate) async fn dry_run(
        &self,
        folder: &Path,
        state: &LocalState,
        plan: &[u8],
    ) -> Result<DryRun, Failure> {
        let program = relay();
        dry_run(DryRunRequest {
            cli: &self.cli,
            scratch: &self.scratch,
            folder,
            state,
            environment: &self.environment,
            key: &self.key,
            plan: Some(plan),
            gate_program: &program,
            parallel: None,
            limits: Limits::default(),
            cancel: Cancel::never(),
            progress: None,
        })
        .await
    }

    /// The stack's state file.
    pub(crate) fn state_file(&self, project: &str) -> Vec<u8> {
        let file = self.states().join(format!(".pulumi/stacks/{project}/dev.json"));
        std::fs::read(file).unwrap()
    }

    /// Whether nobody holds a lock.
    pub(crate) fn is_unlocked(&self) -> bool {
        let locks = self.states().join(".pulumi/locks");
        !locks.exists()
            || crate::lab::contents(&locks).keys().all(|p| p.extension() != Some("json".as_ref()))
    }
}

fn input(project: &str, events: &str, state: &Value) -> StepsInput {
    StepsInput {
        schema: SCHEMA,
        stack: StackName { project: project.to_owned(), stack: "dev".to_owned() },
        events: events.to_owned(),
        plan: None,
        state: Some(state.clone()),
        resources: None,
        markers: Vec::new(),
    }
}

/// The core's steps of a preview.
pub(crate) fn previewed_steps(project: &str, previewed: &Previewed) -> Steps {
    let plan = Some(previewed.plan.clone());
    steps(&StepsInput { plan, ..input(project, &previewed.events, &previewed.state) }).unwrap()
}

/// The core's steps of what a gate was asked.
pub(crate) fn held_steps(project: &str, held: &Held) -> Steps {
    let resources = serde_json::from_value(held.resources.clone()).unwrap();
    let input = input(project, &held.events, &held.state);
    steps(&StepsInput { resources: Some(resources), ..input }).unwrap()
}
