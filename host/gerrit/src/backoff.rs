//! How long to wait before the next attempt.

use std::time::Duration;

/// Waits that double from `base` to `cap`. Each is spread between its half and its whole, so that
/// many clients that failed together don't come back together.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts at `base` and never waits longer than `cap`.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// The wait after one more failure.
    pub fn wait(&mut self) -> Duration {
        let whole = self.base.saturating_mul(1 << self.failures.min(20)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        // Without randomness the wait is merely not spread.
        let spread = getrandom::u32().unwrap_or(0);
        whole / 2 + (whole / 2).mul_f64(f64::from(spread) / f64::from(u32::MAX))
    }

    /// Forgets the failures, after a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_stay_between_half_and_whole() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for whole in [100, 200, 350, 350, 350] {
            let wait = backoff.wait();
            assert!(wait >= Duration::from_millis(whole / 2), "{wait:?} of {whole}");
            assert!(wait <= Duration::from_millis(whole), "{wait:?} of {whole}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(100));
    }

    #[test]
    fn very_many_failures_overflow_nothing() {
        let mut backoff = Backoff::new(Duration::from_secs(3600), Duration::from_secs(7200));
        backoff.failures = u32::MAX;
        assert!(backoff.wait() <= Duration::from_secs(7200));
    }
}
