//! Whose an e-mail is, remembered for a moment.

use crate::rest::{Client, RestError};
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tidegate_core::ids::AccountId;

/// How long an answer is used again. Short, because somebody may register an address at any time,
/// and an answer only ever takes rights away.
const FRESH: Duration = Duration::from_secs(30);

/// Most answers that are remembered; then all are forgotten.
const REMEMBERED: usize = 10_000;

/// The answers.
#[derive(Debug, Default)]
pub(crate) struct Emails {
    known: Mutex<HashMap<String, (Instant, BTreeSet<AccountId>)>>,
}

impl Emails {
    /// The accounts that `email` belongs to.
    pub(crate) async fn accounts(
        &self,
        client: &Client,
        email: &str,
    ) -> Result<BTreeSet<AccountId>, RestError> {
        if let Some(accounts) = self.remembered(email) {
            return Ok(accounts);
        }
        let accounts = client.accounts_by_email(email).await?;
        if let Ok(mut known) = self.known.lock() {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(email.to_owned(), (Instant::now(), accounts.clone()));
        }
        Ok(accounts)
    }

    fn remembered(&self, email: &str) -> Option<BTreeSet<AccountId>> {
        let known = self.known.lock().ok()?;
        let (at, accounts) = known.get(email)?;
        (at.elapsed() < FRESH).then(|| accounts.clone())
    }
}
