//! What the commands of this machine ask of a running `tidegate serve`: a socket in its state folder
//! that only its own user can reach.

use crate::executor::Hands;
use anyhow::{Context as _, Result};
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::IncomingStream;
use axum::{Router, response::IntoResponse};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::ids::{Digest, Project, RefName, Revision, StackId};
use tidegate_core::rollout::{Adoption, Branch, BranchInput};
use tidegate_core::settings::Settings;
use tidegate_engine::{ApplyError, Cancel, Engine, SubjectInput};
use tidegate_store::Cause;
use tokio::net::UnixListener;

/// The name of the socket in the state folder.
const SOCKET: &str = "control.sock";

/// How often a branch that is being read for the first time is looked at, and how many times: what
/// a person waits for at most is half a minute.
const POLL: (Duration, u32) = (Duration::from_millis(200), 150);

/// Takes stacks over as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdoptRequest {
    /// The project.
    pub(crate) project: Project,
    /// The stacks; all that the project claims, if there are none.
    pub(crate) stacks: BTreeSet<StackId>,
    /// Why.
    pub(crate) reason: String,
}

/// What was taken over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Adopted {
    /// Each stack, with the commit and the digest of the state that it was found with.
    pub(crate) stacks: BTreeMap<StackId, Baseline>,
}

/// What a stack was found with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// The tip of its branch.
    pub(crate) revision: Revision,
    /// The digest of its state.
    pub(crate) state: Digest,
}

/// Where the socket of a state folder is.
pub(crate) fn socket(state: &Path) -> PathBuf {
    state.join(SOCKET)
}

/// Who is at the other end, as the kernel says.
#[derive(Clone, Debug)]
struct Peer(String);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        match stream.io().peer_cred() {
            Ok(peer) => Self(format!("uid {} on the host", peer.uid())),
            Err(_) => Self("somebody on the host".to_owned()),
        }
    }
}

/// Serves commands until `stop` fires.
pub(crate) async fn serve(state: &Path, engine: Arc<Engine<Hands>>, stop: Cancel) -> Result<()> {
    let path = socket(state);
    // The store's lock says that no other serve is running: an old socket is nobody's.
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be replaced", path.display()));
        }
    }
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("{} can't be listened on", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let router = Router::new().route("/adopt", post(adopt)).with_state(engine);
    axum::serve(listener, router.into_make_service_with_connect_info::<Peer>())
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
        .context("the control socket failed")?;
    // It is gone with its process; a leftover is replaced by the next start.
    let _ = std::fs::remove_file(&path);
    Ok(())
}

async fn adopt(
    State(engine): State<Arc<Engine<Hands>>>,
    ConnectInfo(Peer(by)): ConnectInfo<Peer>,
    Json(request): Json<AdoptRequest>,
) -> axum::response::Response {
    match adopt_all(&engine, by, request).await {
        Ok(adopted) => Json(adopted).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}

async fn adopt_all(
    engine: &Arc<Engine<Hands>>,
    by: String,
    request: AdoptRequest,
) -> Result<Adopted> {
    let AdoptRequest { project, stacks, reason } = request;
    anyhow::ensure!(!reason.trim().is_empty(), "a reason is needed: it stands in the log");
    anyhow::ensure!(
        engine.settings().projects.contains(&project),
        "{project} is not in gerrit.projects of the host's configuration"
    );
    let hands = engine.executor();
    let layers = hands.gerrit.settings(&project).await?;
    let settings = Settings::read(&layers, &hands.config.floor.clone().unwrap_or_default())?;
    for stack in &stacks {
        let claimed = || settings.stacks.keys().map(ToString::to_string).collect::<Vec<_>>();
        anyhow::ensure!(
            settings.stacks.contains_key(stack),
            "{project} claims no stack {stack}; it claims {}",
            claimed().join(", ")
        );
    }
    let mut by_branch: BTreeMap<RefName, BTreeMap<StackId, Digest>> = BTreeMap::new();
    for (stack, claim) in &settings.stacks {
        if stacks.is_empty() || stacks.contains(stack) {
            let state = hands.state_digest(claim).await.with_context(|| stack.to_string())?;
            by_branch.entry(claim.branch.clone()).or_default().insert(stack.clone(), state);
        }
    }
    anyhow::ensure!(!by_branch.is_empty(), "{project} claims no stack: run `tidegate init` first");
    let mut adopted = Adopted { stacks: BTreeMap::new() };
    for (branch, stacks) in by_branch {
        let revision = read_branch(engine, &project, &branch).await?;
        let input = BranchInput::Adopt(Adoption {
            stacks: stacks.clone(),
            by: by.clone(),
            reason: reason.clone(),
            account: hands.publisher,
        });
        apply(engine, branch_input(&project, &branch, input)).await?;
        for (stack, state) in stacks {
            adopted.stacks.insert(stack, Baseline { revision: revision.clone(), state });
        }
    }
    Ok(adopted)
}

/// Waits until the branch was read, and gives the commit that it was read at.
async fn read_branch(
    engine: &Arc<Engine<Hands>>,
    project: &Project,
    branch: &RefName,
) -> Result<Revision> {
    let hint = SubjectInput::branch_hint(engine.server(), project, branch);
    let key = hint.key(engine.server());
    apply(engine, hint).await?;
    for _ in 0..POLL.1 {
        if let Some(subject) = engine.store().subject(&key)? {
            let state: Branch = serde_json::from_slice(&subject.state)?;
            if let (Some(tip), None) = (state.tip, state.reading) {
                return Ok(tip);
            }
        }
        tokio::time::sleep(POLL.0).await;
    }
    anyhow::bail!("{branch} of {project} can't be read; see the log of `tidegate serve`")
}

fn branch_input(project: &Project, branch: &RefName, input: BranchInput) -> SubjectInput {
    SubjectInput::Branch {
        project: project.clone(),
        branch: branch.clone(),
        input: Box::new(input),
    }
}

async fn apply(engine: &Arc<Engine<Hands>>, input: SubjectInput) -> Result<()> {
    let engine = Arc::clone(engine);
    let applied =
        tokio::task::spawn_blocking(move || engine.apply(Cause::Other, &input, Vec::new())).await?;
    match applied {
        Ok(_) => Ok(()),
        Err(ApplyError::Core(why)) => anyhow::bail!(why),
        Err(error) => Err(error.into()),
    }
}
