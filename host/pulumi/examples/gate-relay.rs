//! Stands in for the host's own program as the gate's policy pack, in tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    if tidegate_pulumi::is_relay() { tidegate_pulumi::relay() } else { ExitCode::from(99) }
}
