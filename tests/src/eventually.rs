use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Between two looks.
const POLL: Duration = Duration::from_millis(50);

/// Looks until there is something to see, or until `timeout`.
///
/// An error of the look is remembered and looked past, because what is waited for may be a server
/// that starts.
///
/// # Errors
/// `what` did not come in time; with the last error of the look, if there was one.
pub fn eventually<T>(
    what: &str,
    timeout: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        let seen = look();
        if let Ok(Some(value)) = seen {
            return Ok(value);
        }
        if Instant::now() > deadline {
            return match seen {
                Err(error) => Err(error).context(format!("{what}: not within {timeout:?}")),
                Ok(_) => bail!("{what}: not within {timeout:?}"),
            };
        }
        thread::sleep(POLL);
    }
}
