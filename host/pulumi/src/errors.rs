//! What can go wrong in a run of the CLI, and how it is told from code and text.

use crate::environment::EnvironmentError;
use crate::events::EventError;
use crate::job::JobError;
use crate::project_file::ProjectFileError;
use crate::{CliVersion, ScratchError, StackId, StateError, limits};
use std::error::Error;

/// Why there is no preview. No variant holds a secret: texts have known ones struck out, and where
/// the engine prints values there is no text at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Somebody else holds the stack's lock.
    #[error(
        "the stack is locked by {by}: wait for that update, or run `pulumi cancel` if it is dead"
    )]
    Locked {
        /// User, machine, process and time, as the lock has them.
        by: String,
    },
    /// What would run is not what the plan allows. Pulumi's text for it holds values.
    #[error("the plan is violated: the program, its inputs or the state changed since it was made")]
    PlanViolated,
    /// There is no such stack.
    #[error("stacks are never created by a preview: create {0} with `pulumi stack init {0}`")]
    StackMissing(StackId),
    /// The program reads a stack that it has no copy of.
    #[error("the program reads the stack {0}, which its claim does not name")]
    MissingReference(StackId),
    /// The tree's project is not the one that the claim names.
    #[error(
        "the claim is for the project {claimed:?}, but Pulumi.yaml says {found:?}: correct the one \
         that is wrong"
    )]
    ProjectMismatch {
        /// The project in the claim.
        claimed: String,
        /// The project in the tree, cut to a name's length.
        found: String,
    },
    /// `Pulumi.yaml` or the stack file can't be used.
    #[error(transparent)]
    ProjectFile(#[from] ProjectFileError),
    /// Project, configuration or command line are not acceptable to the CLI.
    #[error("the CLI does not accept the project or its configuration:\n{0}")]
    ConfigInvalid(String),
    /// A language host, provider or analyzer is not installed.
    #[error("a plugin is missing; plugins are never installed by a run, so install it:\n{0}")]
    PluginMissing(String),
    /// The program, or a provider's check of what it asks for, failed.
    #[error("the program failed:\n{0}")]
    ProgramFailed(String),
    /// The secrets of the stack can't be decrypted.
    #[error(
        "the stack's secrets can't be decrypted: the passphrase is missing or wrong; look at the \
         stack's credentials in the settings"
    )]
    PassphraseWrong,
    /// The state is damaged, or newer than the CLI.
    #[error("the CLI can't read the stack's state; `pulumi state repair` may help:\n{0}")]
    StateInvalid(String),
    /// The backend can't be reached or doesn't let us in.
    #[error("the state backend can't be reached or refused the credentials:\n{0}")]
    BackendUnreachable(String),
    /// The run was cancelled, by us or by a signal from elsewhere.
    #[error("the run was cancelled")]
    Cancelled,
    /// The run took too long.
    #[error(
        "the run was stopped after its {seconds} seconds: make the program faster, or its limit larger"
    )]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The run printed too much.
    #[error("the run was stopped because it printed more than {limit} bytes")]
    OutputTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The event log grew too large.
    #[error("the run was stopped because its event log exceeded {limit} bytes")]
    EventLogTooLarge {
        /// The limit.
        limit: u64,
    },
    /// The CLI said success, but its event log doesn't.
    #[error("the run ended well, but its event log can't be trusted")]
    EventLogBroken(#[source] EventError),
    /// The CLI said success, but a file that it should have written isn't usable.
    #[error("the run ended well, but {0}")]
    ResultBroken(String),
    /// A signal that was not ours ended the CLI.
    #[error("the CLI was ended by signal {0}: was the machine out of memory?")]
    Killed(i32),
    /// Nothing that is known. Never a success.
    #[error("the CLI ended in an unknown way, with code {code}:\n{tail}")]
    Uncertain {
        /// The exit code.
        code: i32,
        /// The last lines, without known secrets.
        tail: String,
    },
    /// A state can't be copied.
    #[error(transparent)]
    State(Box<StateError>),
    /// A variable can't be handed over.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The machine did not let the run happen.
    #[error("cannot run the CLI: {0}")]
    Machine(String),
}

impl Failure {
    /// A stable word for records and tables.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "locked",
            Self::PlanViolated => "plan-violated",
            Self::StackMissing(_) => "stack-missing",
            Self::MissingReference(_) => "missing-reference",
            Self::ProjectMismatch { .. } => "project-mismatch",
            Self::ProjectFile(_) => "project-file",
            Self::ConfigInvalid(_) => "config-invalid",
            Self::PluginMissing(_) => "plugin-missing",
            Self::ProgramFailed(_) => "program-failed",
            Self::PassphraseWrong => "passphrase-wrong",
            Self::StateInvalid(_) => "state-invalid",
            Self::BackendUnreachable(_) => "backend-unreachable",
            Self::Cancelled => "cancelled",
            Self::TimedOut { .. } => "timed-out",
            Self::OutputTooLarge { .. } => "output-too-large",
            Self::EventLogTooLarge { .. } => "event-log-too-large",
            Self::EventLogBroken(_) => "event-log-broken",
            Self::ResultBroken(_) => "result-broken",
            Self::Killed(_) => "killed",
            Self::Uncertain { .. } => "uncertain",
            Self::State(_) => "state",
            Self::Environment(_) => "environment",
            Self::Machine(_) => "machine",
        }
    }
}

impl From<ScratchError> for Failure {
    fn from(error: ScratchError) -> Self {
        Self::Machine(chain(&error))
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::StackMissing(stack) => Self::StackMissing(stack),
            StateError::Export { source, .. } => *source,
            other => Self::State(Box::new(other)),
        }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::Machine(chain(&error))
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// What a run that ended by itself left behind, secrets included.
pub struct Evidence<'a> {
    /// The CLI's version.
    pub version: CliVersion,
    /// Its exit code.
    pub code: i32,
    /// Its standard output, plain text.
    pub stdout: &'a str,
    /// Its standard error, plain text. Only the CLI itself writes there, not the program.
    pub stderr: &'a str,
    /// Messages of severity `error` in the event log.
    pub diagnostics: &'a [String],
    /// The result in the log's summary, if there was one.
    pub result: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Locked,
    PlanViolated,
    StackMissing,
    PassphraseWrong,
    PluginMissing,
    StateInvalid,
    BackendUnreachable,
    ConfigInvalid,
    Cancelled,
    Crashed,
}

#[derive(Clone, Copy)]
enum Place {
    /// Where the CLI itself speaks.
    Stderr,
    /// Also where the program can write: good enough for refusals that say less, not more.
    Anywhere,
}

/// One known ending. The first row that fits counts.
struct Known {
    /// The versions for which code and text were looked up: from the first, and before the second.
    versions: (CliVersion, Option<CliVersion>),
    /// The exit code, if it matters.
    code: Option<i32>,
    place: Place,
    text: &'static str,
    kind: Kind,
}

const fn known(code: Option<i32>, place: Place, text: &'static str, kind: Kind) -> Known {
    Known { versions: (limits::OLDEST_CLI, None), code, place, text, kind }
}

/// Codes of `cmd/exit_codes.go`; texts seen with 3.259.0 and found unchanged in the sources of
/// 3.230, 3.245 and 3.250. A text that changes in a later version makes an ending uncertain, never
/// a success, and then gets a row of its own with a range.
const TABLE: [Known; 24] = [
    known(None, Place::Anywhere, "violates plan", Kind::PlanViolated),
    known(None, Place::Anywhere, "is not allowed by the plan", Kind::PlanViolated),
    known(None, Place::Anywhere, "expected resource operations for", Kind::PlanViolated),
    // Go ends a panic with code 2, which is also the code of a wrong command line.
    known(None, Place::Stderr, "The Pulumi CLI encountered a fatal error", Kind::Crashed),
    known(None, Place::Stderr, "panic: ", Kind::Crashed),
    known(None, Place::Stderr, "the stack is currently locked by", Kind::Locked),
    known(None, Place::Stderr, "Another update is currently in progress", Kind::Locked),
    known(Some(6), Place::Stderr, "no stack named", Kind::StackMissing),
    known(Some(8), Place::Stderr, "", Kind::Cancelled),
    known(None, Place::Stderr, "incorrect passphrase", Kind::PassphraseWrong),
    known(
        None,
        Place::Stderr,
        "passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
        Kind::PassphraseWrong,
    ),
    known(None, Place::Anywhere, "no language plugin '", Kind::PluginMissing),
    known(None, Place::Anywhere, "no resource plugin '", Kind::PluginMissing),
    known(None, Place::Anywhere, "no analyzer plugin '", Kind::PluginMissing),
    known(None, Place::Stderr, "failed to load checkpoint", Kind::StateInvalid),
    known(None, Place::Stderr, "snapshot integrity failure", Kind::StateInvalid),
    known(None, Place::Stderr, "unable to open state", Kind::BackendUnreachable),
    known(None, Place::Stderr, "read \".pulumi/meta.yaml\"", Kind::BackendUnreachable),
    known(Some(3), Place::Stderr, "", Kind::BackendUnreachable),
    known(None, Place::Stderr, "validating stack config", Kind::ConfigInvalid),
    known(None, Place::Stderr, "getting stack configuration", Kind::ConfigInvalid),
    known(None, Place::Stderr, "could not unmarshal", Kind::ConfigInvalid),
    known(None, Place::Stderr, "doesn't match Pulumi.yaml", Kind::ConfigInvalid),
    known(None, Place::Stderr, "does not satisfy the version range", Kind::ConfigInvalid),
];

/// Tells why a run of `stack` failed that did not succeed. `tail` is what may be shown of its
/// output.
#[must_use]
pub fn classify(evidence: &Evidence<'_>, stack: &StackId, tail: String) -> Failure {
    let kind = TABLE.iter().find(|row| fits(row, evidence)).map(|row| row.kind);
    match kind {
        Some(Kind::Locked) => Failure::Locked { by: holder(evidence.stderr) },
        Some(Kind::PlanViolated) => Failure::PlanViolated,
        Some(Kind::StackMissing) => Failure::StackMissing(stack.clone()),
        Some(Kind::PassphraseWrong) => Failure::PassphraseWrong,
        Some(Kind::PluginMissing) => Failure::PluginMissing(tail),
        Some(Kind::StateInvalid) => Failure::StateInvalid(tail),
        Some(Kind::BackendUnreachable) => Failure::BackendUnreachable(tail),
        Some(Kind::ConfigInvalid) => Failure::ConfigInvalid(tail),
        Some(Kind::Cancelled) => Failure::Cancelled,
        Some(Kind::Crashed) => Failure::Uncertain { code: evidence.code, tail },
        None => match missing_reference(evidence, stack) {
            Some(reference) => Failure::MissingReference(reference),
            None if evidence.code == 1 && has_failed(evidence) => Failure::ProgramFailed(tail),
            None => Failure::Uncertain { code: evidence.code, tail },
        },
    }
}

fn fits(row: &Known, evidence: &Evidence<'_>) -> bool {
    let (since, until) = row.versions;
    let contains = match row.place {
        Place::Stderr => evidence.stderr.contains(row.text),
        Place::Anywhere => {
            [evidence.stderr, evidence.stdout].iter().any(|text| text.contains(row.text))
                || evidence.diagnostics.iter().any(|text| text.contains(row.text))
        }
    };
    evidence.version >= since
        && until.is_none_or(|until| evidence.version < until)
        && row.code.is_none_or(|code| code == evidence.code)
        && contains
}

fn has_failed(evidence: &Evidence<'_>) -> bool {
    evidence.result == Some("failed") || !evidence.diagnostics.is_empty()
}

/// `  file:///…: created by bob@host (pid 1) at 2026-11-24T00:21:54Z`, of the first lock.
fn holder(stderr: &str) -> String {
    let holder = stderr.lines().find_map(|line| line.split_once("created by "));
    holder.map_or_else(|| "somebody".to_owned(), |(_, who)| who.chars().take(200).collect())
}

/// The stack in `unknown stack "organization/network/dev"`; without a project it is one of our own.
fn missing_reference(evidence: &Evidence<'_>, stack: &StackId) -> Option<StackId> {
    let texts = evidence.diagnostics.iter().map(String::as_str);
    let name = texts.chain([evidence.stderr]).find_map(|text| {
        let (_, rest) = text.split_once("unknown stack \"")?;
        Some(rest.split_once('"')?.0)
    })?;
    StackId::parse(name).or_else(|_| StackId::new(stack.project(), name)).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn ending(code: i32, stderr: &str, diagnostics: &[&str], result: Option<&str>) -> Failure {
        let diagnostics: Vec<String> = diagnostics.iter().map(|text| (*text).to_owned()).collect();
        let evidence = Evidence {
            version: CliVersion::new(3, 259, 0),
            code,
            stdout: "",
            stderr,
            diagnostics: &diagnostics,
            result,
        };
        classify(&evidence, &StackId::new("app", "dev").unwrap(), "the tail".to_owned())
    }

    #[rstest]
    #[case(1, "error: the stack is currently locked by 1 lock(s).", "locked")]
    #[case(6, "error: no stack named 'organization/app/nope' found", "stack-missing")]
    #[case(
        1,
        "error: getting stack configuration: get stack secrets manager: incorrect passphrase",
        "passphrase-wrong"
    )]
    #[case(1, "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or", "passphrase-wrong")]
    #[case(
        1,
        "error: validating stack config: Stack 'dev' is missing configuration value 'pw'",
        "config-invalid"
    )]
    #[case(
        1,
        "error: validating stack config: cipher: message authentication failed",
        "config-invalid"
    )]
    #[case(1, "error: could not unmarshal '/x/Pulumi.yaml': invalid YAML file", "config-invalid")]
    #[case(
        1,
        "error: provided project name \"network\" doesn't match Pulumi.yaml",
        "config-invalid"
    )]
    #[case(
        1,
        "error: Pulumi CLI version 3.259.0 does not satisfy the version range \">=4\"",
        "config-invalid"
    )]
    #[case(
        1,
        "error: failed to load language plugin cobol: no language plugin 'pulumi-language-cobol' found",
        "plugin-missing"
    )]
    #[case(
        1,
        "error: failed to load checkpoint: unsupported checkpoint version 99",
        "state-invalid"
    )]
    #[case(
        1,
        "error: unable to open state directory \"file:///x\": no such file",
        "backend-unreachable"
    )]
    #[case(
        1,
        "error: unable to open state database \"postgres://****\": connection refused",
        "backend-unreachable"
    )]
    #[case(
        1,
        "error: read \".pulumi/meta.yaml\": blob (code=Unknown): operation error S3",
        "backend-unreachable"
    )]
    #[case(3, "error: PULUMI_ACCESS_TOKEN must be set for login", "backend-unreachable")]
    #[case(8, "", "cancelled")]
    #[case(1, "error: update canceled by aliens", "uncertain")]
    #[case(2, "panic: runtime error: index out of range\ngoroutine 1", "uncertain")]
    #[case(2, "error: unknown flag: --nope", "uncertain")]
    #[case(9, "", "uncertain")]
    #[case(255, "", "uncertain")]
    #[case(0, "", "uncertain")]
    fn endings_are_told_by_code_and_text(
        #[case] code: i32,
        #[case] stderr: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(ending(code, stderr, &[], None).code(), expected);
    }

    #[test]
    fn a_violated_plan_has_no_text_wherever_it_was_said() {
        let text = "resource urn:x violates plan: properties changed: ~~pw[{hunter2}!={x}]";
        assert!(matches!(ending(1, text, &[], None), Failure::PlanViolated));
        let failure = ending(1, "", &[text], Some("failed"));
        assert!(!failure.to_string().contains("hunter2"));
        assert_eq!(failure.code(), "plan-violated");
    }

    #[test]
    fn a_program_that_fails_is_told_from_the_event_log() {
        assert_eq!(ending(1, "", &["boom"], None).code(), "program-failed");
        assert_eq!(ending(1, "", &[], Some("failed")).code(), "program-failed");
        assert_eq!(ending(255, "", &["boom"], Some("failed")).code(), "uncertain");
    }

    #[rstest]
    #[case(
        "Preview failed: unknown stack \"organization/network/dev\"\n",
        "organization/network/dev"
    )]
    #[case("unknown stack \"prod\"", "organization/app/prod")]
    fn a_missing_reference_is_named(#[case] message: &str, #[case] expected: &str) {
        let Failure::MissingReference(stack) = ending(1, "", &[message], Some("failed")) else {
            unreachable!("{message}")
        };
        assert_eq!(stack.to_string(), expected);
    }

    #[test]
    fn a_reference_that_is_no_stack_of_ours_is_not_followed() {
        let failure = ending(1, "", &["unknown stack \"../../etc\""], Some("failed"));
        assert_eq!(failure.code(), "program-failed");
    }

    #[test]
    fn the_holder_of_a_lock_is_named() {
        let text = "error: the stack is currently locked by 1 lock(s). Either wait\n  \
                    file:///x.json: created by bob@h1 (pid 1) at 2026-11-24T00:21:54Z";
        let Failure::Locked { by } = ending(1, text, &[], None) else { unreachable!() };
        assert_eq!(by, "bob@h1 (pid 1) at 2026-11-24T00:21:54Z");
    }
}
