//! The engine and its tasks.

use crate::worker::work;
use crate::{Cancel, Clock, Executor, Rules};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::ids::{Project, ServerId};
use tidegate_store::Store;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::task::JoinSet;

/// What an engine works on, and how much at once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The projects that are watched.
    pub projects: BTreeSet<Project>,
    /// How many previews run at once.
    pub previews: usize,
    /// How many applies run at once.
    pub applies: usize,
    /// How many reads and writes of Gerrit are under way at once.
    pub exchanges: usize,
    /// How often every project is read without being asked to.
    pub reconcile_every: Duration,
}

/// Effects that are exchanges with Gerrit or with ourselves: quick.
const EXCHANGES: &[&str] = &[
    "read-change",
    "read-project",
    "read-branch",
    "nudge",
    "nudge-branch",
    "write-record",
    "post",
];

/// Effects that run Pulumi: slow.
const PREVIEWS: &[&str] = &["preview"];

/// Effects that change the world. They have workers of their own, so that no preview is in the way.
const APPLIES: &[&str] = &["apply"];

/// Takes inputs, asks the core, stores answers, has effects carried out.
pub struct Engine<E> {
    server: ServerId,
    settings: Settings,
    store: Arc<Store>,
    rules: Arc<dyn Rules>,
    clock: Arc<dyn Clock>,
    executor: E,
    wake: Arc<Notify>,
}

impl<E: Executor> Engine<E> {
    /// An engine over a store. It does nothing until it is [run](Self::run).
    pub fn new(
        server: ServerId,
        settings: Settings,
        store: Arc<Store>,
        rules: Arc<dyn Rules>,
        clock: Arc<dyn Clock>,
        executor: E,
    ) -> Arc<Self> {
        let wake = Arc::new(Notify::new());
        let waker = Arc::downgrade(&wake);
        store.on_change(move || {
            if let Some(wake) = waker.upgrade() {
                wake.notify_waiters();
            }
        });
        Arc::new(Self { server, settings, store, rules, clock, executor, wake })
    }

    /// Works until `stop` fires. Effects that are under way then are taken up again by the next
    /// start.
    pub async fn run(self: &Arc<Self>, stop: Cancel) {
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(self).dispatcher(stop.clone()));
        tasks.spawn(Arc::clone(self).reconciler(stop.clone()));
        for (kinds, count, what) in [
            (EXCHANGES, self.settings.exchanges, "exchange"),
            (PREVIEWS, self.settings.previews, "preview"),
            (APPLIES, self.settings.applies, "apply"),
        ] {
            for n in 0..count.max(1) {
                let name = format!("{what}-{n}");
                // Nobody else has the store: what a killed process of ours held is free at once.
                if let Err(error) = self.store.release_worker(&name) {
                    tracing::error!(%error, worker = name, "old leases can't be released");
                }
                tasks.spawn(work(Arc::clone(self), kinds, name, stop.clone()));
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Turns events into hints as they come.
    async fn dispatcher(self: Arc<Self>, stop: Cancel) {
        while !stop.is_cancelled() {
            let wake = self.woken();
            let engine = Arc::clone(&self);
            if let Err(error) = self.blocking(move || engine.dispatch()).await {
                tracing::error!(%error, "events can't be dispatched");
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            }
            tokio::select! {
                () = wake => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Has every project read, at the start and ever again: what events missed.
    async fn reconciler(self: Arc<Self>, stop: Cancel) {
        while !stop.is_cancelled() {
            let engine = Arc::clone(&self);
            if let Err(error) = self.blocking(move || engine.reconcile()).await {
                tracing::error!(%error, "projects can't be reconciled");
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.reconcile_every) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Runs `work`, which may wait for the disk, where it holds no other task up.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime shuts down: there is nobody left to answer to.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Resolves at the next write to the store; to be made before looking for work.
    pub(crate) fn woken(&self) -> impl Future<Output = ()> + use<E> {
        let mut notified: std::pin::Pin<Box<OwnedNotified>> =
            Box::pin(Arc::clone(&self.wake).notified_owned());
        // Counts from now on, not from the first poll.
        notified.as_mut().enable();
        notified
    }

    /// Resolves when an effect that waits for its time comes due.
    pub(crate) async fn until_due(&self) {
        let now = self.clock.now_ms();
        match self.store.next_due_ms(now) {
            Ok(Some(due)) => {
                let wait = u64::try_from(due.saturating_sub(now)).unwrap_or(0).max(1);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            Ok(None) => std::future::pending().await,
            Err(error) => {
                tracing::error!(%error, "the queue can't be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// The server whose changes these are.
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// What it works on.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Its core.
    pub fn rules(&self) -> &Arc<dyn Rules> {
        &self.rules
    }

    /// Its clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Who carries its effects out.
    pub fn executor(&self) -> &E {
        &self.executor
    }
}

impl<E> fmt::Debug for Engine<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("server", &self.server).finish_non_exhaustive()
    }
}
