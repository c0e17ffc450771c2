//! Whether the store answers.

use crate::pages::{Pages, Unmade};
use axum::extract::State;

pub(crate) async fn show(State(pages): State<Pages>) -> Result<&'static str, Unmade> {
    pages.store.leaves_count()?;
    Ok("ok\n")
}
