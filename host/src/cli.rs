//! The command line.

use crate::commands::init::{EXAMPLES as INIT_EXAMPLES, InitArgs};
use crate::exit;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use tidegate_core::Verb;

/// Turns Gerrit review into governed Pulumi deployments: what was reviewed is what is applied.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// Answers and logs as JSON, for machines.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// More of what is going on; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigArg {
    /// The configuration file (see docs/install.md).
    #[arg(
        long,
        value_name = "FILE",
        env = "TIDEGATE_CONFIG",
        default_value = "/etc/tidegate/tidegate.toml"
    )]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Follow Gerrit, preview changes, keep records and the log.
    #[command(after_help = "Example:\n  tidegate serve --config /etc/tidegate/tidegate.toml")]
    Serve(ConfigArg),
    /// Look at a project in Gerrit, and propose its claims, rights and gate as a change for review.
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Check the configuration, Gerrit, Pulumi and the machine, and say what to do.
    #[command(
        after_help = "Example:\n  tidegate doctor --config /etc/tidegate/tidegate.toml --json"
    )]
    Doctor(ConfigArg),
    /// Say how a change stands and what would change it.
    #[command(
        after_help = "Examples:\n  tidegate explain infra~12\n  tidegate explain infra~12 --json"
    )]
    Explain {
        #[command(flatten)]
        config: ConfigArg,
        /// The change, as PROJECT~NUMBER.
        change: String,
    },
    /// List the changes that are being looked at, and the queue.
    #[command(after_help = "Example:\n  tidegate status")]
    Status(ConfigArg),
    /// Make the keys of records and of the log.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What does a Gerrit event mean? Reads JSON from FILE or standard input.
    #[command(
        after_help = "Example:\n  tidegate classify tests/corpus/events/patchset-created.json"
    )]
    Classify(AskArgs),
    /// What do these settings files come to?
    Settings(AskArgs),
    /// Which facts does a decision need?
    Needs(AskArgs),
    /// Which stacks does a change touch, in which waves?
    Plan(AskArgs),
    /// What did the engine say that it would do?
    Steps(AskArgs),
    /// Do approved steps cover fresh ones?
    Covers(AskArgs),
    /// May it go on? Ends with 3 if not.
    Decide(AskArgs),
    /// What follows from a state and an input?
    Advance(AskArgs),
    /// Print the completions of a shell.
    #[command(
        after_help = "Example:\n  tidegate completions bash > /etc/bash_completion.d/tidegate"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// A question to the core.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The input; standard input unless given.
    #[arg(value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Ask the core that is linked in instead of the component in its sandbox: the bytes are equal.
    #[arg(long)]
    pub(crate) native: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key pair: the secret half in a new file (mode 0600), the verifier line on standard output.
    #[command(
        after_help = "Example:\n  tidegate keys new --name tidegate.example.org/log --out log.key"
    )]
    New {
        /// The name that the key signs under, such as a host name with a path.
        #[arg(long)]
        name: String,
        /// The file for the secret half. It must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the verifier line of a secret key file.
    Show {
        /// The file with the secret half.
        key: PathBuf,
    },
}

impl Command {
    /// The core's verb, if the command is one.
    pub(crate) fn verb(&self) -> Option<(Verb, &AskArgs)> {
        match self {
            Self::Classify(args) => Some((Verb::Classify, args)),
            Self::Settings(args) => Some((Verb::Settings, args)),
            Self::Needs(args) => Some((Verb::Needs, args)),
            Self::Plan(args) => Some((Verb::Plan, args)),
            Self::Steps(args) => Some((Verb::Steps, args)),
            Self::Covers(args) => Some((Verb::Covers, args)),
            Self::Decide(args) => Some((Verb::Decide, args)),
            Self::Advance(args) => Some((Verb::Advance, args)),
            Self::Serve(_)
            | Self::Init(_)
            | Self::Doctor(_)
            | Self::Explain { .. }
            | Self::Status(_)
            | Self::Keys(_)
            | Self::Completions { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use rstest::rstest;

    /// Words as a shell would pass them, for lines without anything but double quotes.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for letter in line.chars() {
            match letter {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                letter => words.last_mut().unwrap().push(letter),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[rstest]
    #[case::install(include_str!("../../docs/install.md"), 7)]
    #[case::init(crate::commands::init::EXAMPLES, 4)]
    fn every_command_of_a_page_is_one(#[case] page: &str, #[case] least: usize) {
        let page = page.replace(" \\\n", " ");
        let lines: Vec<&str> =
            page.lines().filter(|line| line.starts_with("    tidegate ")).map(str::trim).collect();
        assert!(lines.len() >= least, "{lines:?}");
        for line in lines {
            if let Err(error) = Cli::try_parse_from(words(line)) {
                panic!("{line}: {error}");
            }
        }
    }
}
