//! Reads what a process prints, up to a limit.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// Read at once: the size of a pipe's buffer on Linux.
const CHUNK: usize = 64 << 10;

/// Both streams of a process, read in the background. What exceeds the limit is read and dropped,
/// so that the process can end.
pub(crate) struct Pipes {
    stdout: Stream,
    stderr: Stream,
    exceeded: watch::Receiver<bool>,
}

struct Stream {
    kept: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    reader: JoinHandle<()>,
}

impl Pipes {
    /// Starts to read. Each stream may print `limit` bytes.
    pub(crate) fn start<O, E>(stdout: O, stderr: E, limit: usize) -> Self
    where
        O: AsyncRead + Unpin + Send + 'static,
        E: AsyncRead + Unpin + Send + 'static,
    {
        let (sender, exceeded) = watch::channel(false);
        let sender = Arc::new(sender);
        Self {
            stdout: Stream::start(stdout, limit, Arc::clone(&sender)),
            stderr: Stream::start(stderr, limit, sender),
            exceeded,
        }
    }

    /// Resolves when a stream has exceeded its limit, and never if none does.
    pub(crate) async fn exceeded(&mut self) {
        if self.exceeded.wait_for(|exceeded| *exceeded).await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether a stream has exceeded its limit by now.
    pub(crate) fn is_exceeded(&self) -> bool {
        *self.exceeded.borrow()
    }

    /// Waits until both streams are closed.
    pub(crate) async fn closed(&mut self) {
        // A reader that was aborted or panicked has closed its stream as well.
        let _ = (&mut self.stdout.reader).await;
        let _ = (&mut self.stderr.reader).await;
    }

    /// What was printed so far: standard output, and standard error.
    pub(crate) fn take(&self) -> (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>) {
        (self.stdout.take(), self.stderr.take())
    }
}

impl Stream {
    fn start(
        mut from: impl AsyncRead + Unpin + Send + 'static,
        limit: usize,
        exceeded: Arc<watch::Sender<bool>>,
    ) -> Self {
        let kept = Arc::new(Mutex::new(Zeroizing::new(Vec::new())));
        let into = Arc::clone(&kept);
        let reader = tokio::spawn(async move {
            let mut chunk = Zeroizing::new(vec![0; CHUNK]);
            // A broken pipe ends the stream like a closed one.
            while let Ok(count @ 1..) = from.read(&mut chunk).await {
                let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                let room = limit.saturating_sub(into.len());
                into.extend_from_slice(&chunk[..count.min(room)]);
                if count > room {
                    exceeded.send_replace(true);
                }
            }
        });
        Self { kept, reader }
    }

    fn take(&self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_up_to_the_limit_is_kept_and_more_is_reported() {
        let mut pipes = Pipes::start(&b"12345"[..], &b"123456789"[..], 5);
        pipes.exceeded().await;
        pipes.closed().await;
        let (stdout, stderr) = pipes.take();
        assert_eq!((&stdout[..], &stderr[..]), (&b"12345"[..], &b"12345"[..]));
    }
}
