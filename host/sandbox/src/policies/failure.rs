//! Why a module can't be used, and why it gave no answer.

use super::describe::NotGranted;
use super::imports::granted;
use super::limits::{OutOfMemory, PolicyLimits};
use tidegate_core::policy::BadFinding;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

/// Why a component can't be used as a policy module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// wasmtime can't be set up.
    #[error("the sandbox of policy modules can't be set up: {0}")]
    Sandbox(String),
    /// The thread that bounds its time can't be started.
    #[error("the clock of policy modules can't be started")]
    Clock(#[source] std::io::Error),
    /// It is no component, or uses a feature that is off.
    #[error("it is no component that can be run here: {0}")]
    Component(String),
    /// It wants more than it gets.
    #[error(
        "it imports {}, which is not granted: it wants {}; granted are {}",
        refused.join(", "),
        wanted.join(", "),
        granted().collect::<Vec<_>>().join(", ")
    )]
    Imports {
        /// What is not granted.
        refused: Vec<String>,
        /// All that it imports.
        wanted: Vec<String>,
    },
    /// It exports something else than a policy module must.
    #[error(
        "it is no policy module of the world tidegate:policy/policy@0.0.1: {0}; build it against \
         the WIT in policies/wit"
    )]
    World(String),
    /// It can't say what it is.
    #[error("it can't be asked what it is")]
    Asked(#[source] FindingsError),
    /// What it says of itself can't be shown.
    #[error("what it says of itself can't be used: {0}")]
    Described(String),
    /// It says that it wants more than it gets.
    #[error(transparent)]
    Wants(#[from] NotGranted),
}

/// Why a module gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// It said so itself, mostly because of its settings.
    #[error("it can't judge: {0}")]
    Said(String),
    /// It used up its work.
    #[error("it did more than {0} units of work, the most that one call may")]
    Work(u64),
    /// It used up its time.
    #[error("it took more than {0} s, the most that one call may")]
    Time(u64),
    /// It used up its memory.
    #[error("it wanted more than {0} MiB of memory, the most that one call may have")]
    Memory(usize),
    /// It ended itself.
    #[error("it ended itself with the code {0} instead of answering")]
    Exited(i32),
    /// It failed.
    #[error("it failed: {0}")]
    Trapped(String),
    /// Its answer is none.
    #[error("its answer can't be used: {0}")]
    Nonsense(#[from] BadFinding),
}

impl FindingsError {
    /// Why a call into wasmtime came back with an error.
    pub(super) fn of(error: &wasmtime::Error, limits: &PolicyLimits) -> Self {
        if error.downcast_ref::<OutOfMemory>().is_some() {
            return Self::Memory(limits.memory >> 20);
        }
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return Self::Exited(*code);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::Work(limits.fuel),
            Some(Trap::Interrupt) => Self::Time(limits.time.as_secs()),
            Some(Trap::UnreachableCodeReached) => {
                Self::Trapped("it reached a point that it should not, such as a panic".to_owned())
            }
            _ => Self::Trapped(error.root_cause().to_string()),
        }
    }
}
