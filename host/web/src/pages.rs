//! The pages' addresses.

use crate::trail::Trail;
use crate::{change_page, health, list_page, metrics, plan_page, rollouts_page, stacks_page};
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use tidegate_core::review::Review;
use tidegate_core::rollout::Branch;
use tidegate_store::{MAX_PAGE, Reader, StoreError};
use tokio::net::TcpListener;

/// How many changes are searched for the one that is asked for without its project.
const SEARCHED: usize = 10_000;

/// How many branches are listed.
const BRANCHES: usize = 200;

/// What a page may load: nothing but its own style.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// What pages are made from.
#[derive(Clone, Debug)]
pub struct Pages {
    pub(crate) store: Reader,
    pub(crate) trail: Trail,
}

impl Pages {
    /// Pages over `store`.
    #[must_use]
    pub fn new(store: Reader) -> Self {
        Self { store, trail: Trail::default() }
    }

    /// Serves them until `stop` resolves.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        axum::serve(listener, self.router()).with_graceful_shutdown(stop).await
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(list_page::show))
            .route("/change/{number}", get(change_page::show))
            .route("/plan/{digest}", get(plan_page::show))
            .route("/rollouts", get(rollouts_page::show))
            .route("/stacks", get(stacks_page::show))
            .route("/output/{digest}", get(rollouts_page::output))
            .route("/healthz", get(health::show))
            .route("/metrics", get(metrics::show))
            .layer(map_response(guarded))
            .with_state(self)
    }

    /// The review of a change: of the latest changed one where several projects have the number.
    pub(crate) fn review(
        &self,
        number: u32,
        project: Option<&str>,
    ) -> Result<Option<Review>, Unmade> {
        let ending = match project {
            Some(project) => format!("/{project}/{number}"),
            None => format!("/{number}"),
        };
        let mut mark = None;
        for _ in 0..SEARCHED / MAX_PAGE {
            let some = self.store.recent_subjects("review", mark.as_ref(), MAX_PAGE)?;
            let Some(last) = some.last() else { return Ok(None) };
            mark = Some(last.mark());
            let found = some.iter().filter(|subject| subject.key.ends_with(&ending));
            for subject in found {
                let review: Review = serde_json::from_slice(&subject.state)?;
                // `b/1` also ends the key of a change of the project `a/b`.
                if project.is_none_or(|project| review.project.as_str() == project) {
                    return Ok(Some(review));
                }
            }
        }
        Ok(None)
    }

    /// The branches that stacks are claimed on, the latest changed first.
    pub(crate) fn branches(&self) -> Result<Vec<Branch>, Unmade> {
        let subjects = self.store.recent_subjects("branch", None, BRANCHES)?;
        let branches = subjects.iter().map(|subject| serde_json::from_slice(&subject.state));
        Ok(branches.collect::<Result<_, _>>()?)
    }
}

/// Says to browsers what no page of ours needs.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A page that can't be made.
pub(crate) enum Unmade {
    /// There is no such thing.
    NotFound(&'static str),
    /// The store can't be read.
    Broken(String),
}

impl From<StoreError> for Unmade {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<serde_json::Error> for Unmade {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl IntoResponse for Unmade {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, what).into_response(),
            Self::Broken(why) => {
                tracing::error!(why, "a page can't be made");
                (StatusCode::INTERNAL_SERVER_ERROR, "the page can't be made; see tidegate's log")
                    .into_response()
            }
        }
    }
}
