//! Tells the runner of an effect that nobody wants it any more.

use tokio::sync::watch;

/// Cancels.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// Learns of it.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<bool>);

impl Canceller {
    /// A canceller and what it cancels.
    #[must_use]
    pub fn new() -> (Self, Cancel) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Cancel(receiver))
    }

    /// Cancels, once and for all.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancel {
    /// Whether it is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is cancelled; for ever, if it never is.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|cancelled| *cancelled).await.is_err() {
            // The canceller is gone without a word: nothing will cancel any more.
            std::future::pending::<()>().await;
        }
    }
}
