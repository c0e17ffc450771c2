//! Tells how a run ended.

use super::held::{after, outputs};
use super::log::{EVENTS, is_of_update, whole_lines};
use super::run::{Ran, Run};
use super::{Applied, DryRun, Failed, FailedWhat, Left, Outcome, Refusal, Refused, Uncertain};
use crate::assemble::Learnt;
use crate::ending::{Ended, stopped};
use crate::events::{EventLogReader, EventNote, Pass, Told, check, masked};
use crate::gate::Held;
use crate::job::Job;
use crate::process::{End, Finished};
use crate::{Cancel, Failure, Resolved, Versions, output};
use serde_json::Value;
use std::time::Duration;
use zeroize::Zeroizing;

/// In messages with this text the engine prints values (`step_generator.go`).
const VALUES: &str = "violates plan";

/// What the engine says of a planned operation that didn't come.
const NOISE: &[u8] = b"expected resource operations for";

/// What stands for a text that is not shown.
const WITHHELD: &str = "[not shown: the engine prints values where a plan is violated]\n";

/// How a run ended, and what its log says.
struct Close {
    job: Job,
    log: Vec<u8>,
    /// Whether the log is that of an update.
    updated: bool,
    learnt: Option<Learnt>,
}

/// The stack after a run.
struct After {
    resolved: Resolved,
    state: Value,
}

impl Run<'_> {
    /// How an update ended.
    pub(super) async fn outcome(&self, ran: Ran) -> Outcome {
        let Ran { job, finished, mut record, learnt } = ran;
        let log = job.read(EVENTS, self.limits.event_log_bytes).unwrap_or_default().to_vec();
        let updated = is_of_update(&log);
        let mut close = Close { job, log, updated, learnt };
        let ended_well = finished.as_ref().is_ok_and(|f| f.end == End::Exited(0));
        let duration = finished.as_ref().map_or(Duration::ZERO, |finished| finished.time);
        if !record.began && !updated && !ended_well {
            let left = self.left(&close.job).await;
            if record.asked || record.refusal.is_some() {
                let why = record.refusal.take().unwrap_or(Refusal::Ended);
                return Outcome::Refused(Refused { why, left });
            }
            return match self.not_asked(&finished, &mut close) {
                Failure::PlanViolated => Outcome::Violated { left },
                failure => Outcome::NotStarted { failure, left },
            };
        }
        let state_before = record.state_before.take();
        let (true, true, Some(before)) = (record.passed, record.began, state_before.clone()) else {
            let what = "the engine went past the gate".to_owned();
            return self.uncertain(what, &mut close, state_before, duration).await;
        };
        let finished = match finished {
            Ok(finished) => finished,
            Err(failure) => {
                let what = failure.to_string();
                return self.uncertain(what, &mut close, Some(before), duration).await;
            }
        };
        let what = match finished.end {
            End::Signalled(signal) => Err(Failure::Killed(signal).to_string()),
            _ if finished.was_killed => {
                Err("the run did not end after it was interrupted, and was killed".to_owned())
            }
            End::Exited(0) => {
                return self.succeeded(&mut close, &finished, before).await;
            }
            End::Stopped(_) if record.step_refused => Ok(FailedWhat::StepRefused),
            End::Stopped(stop) => Ok(match record.unexpected {
                Some(why) => FailedWhat::Unexpected(why),
                None => FailedWhat::Engine(stopped(stop, &self.limits)),
            }),
            // It may end by its refusal before it is interrupted.
            End::Exited(1) if record.step_refused => Ok(FailedWhat::StepRefused),
            End::Exited(1) if record.cancelled => Ok(FailedWhat::Engine(Failure::Cancelled)),
            End::Exited(1) if let Some(why) = record.unexpected => Ok(FailedWhat::Unexpected(why)),
            End::Exited(code) => match self.failure(code, &finished, &mut close) {
                failure @ Failure::Uncertain { .. } => Err(failure.to_string()),
                failure => Ok(FailedWhat::Engine(failure)),
            },
        };
        match what {
            Ok(what) => self.failed(what, &mut close, &finished, before).await,
            Err(what) => self.uncertain(what, &mut close, Some(before), duration).await,
        }
    }

    /// How a dry run ended; `held` is what its gate was asked.
    pub(super) fn dry(&self, ran: Ran, held: Option<Held>) -> Result<DryRun, Failure> {
        let Ran { job, finished, mut record, learnt } = ran;
        let log = job.read(EVENTS, self.limits.event_log_bytes).unwrap_or_default().to_vec();
        let mut close = Close { job, log, updated: false, learnt };
        let duration = finished.as_ref().map_or(Duration::ZERO, |finished| finished.time);
        match (record.refusal.take(), held) {
            (Some(Refusal::Verdict), Some(held)) => {
                Ok(DryRun { held, versions: Versions::of(self.cli), duration })
            }
            (Some(Refusal::NotReadable(failure)), _) => Err(failure),
            (Some(Refusal::Cancelled), _) => Err(Failure::Cancelled),
            (Some(Refusal::Unexpected(why)), _) => Err(Failure::Machine(why.to_owned())),
            _ => Err(self.not_asked(&finished, &mut close)),
        }
    }

    /// Why the engine didn't come to the gate.
    fn not_asked(&self, finished: &Result<Finished, Failure>, close: &mut Close) -> Failure {
        let finished = match finished {
            Ok(finished) => finished,
            Err(failure) => return Failure::Machine(failure.to_string()),
        };
        match finished.end {
            End::Exited(0) => Failure::ResultBroken("the engine did not ask the gate".to_owned()),
            End::Signalled(signal) => Failure::Killed(signal),
            End::Stopped(stop) => stopped(stop, &self.limits),
            End::Exited(code) => {
                let told = Told::read(&close.log);
                match self.failure(code, finished, close) {
                    // Outputs that the plan doesn't have end without a word.
                    Failure::ProgramFailed(_) if self.plan.is_some() && told.errors.is_empty() => {
                        Failure::PlanViolated
                    }
                    failure => failure,
                }
            }
        }
    }

    fn failure(&self, code: i32, finished: &Finished, close: &mut Close) -> Failure {
        let ended = Ended { cli: self.cli, stack: self.stack, job: &close.job };
        let redactor = close.learnt.as_mut().map(|learnt| &mut learnt.redactor);
        // Where a step fails, the engine says of each later one that it didn't come.
        let log = without_noise(&close.log);
        if close.updated && !Told::read(&log).errors.is_empty() {
            let finished = Finished {
                end: finished.end,
                stdout: Zeroizing::new(without_noise(&finished.stdout)),
                stderr: Zeroizing::new(without_noise(&finished.stderr)),
                time: finished.time,
                was_killed: finished.was_killed,
            };
            return ended.failed(code, &finished, &log, redactor);
        }
        ended.failed(code, finished, &close.log, redactor)
    }

    async fn succeeded(&self, close: &mut Close, finished: &Finished, before: String) -> Outcome {
        let checked = check(&close.log, Pass::Update).map(drop).map_err(|e| e.to_string());
        let after = self.after(close).await.map_err(|failure| failure.to_string());
        match checked.and(after) {
            Ok(After { resolved, state }) => Outcome::Applied(Box::new(Applied {
                events: close.events(),
                state_before: before,
                state_after: resolved.state_digest,
                outputs: outputs(&state),
                state,
                output: close.output(finished),
                versions: Versions::of(self.cli),
                duration: finished.time,
            })),
            Err(what) => self.uncertain(what, close, Some(before), finished.time).await,
        }
    }

    async fn failed(
        &self,
        what: FailedWhat,
        close: &mut Close,
        finished: &Finished,
        before: String,
    ) -> Outcome {
        match self.after(close).await {
            // An engine that ended in order has given its lock back.
            Ok(After { resolved, state }) if resolved.locks.as_ref().is_none_or(Vec::is_empty) => {
                Outcome::Failed(Box::new(Failed {
                    what,
                    errors: close.errors(),
                    events: close.events(),
                    failed_operations: close.failed_operations(),
                    state_before: before,
                    state_after: resolved.state_digest.clone(),
                    state,
                    output: close.output(finished),
                    left: Left::Found(resolved),
                    versions: Versions::of(self.cli),
                    duration: finished.time,
                }))
            }
            Ok(_) => {
                let what = "the run failed, and the stack is locked".to_owned();
                self.uncertain(what, close, Some(before), finished.time).await
            }
            Err(failure) => {
                let what = failure.to_string();
                self.uncertain(what, close, Some(before), finished.time).await
            }
        }
    }

    async fn uncertain(
        &self,
        what: String,
        close: &mut Close,
        state_before: Option<String>,
        duration: Duration,
    ) -> Outcome {
        let (left, state) = match self.after(close).await {
            Ok(After { resolved, state }) => (Left::Found(resolved), Some(state)),
            // It may be that only its secrets can't be read.
            Err(_) => (self.left(&close.job).await, None),
        };
        let events = close.events();
        Outcome::Uncertain(Box::new(Uncertain {
            what,
            events,
            state_before,
            state,
            left,
            duration,
        }))
    }

    /// What is at the backend now. Not to be cancelled: it is how a cancelled run is reported.
    async fn left(&self, job: &Job) -> Left {
        let look = async {
            let now = self.now(&Cancel::never()).await?;
            let never = Cancel::never();
            let deployment = self.decrypt(job, &never).encrypted_state(now.state()).await?;
            Ok(Resolved::of(now.state(), &deployment))
        };
        match look.await {
            Ok(resolved) => Left::Found(resolved),
            Err(failure) => Left::Unreadable(failure),
        }
    }

    /// The stack after the run.
    async fn after(&self, close: &mut Close) -> Result<After, Failure> {
        let never = Cancel::never();
        let now = self.now(&never).await?;
        let deployment = self.decrypt(&close.job, &never).state(now.state()).await?;
        let resolved = Resolved::of(now.state(), &deployment);
        let lost = || Failure::Machine("the knowledge of the stack's secrets was lost".to_owned());
        let learnt = close.learnt.as_mut().ok_or_else(lost)?;
        Ok(After { resolved, state: after(learnt, deployment) })
    }
}

/// The lines that don't say that a planned operation didn't come.
fn without_noise(text: &[u8]) -> Vec<u8> {
    let is_noise = |line: &&[u8]| line.windows(NOISE.len()).any(|part| part == NOISE);
    text.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| !is_noise(line))
        .flatten()
        .copied()
        .collect()
}

impl Close {
    /// The update's events without secrets; none if the log is of something else.
    fn events(&mut self) -> String {
        match &mut self.learnt {
            Some(Learnt { redactor, key, .. }) if self.updated => {
                masked(whole_lines(&self.log), key, redactor).0
            }
            _ => String::new(),
        }
    }

    /// Messages of severity `error`, without those that print values.
    fn errors(&mut self) -> Vec<String> {
        let Some(learnt) = &mut self.learnt else { return Vec::new() };
        let errors = Told::read(whole_lines(&self.log).as_bytes()).errors;
        let harmless = errors.iter().filter(|text| !text.contains(VALUES));
        let strike = |text: &String| learnt.redactor.strike(&output::plain(text.as_bytes()));
        harmless.map(strike).map(|text| output::tail(&text)).collect()
    }

    fn failed_operations(&self) -> u64 {
        let notes = EventLogReader::new().feed(whole_lines(&self.log).as_bytes());
        let failed = |note: &&EventNote| matches!(note, EventNote::Failed { .. });
        notes.map_or(0, |notes| notes.iter().filter(failed).count() as u64)
    }

    /// What the CLI said to people.
    fn output(&mut self, finished: &Finished) -> String {
        let says = |bytes: &[u8]| output::plain(bytes).contains(VALUES);
        match &mut self.learnt {
            Some(_) if says(&finished.stdout) || says(&finished.stderr) => WITHHELD.to_owned(),
            Some(learnt) => output::shown(
                &finished.stdout,
                &finished.stderr,
                self.job.folder(),
                &mut learnt.redactor,
            ),
            None => String::new(),
        }
    }
}
