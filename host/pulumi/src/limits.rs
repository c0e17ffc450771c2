//! Bounds on what this crate reads, keeps and waits for, each with its reason.

use crate::CliVersion;
use std::time::Duration;

/// Oldest CLI that is driven. Before 3.227.0 every failure ended with code 255, so that a missing
/// stack could not be told from a crash; from then on codes are part of the CLI's contract.
pub const OLDEST_CLI: CliVersion = CliVersion::new(3, 227, 0);

/// How long `pulumi version` may take. It starts no plugin and opens no connection; a cold disk
/// needs a second or two for a binary of a hundred megabytes.
pub const VERSION_TIME: Duration = Duration::from_secs(30);

/// Most executables that are digested beside the CLI. A full installation has some twenty.
pub const EXECUTABLES: usize = 64;

/// Largest `Pulumi.yaml` or stack file, in bytes. YAML programs of a thousand resources stay below.
pub const PROJECT_FILE_BYTES: usize = 1 << 20;

/// Most nodes of such a file after its aliases are expanded: a bomb of aliases ends here.
pub const PROJECT_FILE_NODES: usize = 100_000;

/// Largest state of one stack, in bytes. States of 16 MB are known to be slow with the CLI itself.
pub const STATE_BYTES: u64 = 128 << 20;

/// Largest saved plan, in bytes: it holds goal and state of each resource, so twice a large state.
pub const PLAN_BYTES: u64 = 256 << 20;

/// Largest answer of `config --show-secrets`, in bytes: stack files are limited to a megabyte, and
/// the CLI prints a value of an object twice.
pub const CONFIG_BYTES: usize = 8 << 20;

/// Most referenced stacks that one preview gets a copy of.
pub const REFERENCES: usize = 200;

/// Most lock files of one stack that are read: the CLI makes one, races make two or three.
pub const LOCK_FILES: usize = 16;

/// Largest lock file, in bytes: four short fields.
pub const LOCK_BYTES: u64 = 16 << 10;

/// Longest line of an event log, in bytes: one event holds a resource's old and new values.
pub const EVENT_LINE_BYTES: usize = 16 << 20;

/// Most lines of a run's human output that are kept; the last ones say how it ended.
pub const OUTPUT_LINES: usize = 2_000;

/// Longest line of human output, in characters; the rest of it is cut.
pub const OUTPUT_LINE_CHARS: usize = 2_000;

/// Lines of output that go with a failure: enough for a stack trace, few enough for a message.
pub const TAIL_LINES: usize = 40;

/// Shortest secret that is struck from human output, in bytes. One or two characters are found in
/// every word, and hiding each would leave no text; such a secret is no secret.
pub const SECRET_BYTES: usize = 3;

/// Shortest secret that is struck out of values that are not marked as secret, in bytes. Shorter
/// ones collide with ordinary names (`dev`, `admin`), and a value changed for such a reason would
/// hide what a reviewer has to see.
pub const PLAIN_SECRET_BYTES: usize = 8;

/// Most bytes of secret texts that are searched for. Above it nothing of a run's text is shown.
pub const SECRET_TEXT_BYTES: usize = 32 << 20;

/// How often a growing event log is looked at: fast enough for progress on a terminal, and too slow
/// to be seen in a preview's time.
pub const EVENT_POLL: Duration = Duration::from_millis(100);

/// How often a log that is followed may begin anew: once between the two passes of an update, and
/// once more where that was missed between two looks.
pub const EVENT_LOG_RESTARTS: u32 = 4;

/// How long a killed process may take to vanish before it is given up as stuck in the kernel.
pub const KILL_TIME: Duration = Duration::from_secs(10);

/// How long the pipes of an ended process may stay open. Only a process that hides from
/// [`crate::Scratch`]'s mark can hold them.
pub const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Rounds of looking for and killing processes that a run left behind. Large processes take some
/// rounds to vanish; a fork bomb outruns them all, and isolation bounds it, not this.
pub const STRAY_ROUNDS: usize = 100;

/// The pause after a round in which something was killed.
pub const STRAY_PAUSE: Duration = Duration::from_millis(5);

/// Largest environment of a process that is searched for a run's mark, in bytes: the kernel's own
/// bound on one argument or variable is 128 KiB, and ours comes first.
pub const ENVIRON_BYTES: u64 = 256 << 10;

/// Largest call that the gate takes, in bytes: it shows all resources of a stack at once, about as
/// much as its state holds.
pub const GATE_MESSAGE_BYTES: usize = 256 << 20;

/// How long a held engine's event log may take to tell of all that it has to tell of. The engine
/// writes it within milliseconds; after that the core refuses what is missing.
pub const SETTLE_TIME: Duration = Duration::from_secs(5);

/// How often the log is looked at meanwhile: it counts as settled when two looks are equal.
pub const SETTLE_POLL: Duration = Duration::from_millis(30);
