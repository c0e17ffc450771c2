//! Verifies a Tidegate log without trusting whoever wrote it.
//!
//! A log is a folder of C2SP `tlog-tiles` files. [`verify_log`] recomputes every hash from the
//! entries, compares every tile, checks the checkpoint's signature and the form of each entry,
//! and says which file or entry is wrong. [`verify_proof`] checks one proof file by itself. The
//! crate shares no code with the writer and knows the rules from `docs/log.md` alone.

mod blame;
mod bundle;
mod checkpoint;
mod entry;
mod finding;
mod folder;
mod growing;
mod hash;
mod key;
mod log;
mod note;
mod place;
mod proof;
mod report;
mod since;
mod unreadable;
mod walk;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::{Entry, EntryError};
pub use finding::{Finding, Kind};
pub use hash::Hash;
pub use key::{Key, KeyError};
pub use log::{Request, verify_log, verify_proof};
pub use note::NoteError;
pub use proof::{Proof, ProofError};
pub use report::{LogSummary, ProofSummary, Report, SinceSummary};
pub use unreadable::Unreadable;
