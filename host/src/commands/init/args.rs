//! What `tidegate init` is told.

use crate::cli::ConfigArg;
use clap::{Args, ValueEnum};

/// Examples for the command's help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  Look at what would be proposed:
    tidegate init --project infra --dry-run
  Propose the claims that were found; Tidegate then says what it would do, and stops nothing:
    tidegate init --project infra --approve-group approvers --operators sre --trust authors
  Guard submits, once it has been watched for a while:
    tidegate init --project infra --mode gate
  Beside a Gerrit without the plugin:
    tidegate init --project infra --mode gate --no-plugin

Nothing changes before the proposed change is submitted. Run again, it amends its own open change, or
says that there is nothing to do.";

/// Options of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArg,
    /// The project in Gerrit that is set up.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: String,
    /// The branch that is rolled out to the stacks.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) branch: String,
    /// Make the host's vote the gate: weaker than the plugin (see docs/install.md).
    #[arg(long)]
    pub(crate) no_plugin: bool,
    /// How far Tidegate goes. A new file says "observe"; in one that exists, this changes it.
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) mode: Option<InitMode>,
    /// The group that approvers of plans must be in.
    #[arg(long, value_name = "GROUP")]
    pub(crate) approve_group: Option<String>,
    /// The group that may retry, abort, release and acknowledge.
    #[arg(long, value_name = "GROUP")]
    pub(crate) operators: Option<String>,
    /// A group whose uploads and votes make a patch set trusted. May be given several times.
    #[arg(long, value_name = "GROUP")]
    pub(crate) trust: Vec<String>,
    /// The group of the service account, which rights are given to.
    #[arg(long, value_name = "GROUP", default_value = "Service Users")]
    pub(crate) service_group: String,
    /// Where the stacks' states are: a [backend] of the configuration. Needed if it has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Option<String>,
    /// Propose a change in All-Projects too, if the service account lacks rights there.
    #[arg(long)]
    pub(crate) all_projects: bool,
    /// Print what would be proposed, and push nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl InitArgs {
    /// The options that only a new settings file takes, as they were given.
    pub(crate) fn for_a_new_file(&self) -> Vec<&'static str> {
        let given = [
            ("--approve-group", self.approve_group.is_some()),
            ("--operators", self.operators.is_some()),
            ("--trust", !self.trust.is_empty()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// `mode` of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InitMode {
    /// Say what it would do.
    Observe,
    /// Guard submits.
    Gate,
    /// Guard submits and roll out.
    Deploy,
}

impl InitMode {
    /// As the settings spell it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Gate => "gate",
            Self::Deploy => "deploy",
        }
    }
}
