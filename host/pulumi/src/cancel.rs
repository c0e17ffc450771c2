//! Asking a run to stop.

use tokio::sync::watch;

/// The side that a run listens to.
#[derive(Clone, Debug)]
pub struct Cancel(Option<watch::Receiver<bool>>);

/// The side that asks the run to stop. Dropping it without a word lets the run go on.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// A connected pair.
#[must_use]
pub fn cancel_pair() -> (Canceller, Cancel) {
    let (sender, receiver) = watch::channel(false);
    (Canceller(sender), Cancel(Some(receiver)))
}

impl Canceller {
    /// Asks the run to stop: it is interrupted, and killed when its patience is over.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancel {
    /// One that never asks.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    /// Resolves when the run shall stop.
    pub(crate) async fn cancelled(&mut self) {
        if let Some(receiver) = &mut self.0
            && receiver.wait_for(|stop| *stop).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_ready(cancel: &mut Cancel) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        matches!(pin!(cancel.cancelled()).poll(&mut context), Poll::Ready(()))
    }

    #[test]
    fn a_dropped_canceller_stops_nothing() {
        let (canceller, mut cancel) = cancel_pair();
        assert!(!is_ready(&mut cancel));
        drop(canceller);
        assert!(!is_ready(&mut cancel));
    }

    #[test]
    fn a_request_is_seen_also_by_whom_listens_later() {
        let (canceller, cancel) = cancel_pair();
        canceller.cancel();
        assert!(is_ready(&mut cancel.clone()));
        assert!(!is_ready(&mut Cancel::never()));
    }
}
