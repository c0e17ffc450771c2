//! The types of events that are known by name.

use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

/// A known type of event: Gerrit's own of 3.12 to 3.14 (its class `EventTypes`), and those of plugins
/// that are often installed. The serialised name is the one on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A patch set was pushed, or made in the web page.
    PatchsetCreated,
    /// Somebody voted or wrote.
    CommentAdded,
    /// A vote was removed.
    VoteDeleted,
    /// A reviewer was added.
    ReviewerAdded,
    /// A reviewer was removed, and their votes.
    ReviewerDeleted,
    /// A change was submitted. Gerrit may fail to send it.
    ChangeMerged,
    /// A change was abandoned.
    ChangeAbandoned,
    /// An abandoned change was restored.
    ChangeRestored,
    /// A change was deleted.
    ChangeDeleted,
    /// A change's topic was set or removed.
    TopicChanged,
    /// A change's hashtags were changed.
    HashtagsChanged,
    /// A change's custom keyed values were changed.
    CustomKeyedValuesChanged,
    /// A change became work in progress, or ready.
    WipStateChanged,
    /// A change became private, or public.
    PrivateStateChanged,
    /// A ref was created, moved or deleted.
    RefUpdated,
    /// Several refs were updated together.
    BatchRefUpdated,
    /// A project was created.
    ProjectCreated,
    /// A project's `HEAD` points elsewhere.
    ProjectHeadUpdated,
    /// Internal: a push asks for a ref.
    RefReceived,
    /// Internal: a push brings a commit.
    CommitReceived,
    /// The stream dropped events for this reader.
    DroppedOutput,
    /// The plugin's journal has a gap.
    TidegateGap,
    /// Plugin `delete-project`: a project was deleted.
    ProjectDeleted,
    /// Plugin `replication`: a ref was copied.
    RefReplicated,
    /// Plugin `replication`: a ref will be copied.
    RefReplicationScheduled,
    /// Plugin `replication`: a ref was copied everywhere.
    RefReplicationDone,
    /// Plugin `pull-replication`: a ref was fetched.
    FetchRefReplicated,
    /// Plugin `pull-replication`: a ref will be fetched.
    FetchRefReplicationScheduled,
    /// Plugin `pull-replication`: a ref was fetched everywhere.
    FetchRefReplicationDone,
    /// Plugin `high-availability` and others: a cache entry is stale.
    CacheEviction,
    /// Plugin `checks`: a check waits.
    PendingCheck,
    /// Plugin `checks`: a check is to run again.
    RerunCheck,
}

impl EventKind {
    /// The kind that Gerrit calls `name`.
    #[must_use]
    #[inline(never)]
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}
