//! Follows Gerrit's events: the plugin's journal, or the stream over SSH.

use crate::config::Config;
use crate::executor::Hands;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::sync::Arc;
use tidegate_engine::{Cancel, Engine, Incoming};
use tidegate_gerrit::Gerrit;
use tidegate_gerrit::intake::journal::{self, JournalConfig};
use tidegate_gerrit::intake::ssh::{self, SshConfig};
use tidegate_gerrit::intake::{Batch, Position};
use tidegate_store::RawEvent;

/// The file beside the store that names the journal that was followed last. It is a hint: without
/// it every project is read once more.
const JOURNAL: &str = "journal";

/// Follows until told to stop.
pub(crate) async fn follow(
    config: Config,
    engine: Arc<Engine<Hands>>,
    gerrit: Gerrit,
    stop: Cancel,
) -> Result<()> {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        stop.cancelled().await;
        sender.send_replace(true);
    });
    let file = config.state.join(JOURNAL);
    let sink = |batch: Batch| {
        let (engine, file) = (Arc::clone(&engine), file.clone());
        async move {
            tokio::task::spawn_blocking(move || take(&engine, batch, &file)).await??;
            Ok::<_, anyhow::Error>(())
        }
    };
    match &config.gerrit.ssh {
        Some(settings) if !config.gerrit.plugin => {
            let mut stream = SshConfig::new(
                settings.host.clone(),
                config.gerrit.user.clone(),
                settings.key_file.clone(),
                settings.known_hosts_file.clone(),
            );
            stream.port = settings.port;
            ssh::follow(&stream, receiver, sink).await
        }
        _ => {
            let from = position(&engine, &file)?;
            journal::follow(gerrit.client(), JournalConfig::default(), from, receiver, sink).await
        }
    }
}

/// Makes a batch durable, then the name of its journal.
fn take(engine: &Engine<Hands>, batch: Batch, file: &Path) -> Result<()> {
    let journal = batch.position.as_ref().map(|position| position.journal.clone());
    engine.take(&incoming(batch))?;
    if let Some(journal) = journal
        && std::fs::read_to_string(file).ok().as_deref() != Some(&journal)
    {
        std::fs::write(file, journal)
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    Ok(())
}

/// Where the journal was left.
fn position(engine: &Engine<Hands>, file: &Path) -> Result<Option<Position>> {
    let Ok(journal) = std::fs::read_to_string(file) else { return Ok(None) };
    let seq = engine.store().cursor(&source(&journal))?;
    Ok(seq.map(|seq| Position { journal, seq }))
}

/// The store's name for a journal.
fn source(journal: &str) -> String {
    format!("journal:{journal}")
}

/// A journal is a source of its own, by its id: numbers of two journals mean nothing to each other.
fn incoming(batch: Batch) -> Incoming {
    if let Some(gap) = &batch.gap {
        tracing::info!(?gap, source = ?batch.source, "events may be missing; projects are read");
    }
    let source = match &batch.position {
        Some(position) => source(&position.journal),
        None => "ssh".to_owned(),
    };
    let events =
        batch.events.into_iter().map(|event| RawEvent { position: event.seq, body: event.bytes });
    Incoming {
        source,
        position: batch.position.map(|position| position.seq),
        events: events.collect(),
        gap: batch.gap.is_some(),
    }
}
