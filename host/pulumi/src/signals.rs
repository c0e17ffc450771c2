//! The signals that a child must not find ignored.
//!
//! A process that ignores SIGINT hands that on to what it starts: so does a shell to a job that it
//! puts in the background. The CLI then can't be interrupted, and where its plugins run behind
//! wrappers it was seen to hang at its end (3.259.0). Handled signals, on the other hand, are back
//! at their default after `exec` (POSIX, `execve`). So where this process ignores one, a handler
//! that does nothing is put in its place: for this process that is the same, and its children start
//! as they should.

use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// SIGINT, SIGQUIT and SIGTERM, by their numbers on Linux.
const NEEDED: [i32; 3] = [2, 3, 15];

/// Makes sure that children can be interrupted. Cheap, to be called before each start.
pub(crate) fn hand_on_defaults() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    for number in NEEDED.into_iter().filter(|number| is_ignored(&status, *number)) {
        // The handler stays when the stream is dropped.
        drop(signal(SignalKind::from_raw(number))?);
    }
    Ok(())
}

/// Reads the mask of ignored signals, as `proc(5)` describes it; bit 0 is signal 1.
fn is_ignored(status: &str, number: i32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::interrupt_ignored("SigIgn:\t0000000000000002\n", 2, true)]
    #[case::only_pipe_ignored("SigQ:\t0/1\nSigIgn:\t0000000000001000\nSigCgt:\t2\n", 2, false)]
    #[case::quit("SigIgn:\t0000000000000006", 3, true)]
    #[case::unreadable("SigIgn:\tzz", 2, false)]
    #[case::missing("", 2, false)]
    fn the_mask_of_ignored_signals_is_read(
        #[case] status: &str,
        #[case] number: i32,
        #[case] expected: bool,
    ) {
        assert_eq!(is_ignored(status, number), expected);
    }
}
