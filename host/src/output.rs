//! What a person sees: logs on standard error, answers on standard output, colour on a terminal only.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. `TIDEGATE_LOG` overrides the level, as tracing's filters do.
pub(crate) fn start_logging(verbose: u8, json: bool) {
    let level = match verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let default = format!(
        "warn,tidegate={level},tidegate_engine={level},tidegate_gerrit={level},tidegate_pulumi={level},tidegate_web={level}"
    );
    let filter =
        EnvFilter::try_from_env("TIDEGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start of logging in one process would be a mistake of ours; the first one stays.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    };
}

/// An error with its causes, each on a line of its own.
pub(crate) fn failure(error: &anyhow::Error) -> String {
    let mut text = format!("tidegate: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let line = cause.to_string();
        if !last.contains(&line) {
            text.push_str(&format!("\n  because {line}"));
        }
        last = line;
    }
    text
}
