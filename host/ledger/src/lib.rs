//! The log: an append-only, signed record of every decision and effect.
//!
//! The files are a C2SP `tlog-tiles` log: entry bundles, Merkle tiles and one checkpoint, a signed
//! note. Any static file server can serve them, and anybody who has the key's verifier line can
//! check them without this crate. `docs/log.md` has the rules for maintainers and auditors.
//!
//! - [`Leaf`] is one entry, made by [`LeafDraft`]; [`Code`] says what happened.
//! - [`Log`] appends leaves and signs checkpoints; [`Disk`] is what it needs of a file system.
//! - [`LogKey`] signs, [`VerifierKey`] checks; [`Checkpoint`] is what is signed.
//! - [`SaltFile`] and [`Commitment`] keep people out of the tree and let them be forgotten.

mod bundle;
mod check;
mod checkpoint;
mod code;
mod commitment;
mod digest;
mod disk;
mod draft;
mod edge;
mod hash;
mod key;
mod key_name;
mod layout;
mod leaf;
mod leaf_error;
mod lock;
mod log;
mod log_error;
mod note;
mod proof;
mod salts;
mod subject;
mod sweep;
mod tiles;
mod token;
mod verifier_key;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use code::Code;
pub use commitment::{Commitment, CommitmentError, Role, Salt};
pub use digest::{Digest, DigestError};
pub use disk::{Disk, RealDisk};
pub use draft::LeafDraft;
pub use hash::Hash;
pub use key::{KeyError, LogKey};
pub use key_name::{KeyName, KeyNameError};
pub use layout::{Row, TilePath};
pub use leaf::{Leaf, MAX_ENTRY_BYTES};
pub use leaf_error::LeafError;
pub use log::{Appended, Log};
pub use log_error::LogError;
pub use note::{NoteError, SignedNote};
pub use salts::{SaltError, SaltFile};
pub use subject::{Subject, SubjectError};
pub use verifier_key::{VerifierKey, VerifierKeyError};
