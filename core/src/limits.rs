//! Bounds on what the core takes in and puts out, the same on every host, each with its reason.

/// Largest input of any verb, in bytes. A change with 2,000 stacks and their steps stays below it,
/// and both hosts' memory limit leaves room for the parsed form beside the text.
pub const INPUT_BYTES: usize = 32 << 20;

/// Largest Gerrit event, in bytes. Gerrit's own are a few kilobytes; a commit message inside one is
/// limited by the server to about a megabyte.
pub const EVENT_BYTES: usize = 4 << 20;

/// Deepest nesting of JSON that is read: serde_json's own limit, named here because the core relies
/// on it to bound its stack on hosts whose stacks differ.
pub const JSON_DEPTH: usize = 128;

/// Largest settings file, in bytes: 2,000 claims of some 300 bytes each.
pub const SETTINGS_BYTES: usize = 1 << 20;

/// Most claimed stacks in one project's effective settings.
pub const STACKS: usize = 2_000;

/// Most entries of a change's meta log that are read. Gerrit itself refuses more than 1,000 updates
/// of a change (`change.maxUpdates`).
pub const META_COMMITS: usize = 5_000;

/// Most changed paths of one patch set that are matched against claims.
pub const CHANGED_PATHS: usize = 200_000;

/// Largest message to Gerrit, in characters: its own limit for a comment is 16 KiB
/// (`change.commentSizeLimit`), of which some stays free for what Gerrit puts before it.
pub const MESSAGE_CHARS: usize = 15_000;
