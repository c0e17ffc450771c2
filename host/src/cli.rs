//! The command line.

use crate::commands::init::{EXAMPLES as INIT_EXAMPLES, InitArgs};
use crate::exit;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use tidegate_core::Verb;
use tidegate_core::ids::{Project, StackId};
use tidegate_core::settings::EnvironmentName;

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
    /// Take stacks over as they are: nothing before is judged, and from here on they are deployed.
    #[command(
        after_help = "Examples:\n  tidegate adopt --project infra --reason \"first deploy through review\"\n  \
                      tidegate adopt --project infra --stack app-prod --reason \"restored by hand on Monday\""
    )]
    Adopt {
        #[command(flatten)]
        config: ConfigArg,
        /// The Gerrit project.
        #[arg(long)]
        project: Project,
        /// A stack, by the id of its claim; all that the project claims unless given.
        #[arg(long = "stack", value_name = "ID")]
        stacks: Vec<StackId>,
        /// Why: it stands in the log.
        #[arg(long)]
        reason: String,
    },
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
    /// Show rollouts; try one again, give it up, or let it go on.
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Make the keys of records and of the log.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look at policy modules, and try them (see docs/policies.md).
    #[command(subcommand)]
    Policy(PolicyCommand),
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
    /// May the engine that holds after its own preview go on?
    Admit(AskArgs),
    /// May a step of the update go on?
    Allow(AskArgs),
    /// What did an update do?
    Ran(AskArgs),
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
pub(crate) enum RolloutCommand {
    /// What each stack was left at, and the rollouts on their way.
    #[command(after_help = "Example:\n  tidegate rollout list --json")]
    List(ConfigArg),
    /// Try a held stack again, with the plan that was approved.
    #[command(
        after_help = "Example:\n  tidegate rollout retry infra~12 --user olga --password-file olga.pass \\\n    --stack app-prod --reason \"the provider is well again\""
    )]
    Retry(WordArgs),
    /// Give a rollout up, or one stack of it.
    #[command(
        after_help = "Example:\n  tidegate rollout abort infra~12 --user olga --password-file olga.pass \\\n    --reason \"reverted in infra~13\""
    )]
    Abort(WordArgs),
    /// Let a rollout go on past a commit that came past review, or a wave that was not deployed.
    #[command(
        after_help = "Example:\n  tidegate rollout release infra~12 --user olga --password-file olga.pass \\\n    --reason \"the push of Monday was looked at\""
    )]
    Release(WordArgs),
}

/// What an operator says about a rollout, on its change.
#[derive(Debug, Args)]
pub(crate) struct WordArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// A change of the rollout, as PROJECT~NUMBER.
    pub(crate) change: String,
    /// Your name in Gerrit: you have to be in the operators' group of tidegate.toml.
    #[arg(long)]
    pub(crate) user: String,
    /// A file (mode 0600) with your HTTP password or token in Gerrit.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: PathBuf,
    /// A stack, by the id of its claim; all of the rollout unless given.
    #[arg(long, value_name = "ID")]
    pub(crate) stack: Option<StackId>,
    /// Why: it stands on the change.
    #[arg(long)]
    pub(crate) reason: String,
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

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say what a module is, what it imports, and whether it would be loaded. Ends with 3 if not.
    #[command(after_help = "Example:\n  tidegate policy check guardrails.wasm")]
    Check {
        /// The component.
        module: PathBuf,
    },
    /// Ask a module about steps and print what it finds. Ends with 3 if something mandatory.
    #[command(
        after_help = "Examples:\n  tidegate steps look.json > steps.json\n  tidegate policy run \
                      guardrails.wasm --steps steps.json --set max-deletes=0 --set \
                      'protected-types=[\"aws:rds/*\"]'\n  tidegate policy run guardrails.wasm \
                      --input input.json --json"
    )]
    Run(PolicyRunArgs),
}

/// A module and what it is asked about.
#[derive(Debug, Args)]
pub(crate) struct PolicyRunArgs {
    /// The component.
    pub(crate) module: PathBuf,
    /// All that the module is shown, as JSON; - for standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "steps")]
    pub(crate) input: Option<PathBuf>,
    /// Steps as `tidegate steps` prints them, of no change; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub(crate) steps: Option<PathBuf>,
    /// With --steps: the stack's id; its Pulumi name in lower case unless given.
    #[arg(long, value_name = "ID", conflicts_with = "input")]
    pub(crate) stack: Option<StackId>,
    /// With --steps: the stack's environment.
    #[arg(long, value_name = "NAME", conflicts_with = "input")]
    pub(crate) environment: Option<EnvironmentName>,
    /// A setting of the module: JSON, or a text. Goes before the same one of the input.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
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
            Self::Admit(args) => Some((Verb::Admit, args)),
            Self::Allow(args) => Some((Verb::Allow, args)),
            Self::Ran(args) => Some((Verb::Ran, args)),
            Self::Decide(args) => Some((Verb::Decide, args)),
            Self::Advance(args) => Some((Verb::Advance, args)),
            Self::Serve(_)
            | Self::Init(_)
            | Self::Doctor(_)
            | Self::Explain { .. }
            | Self::Adopt { .. }
            | Self::Status(_)
            | Self::Rollout(_)
            | Self::Keys(_)
            | Self::Policy(_)
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
