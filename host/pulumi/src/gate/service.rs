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
