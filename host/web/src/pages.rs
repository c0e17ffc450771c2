//! The pages' addresses.

use crate::{change_page, health, list_page, metrics, rollouts_page};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use tidegate_store::{Reader, StoreError};
use tokio::net::TcpListener;

/// What pages are made from.
#[derive(Clone, Debug)]
pub struct Pages {
    pub(crate) store: Reader,
}

impl Pages {
    /// Pages over `store`.
    #[must_use]
    pub fn new(store: Reader) -> Self {
        Self { store }
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
            .route("/rollouts", get(rollouts_page::show))
            .route("/output/{digest}", get(rollouts_page::output))
            .route("/healthz", get(health::show))
            .route("/metrics", get(metrics::show))
            .with_state(self)
    }
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
