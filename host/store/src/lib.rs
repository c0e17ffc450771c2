//! The store: one SQLite file that holds what Tidegate must not lose.
//!
//! It keeps raw events, the states of subjects, the effects that are still to be carried out, the
//! leases under which runners carry them out, the leaves of the log, and blobs. It knows nothing
//! of what the core decides: states, events, effects and leaves are bytes, and beside them stand
//! only the columns that the store itself needs.
//!
//! The promise is [`Store::advance`]: one transaction takes a cause, hands the subject's state to
//! a decision, and writes the new state, the effects, the leaves and the blobs together, or
//! nothing at all. Whatever a method returned `Ok` for is on disk (write-ahead log,
//! `synchronous=FULL`), so a host that is killed at any instruction loses nothing that it
//! acknowledged.
//!
//! There is no clock in here: callers pass `now_ms`, milliseconds since the Unix epoch, and spans
//! in milliseconds. All calls block; an async caller moves them to a blocking thread.
//!
//! [`Store`] writes, and there is one per file (a lock file sees to it). [`Reader`] only reads,
//! never waits for the writer, and also opens beside a running host.

mod advance;
mod blob;
mod changes;
mod connection;
mod digest;
mod effect;
mod error;
mod event;
mod leaf;
mod lease;
mod limits;
mod lock;
mod migration;
mod prune;
mod queue;
mod reader;
mod store;
mod subject;
mod transition;

pub use advance::{AdvanceError, Advanced, Applied, Cause};
pub use blob::{Blob, BlobInfo, Keep, NewBlob};
pub use digest::{Digest, DigestError};
pub use effect::{EffectInfo, EffectStatus, Fence, NewEffect};
pub use error::StoreError;
pub use event::{EventId, RawEvent, StoredEvent};
pub use leaf::Leaf;
pub use lease::{Leased, Renewal, Retry};
pub use limits::{
    MAX_BLOB_BYTES, MAX_EFFECT_BYTES, MAX_EVENT_BYTES, MAX_LEAF_BYTES, MAX_NAME_BYTES, MAX_PAGE,
    MAX_PAGE_BYTES, MAX_REASON_BYTES, MAX_STATE_BYTES, MAX_TRANSITION_ITEMS,
};
pub use migration::SCHEMA_VERSION;
pub use prune::{LOOSE_BLOB_GRACE_MS, PrunePolicy, Pruned};
pub use queue::{Backlog, QueueStats};
pub use reader::Reader;
pub use store::Store;
pub use subject::{RecentMark, Subject};
pub use transition::Transition;
