//! `tidegate serve`: puts the rooms together and lets them work until it is told to stop.

pub(crate) mod connect;
pub(crate) mod control;
mod intake;
mod logkeeper;

use crate::config::{Config, secret};
use crate::executor::{Hands, SandboxedRules};
use crate::seal::Seal;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tidegate_engine::{Canceller, Engine, Settings, SystemClock};
use tidegate_ledger::LogKey;
use tidegate_pulumi::{Cli, Scratch};
use tidegate_sandbox::{Policies, PolicyLimits, PolicySandbox, Rules};
use tidegate_store::Store;
use tokio::signal::unix::{SignalKind, signal};

/// How many exchanges with Gerrit are under way at once, beside the requests' own budget.
const EXCHANGES: usize = 4;

/// Previews at once, unless the configuration says otherwise: each takes a processor for seconds.
const PREVIEWS: usize = 2;

/// Applies at once, unless the configuration says otherwise.
const APPLIES: usize = 2;

pub(crate) fn run(path: &Path) -> Result<ExitCode> {
    let config = Config::read(path)?;
    // Another provider can't be installed yet: this is the first thing that happens.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime can't be started")?
        .block_on(serve(config))
}

async fn serve(config: Config) -> Result<ExitCode> {
    let rules = Arc::new(SandboxedRules(Rules::embedded()?));
    tracing::info!(core = rules.0.digest(), version = env!("CARGO_PKG_VERSION"), "tidegate starts");
    let store = Arc::new(Store::open(config.store())?);
    let scratch = Scratch::open(&config.state.join("scratch"))?;
    let left = scratch.sweep()?;
    if left > 0 {
        tracing::warn!(left, "runs of a killed process were cleaned up");
    }
    let seal = Seal::open(&config.state.join("seal.key"))?;
    let cli = Cli::find(config.pulumi.bin.as_deref(), &[], &scratch).await?;
    tracing::info!(version = %cli.version(), program = %cli.program().display(), "Pulumi was found");
    let record_key = match &config.gerrit.record_key_file {
        Some(path) => Some(LogKey::parse(&secret(path)?)?),
        None => None,
    };
    let keeper = logkeeper::LogKeeper::open(&config, Arc::clone(&store))?;
    let password = secret(&config.gerrit.password_file)?;
    let (gerrit, publisher) = connect::connect(&config, &password).await?;

    let sandbox = PolicySandbox::new(PolicyLimits::default())?;
    let policies = Arc::new(Policies::new(sandbox, config.policies.folder()));
    let settings = Settings {
        projects: config.gerrit.projects.clone(),
        previews: config.pulumi.previews.unwrap_or(PREVIEWS),
        applies: config.pulumi.applies.unwrap_or(APPLIES),
        exchanges: EXCHANGES,
        reconcile_every: config.reconcile_every(),
    };
    let (canceller, stop) = Canceller::new();
    let hands = Hands {
        config: config.clone(),
        gerrit: gerrit.clone(),
        rules: Arc::clone(&rules),
        cli,
        scratch,
        publisher,
        record_key,
        store: store.reader(),
        policies,
        seal,
    };
    let engine = Engine::new(
        gerrit.server().clone(),
        settings,
        Arc::clone(&store),
        rules,
        Arc::new(SystemClock),
        hands,
    );
    let pages = tidegate_web::Pages::new(store.reader());
    let listener = tokio::net::TcpListener::bind(config.web.listen)
        .await
        .with_context(|| format!("{} can't be listened on", config.web.listen))?;
    tracing::info!(address = %listener.local_addr()?, "pages are served");

    let state = config.state.clone();
    let engine_stop = stop.clone();
    let working = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.run(engine_stop).await }
    });
    let taking = tokio::spawn(intake::follow(config, Arc::clone(&engine), gerrit, stop.clone()));
    let controlling = tokio::spawn({
        let (engine, stop) = (Arc::clone(&engine), stop.clone());
        async move { control::serve(&state, engine, stop).await }
    });
    let keeping = tokio::spawn(keeper.run(stop.clone()));
    let serving = tokio::spawn(pages.serve(listener, {
        let stop = stop.clone();
        async move { stop.cancelled().await }
    }));
    tracing::info!("tidegate serves");

    let failed = tokio::select! {
        () = told_to_stop() => None,
        ended = taking => Some(ended.context("the intake ended")),
        ended = keeping => Some(ended.context("the log ended").map(|_| Ok(()))),
    };
    canceller.cancel();
    tracing::info!("tidegate stops");
    working.await.context("the engine failed")?;
    serving.await.context("the pages failed")??;
    controlling.await.context("the control socket failed")??;
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(ended) => {
            ended??;
            anyhow::bail!("a part of tidegate ended by itself; see the log above")
        }
    }
}

/// Resolves at SIGINT or SIGTERM.
async fn told_to_stop() {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without handlers the signals end the process themselves.
        _ => std::future::pending().await,
    }
}
