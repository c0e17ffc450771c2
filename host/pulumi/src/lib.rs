//! Drives the real Pulumi CLI: finds it, copies a stack's state, previews a project on the copy, and
//! carries an approved plan out behind a gate inside the engine.
//!
//! Everything that a project's program can influence is treated as hostile: the environment starts
//! empty, arguments are lists, each run has a home of its own that is removed afterwards, output is
//! bounded, and no secret value leaves this crate but in plans: [`Previewed::plan_file`], and what
//! [`derive_operations`] and [`lift_markers`] make of it.
//!
//! The walk through the crate: [`Cli::find`], [`Backend::local_copy`], [`preview`]; then [`update`]
//! with a [`Gate`], and [`resolve`] after an end that wasn't clean. `docs/apply.md` tells the whole
//! course of an apply.

mod assemble;
mod backend;
mod cancel;
mod cli;
mod decrypt;
mod derive;
mod digest;
mod ending;
mod environment;
mod errors;
mod events;
mod executable;
mod gate;
mod graft;
mod hmac_key;
mod job;
pub mod limits;
mod local_state;
mod lock;
mod mask;
mod output;
mod pipes;
mod preview;
mod process;
mod project_file;
mod redactor;
mod resolve;
mod scratch;
mod secret;
mod signals;
mod stack_file;
mod stack_id;
mod strays;
mod tree;
mod unknown;
mod update;
mod version;
mod yaml;

pub use backend::{Backend, StateError};
pub use cancel::{Cancel, Canceller, cancel_pair};
pub use cli::{Cli, CliError};
pub use derive::{DeriveError, Derived, Edit, derive_operations};
pub use environment::{Environment, EnvironmentError};
pub use errors::{Evidence, Failure, classify};
pub use events::{EventError, EventLogReader, EventNote, Progress};
pub use executable::Executable;
pub use gate::{Gate, Held, Verdict, is_relay, relay};
pub use graft::{GraftError, lift_markers};
pub use hmac_key::HmacKey;
pub use local_state::LocalState;
pub use lock::Lock;
pub use mask::{SECRET_SIGNATURE, SIGNATURE_KEY, mask_secrets};
pub use preview::{Limits, Previewed, Request, Versions, preview};
pub use project_file::{PROJECT_FILES, ProjectFile, ProjectFileError};
pub use redactor::Redactor;
pub use resolve::{PendingOperation, ReleaseError, ResolveRequest, Resolved, release, resolve};
pub use scratch::{Scratch, ScratchError};
pub use secret::Secret;
pub use stack_file::StackFile;
pub use stack_id::{StackId, StackIdError};
pub use update::{
    Applied, DryRun, DryRunRequest, Failed, FailedWhat, Left, Outcome, Refusal, Refused, Uncertain,
    UpdateRequest, dry_run, update,
};
pub use version::CliVersion;
