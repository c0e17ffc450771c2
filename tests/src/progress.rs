use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Work that ends sooner says nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two lines about the same work: often enough to be seen to live, seldom enough for a log.
const INTERVAL: Duration = Duration::from_secs(15);

/// Tells on standard error what takes longer than two seconds: what, for how long, and where its
/// log is. Ends with the value.
///
/// Written past the test harness's capture, because a person waits for it.
pub struct Progress {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts the clock for `what`, a phrase such as "building the Pulumi CLI".
    #[must_use]
    pub fn start(what: &str, log: Option<&Path>) -> Self {
        let (done, ended) = mpsc::channel();
        let what = what.to_owned();
        let log = log.map(Path::to_path_buf);
        let thread = thread::spawn(move || {
            let started = Instant::now();
            let mut told = false;
            let mut wait = PATIENCE;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                say(&line("…", &what, started.elapsed(), log.as_ref()));
                told = true;
                wait = INTERVAL;
            }
            if told {
                say(&line("·", &what, started.elapsed(), None));
            }
        });
        Self { done: Some(done), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.take();
        if let Some(thread) = self.thread.take() {
            // A failed print is no reason to fail the work.
            let _ = thread.join();
        }
    }
}

fn line(mark: &str, what: &str, elapsed: Duration, log: Option<&PathBuf>) -> String {
    let seconds = elapsed.as_secs();
    let log = log.map_or_else(String::new, |log| format!(" (log: {})", log.display()));
    format!("{mark} {what}: {seconds} s{log}")
}

fn say(line: &str) {
    let mut error = io::stderr().lock();
    let (on, off) = if error.is_terminal() { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
    // Nobody listens on a closed standard error.
    let _ = writeln!(error, "{on}{line}{off}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_for_how_long_and_where_the_log_is() {
        let log = PathBuf::from("logs/x.log");
        assert_eq!(
            line("…", "building x", Duration::from_millis(12_900), Some(&log)),
            "… building x: 12 s (log: logs/x.log)",
        );
    }
}
