//! Takes effects from the queue and has them carried out.

use crate::{ApplyError, Cancel, Canceller, Done, Engine, Executor, Problem};
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::advance::Effect;
use tidegate_store::{Cause, Leased, Renewal, StoreError};
use tokio::task::JoinHandle;

/// How long a lease lasts without being renewed: what a killed process costs.
const LEASE: Duration = Duration::from_secs(30);

/// How often a lease is renewed, and so how soon a cancelled effect learns of it.
const RENEWAL: Duration = Duration::from_millis(500);

/// The first wait after a problem, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(300));

/// Takes effects of some kinds, one at a time, until it is told to stop.
pub(crate) async fn work<E: Executor>(
    engine: Arc<Engine<E>>,
    kinds: &'static [&'static str],
    name: String,
    stop: Cancel,
) {
    while !stop.is_cancelled() {
        let wake = engine.woken();
        let (taker, lessee) = (Arc::clone(&engine), name.clone());
        let taken = engine.blocking(move || taker.lease(kinds, &lessee)).await;
        match taken {
            Ok(Some(leased)) => run(&engine, leased, &stop).await,
            Ok(None) => {
                tokio::select! {
                    () = wake => {}
                    () = engine.until_due() => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "the queue can't be read");
                tokio::time::sleep(BACKOFF.0).await;
            }
        }
    }
}

async fn run<E: Executor>(engine: &Arc<Engine<E>>, leased: Leased, stop: &Cancel) {
    let effect: Effect = match serde_json::from_slice(&leased.body) {
        Ok(effect) => effect,
        Err(error) => {
            // A newer program wrote it, or the file is damaged; it waits for who can read it.
            put_back(engine, leased, Problem::new(format!("the effect can't be read: {error}")))
                .await;
            return;
        }
    };
    let changes_the_world = effect.action.changes_the_world();
    let (canceller, cancel) = Canceller::new();
    let renewal = renew(engine, &leased, canceller);
    tracing::debug!(effect = %effect.id, kind = leased.kind, attempt = leased.attempt, "started");
    let result = tokio::select! {
        result = carry_out(engine, effect, &leased, cancel) => result,
        // What was begun is begun again after the next start; but what changes the world is seen to
        // its end.
        () = stopped(stop, changes_the_world) => Err(Problem { what: "tidegate stops".to_owned(), after: Some(Duration::ZERO) }),
    };
    renewal.abort();
    match result {
        Ok(done) => {
            let (worker, ended) = (Arc::clone(engine), leased.clone());
            let applied = engine
                .blocking(move || {
                    let cause = Cause::Effect { id: &ended.id, fence: ended.fence };
                    worker.apply(cause, &done.input, done.blobs)
                })
                .await;
            match applied {
                Ok(_) => tracing::debug!(effect = leased.id, "ended"),
                Err(ApplyError::Store(error)) => {
                    tracing::error!(effect = leased.id, %error, "a result can't be stored");
                    put_back(engine, leased, Problem::new(error)).await;
                }
                Err(ApplyError::Core(why)) => {
                    tracing::error!(effect = leased.id, why, "a result was refused");
                    put_back(engine, leased, Problem::new(why)).await;
                }
            }
        }
        Err(problem) => put_back(engine, leased, problem).await,
    }
}

/// Resolves when an effect is to be left where it is.
async fn stopped(stop: &Cancel, changes_the_world: bool) {
    stop.cancelled().await;
    if changes_the_world {
        tracing::info!("an apply is under way: it is waited for");
        std::future::pending::<()>().await;
    }
}

/// Carries an effect out; one that changes the world only when everything that was logged up to its
/// making is under a signed checkpoint.
async fn carry_out<E: Executor>(
    engine: &Arc<Engine<E>>,
    effect: Effect,
    leased: &Leased,
    cancel: Cancel,
) -> Result<Done, Problem> {
    if effect.action.changes_the_world() {
        until_logged(engine, leased.leaves_before).await?;
    }
    engine.executor().execute(effect, leased.attempt, cancel).await
}

/// Waits until the log has the first `leaves` leaves.
async fn until_logged<E: Executor>(engine: &Arc<Engine<E>>, leaves: u64) -> Result<(), Problem> {
    loop {
        let wake = engine.woken();
        let worker = Arc::clone(engine);
        let logged = engine.blocking(move || worker.store().logged()).await;
        if logged.map_err(Problem::new)? >= leaves {
            return Ok(());
        }
        tokio::select! {
            () = wake => {}
            () = tokio::time::sleep(RENEWAL) => {}
        }
    }
}

/// Has an effect tried again later.
async fn put_back<E: Executor>(engine: &Arc<Engine<E>>, leased: Leased, problem: Problem) {
    let wait = problem.after.unwrap_or_else(|| backoff(leased.attempt));
    tracing::warn!(
        effect = leased.id,
        attempt = leased.attempt,
        problem = problem.what,
        "tried again later"
    );
    let worker = Arc::clone(engine);
    let put = engine
        .blocking(move || {
            let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            let now_ms = worker.clock().now_ms();
            let not_before_ms = now_ms.saturating_add(wait_ms);
            worker.store().retry(&leased.id, leased.fence, not_before_ms, &problem.what, now_ms)
        })
        .await;
    if let Err(error) = put {
        // The lease runs out by itself.
        tracing::error!(%error, "an effect can't be put back");
    }
}

/// Twice as long each time, up to the longest.
fn backoff(attempt: u64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1).min(16)).unwrap_or(16);
    BACKOFF.0.saturating_mul(2_u32.saturating_pow(doublings)).min(BACKOFF.1)
}

/// Keeps a lease while its effect is carried out, and passes a cancellation on.
fn renew<E: Executor>(
    engine: &Arc<Engine<E>>,
    leased: &Leased,
    canceller: Canceller,
) -> JoinHandle<()> {
    if leased.cancelled {
        canceller.cancel();
    }
    let (engine, id, fence) = (Arc::clone(engine), leased.id.clone(), leased.fence);
    tokio::spawn(async move {
        let mut since_renewed = Duration::ZERO;
        loop {
            tokio::time::sleep(RENEWAL).await;
            since_renewed += RENEWAL;
            let (worker, name) = (Arc::clone(&engine), id.clone());
            let due = since_renewed * 3 >= LEASE;
            let asked = engine
                .blocking(move || {
                    if due {
                        return worker.renew(&name, fence);
                    }
                    // Reading costs nothing; a renewal is a write to the disk.
                    Ok(if worker.store().cancelled(&name)? {
                        Renewal::RenewedButCancelled
                    } else {
                        Renewal::Renewed
                    })
                })
                .await;
            if due {
                since_renewed = Duration::ZERO;
            }
            match asked {
                Ok(Renewal::Renewed) => {}
                Ok(Renewal::RenewedButCancelled | Renewal::Stale) => canceller.cancel(),
                Err(error) => tracing::error!(effect = id, %error, "a lease can't be renewed"),
            }
        }
    })
}

impl<E: Executor> Engine<E> {
    fn lease(&self, kinds: &[&str], worker: &str) -> Result<Option<Leased>, StoreError> {
        let ttl_ms = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        self.store().lease(kinds, worker, self.clock().now_ms(), ttl_ms)
    }

    fn renew(&self, id: &str, fence: tidegate_store::Fence) -> Result<Renewal, StoreError> {
        let ttl_ms = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        self.store().renew(id, fence, self.clock().now_ms(), ttl_ms)
    }
}
