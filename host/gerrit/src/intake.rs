//! Events on their way in.
//!
//! | | [`journal`] | [`ssh`] |
//! |---|---|---|
//! | needs | the plugin | an SSH key and *Stream Events* |
//! | order | sequence numbers | arrival |
//! | after a break | goes on where it stopped | what happened meanwhile is lost |
//! | loss is noticed by | a hole in the numbers, another journal | `dropped-output`, a new connection, silence |
//!
//! Both hand over [`Batch`]es and go on only when the receiver says that a batch is durable. A batch
//! with a [`Gap`] says that events may be missing before it: who receives it compares with REST.

mod batch;
pub mod journal;
pub mod ssh;

pub use batch::{Batch, Gap, Position, RawEvent, Source};
pub use journal::JournalConfig;
pub use ssh::SshConfig;
