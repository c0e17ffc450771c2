//! Answers the gate's questions during a run, and keeps what was answered.

use super::Refusal;
use super::held::{Told, held};
use super::log::settled;
use super::run::Run;
use crate::assemble::Learnt;
use crate::gate::{Call, Gate, Held, Verdict};
use crate::job::Job;
use crate::mask::mask_plain;
use crate::{Failure, mask_secrets};
use serde_json::Value;
use std::convert::Infallible;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

/// What a run asked, and what it was told.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The engine came to the gate.
    pub(super) asked: bool,
    /// Why it was not let pass.
    pub(super) refusal: Option<Refusal>,
    /// It was let pass.
    pub(super) passed: bool,
    /// Its update began.
    pub(super) began: bool,
    /// A step of the update was refused.
    pub(super) step_refused: bool,
    /// The run was cancelled while a step was asked about.
    pub(super) cancelled: bool,
    /// What came to the gate and was not to be expected.
    pub(super) unexpected: Option<&'static str>,
    /// The digest of the state that was decided on.
    pub(super) state_before: Option<String>,
}

/// The side of the gate that knows the stack.
pub(super) struct Answering<'r, 'a, G> {
    pub(super) run: &'r Run<'a>,
    pub(super) job: &'r Job,
    pub(super) gate: &'r G,
    /// Lost only if the work on it was.
    pub(super) learnt: Option<Learnt>,
    pub(super) record: Record,
}

impl<G: Gate> Answering<'_, '_, G> {
    /// Answers until it is dropped at the run's end. `stop` has the run stopped.
    pub(super) async fn answer(
        &mut self,
        calls: &mut UnboundedReceiver<Call>,
        stop: oneshot::Sender<()>,
    ) -> Infallible {
        let mut stop = Some(stop);
        while let Some(call) = calls.recv().await {
            match call {
                Call::Hold { resources, reply } => {
                    self.record.asked = true;
                    let result = self.undisturbed(resources, calls).await;
                    self.record.passed = result.is_ok();
                    self.record.refusal = result.err();
                    // The call may have been given up meanwhile.
                    if reply.send(self.record.passed).is_err() {
                        self.record.passed = false;
                    }
                }
                Call::Began => self.record.began = true,
                Call::Step { shown, reply } => {
                    let yes = self.step(shown).await;
                    self.record.step_refused |= !yes && !self.record.cancelled;
                    // Given up or answered, the engine has ended its wait.
                    let _ = reply.send(yes);
                }
                Call::Closed(why) => self.closed(why),
            }
            let is_over = self.record.step_refused || self.record.unexpected.is_some();
            if is_over && let Some(stop) = stop.take() {
                // A run that has just ended by itself needs no stop.
                let _ = stop.send(());
            }
        }
        // The gate can't be reached any more; the engine will end by itself.
        std::future::pending().await
    }

    /// A closed gate is news only where no answer of ours closed it.
    fn closed(&mut self, why: &'static str) {
        let record = &mut self.record;
        if record.refusal.is_none() && !record.step_refused && !record.cancelled {
            record.unexpected.get_or_insert(why);
            if !record.passed {
                record.refusal = Some(Refusal::Unexpected(why));
            }
        }
    }

    /// Decides while the engine is held, unless something unexpected comes in between.
    async fn undisturbed(
        &mut self,
        resources: Value,
        calls: &mut UnboundedReceiver<Call>,
    ) -> Result<(), Refusal> {
        let mut cancel = self.run.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Refusal::Cancelled),
            why = closing(calls) => Err(Refusal::Unexpected(why)),
            result = self.decide(resources) => result,
        }
    }

    async fn decide(&mut self, resources: Value) -> Result<(), Refusal> {
        let held = self.held(resources).await.map_err(Refusal::NotReadable)?;
        self.record.state_before = Some(held.state_digest.clone());
        match tokio::time::timeout(self.run.hold_time, self.gate.hold(held)).await {
            Ok(Verdict::Yes) => Ok(()),
            Ok(Verdict::No) => Err(Refusal::Verdict),
            Err(_) => Err(Refusal::NoAnswer),
        }
    }

    /// What there is to decide on. The state is read now, under the engine's lock.
    async fn held(&mut self, resources: Value) -> Result<Held, Failure> {
        let (run, job) = (self.run, self.job);
        let now = run.now(&run.cancel).await?;
        let deployment = run.decrypt(job, &run.cancel).state(now.state()).await?;
        let log = settled(job, run.limits.event_log_bytes, &resources, &deployment).await?;
        let state_digest = now.state().digest().to_owned();
        let mut learnt = self.learnt.take().ok_or_else(lost)?;
        let told = Told { log, resources, deployment, state_digest };
        // Large stacks take a while, in which other runs are to go on.
        let work = move || {
            let held = held(&mut learnt, told);
            (learnt, held)
        };
        let (learnt, held) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Failure::Machine(error.to_string()))?;
        self.learnt = Some(learnt);
        Ok(held)
    }

    async fn step(&mut self, mut shown: Value) -> bool {
        let Some(Learnt { redactor, key, .. }) = &mut self.learnt else { return false };
        mask_secrets(&mut shown, key, redactor);
        mask_plain(&mut shown, key, redactor);
        let mut cancel = self.run.cancel.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => {
                self.record.cancelled = true;
                false
            }
            verdict = self.gate.step(shown) => verdict == Verdict::Yes,
        }
    }
}

fn lost() -> Failure {
    Failure::Machine("the knowledge of the stack's secrets was lost".to_owned())
}

/// The first reason for which the gate was closed. Other calls are dropped, which is a no.
async fn closing(calls: &mut UnboundedReceiver<Call>) -> &'static str {
    loop {
        match calls.recv().await {
            Some(Call::Closed(why)) => return why,
            Some(Call::Hold { .. } | Call::Step { .. } | Call::Began) => {}
            None => return "the gate can't be reached any more",
        }
    }
}
