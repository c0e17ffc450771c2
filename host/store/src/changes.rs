//! Tells who waits for work that there may be some.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::Store;

type Listener = Arc<dyn Fn() + Send + Sync>;

/// Counts the commits that may have made work, and wakes who waits for the next one.
#[derive(Default)]
pub(crate) struct Changes {
    count: Mutex<u64>,
    counted: Condvar,
    listeners: RwLock<Vec<Listener>>,
}

impl Changes {
    /// Says that something was committed. Must be called without any lock of the store held:
    /// listeners may call the store.
    pub(crate) fn announce(&self) {
        *self.count() += 1;
        self.counted.notify_all();
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener();
        }
    }

    /// A panic can't leave a number half written, so a poisoned lock is as good as another.
    fn count(&self) -> MutexGuard<'_, u64> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Changes").field("count", &*self.count()).finish_non_exhaustive()
    }
}

impl Store {
    /// How many commits of this store may have made work: events, effects, leaves, freed lanes.
    /// Starts at 0 with each opening. Read it *before* looking for work, and give it to
    /// [`Store::wait_changed`] when there was none: then no change is missed.
    pub fn changes(&self) -> u64 {
        *self.changes.count()
    }

    /// Waits until [`Store::changes`] is over `seen`, at most `timeout`, and returns it. What
    /// comes due by time alone isn't announced; [`crate::Reader::next_due_ms`] says when that is.
    pub fn wait_changed(&self, seen: u64, timeout: Duration) -> u64 {
        let count = self.changes.count();
        let (count, _) = self
            .changes
            .counted
            .wait_timeout_while(count, timeout, |count| *count <= seen)
            .unwrap_or_else(PoisonError::into_inner);
        *count
    }

    /// Has `listener` called after each such commit, on the thread that made it, for as long as
    /// the store is open. It must be quick and must not panic; it may call the store. An async
    /// engine passes its own wake-up here (and holds itself weakly in it).
    pub fn on_change(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.changes
            .listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::new(listener));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;
    use crate::RawEvent;

    /// Long enough never to run out where a wake-up comes, so that no test depends on timing.
    const AGES: Duration = Duration::from_secs(600);

    fn event() -> RawEvent {
        RawEvent { position: None, body: b"{}".to_vec() }
    }

    #[test]
    fn a_waiter_wakes_when_an_event_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let seen = store.changes();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| store.wait_changed(seen, AGES));
            store.append_events("journal", &[event()], 1).unwrap();
            assert!(waiter.join().unwrap() > seen);
        });
    }

    #[test]
    fn a_change_between_looking_and_waiting_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let seen = store.changes();
        store.append_events("journal", &[event()], 1).unwrap();
        assert_eq!(store.wait_changed(seen, AGES), seen + 1);
    }

    #[test]
    fn waiting_ends_with_the_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        assert_eq!(store.wait_changed(0, Duration::ZERO), 0);
    }

    #[test]
    fn a_listener_may_call_the_store_and_sees_what_it_was_called_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path().join("store.db")).unwrap());
        let seen = Arc::new(AtomicU64::new(0));
        let (weak, count) = (Arc::downgrade(&store), Arc::clone(&seen));
        store.on_change(move || {
            if let Some(store) = weak.upgrade() {
                let pending = store.pending_events(10).unwrap().len() as u64;
                count.store(pending, Ordering::SeqCst);
            }
        });
        store.append_events("journal", &[event(), event()], 1).unwrap();
        assert_eq!(seen.load(Ordering::SeqCst), 2);
    }
}
