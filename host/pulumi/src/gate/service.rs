//! Answers the engine's calls.

use super::door::{self, Caller};
use super::phases::Phases;
use super::shown;
use super::wire::analyzer_server::{Analyzer, AnalyzerServer};
use super::wire::{
    AnalyzeDiagnostic, AnalyzeRequest, AnalyzeResponse, AnalyzeStackRequest,
    AnalyzerHandshakeRequest, AnalyzerHandshakeResponse, AnalyzerInfo,
    AnalyzerStackConfigureRequest, AnalyzerStackConfigureResponse, ConfigureAnalyzerRequest,
    EnforcementLevel, PluginInfo, PolicyInfo, RemediateResponse,
};
use crate::{StackId, limits};
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

const NAME: &str = "tidegate";
const POLICY: &str = "approved";

/// What the run has to know or to answer.
pub(crate) enum Call {
    /// The engine waits after its preview.
    Hold {
        /// A list of the core's `Shown`, secrets in clear.
        resources: Value,
        /// Takes the answer; dropped, it is a no.
        reply: oneshot::Sender<bool>,
    },
    /// The update began, behind the gate.
    Began,
    /// The engine waits before a step.
    Step {
        /// The core's `Shown`, secrets in clear.
        shown: Value,
        /// Takes the answer; dropped, it is a no.
        reply: oneshot::Sender<bool>,
    },
    /// Something unexpected came, and nothing passes any more.
    Closed(&'static str),
}

/// The gate of one run, answering until it is dropped.
pub(crate) struct Serving {
    /// What the run has to answer.
    pub(crate) calls: mpsc::UnboundedReceiver<Call>,
    task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Calls that are under way find nobody to ask, and are refused.
        self.task.abort();
    }
}

/// Answers for `stack` on a socket in `folder`.
pub(crate) fn serve(folder: &Path, stack: &StackId) -> io::Result<Serving> {
    let visitors = door::open(folder)?;
    // Unbounded, but the engine waits for each answer, and a stranger's first call closes it all.
    let (sender, calls) = mpsc::unbounded_channel();
    let service =
        Service { phases: Mutex::new(Phases::default()), calls: sender, stack: stack.clone() };
    let service =
        AnalyzerServer::new(service).max_decoding_message_size(limits::GATE_MESSAGE_BYTES);
    let task = tokio::spawn(async move {
        if let Err(error) = Server::builder().serve_with_incoming(service, visitors).await {
            // Who calls then finds the door closed.
            tracing::error!(%error, "the gate can't be reached any more");
        }
    });
    Ok(Serving { calls, task })
}

struct Service {
    phases: Mutex<Phases>,
    calls: mpsc::UnboundedSender<Call>,
    stack: StackId,
}

impl Service {
    fn phases(&self) -> MutexGuard<'_, Phases> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the run. Without one, nothing passes.
    fn tell(&self, call: Call) -> Result<(), &'static str> {
        self.calls.send(call).map_err(|_| self.phases().close("the run is over"))
    }

    fn closed(&self, why: &'static str) -> &'static str {
        // The run may be over; the answer is a no in any case.
        let _ = self.calls.send(Call::Closed(why));
        why
    }

    fn configure(
        &self,
        caller: u64,
        request: &AnalyzerStackConfigureRequest,
    ) -> Result<(), &'static str> {
        if request.stack != self.stack.stack() || request.project != self.stack.project() {
            return Err(self.phases().close("the gate was configured for another stack"));
        }
        self.phases().configure(caller, request.dry_run)?;
        if request.dry_run { Ok(()) } else { self.tell(Call::Began) }
    }

    async fn show(&self, caller: u64, request: AnalyzeRequest) -> Result<(), &'static str> {
        let (urn, shown) = shown::analyzed(request);
        let Some(shown) = self.phases().show(caller, urn, shown)? else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        self.tell(Call::Step { shown, reply })?;
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(self.phases().close("the step is not an approved one")),
        }
    }

    async fn ask(&self, caller: u64, request: AnalyzeStackRequest) -> Result<(), &'static str> {
        let Some(shown) = self.phases().ask(caller)? else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        self.tell(Call::Hold { resources: shown::held(shown, request), reply })?;
        // A call that is given up is dropped here, and then was not answered.
        let yes = answer.await.unwrap_or(false);
        self.phases().answer(yes)
    }
}

/// A refusal is a mandatory violation and never an error: the engine takes some errors of
/// `AnalyzeStack` (`UNIMPLEMENTED`) for a pack that has nothing against it.
fn verdict(urn: String, result: Result<(), &'static str>) -> AnalyzeResponse {
    let diagnostics = match result {
        Ok(()) => Vec::new(),
        Err(why) => vec![AnalyzeDiagnostic {
            policy_name: POLICY.to_owned(),
            policy_pack_name: NAME.to_owned(),
            policy_pack_version: env!("CARGO_PKG_VERSION").to_owned(),
            message: why.to_owned(),
            enforcement_level: EnforcementLevel::Mandatory.into(),
            urn,
        }],
    };
    AnalyzeResponse { diagnostics }
}

/// Who calls; nobody has the number 0.
fn caller<T>(request: &Request<T>) -> u64 {
    request.extensions().get::<Caller>().map_or(0, |caller| caller.0)
}

#[tonic::async_trait]
impl Analyzer for Service {
    async fn handshake(
        &self,
        _: Request<AnalyzerHandshakeRequest>,
    ) -> Result<Response<AnalyzerHandshakeResponse>, Status> {
        Ok(Response::new(AnalyzerHandshakeResponse {}))
    }

    async fn configure_stack(
        &self,
        request: Request<AnalyzerStackConfigureRequest>,
    ) -> Result<Response<AnalyzerStackConfigureResponse>, Status> {
        let caller = caller(&request);
        match self.configure(caller, request.get_ref()) {
            Ok(()) => Ok(Response::new(AnalyzerStackConfigureResponse {})),
            // Here the engine ends at every error but `UNIMPLEMENTED`.
            Err(why) => Err(Status::permission_denied(self.closed(why))),
        }
    }

    async fn configure(
        &self,
        _: Request<ConfigureAnalyzerRequest>,
    ) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }

    async fn get_plugin_info(&self, _: Request<()>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo { version: env!("CARGO_PKG_VERSION").to_owned() }))
    }

    async fn get_analyzer_info(&self, _: Request<()>) -> Result<Response<AnalyzerInfo>, Status> {
        Ok(Response::new(AnalyzerInfo {
            name: NAME.to_owned(),
            display_name: "Tidegate".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            policies: vec![PolicyInfo {
                name: POLICY.to_owned(),
                description: "Only approved steps pass.".to_owned(),
                enforcement_level: EnforcementLevel::Mandatory.into(),
            }],
        }))
    }

    async fn analyze(
        &self,
        request: Request<AnalyzeRequest>,
    ) -> Result<Response<AnalyzeResponse>, Status> {
        let (caller, request) = (caller(&request), request.into_inner());
        let urn = request.urn.clone();
        let result = self.show(caller, request).await.map_err(|why| self.closed(why));
        Ok(Response::new(verdict(urn, result)))
    }

    async fn analyze_stack(
        &self,
        request: Request<AnalyzeStackRequest>,
    ) -> Result<Response<AnalyzeResponse>, Status> {
        let caller = caller(&request);
        let result = self.ask(caller, request.into_inner()).await.map_err(|why| self.closed(why));
        Ok(Response::new(verdict(String::new(), result)))
    }

    async fn remediate(
        &self,
        _: Request<AnalyzeRequest>,
    ) -> Result<Response<RemediateResponse>, Status> {
        // Nothing is ever changed on the way.
        Ok(Response::new(RemediateResponse {}))
    }

    async fn cancel(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;
    use std::future::Future;
    use std::pin::pin;

    fn service() -> (Service, mpsc::UnboundedReceiver<Call>) {
        let (calls, receiver) = mpsc::unbounded_channel();
        let stack = StackId::new("app", "dev").unwrap();
        (Service { phases: Mutex::default(), calls, stack }, receiver)
    }

    fn by<T>(caller: u64, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(Caller(caller));
        request
    }

    fn configuration(stack: &str, dry_run: bool) -> AnalyzerStackConfigureRequest {
        AnalyzerStackConfigureRequest {
            stack: stack.to_owned(),
            project: "app".to_owned(),
            dry_run,
        }
    }

    async fn configured(service: &Service, caller: u64, dry_run: bool) -> bool {
        service.configure_stack(by(caller, configuration("dev", dry_run))).await.is_ok()
    }

    async fn passes(call: impl Future<Output = Result<Response<AnalyzeResponse>, Status>>) -> bool {
        // Never an error: some of them the engine takes for a yes.
        let response = call.await.unwrap().into_inner();
        let levels: Vec<_> = response.diagnostics.iter().map(|d| d.enforcement_level()).collect();
        assert!(levels.is_empty() || levels == [EnforcementLevel::Mandatory]);
        levels.is_empty()
    }

    async fn asks(service: &Service, caller: u64) -> bool {
        passes(service.analyze_stack(by(caller, AnalyzeStackRequest::default()))).await
    }

    async fn shows(service: &Service, caller: u64) -> bool {
        let request = AnalyzeRequest { urn: "urn:a".to_owned(), ..AnalyzeRequest::default() };
        passes(service.analyze(by(caller, request))).await
    }

    /// Answers the next question while `asking` waits for it.
    async fn answered(
        asking: impl Future<Output = bool>,
        calls: &mut mpsc::UnboundedReceiver<Call>,
        yes: Option<bool>,
    ) -> bool {
        let answer = async {
            loop {
                match calls.recv().await.unwrap() {
                    Call::Hold { reply, .. } | Call::Step { reply, .. } => {
                        if let Some(yes) = yes {
                            reply.send(yes).unwrap();
                        }
                        return;
                    }
                    Call::Began | Call::Closed(_) => {}
                }
            }
        };
        tokio::join!(asking, answer).0
    }

    #[rstest]
    #[case::yes(Some(true), true)]
    #[case::no(Some(false), false)]
    #[case::dropped(None, false)]
    #[tokio::test]
    async fn only_a_yes_lets_an_update_begin(#[case] answer: Option<bool>, #[case] begins: bool) {
        let (service, mut calls) = service();
        assert!(configured(&service, 1, true).await && shows(&service, 1).await);
        assert_eq!(answered(asks(&service, 1), &mut calls, answer).await, begins);
        assert_eq!(configured(&service, 2, false).await, begins);
    }

    #[rstest]
    #[case::yes(Some(true), true)]
    #[case::no(Some(false), false)]
    #[case::dropped(None, false)]
    #[tokio::test]
    async fn a_step_passes_only_by_a_yes(#[case] answer: Option<bool>, #[case] expected: bool) {
        let (service, mut calls) = service();
        assert!(configured(&service, 1, true).await);
        assert!(answered(asks(&service, 1), &mut calls, Some(true)).await);
        assert!(configured(&service, 2, false).await);
        assert_eq!(answered(shows(&service, 2), &mut calls, answer).await, expected);
        // After a refusal nothing passes, whatever the run would say.
        assert_eq!(answered_or_closed(&service, &mut calls).await, expected);
    }

    async fn answered_or_closed(
        service: &Service,
        calls: &mut mpsc::UnboundedReceiver<Call>,
    ) -> bool {
        let mut asking = pin!(shows(service, 2));
        tokio::select! {
            biased;
            passed = &mut asking => passed,
            Some(Call::Step { reply, .. }) = calls.recv() => {
                reply.send(true).unwrap();
                asking.await
            }
        }
    }

    #[tokio::test]
    async fn a_call_by_a_stranger_closes_the_gate_also_while_it_holds() {
        let (service, mut calls) = service();
        assert!(configured(&service, 1, true).await);
        let stranger = async {
            let Some(Call::Hold { reply, .. }) = calls.recv().await else { unreachable!() };
            assert!(!configured(&service, 9, true).await);
            assert!(matches!(calls.recv().await, Some(Call::Closed(_))));
            reply.send(true).unwrap();
        };
        let (passed, ()) = tokio::join!(asks(&service, 1), stranger);
        assert!(!passed);
        assert!(!configured(&service, 2, false).await);
    }

    #[tokio::test]
    async fn a_gate_of_another_stack_and_one_without_a_run_refuse() {
        let (service, calls) = service();
        let other = service.configure_stack(by(1, configuration("prod", true))).await;
        assert_eq!(other.unwrap_err().code(), tonic::Code::PermissionDenied);
        assert!(!configured(&service, 1, true).await);
        drop(calls);
        let (service, calls) = self::service();
        assert!(configured(&service, 1, true).await);
        drop(calls);
        assert!(!asks(&service, 1).await);
    }
}
