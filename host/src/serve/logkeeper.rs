//! Takes what the core wants logged from the store's outbox into the log.

use crate::config::Config;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate_engine::Cancel;
use tidegate_ledger::{Code, Digest, Leaf, Log, LogKey, Role, SaltFile, Subject};
use tidegate_store::Store;

/// How many leaves go under one checkpoint at most: a batch costs one signature and a few writes.
const BATCH: usize = 256;

/// How long the keeper sleeps when nothing wakes it.
const IDLE: Duration = Duration::from_secs(5);

/// Keeps the log.
pub(crate) struct LogKeeper {
    log: Log,
    /// Whose accounts the commitments in the log stand for.
    salts: SaltFile,
    store: Arc<Store>,
}

/// A leaf as the engine puts it into the outbox.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outgoing {
    time: u64,
    code: String,
    subject: String,
    ids: BTreeMap<String, String>,
    digests: BTreeMap<String, String>,
    #[serde(default)]
    account: Option<u32>,
}

impl LogKeeper {
    /// Opens the log, or begins it with its first leaf's store.
    pub(crate) fn open(config: &Config, store: Arc<Store>) -> Result<Self> {
        let key = LogKey::read(&config.log.key_file)?;
        let origin = key.name().to_string();
        let folder = &config.log.folder;
        let log = if Log::exists(folder) {
            Log::open(folder, &origin, key)?
        } else {
            // A store that has logged into another folder must not begin a second log in silence.
            let logged = store.logged()?;
            anyhow::ensure!(
                logged == 0,
                "there is no log in {}, but {logged} entries were written to one: put it back",
                folder.display()
            );
            Log::create(folder, &origin, key)?
        };
        tracing::info!(entries = log.size(), folder = %folder.display(), "the log is open");
        // Beside the state and not in the log's folder, which auditors get.
        let salts = SaltFile::open(&config.state.join("salts.jsonl"))?;
        Ok(Self { log, salts, store })
    }

    /// Keeps it until told to stop.
    pub(crate) async fn run(mut self, stop: Cancel) -> Result<()> {
        while !stop.is_cancelled() {
            let store = Arc::clone(&self.store);
            let (keeper, seen) = tokio::task::spawn_blocking(move || {
                let seen = self.store.changes();
                let took = self.take();
                took.map(|()| (self, seen))
            })
            .await
            .context("the log's task failed")??;
            self = keeper;
            let waiting = tokio::task::spawn_blocking(move || store.wait_changed(seen, IDLE));
            tokio::select! {
                ended = waiting => { ended.context("the log's task failed")?; }
                () = stop.cancelled() => {}
            }
        }
        self.take()
    }

    /// Takes what waits into the log. A leaf that was taken before is skipped.
    fn take(&mut self) -> Result<()> {
        loop {
            let from = self.store.logged()?;
            let waiting = self.store.take_leaves(from, BATCH)?;
            let Some(last) = waiting.last() else { return Ok(()) };
            let up_to = last.index + 1;
            let leaves = waiting
                .iter()
                .map(|leaf| {
                    read(&leaf.body, &mut self.salts)
                        .with_context(|| format!("leaf {}", leaf.index))
                })
                .collect::<Result<Vec<_>>>()?;
            self.log.append_from(from, &leaves)?;
            self.store.set_logged(up_to)?;
        }
    }
}

fn read(body: &[u8], salts: &mut SaltFile) -> Result<Leaf> {
    let outgoing: Outgoing = serde_json::from_slice(body)?;
    let code = Code::parse(&outgoing.code)
        .with_context(|| format!("the log has no code {:?}", outgoing.code))?;
    let mut draft = Leaf::draft(code, Subject::new(&outgoing.subject)?, outgoing.time);
    if let Some(account) = outgoing.account {
        draft = draft.account(Role::Account, &salts.commit(&account.to_string())?);
    }
    for (name, id) in &outgoing.ids {
        draft = draft.id(name, id);
    }
    for (name, digest) in &outgoing.digests {
        draft = draft.digest(name, &Digest::sha256(digest)?);
    }
    Ok(draft.build()?)
}
