//! One run of `pulumi up` with the gate in it.

use super::answer::{Answering, Record};
use super::held::learn_plan;
use super::log::EVENTS;
use crate::assemble::Learnt;
use crate::decrypt::Decrypt;
use crate::events::follow;
use crate::gate::{Gate, Pack, Serving, serve};
use crate::job::Job;
use crate::process::{Allowance, Finished, Stop};
use crate::{
    Backend, Cancel, Cli, Environment, Failure, HmacKey, Limits, LocalState, Progress, ProjectFile,
    Scratch, Secret, StackFile, StackId,
};
use std::ffi::OsStr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use url::Url;

const PLAN: &str = "plan.json";

/// What is run, for an update and for a dry run alike.
pub(super) struct Run<'a> {
    pub(super) cli: &'a Cli,
    pub(super) scratch: &'a Scratch,
    pub(super) folder: &'a Path,
    pub(super) stack: &'a StackId,
    pub(super) place: Place<'a>,
    pub(super) url: Secret,
    /// What the run itself finds in its environment.
    pub(super) variables: Environment,
    /// What runs that only decrypt find there.
    pub(super) environment: &'a Environment,
    pub(super) key: &'a HmacKey,
    pub(super) plan: Option<&'a [u8]>,
    pub(super) gate_program: &'a Path,
    pub(super) parallel: Option<NonZeroU32>,
    pub(super) limits: Limits,
    pub(super) hold_time: Duration,
    pub(super) cancel: Cancel,
    pub(super) progress: Option<watch::Sender<Progress>>,
}

/// Where the state is that is run on.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Backend(&'a Backend),
    Copy(&'a LocalState),
}

/// A state as it is now.
pub(super) enum Now<'a> {
    Copied(LocalState),
    Lent(&'a LocalState),
}

impl Now<'_> {
    pub(super) fn state(&self) -> &LocalState {
        match self {
            Self::Copied(state) => state,
            Self::Lent(state) => state,
        }
    }
}

/// A run that has ended.
pub(super) struct Ran {
    pub(super) job: Job,
    pub(super) finished: Result<Finished, Failure>,
    pub(super) record: Record,
    /// The stack's secrets, unless their knowledge was lost.
    pub(super) learnt: Option<Learnt>,
}

impl<'a> Run<'a> {
    /// Runs the engine to its end. An error means that it was not started.
    pub(super) async fn start<G: Gate>(&self, gate: &G) -> Result<Ran, Failure> {
        let project = ProjectFile::read(self.folder)?;
        if project.name() != self.stack.project() {
            return Err(Failure::ProjectMismatch {
                claimed: self.stack.project().to_owned(),
                found: project.name().chars().take(100).collect(),
            });
        }
        let stack_file = StackFile::read(self.folder, &project, self.stack)?;
        let machine =
            |what: &str, error: std::io::Error| Failure::Machine(format!("cannot {what}: {error}"));
        let job = Job::new(self.scratch)?;
        let pack = Pack::new(job.folder(), self.gate_program)
            .map_err(|error| machine("write the gate's policy pack", error))?;
        let job = job.with_tools(pack.tools());
        let mut learnt = self.learn(&job, stack_file.as_ref()).await?;
        if let Some(plan) = self.plan {
            learn_plan(&mut learnt, plan)?;
            std::fs::write(job.path(PLAN), plan)
                .map_err(|error| machine("copy the plan", error))?;
        }
        let config = job.config_copy("update.yaml", stack_file.as_ref())?;
        let serving =
            serve(pack.folder(), self.stack).map_err(|error| machine("open the gate", error))?;
        let mut answering = Answering {
            run: self,
            job: &job,
            gate,
            learnt: Some(learnt),
            record: Record::default(),
        };
        let finished = self.engine(&pack, &config, serving, &mut answering).await;
        let Answering { learnt, record, .. } = answering;
        job.report_end(EVENTS, self.limits.event_log_bytes, self.progress.as_ref());
        Ok(Ran { job, finished, record, learnt })
    }

    /// Runs the engine and answers its gate until it has ended.
    async fn engine<G: Gate>(
        &self,
        pack: &Pack,
        config: &Path,
        mut serving: Serving,
        answering: &mut Answering<'_, 'a, G>,
    ) -> Result<Finished, Failure> {
        let job = answering.job;
        let events = job.path(EVENTS);
        let arguments = self.arguments(job, pack, config, &events);
        let (stop, stopped) = oneshot::channel();
        let watch = async {
            let log = follow(&events, self.limits.event_log_bytes, self.progress.clone());
            tokio::select! {
                stop = log => stop,
                Ok(()) = stopped => Stop::Refused,
            }
        };
        let Limits { time, patience, output_bytes: output, .. } = self.limits;
        let run = job.run_watched(
            self.cli,
            &self.variables,
            Some(&self.url),
            arguments,
            Allowance { time, patience, output },
            self.cancel.clone(),
            watch,
        );
        tokio::select! {
            finished = run => Ok(finished?),
            never = answering.answer(&mut serving.calls, stop) => match never {},
        }
    }

    fn arguments(
        &self,
        job: &Job,
        pack: &Pack,
        config: &Path,
        events: &Path,
    ) -> Vec<std::ffi::OsString> {
        let name = self.stack.to_string();
        let mut arguments: Vec<&OsStr> = vec![
            OsStr::new("-C"),
            self.folder.as_os_str(),
            OsStr::new("up"),
            OsStr::new("--stack"),
            OsStr::new(&name),
            OsStr::new("--config-file"),
            config.as_os_str(),
            OsStr::new("--yes"),
            OsStr::new("--policy-pack"),
            pack.folder().as_os_str(),
            OsStr::new("--event-log"),
            events.as_os_str(),
            OsStr::new("--suppress-progress"),
            OsStr::new("--suppress-outputs"),
            OsStr::new("--suppress-permalink=true"),
        ];
        let plan: PathBuf = job.path(PLAN);
        if self.plan.is_some() {
            arguments.extend([OsStr::new("--plan"), plan.as_os_str()]);
        }
        let parallel = self.parallel.map(|count| count.to_string());
        if let Some(parallel) = &parallel {
            arguments.extend([OsStr::new("--parallel"), OsStr::new(parallel)]);
        }
        arguments.into_iter().map(OsStr::to_owned).collect()
    }

    /// The stack's secrets before the run, so that nothing it says can show one.
    async fn learn(&self, job: &Job, stack_file: Option<&StackFile>) -> Result<Learnt, Failure> {
        let now = self.now(&self.cancel).await?;
        let decrypt = self.decrypt(job, &self.cancel);
        let (config, state) = tokio::join!(
            decrypt.config(self.folder, now.state().url(), stack_file),
            decrypt.state(now.state())
        );
        let mut learnt = Learnt::new(self.key.clone());
        learnt.redactor.expect_markers(now.state().markers());
        self.variables.secrets().for_each(|secret| learnt.redactor.add(secret));
        if let Some(password) = Url::parse(self.url.expose()).ok().as_ref().and_then(Url::password)
        {
            learnt.redactor.add(&self.url);
            learnt.redactor.add(&Secret::new(password.to_owned()));
        }
        learnt.config(config?, stack_file);
        learnt.state(state?);
        Ok(learnt)
    }

    /// The state as it is now.
    pub(super) async fn now(&self, cancel: &Cancel) -> Result<Now<'a>, Failure> {
        match self.place {
            Place::Copy(state) => Ok(Now::Lent(state)),
            Place::Backend(backend) => {
                let copied = backend
                    .local_copy(self.cli, self.scratch, self.stack, &[], &self.limits, cancel)
                    .await?;
                Ok(Now::Copied(copied))
            }
        }
    }

    pub(super) fn decrypt<'r>(&'r self, job: &'r Job, cancel: &'r Cancel) -> Decrypt<'r> {
        Decrypt {
            cli: self.cli,
            job,
            environment: self.environment,
            stack: self.stack,
            limits: &self.limits,
            cancel,
        }
    }
}
