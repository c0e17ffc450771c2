//! The verbs: what a host can ask.

use crate::advance::AdvanceInput;
use crate::decide::DecideInput;
use crate::facts::ChangeFacts;
use crate::limits;
use crate::record::Record;
use crate::verdict::Verdict;

/// A question that takes an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// What does this event mean?
    Classify,
    /// What do these settings files say?
    Settings,
    /// Which facts does a decision need?
    Needs,
    /// Which stacks, in which waves?
    Plan,
    /// What did the engine say it would do?
    Steps,
    /// Do approved steps cover fresh ones?
    Covers,
    /// May the held engine go on?
    Admit,
    /// May this step of the update go on?
    Allow,
    /// What did an update do?
    Ran,
    /// May it go on?
    Decide,
    /// What happens next?
    Advance,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 11] = [
        Self::Classify,
        Self::Settings,
        Self::Needs,
        Self::Plan,
        Self::Steps,
        Self::Covers,
        Self::Admit,
        Self::Allow,
        Self::Ran,
        Self::Decide,
        Self::Advance,
    ];

    /// The verb's name, as the WIT interface and the command line have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Settings => "settings",
            Self::Needs => "needs",
            Self::Plan => "plan",
            Self::Steps => "steps",
            Self::Covers => "covers",
            Self::Admit => "admit",
            Self::Allow => "allow",
            Self::Ran => "ran",
            Self::Decide => "decide",
            Self::Advance => "advance",
        }
    }

    /// Answers `input`.
    ///
    /// # Errors
    /// A sentence, if the input was not understood; nothing was decided then.
    pub fn call(self, input: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Classify => crate::classify::verb(input),
            Self::Settings => crate::settings::verb(input),
            Self::Needs => crate::needs::verb(input),
            Self::Plan => crate::plan::verb(input),
            Self::Steps => crate::steps::verb(input),
            Self::Covers => crate::coverage::verb(input),
            Self::Admit => crate::coverage::admit::verb(input),
            Self::Allow => crate::coverage::allow::verb(input),
            Self::Ran => crate::coverage::ran::verb(input),
            Self::Decide => crate::decide::verb(input),
            Self::Advance => crate::advance::verb(input),
        }
    }
}

/// Who this core is: its version, the schemas it writes, its limits.
#[must_use]
pub fn describe() -> Vec<u8> {
    let described = serde_json::json!({
        "name": "tidegate-core",
        "version": env!("CARGO_PKG_VERSION"),
        "schemas": {
            "advance": AdvanceInput::SCHEMA,
            "decide": DecideInput::SCHEMA,
            "facts": ChangeFacts::SCHEMA,
            "record": Record::SCHEMA,
            "verdict": Verdict::SCHEMA,
        },
        "limits": {
            "event_bytes": limits::EVENT_BYTES,
            "input_bytes": limits::INPUT_BYTES,
            "settings_bytes": limits::SETTINGS_BYTES,
            "stacks": limits::STACKS,
        },
    });
    described.to_string().into_bytes()
}
